//! `everloop params diff`.

use std::path::Path;

use anyhow::Result;
use everloop_engine::pipelines::Snapshot;
use everloop_lifecycle::dvc::{Value, declared_params, params};

use super::compare::{Files, Here, Sides};
use crate::exit::Exit;

/// The commands about parameters.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show which parameters differ between two versions.
    Diff(Diff),
}

/// Arguments of `everloop params diff`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Diff {
    #[command(flatten)]
    sides: Sides,

    /// Only parameters that stages depend on.
    #[arg(long)]
    deps: bool,
}

/// Runs a command about parameters.
pub(crate) fn run(command: &Command, chosen: Option<&Path>) -> Result<Exit> {
    let Command::Diff(args) = command;
    let here = Here::open(chosen)?;
    let targets = here.targets(&args.sides.targets)?;
    let read = |snapshot: &Snapshot| Ok(read(snapshot, &targets, args.deps));
    here.compare(&args.sides, "Param", None, read)
}

/// The parameters of a version: those of the targets, or all that the project has.
fn read(snapshot: &Snapshot, targets: &[String], is_deps_only: bool) -> Files {
    if !targets.is_empty() {
        return snapshot.values(targets);
    }
    let mut files = Files::new();
    for file in declared_params(snapshot.pipelines(), is_deps_only) {
        let is_default = file.path == "params.yaml" && file.keys.is_empty();
        for (path, value) in snapshot.values(&[file.path]) {
            let is_absent = matches!(&value, Err(problem) if problem.kind == "FileNotFoundError");
            // Nobody needs to have the default file.
            if !(is_default && is_absent) {
                files.push((path, value.map(|value| params(&value, &file.keys))));
            }
        }
    }
    let declared: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
    for (file, path, value) in snapshot.pipelines().iter().flat_map(|file| &file.used) {
        if declared.contains(file) {
            continue;
        }
        let entry = (Value::Text(path.clone()), value.clone());
        match files.iter_mut().find(|(known, _)| known == file) {
            Some((_, Ok(Value::Map(entries)))) => entries.push(entry),
            Some(_) => {}
            None => files.push((file.clone(), Ok(Value::Map(vec![entry])))),
        }
    }
    files
}
