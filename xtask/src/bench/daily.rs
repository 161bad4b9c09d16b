//! `bench loop`: what a person waits for in the daily loop, on the bike-sharing project.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::load;
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
    run_command(&mut cargo(&[
        "build",
        "--release",
        "--package",
        "everloop-cli",
    ]))?;
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
    let mut up = Up::start(binary, dir)?;
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
    let times = load::run(&up.address, "/invocations", ROW, N_CONNECTIONS, N_REQUESTS)?;
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

/// A running `everloop up`; killed when dropped.
struct Up {
    child: Child,
    address: String,
}

impl Up {
    fn start(binary: &Path, dir: &Path) -> Result<Self> {
        let mut child = Command::new(binary)
            .args(["up", "--port", "0"])
            .current_dir(dir)
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start `everloop up`")?;
        let mut lines = BufReader::new(child.stderr.take().context("no standard error")?);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            if let Some((_, address)) = line.trim().split_once("http://") {
                let address = address.trim_end_matches('/').to_owned();
                // Keep reading, so that the process never blocks on a full pipe.
                std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
                return Ok(Self { child, address });
            }
            line.clear();
        }
        bail!("`everloop up` did not say its address")
    }

    fn memory_mb(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .context("no VmRSS")?;
        let kilobytes: f64 = line
            .split_whitespace()
            .nth(1)
            .context("no number")?
            .parse()?;
        Ok(kilobytes / 1024.0)
    }

    fn stop(&mut self) -> Result<()> {
        run_command(Command::new("kill").arg(self.child.id().to_string()))?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It has ended already unless something failed.
        let _ = self.child.kill();
    }
}

fn binary() -> Result<PathBuf> {
    let tool = std::env::current_exe()?;
    let path = tool.parent().context("no directory")?.join("everloop");
    if !path.is_file() {
        bail!("`{}` is not there", path.display());
    }
    Ok(path)
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
