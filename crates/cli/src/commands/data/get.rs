//! `everloop data get`: data of any version of any repository, copied to here.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use everloop_versions::{At, RepoPath, Scratch, Source};

use crate::environment;
use crate::exit::{Exit, Failure};

/// Arguments of `everloop data get`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The repository: a directory, or a URL that git can clone.
    #[arg(value_name = "REPOSITORY")]
    repository: String,

    /// The data or file in it, or a part of data.
    #[arg(value_name = "PATH")]
    path: String,

    /// A branch, tag or commit; without it a directory as it lies there, of a URL the newest commit.
    #[arg(long, value_name = "REVISION")]
    rev: Option<String>,

    /// Where it goes; by default to its name here.
    #[arg(long, short, value_name = "PATH")]
    out: Option<PathBuf>,

    /// Replace what is there.
    #[arg(long, short)]
    force: bool,
}

/// Copies.
pub(super) fn run(args: &Args, chosen: Option<&Path>) -> Result<Exit> {
    let dir = directory(chosen)?;
    let path = RepoPath::default().join(&args.path)?;
    let out = out_of(&dir, args.out.as_deref(), path.name())?;
    let above = out.parent().unwrap_or(&dir);
    if !above.is_dir() {
        let words = format!("the directory `{}` does not exist", above.display());
        return Err(Failure::new(Exit::NotFound, words).into());
    }
    let scratch = Scratch::new(above)?;
    let at = args.rev.as_deref().map_or(At::Now, At::Revision);
    let place = place(&dir, &args.repository);
    let source = Source::open(&place, at, &scratch, &environment::machine())?;
    let n_files = source.get(&path, &out, args.force, &scratch)?;
    eprintln!("{n_files} files of {} are in {}", args.path, out.display());
    Ok(Exit::Ok)
}

/// The directory that paths are seen from.
pub(super) fn directory(chosen: Option<&Path>) -> Result<PathBuf> {
    let dir = std::env::current_dir()?;
    let dir = chosen.map_or(dir.clone(), |chosen| dir.join(chosen));
    dir.canonicalize()
        .with_context(|| format!("cannot find `{}`", dir.display()))
}

/// A repository as it is seen from a directory: a path that exists, or a URL as it is.
pub(super) fn place(dir: &Path, named: &str) -> String {
    let path = dir.join(named);
    if path.exists() {
        path.display().to_string()
    } else {
        named.to_owned()
    }
}

/// Where something goes: into a directory that is there under its name.
pub(super) fn out_of(dir: &Path, out: Option<&Path>, name: &str) -> Result<PathBuf> {
    let out = match out {
        Some(out) if dir.join(out).is_dir() => dir.join(out).join(name),
        Some(out) => dir.join(out),
        None => dir.join(name),
    };
    if out.file_name().is_none() {
        let words = "the whole repository has no name; say with `--out` where it goes";
        return Err(Failure::new(Exit::Usage, words).into());
    }
    Ok(out)
}
