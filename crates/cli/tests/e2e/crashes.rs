//! `kill -9` at random moments: the next start resumes, nothing runs twice, nothing acknowledged is lost.

use std::process::Stdio;
use std::time::Duration;

use everloop_testkit::Up;
use serde_json::json;

use crate::projects::{line, line_rows};

/// Moments spread over the life of a run by a fixed rule.
fn moments(count: u64, longest_ms: u64) -> impl Iterator<Item = Duration> {
    (0..count).map(move |index| Duration::from_millis((index * 7919 + 13) % longest_ms))
}

#[test]
fn a_killed_run_is_resumed_and_no_cycle_runs_twice() {
    let project = line(400);
    let mut n_cycles = 0;
    for (round, moment) in moments(12, 400).enumerate() {
        project.write(
            "data/line.csv",
            line_rows(0, 400, 2.0 + round as f64 / 100.0),
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
fn accepted_labels_survive_a_kill() {
    let project = line(200);
    project.succeed(&["run"]);
    let mut n_accepted = 0;
    for (round, moment) in moments(8, 120).enumerate() {
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
    for round in 0..8 {
        let labels: Vec<_> = (0..2000)
            .map(|index| json!({"id": format!("{round}-{index}"), "label": 1.0}))
            .collect();
        n_new += up.post("/feedback", &json!({"labels": labels})).ok().json()["new"]
            .as_u64()
            .unwrap();
    }
    let n_kept = 16_000 - n_new;
    assert!(
        n_kept >= n_accepted && n_kept <= n_accepted + 8,
        "{n_kept} kept, {n_accepted} accepted"
    );
}
