//! `bench tracking`: Everloop's tracking server beside MLflow's own, the same requests, one run.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::load::{self, Times, Until};
use super::server::{Server, binary};
use crate::command::{cargo, run as run_command};
use crate::setup;

const ROOT: &str = "/api/2.0/mlflow";
/// How long each kind of request is sent.
const LENGTH: Duration = Duration::from_secs(4);
/// How long MLflow's server may take to come up.
const PATIENCE: Duration = Duration::from_mins(3);
/// Runs among which is searched.
const N_RUNS: usize = 300;

pub(super) fn run() -> Result<()> {
    let python = setup::run()?.python;
    run_command(&mut cargo(&["build", "--release", "--workspace"]))?;
    let dir = std::env::temp_dir().join(format!("everloop-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let result = compare(&binary()?, &python, &dir);
    std::fs::remove_dir_all(&dir)?;
    result
}

fn compare(everloop: &Path, python: &Path, dir: &Path) -> Result<()> {
    println!(
        "{:<34} {:>24} {:>24} {:>8}",
        "", "everloop", "mlflow server", "ratio"
    );
    let start = Instant::now();
    let mut command = Command::new(everloop);
    command
        .args(["server", "--port", "0", "--home"])
        .arg(dir.join("everloop"));
    let mut ours = Server::start(&mut command)?;
    wait(&ours)?;
    let our_start = start.elapsed();
    let start = Instant::now();
    let mut theirs = start_mlflow(python, &dir.join("mlflow"))?;
    wait(&theirs)?;
    row(
        "cold start",
        &seconds(our_start),
        &seconds(start.elapsed()),
        start.elapsed().as_secs_f64() / our_start.as_secs_f64(),
    );
    let (our_memory, their_memory) = (ours.memory_mb()?, theirs.memory_mb()?);
    row(
        "idle memory",
        &format!("{our_memory:.0} MB"),
        &format!("{their_memory:.0} MB"),
        their_memory / our_memory,
    );
    for connections in [1, 16] {
        for scenario in SCENARIOS {
            let (our_times, their_times) = (
                measure(&ours, scenario, connections)?,
                measure(&theirs, scenario, connections)?,
            );
            let rate = |times: &Times| times.latencies.len() as f64 / times.wall.as_secs_f64();
            let shown = |times: &Times| {
                let p99 = times.percentile(99).as_secs_f64() * 1000.0;
                format!("{:.0}/s, p99 {p99:.1} ms", rate(times))
            };
            let name = format!("{} x{connections}", scenario.name);
            row(
                &name,
                &shown(&our_times),
                &shown(&their_times),
                rate(&our_times) / rate(&their_times),
            );
        }
    }
    ours.stop()?;
    theirs.stop()
}

fn start_mlflow(python: &Path, dir: &Path) -> Result<Server> {
    std::fs::create_dir_all(dir)?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut command = Command::new(python);
    command
        .args([
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
        ])
        .arg("--backend-store-uri")
        .arg(format!("sqlite:///{}", dir.join("mlflow.db").display()))
        .arg("--artifacts-destination")
        .arg(dir.join("artifacts"))
        .env("MLFLOW_DISABLE_TELEMETRY", "true");
    Server::start_at(&mut command, format!("127.0.0.1:{port}"))
}

fn wait(server: &Server) -> Result<()> {
    let body = json!({"max_results": 1}).to_string();
    load::until_answered(
        &server.address,
        &format!("{ROOT}/experiments/search"),
        &body,
        PATIENCE,
    )
}

/// A kind of request: an endpoint, and bodies from a run's id and a number.
struct Scenario {
    name: &'static str,
    endpoint: &'static str,
    body: fn(&str, usize) -> Value,
    /// Whether there must be many runs.
    searches: bool,
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "create-run",
        endpoint: "runs/create",
        body: |_, number| json!({"experiment_id": "0", "start_time": number}),
        searches: false,
    },
    Scenario {
        name: "log-metric",
        endpoint: "runs/log-metric",
        body: |run, number| json!({"run_id": run, "key": "m", "value": number, "timestamp": number, "step": number}),
        searches: false,
    },
    Scenario {
        name: "log-batch of 1,000 metrics",
        endpoint: "runs/log-batch",
        body: |run, number| {
            let point = |index: usize| {
                let step = number * 100 + index / 10;
                json!({"key": format!("k{}", index % 10), "value": 0.5, "timestamp": step, "step": step})
            };
            json!({"run_id": run, "metrics": (0..1000).map(point).collect::<Vec<_>>()})
        },
        searches: false,
    },
    Scenario {
        name: "set-tag",
        endpoint: "runs/set-tag",
        // A key for each connection: MLflow's server fails when two set a new tag at once.
        body: |run, number| json!({"run_id": run, "key": format!("t{}", number % 16), "value": number.to_string()}),
        searches: false,
    },
    Scenario {
        name: "search, filter and order, 100",
        endpoint: "runs/search",
        body: |_, _| json!({"experiment_ids": ["0"], "filter": "metrics.a > 0.2", "order_by": ["metrics.b DESC"], "max_results": 100}),
        searches: true,
    },
];

fn measure(server: &Server, scenario: &Scenario, connections: usize) -> Result<Times> {
    let run = create_run(server)?;
    if scenario.searches && connections == 1 {
        fill(server)?;
    }
    let make = scenario.body;
    let path = format!("{ROOT}/{}", scenario.endpoint);
    load::run_each(
        &server.address,
        &path,
        move |number| make(&run, number).to_string(),
        connections,
        Until::Elapsed(LENGTH),
    )
}

/// The id of a new run.
fn create_run(server: &Server) -> Result<String> {
    let body = json!({"experiment_id": "0"}).to_string();
    let answer = load::ask(&server.address, &format!("{ROOT}/runs/create"), &body)?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let id = answer["run"]["info"]["run_id"].as_str();
    Ok(id.context("an answer without a run")?.to_owned())
}

/// Runs with two metrics each.
fn fill(server: &Server) -> Result<()> {
    for number in 0..N_RUNS {
        let run = create_run(server)?;
        let value = |salt: usize| ((number * 7919 + salt * 104_729) % 10_007) as f64 / 10_007.0;
        let metrics = [
            json!({"key": "a", "value": value(1), "timestamp": 1}),
            json!({"key": "b", "value": value(2), "timestamp": 1}),
        ];
        let body = json!({"run_id": run, "metrics": metrics}).to_string();
        load::ask(&server.address, &format!("{ROOT}/runs/log-batch"), &body)?;
    }
    Ok(())
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

fn row(what: &str, ours: &str, theirs: &str, ratio: f64) {
    println!("{what:<34} {ours:>24} {theirs:>24} {ratio:>7.1}x");
}
