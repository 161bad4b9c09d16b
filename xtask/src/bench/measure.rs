//! `bench measure`: metrics and fairness of a million rows, beside Fairlearn and scikit-learn on the same rows.
//!
//! The peers get a Python environment of their own, made once in the cache of the tasks.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::command::{cache_dir, cargo, root, run as run_command};

const N_ROWS: &str = "1000000";
const PEERS: [&str; 3] = ["fairlearn==0.15.0", "scikit-learn==1.9.1", "pandas"];
const WHAT: [&str; 3] = [
    "9 rates of 3 columns (2, 5 and 9 groups): differences and ratios",
    "the same of their 90 intersections",
    "10 metrics of classes and probabilities",
];

pub(super) fn run() -> Result<()> {
    let python = environment()?;
    let ours = told(cargo(&[
        "run",
        "--quiet",
        "--release",
        "-p",
        "everloop-measure",
        "--example",
        "speed",
        "--",
        N_ROWS,
    ]))?;
    let mut peers = Command::new(python);
    peers
        .arg(root().join("xtask/src/bench/measure/peers.py"))
        .arg(N_ROWS);
    let theirs = told(peers)?;
    println!(
        "\nSeconds of the processor, one thread; Fairlearn {}, scikit-learn {}\n\n| of {N_ROWS} rows | everloop | peer | times faster |\n|---|---|---|---|",
        theirs["fairlearn"].as_str().unwrap_or_default(),
        theirs["sklearn"].as_str().unwrap_or_default()
    );
    for (at, what) in WHAT.iter().enumerate() {
        let number = |it: &Value, key: &str| it[key][at].as_f64().unwrap_or(f64::NAN);
        let (check, peer_check) = (number(&ours, "checks"), number(&theirs, "checks"));
        let is_agreed = (check - peer_check).abs() <= 1e-6 * check.abs().max(1.0);
        // A NaN is no agreement either.
        if !is_agreed {
            bail!("{what}: the numbers differ: {check}, and {peer_check} of the peer");
        }
        let (own, peer) = (number(&ours, "seconds"), number(&theirs, "seconds"));
        println!(
            "| {what} | {:.1} ms | {:.0} ms | {:.0} |",
            own * 1e3,
            peer * 1e3,
            peer / own
        );
    }
    Ok(())
}

/// The Python that has the peers.
fn environment() -> Result<PathBuf> {
    let dir = cache_dir().join("measure-peers");
    let python = dir.join("bin/python");
    if !python.is_file() {
        run_command(Command::new("python3").args(["-m", "venv"]).arg(&dir))?;
        run_command(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet"])
                .args(PEERS),
        )?;
    }
    Ok(python)
}

/// What a program tells as its last line.
fn told(mut command: Command) -> Result<Value> {
    let output = command.output().context("cannot start the program")?;
    if !output.status.success() {
        bail!("it failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().last().context("it told nothing")?;
    serde_json::from_str(line).context("it told no JSON")
}
