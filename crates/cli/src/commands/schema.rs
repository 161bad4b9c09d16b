//! `everloop schema`.

use anyhow::Result;

use crate::exit::Exit;

/// Arguments of `everloop schema`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Prints the JSON Schema of `everloop.yaml`.
pub(crate) fn run(_args: &Args) -> Result<Exit> {
    sayln!(
        "{}",
        serde_json::to_string_pretty(&everloop_lifecycle::schema())?
    );
    Ok(Exit::Ok)
}
