//! `kill -9` at random moments: the next start resumes, nothing runs twice, nothing acknowledged is lost.

use std::process::Stdio;
use std::time::{Duration, Instant};

use everloop_testkit::Up;
use serde_json::json;

use crate::projects::{line, line_rows};

/// How many moments of `run`, and of `up`, are tried.
const N_MOMENTS: u32 = 20;

/// Moments scattered over a span by a fixed rule.
fn moments(longest: Duration) -> impl Iterator<Item = Duration> {
    (0..N_MOMENTS).map(move |index| longest * ((index * 7919 + 13) % 1000) / 1000)
}

#[test]
fn a_killed_run_is_resumed_and_no_cycle_runs_twice() {
    let project = line(400);
    let start = Instant::now();
    project.succeed(&["run"]);
    let mut n_cycles = 1;
    for (round, moment) in moments(start.elapsed()).enumerate() {
        project.write(
            "data/line.csv",
            line_rows(0, 400, 2.1 + round as f64 / 100.0),
        );
        let mut child = project
            .command(&["run"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        let ran = project.succeed(&["run"]);
        assert!(!ran.stderr.contains("damaged"), "{}", ran.stderr);
        let status = project.status();
        let cycles = status["cycles"].as_array().unwrap();
        assert!(
            cycles.iter().all(|cycle| !cycle["outcome"].is_null()),
            "{status}"
        );
        let numbers: Vec<u64> = cycles
            .iter()
            .map(|cycle| cycle["number"].as_u64().unwrap())
            .collect();
        assert_eq!(
            numbers,
            (1..=numbers.len() as u64).rev().collect::<Vec<_>>(),
            "numbers follow each other"
        );
        assert!(numbers.len() > n_cycles && numbers.len() <= n_cycles + 2);
        n_cycles = numbers.len();
    }
    let staging = project.dir().join(".everloop/cache/.staging");
    assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0);
}

#[test]
fn a_killed_controller_takes_its_cycle_up_again() {
    for moment in moments(Duration::from_millis(250)) {
        let project = line(300);
        let up = || Up::start(project.command(&["up", "--port", "0", "--every", "1"]));
        let first = up();
        std::thread::sleep(moment);
        first.kill();
        let second = up();
        let ended = second.wait_for(Duration::from_secs(30), "a champion", |up| {
            let cycles = up.get("/api/v1/cycles").ok().json()["cycles"].take();
            let is_promoted = cycles[0]["outcome"] == "promoted";
            is_promoted.then_some(cycles)
        });
        assert_eq!(ended.as_array().unwrap().len(), 1, "{moment:?}: {ended}");
        assert_eq!(second.stop(), 0);
        let listed = project
            .succeed(&["model", "list", "--format", "json"])
            .json();
        assert_eq!(listed.as_array().unwrap().len(), 1, "{moment:?}: {listed}");
    }
}

#[test]
fn accepted_labels_survive_a_kill() {
    let project = line(200);
    project.succeed(&["run"]);
    let mut n_accepted = 0;
    for (round, moment) in moments(Duration::from_millis(120)).enumerate() {
        let up = Up::start(project.command(&["up", "--port", "0", "--no-controller"]));
        let address = up.address().to_owned();
        let client = std::thread::spawn(move || {
            let mut n_accepted = 0;
            for index in 0..100_000 {
                let body = json!({"id": format!("{round}-{index}"), "label": 1.0}).to_string();
                if everloop_testkit::post(
                    &address,
                    "/feedback",
                    "application/json",
                    body.as_bytes(),
                )
                .status
                    != 200
                {
                    break;
                }
                n_accepted += 1;
            }
            n_accepted
        });
        std::thread::sleep(Duration::from_millis(50) + moment);
        up.kill();
        n_accepted += client.join().unwrap();
    }
    // Sending all of them again finds every acknowledged one: at most one a round was kept unacknowledged.
    let up = Up::start(project.command(&["up", "--port", "0", "--no-controller"]));
    let mut n_new = 0;
    for round in 0..N_MOMENTS {
        let labels: Vec<_> = (0..2000)
            .map(|index| json!({"id": format!("{round}-{index}"), "label": 1.0}))
            .collect();
        n_new += up.post("/feedback", &json!({"labels": labels})).ok().json()["new"]
            .as_u64()
            .unwrap();
    }
    let n_kept = u64::from(N_MOMENTS) * 2000 - n_new;
    assert!(
        n_kept >= n_accepted && n_kept <= n_accepted + u64::from(N_MOMENTS),
        "{n_kept} kept, {n_accepted} accepted"
    );
}
