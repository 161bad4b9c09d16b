//! `run: python train.py`: a command trains, and the MLflow model that it leaves is adopted.
//!
//! The command finds its inputs in variables: `EVERLOOP_TRAIN`, `EVERLOOP_VALIDATION` (Parquet files),
//! `EVERLOOP_TARGET`, `EVERLOOP_SEED`, `EVERLOOP_PARAMETERS` (JSON), `EVERLOOP_OUTPUT` (a directory in which
//! it may save a model), and `MLFLOW_TRACKING_URI`, `MLFLOW_RUN_ID`, with which the ordinary client logs into the
//! run of the cycle. It never sees the test rows.

mod convert;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use everloop_domain::dataset::Part;
use everloop_domain::{CycleNumber, ParameterValue, RunId, StageName};
use tokio::process::Command;

use super::usage::Meter;
use super::{Trained, metadata};
use crate::process::{self, Problem, Stop};
use crate::runner::chain;
use crate::scoring::part_file;
use crate::stages::Output;
use crate::stages::prepare::Prepared;
use crate::{Error, Runner};

/// How much of the log's end an error shows.
const N_LAST_LINES: usize = 12;

/// The files that the command depends on: `train.deps`, or the words of the command that are files.
pub(super) fn dependencies(runner: &Runner) -> Vec<PathBuf> {
    let lifecycle = runner.lifecycle();
    let everloop_lifecycle::Trainer::Command(line) = &lifecycle.train.trainer else {
        return Vec::new();
    };
    let named = lifecycle.train.deps.iter().map(String::as_str);
    let words = line
        .split_whitespace()
        .filter(|_| lifecycle.train.deps.is_empty());
    named
        .chain(words)
        .map(|word| runner.project().dir().join(word))
        .filter(|path| path.is_file())
        .collect()
}

pub(super) async fn train(
    runner: &Runner,
    line: &str,
    cycle: CycleNumber,
    run_id: &RunId,
    prepared: &Output<Prepared>,
    parameters: &BTreeMap<String, ParameterValue>,
    dir: PathBuf,
) -> Result<Trained, Error> {
    let output = dir.join("output");
    std::fs::create_dir_all(&output).map_err(|source| Error::file("create", &output, source))?;
    let log = runner.project().log_path(cycle, StageName::Train);
    let call = Call {
        run_id,
        parameters,
        prepared,
        output: &output,
    };
    let mut command = shell(runner, line, &call);
    let meter = Meter::start();
    execute(&mut command, line, &log, runner.lifecycle().train.timeout).await?;
    let usage = meter.read_of_another();
    let model = find_model(runner, run_id, &output).await?.ok_or_else(|| Error::Command {
        command: line.to_owned(),
        problem: "left no MLflow model: log one with `mlflow.<flavor>.log_model`, or save it below `EVERLOOP_OUTPUT`".to_owned(),
        log: log.display().to_string(),
    })?;
    everloop_artifacts::copy_dir(&model, &dir.join("model"))?;
    let refused = |error: Error| Error::Command {
        command: line.to_owned(),
        problem: format!("left a model that cannot be used: {}", chain(&error)),
        log: log.display().to_string(),
    };
    let graph = convert::convert(runner, prepared, &dir, &log)
        .await
        .map_err(refused)?;
    let origin = metadata(runner, line, prepared);
    let digest =
        everloop_package::adopt(&dir.join("model"), runner.lifecycle().train.task, &origin)?;
    std::fs::remove_dir_all(&output).map_err(|source| Error::file("remove", &output, source))?;
    Ok(Trained {
        package: digest,
        trainer: line.to_owned(),
        importances: Vec::new(),
        notes: vec![format!("adopted the model that `{line}` left"), graph.note],
        curves: BTreeMap::new(),
        parity: graph.parity,
        tuned: None,
        usage: Some(usage),
        decided: Vec::new(),
    })
}

/// What a call of the command is given.
pub(super) struct Call<'a> {
    /// The run that it logs into.
    pub(super) run_id: &'a RunId,
    pub(super) parameters: &'a BTreeMap<String, ParameterValue>,
    pub(super) prepared: &'a Output<Prepared>,
    /// Where it may save a model.
    pub(super) output: &'a Path,
}

pub(super) fn shell(runner: &Runner, line: &str, call: &Call<'_>) -> Command {
    let (lifecycle, parts) = (runner.lifecycle(), &call.prepared.dir);
    let mut command = process::shell("sh", line);
    command
        .current_dir(runner.project().dir())
        .env("EVERLOOP_TRAIN", part_file(parts, Part::Train))
        .env("EVERLOOP_VALIDATION", part_file(parts, Part::Validation))
        .env("EVERLOOP_TARGET", &lifecycle.dataset.target)
        .env("EVERLOOP_SEED", lifecycle.train.seed.to_string())
        .env(
            "EVERLOOP_PARAMETERS",
            serde_json::to_string(call.parameters).unwrap_or_default(),
        )
        .env("EVERLOOP_OUTPUT", call.output)
        .env("MLFLOW_RUN_ID", call.run_id.as_str());
    if let Some(uri) = runner.tracking_uri() {
        command.env("MLFLOW_TRACKING_URI", uri);
    }
    command
}

/// Runs a command with its output in a log file; it ends with this process and after its time.
pub(super) async fn execute(
    command: &mut Command,
    line: &str,
    log: &Path,
    limit: Option<std::time::Duration>,
) -> Result<(), Error> {
    if let Some(dir) = log.parent() {
        std::fs::create_dir_all(dir).map_err(|source| Error::file("create", dir, source))?;
    }
    let output = process::Output::File(log);
    let ended = process::run(command, output, limit, &Stop::default(), |_| {}).await;
    ended.map_err(|problem| Error::Command {
        command: line.to_owned(),
        problem: match problem {
            Problem::Late(_) => format!("{problem} (`train.timeout`)"),
            Problem::Status(_) => format!("{problem}{}", last_lines(log)),
            problem => problem.to_string(),
        },
        log: log.display().to_string(),
    })
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(N_LAST_LINES)..];
    if tail.is_empty() {
        String::new()
    } else {
        format!("; its last words:\n    {}", tail.join("\n    "))
    }
}

/// The model directory that the command left: below its output directory, or logged into the run.
async fn find_model(
    runner: &Runner,
    run_id: &RunId,
    output: &Path,
) -> Result<Option<PathBuf>, Error> {
    if let Some(dir) = model_below(output, 3) {
        return Ok(Some(dir));
    }
    Ok(runner
        .logged_model_dirs(run_id)
        .await?
        .into_iter()
        .rev()
        .find_map(|dir| model_below(&dir, 3)))
}

/// The first directory with an `MLmodel` file, at most `depth` levels down.
fn model_below(dir: &Path, depth: usize) -> Option<PathBuf> {
    if dir.join("MLmodel").is_file() {
        return Some(dir.to_owned());
    }
    if depth == 0 {
        return None;
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    entries.sort();
    entries
        .into_iter()
        .filter(|path| path.is_dir())
        .find_map(|path| model_below(&path, depth - 1))
}
