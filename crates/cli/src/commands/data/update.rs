//! `everloop data update`: imported data, up to date with its source.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::import::tell;
use super::versions::Here;
use crate::exit::Exit;
use crate::output::Format;

/// Arguments of `everloop data update`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `.dvc` files of imports, or their data.
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<PathBuf>,

    /// Another branch, tag or commit of the source.
    #[arg(long, value_name = "REVISION")]
    rev: Option<String>,

    /// Only record the source as it is now; `everloop data pull` gets the data.
    #[arg(long)]
    no_download: bool,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Updates.
pub(super) fn run(args: &Args, chosen: Option<&Path>) -> Result<Exit> {
    let here = Here::open(chosen)?;
    let _lock = here.repository.lock()?;
    for target in here.paths(&args.targets)? {
        let imported =
            here.repository
                .update(&here.dir, &target, (args.rev.as_deref(), !args.no_download))?;
        if !imported.is_changed {
            eprintln!("{} is up to date", imported.path);
        }
        tell(&imported, args.format);
    }
    Ok(Exit::Ok)
}
