//! `bench loop`: what a person waits for in the daily loop, on the bike-sharing project.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::load;
use super::server::{Server, binary};
use crate::command::{cargo, root, run as run_command};

const LIFECYCLE_FILE: &str = include_str!("bike.yaml");
const ROW: &str = r#"{"dataframe_records": [{"season": 1, "yr": 0, "mnth": 1, "hr": 8, "holiday": 0, "weekday": 2, "workingday": 1,
 "weathersit": 1, "temp": 0.3, "atemp": 0.3, "hum": 0.6, "windspeed": 0.1, "instant": 17}]}"#;
const N_CONNECTIONS: usize = 8;
const N_REQUESTS: usize = 2500;

pub(super) fn run() -> Result<()> {
    let data = root().join("../shared/data/bike_sharing/hour.csv");
    if !data.is_file() {
        bail!(
            "`{}` is not there: the benchmark runs on the bike-sharing data",
            data.display()
        );
    }
    run_command(&mut cargo(&["build", "--release", "--workspace"]))?;
    let binary = binary()?;
    let dir = std::env::temp_dir().join(format!("everloop-bench-{}", std::process::id()));
    fs::create_dir_all(dir.join("data"))?;
    fs::copy(&data, dir.join("data/hour.csv"))?;
    fs::write(dir.join("everloop.yaml"), LIFECYCLE_FILE)?;
    let result = measure(&binary, &dir);
    fs::remove_dir_all(&dir)?;
    result
}

fn measure(binary: &Path, dir: &Path) -> Result<()> {
    let help = median(20, || timed(Command::new(binary).arg("--help")))?;
    report("everloop --help", help, Some(Duration::from_millis(20)));
    let first = timed(Command::new(binary).arg("run").current_dir(dir))?;
    report(
        "everloop run, first cycle (17,379 rows, 100 trees)",
        first,
        None,
    );
    let again = median(5, || {
        timed(Command::new(binary).arg("run").current_dir(dir))
    })?;
    report(
        "everloop run, nothing changed",
        again,
        Some(Duration::from_millis(300)),
    );
    serving(binary, dir)
}

fn serving(binary: &Path, dir: &Path) -> Result<()> {
    let start = Instant::now();
    let mut command = Command::new(binary);
    command.args(["up", "--port", "0"]).current_dir(dir);
    let mut up = Server::start(&mut command)?;
    load::until_answered(&up.address, "/invocations", ROW, Duration::from_secs(20))?;
    report(
        "everloop up to the first answer",
        start.elapsed(),
        Some(Duration::from_secs(1)),
    );
    std::thread::sleep(Duration::from_secs(3));
    println!(
        "{:<52} {:>9.1} MB (at most 150)",
        "memory of everloop up, idle",
        up.memory_mb()?
    );
    let until = load::Until::Count(N_REQUESTS);
    let times = load::run(&up.address, "/invocations", ROW, N_CONNECTIONS, until)?;
    let n_requests = times.latencies.len();
    println!(
        "{:<52} {:>9.0} requests/s, {n_requests} requests",
        format!("one-row /invocations, {N_CONNECTIONS} connections"),
        n_requests as f64 / times.wall.as_secs_f64()
    );
    report("  median", times.percentile(50), None);
    report(
        "  p99",
        times.percentile(99),
        Some(Duration::from_millis(3)),
    );
    println!(
        "{:<52} {:>9.1} MB",
        "memory after the load",
        up.memory_mb()?
    );
    up.stop()
}

fn timed(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let took = start.elapsed();
    if !output.status.success() {
        bail!(
            "{command:?} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(took)
}

fn median(n_times: usize, mut work: impl FnMut() -> Result<Duration>) -> Result<Duration> {
    let mut times = (0..n_times).map(|_| work()).collect::<Result<Vec<_>>>()?;
    times.sort();
    Ok(times[n_times / 2])
}

fn report(what: &str, took: Duration, at_most: Option<Duration>) {
    let limit = at_most
        .map(|limit| format!(" (at most {} ms)", limit.as_millis()))
        .unwrap_or_default();
    println!("{what:<52} {:>9.2} ms{limit}", took.as_secs_f64() * 1000.0);
}
