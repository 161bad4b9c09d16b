//! `everloop init`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::exit::{Exit, Failure};

const LIFECYCLE_FILE: &str = include_str!("init/everloop.yaml");
const SAMPLE: &str = include_str!("init/measurements.csv");

/// Arguments of `everloop init`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory; made if it does not exist.
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,
}

/// Makes a project that runs as it is.
pub(crate) fn run(args: &Args) -> Result<Exit> {
    let dir = &args.dir;
    let file = dir.join("everloop.yaml");
    if file.exists() {
        return Err(Failure::new(
            Exit::Conflict,
            format!("`{}` exists already", file.display()),
        )
        .hint("choose another directory, or edit the file")
        .into());
    }
    let data = dir.join("data");
    std::fs::create_dir_all(&data)
        .with_context(|| format!("cannot create `{}`", data.display()))?;
    write_new(&data.join("measurements.csv"), SAMPLE)?;
    write_new(&dir.join(".gitignore"), ".everloop/\n")?;
    write_new(&file, LIFECYCLE_FILE)?;
    eprintln!(
        "made `{}`; next: `everloop check`, `everloop run`, `everloop up` there",
        dir.display()
    );
    Ok(Exit::Ok)
}

/// Writes a file unless it exists.
fn write_new(path: &std::path::Path, text: &str) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}
