//! `everloop data move|remove|unprotect`: data under another name, no longer tracked, or no longer shared with the cache.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

use super::versions::Here;
use crate::exit::{Exit, Failure};
use crate::output::Format;

/// Arguments of `everloop data move`.
#[derive(Debug, clap::Args)]
pub(crate) struct Move {
    /// Data of a `.dvc` file.
    from: PathBuf,

    /// Its new name, or a directory to put it into.
    to: PathBuf,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `everloop data remove`.
#[derive(Debug, clap::Args)]
pub(crate) struct Remove {
    /// `.dvc` files or their data.
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<PathBuf>,

    /// Remove the data from the workspace, too.
    #[arg(long)]
    outs: bool,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `everloop data unprotect`.
#[derive(Debug, clap::Args)]
pub(crate) struct Unprotect {
    /// Files and directories of the workspace.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs `everloop data move`.
pub(super) fn rename(args: &Move, here: &Here) -> Result<Exit> {
    let path = |path: &Path| here.repository.path(&here.dir, path);
    let moved = here
        .repository
        .rename(&path(&args.from)?, &path(&args.to)?)?;
    match args.format {
        Format::Json => sayln!(
            "{}",
            json!({"path": moved.path.as_str(), "file": moved.file.as_str()})
        ),
        Format::Text => sayln!("{} is tracked by {}", moved.path, moved.file),
    }
    Ok(Exit::Ok)
}

/// Runs `everloop data remove`.
pub(super) fn remove(args: &Remove, here: &Here) -> Result<Exit> {
    let targets = here.paths(&args.targets)?;
    let files = here.repository.untrack(&targets, args.outs)?;
    match args.format {
        Format::Json => {
            let files: Vec<Value> = files.iter().map(|file| file.as_str().into()).collect();
            sayln!("{}", json!({"removed": files}));
        }
        Format::Text => files.iter().for_each(|file| sayln!("{file} removed")),
    }
    Ok(Exit::Ok)
}

/// Runs `everloop data unprotect`.
pub(super) fn unprotect(args: &Unprotect, here: &Here) -> Result<Exit> {
    let paths = here.paths(&args.paths)?;
    for path in &paths {
        if !path.under(here.repository.root()).exists() {
            let words = format!("`{path}` does not exist");
            return Err(Failure::new(Exit::NotFound, words).into());
        }
    }
    for path in &paths {
        here.repository.unprotect(path)?;
    }
    if args.format == Format::Json {
        let paths: Vec<Value> = paths.iter().map(|path| path.as_str().into()).collect();
        sayln!("{}", json!({"unprotected": paths}));
    }
    Ok(Exit::Ok)
}
