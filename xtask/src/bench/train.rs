//! `bench train`: our trainers beside scikit-learn, LightGBM and XGBoost, on the same tables in one run.
//!
//! Each fit has a process of its own, which tells wall and CPU seconds of the fit alone, the peak of its memory up to the end of the
//! fit (with the table, and with what the program is), the score on rows that were not fitted (accuracy, or R² of numbers), and what
//! predicting these rows costs. Sides alternate, and of repeated fits the best time counts.

mod cases;
mod options;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use self::cases::{ALL, Case, Peer};
use self::options::Options;
use self::table::{Fit, Table};
use crate::command::{cache_dir, cargo, root, run as run_command, succeeds};

const REQUIREMENTS: &str = include_str!("train/requirements.txt");
const GENERATE: &str = include_str!("train/generate.py");
const FIT: &str = include_str!("train/fit.py");

pub(super) fn run(words: &[&str]) -> Result<()> {
    let options = Options::parse(words)?;
    let sides = Sides {
        python: peers()?,
        ours: ours(&options)?,
        options: &options,
    };
    let tables = options.dir.join(options.n_rows.to_string());
    sides.generate(&tables)?;
    let mut table = Table::default();
    for case in ALL.iter().filter(|case| options.has(case.name)) {
        let fits = sides.measure(case, &tables)?;
        if !options.is_json {
            table.print(case, &fits);
        }
        table.keep(case, fits);
    }
    if options.is_json {
        println!("{:#}", table.json());
    }
    Ok(())
}

/// The Python that has the peers, in an environment of its own.
fn peers() -> Result<PathBuf> {
    let dir = cache_dir().join("train-peers");
    let (python, stamp) = (dir.join("bin/python"), dir.join("requirements.txt"));
    if fs::read_to_string(&stamp).is_ok_and(|found| found == REQUIREMENTS) {
        return Ok(python);
    }
    if !succeeds("python3", &["-c", "import venv, ensurepip"]) {
        bail!("Python's venv is not here: run `cargo xtask setup`");
    }
    let wanted = root().join("xtask/src/bench/train/requirements.txt");
    let mut make = Command::new("python3");
    run_command(make.args(["-m", "venv", "--clear"]).arg(&dir))?;
    let quiet = ["-m", "pip", "install", "-q", "--disable-pip-version-check"];
    run_command(
        Command::new(&python)
            .args(quiet)
            .arg("--requirement")
            .arg(wanted),
    )?;
    fs::write(stamp, REQUIREMENTS)?;
    Ok(python)
}

/// The program that fits our trainers.
fn ours(options: &Options) -> Result<PathBuf> {
    if let Some(binary) = &options.binary {
        return Ok(binary.clone());
    }
    let example = ["build", "--release", "--workspace", "--example", "fit"];
    run_command(&mut cargo(&example))?;
    let tool = std::env::current_exe()?;
    Ok(tool.parent().context("no directory")?.join("examples/fit"))
}

/// Both sides of a comparison.
struct Sides<'a> {
    python: PathBuf,
    ours: PathBuf,
    options: &'a Options,
}

impl Sides<'_> {
    fn generate(&self, tables: &Path) -> Result<()> {
        if tables.join("done").exists() {
            return Ok(());
        }
        let covertype = root().join("../shared/data/covertype_sample/covertype_92962.csv.gz");
        let mut command = Command::new(&self.python);
        command.args(["-c", GENERATE]).arg(tables);
        command.arg(self.options.n_rows.to_string());
        command.arg(if covertype.exists() {
            covertype.as_os_str()
        } else {
            "".as_ref()
        });
        let output = command.output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("the tables were not written: {said}");
        }
        fs::write(tables.join("done"), "")?;
        Ok(())
    }

    /// Fits of a case, ours first; none if its table is not here.
    fn measure(&self, case: &Case, tables: &Path) -> Result<Vec<Fit>> {
        let path = |part: &str| tables.join(format!("{}-{part}.parquet", case.table));
        if !path("train").exists() {
            return Ok(Vec::new());
        }
        let files = json!({
            "train": path("train"), "test": path("test"), "threads": self.options.n_threads,
        });
        let peers = if self.options.is_alone {
            &[]
        } else {
            case.peers
        };
        let mut fits = vec![Fit::new("everloop")];
        fits.extend(peers.iter().map(|peer| Fit::new(peer.class)));
        for _ in 0..self.options.n_times {
            fits[0].add(self.fit_ours(case, &files)?);
            for (peer, fit) in peers.iter().zip(&mut fits[1..]) {
                fit.add(self.fit_peer(case, peer, &files)?);
            }
        }
        Ok(fits)
    }

    fn fit_ours(&self, case: &Case, files: &Value) -> Result<Value> {
        let mut job = files.clone();
        job["task"] = case.task.into();
        job["trainer"] = case.trainer.into();
        job["parameters"] = serde_json::from_str(case.parameters)?;
        self.told(Command::new(&self.ours).arg(job.to_string()))
    }

    fn fit_peer(&self, case: &Case, peer: &Peer, files: &Value) -> Result<Value> {
        let mut job = files.clone();
        job["regression"] = (case.task == "regression").into();
        job["class"] = peer.class.into();
        job["scaled"] = peer.is_scaled.into();
        job["parameters"] = serde_json::from_str(peer.parameters)?;
        self.told(Command::new(&self.python).args(["-c", FIT, &job.to_string()]))
    }

    /// What a fit says of itself, or why there is none.
    fn told(&self, command: &mut Command) -> Result<Value> {
        let n_threads = self.options.n_threads.to_string();
        for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"] {
            command.env(name, &n_threads);
        }
        let output = command
            .output()
            .with_context(|| format!("cannot start {command:?}"))?;
        if output.status.success() {
            return serde_json::from_slice(&output.stdout).context("an odd measurement");
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or("it said nothing");
        Ok(json!({"skipped": last}))
    }
}
