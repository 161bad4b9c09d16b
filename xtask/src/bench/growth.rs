//! `bench growth`: how the tracking server grows with its runs and with the points of a metric.
//!
//! Each table is one server that is filled further and further; times are medians of several requests, one at a time.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::load;
use super::server::{Server, binary};
use crate::command::{cargo, run as run_command};

const ROOT: &str = "/api/2.0/mlflow";
/// How many runs, and how many points of one metric, are there at each measurement.
const N_RUNS: [usize; 3] = [1000, 10_000, 100_000];
const N_POINTS: [usize; 3] = [10_000, 100_000, 1_000_000];
/// How many points a batch has: as many as MLflow takes.
const BATCH: usize = 1000;
/// How often a request is timed.
const N_TIMES: usize = 9;

pub(super) fn run() -> Result<()> {
    in_a_directory(|dir| runs(dir).and_then(|()| points(dir)))
}

/// Builds the program and measures it in a directory that goes with the measurement.
pub(super) fn in_a_directory(measure: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    run_command(&mut cargo(&["build", "--release", "--workspace"]))?;
    let dir = std::env::temp_dir().join(format!("everloop-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let result = measure(&dir);
    std::fs::remove_dir_all(&dir)?;
    result
}

pub(super) fn start(home: &Path) -> Result<Server> {
    let mut command = Command::new(binary()?);
    command.args(["server", "--port", "0", "--home"]).arg(home);
    Server::start(&mut command)
}

fn runs(dir: &Path) -> Result<()> {
    let home = dir.join("runs");
    let server = start(&home)?;
    println!(
        "\n| runs | create | first page | filter and order by metrics | bytes a run | memory |\n|---|---|---|---|---|---|"
    );
    let mut n_made = 0;
    for n_runs in N_RUNS {
        while n_made < n_runs {
            let run = create(&server)?;
            let value = (n_made * 7919 % 100_003) as f64 / 100_003.0;
            let metrics = [("loss", value), ("acc", 1.0 - value)].map(
                |(key, value)| json!({"key": key, "value": value, "step": 0, "timestamp": n_made}),
            );
            let batch = json!({"run_id": run, "metrics": metrics, "params": [{"key": "lr", "value": "0.1"}]});
            ask(&server, "runs/log-batch", &batch)?;
            n_made += 1;
        }
        let page = json!({"experiment_ids": ["0"], "max_results": 100});
        let search = json!({
            "experiment_ids": ["0"], "max_results": 100, "filter": "metrics.loss < 0.5 and params.lr = '0.1'",
            "order_by": ["metrics.acc DESC"],
        });
        let made = timed(|| create(&server).map(|_| ()))?;
        n_made += N_TIMES;
        let first = timed(|| ask(&server, "runs/search", &page).map(|_| ()))?;
        let found = timed(|| ask(&server, "runs/search", &search).map(|_| ()))?;
        println!(
            "| {n_runs} | {} | {} | {} | {} | {:.0} MB |",
            shown(made),
            shown(first),
            shown(found),
            size(&home)? / n_made as u64,
            server.memory_mb()?
        );
    }
    Ok(())
}

fn points(dir: &Path) -> Result<()> {
    let home = dir.join("points");
    let server = start(&home)?;
    let run = create(&server)?;
    println!(
        "\n| points | log 1,000 | chart of 320 | whole history | bytes a point | memory |\n|---|---|---|---|---|---|"
    );
    let mut n_logged = 0;
    for n_points in N_POINTS {
        let mut batches = Vec::new();
        while n_logged < n_points {
            let metrics: Vec<Value> = (n_logged..n_logged + BATCH)
                .map(|step| json!({"key": "loss", "value": 1.0 / (step + 1) as f64, "step": step, "timestamp": 1_700_000_000_000_i64 + step as i64}))
                .collect();
            let begun = Instant::now();
            ask(
                &server,
                "runs/log-batch",
                &json!({"run_id": run, "metrics": metrics}),
            )?;
            batches.push(begun.elapsed());
            n_logged += BATCH;
        }
        batches.sort();
        let chart = format!(
            "{ROOT}/metrics/get-history-bulk-interval?run_ids={run}&metric_key=loss&max_results=320"
        );
        let whole = format!("{ROOT}/metrics/get-history?run_id={run}&metric_key=loss");
        println!(
            "| {n_points} | {} | {} | {} | {} | {:.0} MB |",
            shown(batches[batches.len() / 2]),
            shown(timed(|| get(&server, &chart))?),
            shown(timed(|| get(&server, &whole))?),
            size(&home)? / n_logged as u64,
            server.memory_mb()?
        );
    }
    Ok(())
}

pub(super) fn create(server: &Server) -> Result<String> {
    let made = ask(server, "runs/create", &json!({"experiment_id": "0"}))?;
    let id = made["run"]["info"]["run_id"].as_str();
    Ok(id.context("the server made no run")?.to_owned())
}

pub(super) fn ask(server: &Server, endpoint: &str, body: &Value) -> Result<Value> {
    let path = format!("{ROOT}/{endpoint}");
    let answer = load::ask(&server.address, &path, &body.to_string())?;
    serde_json::from_slice(&answer).context("the answer is no JSON")
}

/// Reads a whole answer, however it is sent.
fn get(server: &Server, path: &str) -> Result<()> {
    let address = &server.address;
    let mut stream = TcpStream::connect(address)?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    anyhow::ensure!(answer.starts_with(b"HTTP/1.1 200"), "`{path}` failed");
    Ok(())
}

/// The median time of some work.
fn timed(mut work: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..N_TIMES {
        let begun = Instant::now();
        work()?;
        times.push(begun.elapsed());
    }
    times.sort();
    Ok(times[N_TIMES / 2])
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// The bytes of the database.
pub(super) fn size(home: &Path) -> Result<u64> {
    let mut size = 0;
    for name in ["metastore.db", "metastore.db-wal"] {
        let path = home.join(name);
        if path.exists() {
            size += std::fs::metadata(path)?.len();
        }
    }
    Ok(size)
}
