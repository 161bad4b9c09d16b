//! `everloop data freeze|unfreeze`: stages and imports that stay as they are.

use anyhow::Result;
use serde_json::{Value, json};

use super::versions::Here;
use crate::exit::Exit;
use crate::output::Format;

/// Arguments of `everloop data freeze` and `unfreeze`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Stages (`train`, `sub/dvc.yaml:train`) and `.dvc` files.
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Freezes, or ends that.
pub(super) fn run(args: &Args, is_frozen: bool, here: &Here) -> Result<Exit> {
    let dir = here.path_of_dir()?;
    let changed = here.repository.freeze(&dir, &args.targets, is_frozen)?;
    match args.format {
        Format::Json => {
            let files: Vec<Value> = changed.iter().map(|file| file.as_str().into()).collect();
            sayln!("{}", json!({"changed": files}));
        }
        Format::Text => changed.iter().for_each(|file| sayln!("{file} changed")),
    }
    Ok(Exit::Ok)
}
