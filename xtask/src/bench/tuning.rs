//! `bench tuning`: our samplers and Optuna's on the same functions with as many trials and seeds, then a search of
//! boosting on the adult census against Optuna with LightGBM. Optuna lives in an environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use super::server::binary;
use crate::command::{cache_dir, cargo, root, run as run_command};

/// What is compared, at the versions of the golden numbers.
const PACKAGES: [&str; 5] = [
    "optuna==5.0.0",
    "lightgbm==4.7.0",
    "scikit-learn",
    "pandas",
    "pyarrow",
];
const LIFECYCLE_FILE: &str = include_str!("tuning/adult.yaml");
const N_SEEDS: &str = "100";
const N_TRIALS: &str = "100";

pub(super) fn run() -> Result<()> {
    let shared = root().join("../shared");
    if !shared.join("golden/tuning/functions.py").is_file() {
        bail!(
            "`{}` is not there: the benchmark needs its functions and data",
            shared.display()
        );
    }
    run_command(&mut cargo(&[
        "build",
        "--release",
        "--workspace",
        "--bins",
        "--examples",
    ]))?;
    let python = environment()?;
    let dir = std::env::temp_dir().join(format!("everloop-bench-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    let result = functions(&python, &shared, &dir).and_then(|()| adult(&python, &shared, &dir));
    fs::remove_dir_all(&dir)?;
    result
}

/// The Python that has Optuna and LightGBM.
fn environment() -> Result<PathBuf> {
    let dir = cache_dir().join("bench-tuning");
    let python = dir.join("bin/python");
    if python.is_file() {
        return Ok(python);
    }
    run_command(Command::new("python3").args(["-m", "venv"]).arg(&dir))?;
    run_command(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(PACKAGES),
    )?;
    Ok(python)
}

fn peers() -> PathBuf {
    root().join("xtask/src/bench/tuning/peers.py")
}

/// Medians of both on every function, and the rank test of whether ours is worse.
fn functions(python: &Path, shared: &Path, dir: &Path) -> Result<()> {
    let golden = shared.join("golden/tuning");
    let search = binary()?.with_file_name("examples").join("search");
    for (sampler, n_seeds) in [("tpe", N_SEEDS), ("gp", "20")] {
        println!("{sampler}, {N_TRIALS} trials, {n_seeds} seeds");
        let output = Command::new(&search)
            .args([sampler, n_seeds, N_TRIALS])
            .arg(golden.join("svc_digits_grid.csv"))
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start `{}`", search.display()))?;
        if !output.status.success() {
            bail!("`{}` failed", search.display());
        }
        let file = dir.join(format!("{sampler}.json"));
        fs::write(&file, output.stdout)?;
        let mut compare = Command::new(python);
        compare
            .arg(peers())
            .arg("functions")
            .arg(&golden)
            .arg(file)
            .args([n_seeds, N_TRIALS]);
        run_command(&mut compare)?;
    }
    Ok(())
}

/// Forty trials of boosting on the same rows: time, CPU time and the best area under the ROC curve.
fn adult(python: &Path, shared: &Path, dir: &Path) -> Result<()> {
    let project = dir.join("adult");
    fs::create_dir_all(project.join("data"))?;
    let rows = shared.join("data/adult_census/adult_train.parquet");
    fs::copy(rows, project.join("data/adult_train.parquet"))?;
    fs::write(project.join("everloop.yaml"), LIFECYCLE_FILE)?;
    let everloop = |until: &str| {
        let mut command = Command::new(binary()?);
        command
            .args(["run", "--until", until, "--format", "json"])
            .current_dir(&project);
        let output = command.stderr(Stdio::null()).output()?;
        if !output.status.success() {
            bail!("`everloop run` failed");
        }
        Ok(output.stdout)
    };
    // Both begin with the rows divided.
    everloop("prepare")?;
    let start = Instant::now();
    let report: serde_json::Value = serde_json::from_slice(&everloop("train")?)?;
    println!(
        "everloop, 40 trials of boosting on adult_census: {:.1} s, best ROC AUC {:.5}",
        start.elapsed().as_secs_f64(),
        report["tuned"]["scores"]["roc_auc"]
            .as_f64()
            .unwrap_or(f64::NAN)
    );
    run_command(Command::new(python).arg(peers()).arg("adult").arg(&project))
}
