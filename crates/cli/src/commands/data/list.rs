//! `everloop data list`: what is tracked here, and what is in other repositories.

use std::path::{Path, PathBuf};

use anyhow::Result;
use everloop_versions::{At, Listed, RepoPath, Scratch, Source};
use serde_json::{Value, json};

use super::get::{directory, place};
use super::versions::Here;
use crate::environment;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};

/// Arguments of `everloop data list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Data, `.dvc` files, or directories above them; or another repository, and a path in it.
    #[arg(value_name = "TARGET")]
    named: Vec<PathBuf>,

    /// A branch, tag or commit of the repository that is named.
    #[arg(long, value_name = "REVISION")]
    rev: Option<String>,

    /// All below the path, in the repository that is named.
    #[arg(long, short = 'R')]
    recursive: bool,

    /// Only data, of the repository that is named.
    #[arg(long)]
    dvc_only: bool,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Lists.
pub(super) fn run(args: &Args, chosen: Option<&Path>) -> Result<Exit> {
    let dir = directory(chosen)?;
    let is_asked = args.rev.is_some() || args.recursive || args.dvc_only;
    let first = args.named.first().and_then(|first| first.to_str());
    match first {
        Some(first) if is_asked || is_elsewhere(&dir, first) => elsewhere(args, &dir, first),
        None if is_asked => elsewhere(args, &dir, "."),
        _ => tracked(&Here::open(chosen)?, &args.named, args.format),
    }
}

/// Whether a name is that of another repository: a URL, or a directory outside of the repository here.
fn is_elsewhere(dir: &Path, named: &str) -> bool {
    if named.contains("://") {
        return true;
    }
    let place = dir.join(named);
    let is_repository = place.join(".git").exists() || place.join(".dvc").is_dir();
    let Ok(place) = place.canonicalize() else {
        return false;
    };
    let here = dir.ancestors().find(|dir| dir.join(".dvc").is_dir());
    is_repository && here.is_none_or(|here| !place.starts_with(here))
}

fn elsewhere(args: &Args, dir: &Path, repository: &str) -> Result<Exit> {
    if args.named.len() > 2 {
        let words = "of another repository one path can be listed";
        return Err(Failure::new(Exit::Usage, words).into());
    }
    let path = args.named.get(1).map(|path| path.to_string_lossy());
    let path = RepoPath::default().join(path.as_deref().unwrap_or_default())?;
    let scratch = Scratch::new(&std::env::temp_dir())?;
    let at = args.rev.as_deref().map_or(At::Now, At::Revision);
    let place = place(dir, repository);
    let source = Source::open(&place, at, &scratch, &environment::machine())?;
    let listed = source.list(&path, (args.recursive, args.dvc_only), &scratch)?;
    match args.format {
        Format::Json => {
            let rows: Vec<Value> = listed.iter().map(listed_json).collect();
            sayln!("{}", serde_json::to_string_pretty(&rows)?);
        }
        Format::Text => {
            for one in &listed {
                sayln!("{}{}", one.path, if one.is_dir { "/" } else { "" });
            }
        }
    }
    Ok(Exit::Ok)
}

/// The shape of `dvc list --json`.
fn listed_json(one: &Listed) -> Value {
    json!({
        "isout": one.is_out,
        "isdir": one.is_dir,
        "isexec": one.is_executable,
        "size": one.size,
        "md5": one.object.map(|object| object.to_string()),
        "path": one.path,
    })
}

fn tracked(here: &Here, targets: &[PathBuf], format: Format) -> Result<Exit> {
    let tracked = here.repository.chosen(&here.paths(targets)?)?;
    let rows = tracked.iter().map(|one| (one, one.out().recorded));
    match format {
        Format::Json => {
            let rows: Vec<Value> = rows
                .map(|(one, recorded)| {
                    json!({
                        "path": one.path.as_str(),
                        "file": one.file.as_str(),
                        "stage": one.stage(),
                        "md5": recorded.map(|recorded| recorded.object.to_string()),
                        "size": recorded.and_then(|recorded| recorded.size),
                        "files": recorded.and_then(|recorded| recorded.n_files),
                    })
                })
                .collect();
            sayln!("{}", serde_json::to_string_pretty(&rows)?);
        }
        Format::Text => {
            let number =
                |number: Option<u64>| number.map_or(String::new(), |number| number.to_string());
            let rows: Vec<Vec<String>> = rows
                .map(|(one, recorded)| {
                    vec![
                        one.path.to_string(),
                        one.address(),
                        number(recorded.and_then(|recorded| recorded.size)),
                        number(recorded.and_then(|recorded| recorded.n_files)),
                        recorded.map_or(String::new(), |recorded| recorded.object.to_string()),
                    ]
                })
                .collect();
            say!(
                "{}",
                output::table(&["path", "of", "bytes", "files", "md5"], &rows)
            );
        }
    }
    Ok(Exit::Ok)
}
