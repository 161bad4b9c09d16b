//! `everloop data import` and `import-url`: data from elsewhere, with where it came from.

use std::path::{Path, PathBuf};

use anyhow::Result;
use everloop_versions::{Imported, RepoPath};
use serde_json::{Value, json};

use super::get::out_of;
use super::log::{import_json, import_words};
use super::versions::Here;
use crate::exit::Exit;
use crate::output::Format;

/// What both commands take.
#[derive(Debug, clap::Args)]
struct How {
    /// Replace what is there.
    #[arg(long, short)]
    force: bool,

    /// Only write the `.dvc` file; `everloop data pull` gets the data.
    #[arg(long)]
    no_download: bool,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `everloop data import`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The repository: a directory, or a URL that git can clone.
    #[arg(value_name = "REPOSITORY")]
    repository: String,

    /// The data or file in it, or a part of data.
    #[arg(value_name = "PATH")]
    path: String,

    /// A branch, tag or commit; by default the newest commit.
    #[arg(long, value_name = "REVISION")]
    rev: Option<String>,

    /// Where it goes; by default to its name here.
    #[arg(long, short, value_name = "PATH")]
    out: Option<PathBuf>,

    #[command(flatten)]
    how: How,
}

/// Arguments of `everloop data import-url`.
#[derive(Debug, clap::Args)]
pub(crate) struct PlaceArgs {
    /// A file or directory of this machine, or a URL: `s3://`, `gs://`, `azure://`, `http://`, `https://`, `ssh://`, `remote://NAME/PATH`.
    #[arg(value_name = "PLACE")]
    place: String,

    /// Where it goes; by default to its name here.
    #[arg(value_name = "OUT")]
    out: Option<PathBuf>,

    #[command(flatten)]
    how: How,
}

/// Imports data of a repository.
pub(super) fn run(args: &Args, chosen: Option<&Path>) -> Result<Exit> {
    let here = Here::open(chosen)?;
    let _lock = here.repository.lock()?;
    let data = RepoPath::default().join(&args.path)?;
    let out = out(&here, args.out.as_deref(), data.name(), args.how.force)?;
    let asked = (
        args.repository.as_str(),
        args.path.as_str(),
        args.rev.as_deref(),
    );
    let how = (args.how.force, !args.how.no_download);
    let imported = here.repository.import(&here.dir, asked, &out, how)?;
    tell(&imported, args.how.format);
    Ok(Exit::Ok)
}

/// Imports a place.
pub(super) fn run_place(args: &PlaceArgs, chosen: Option<&Path>) -> Result<Exit> {
    let here = Here::open(chosen)?;
    let _lock = here.repository.lock()?;
    let is_web = args.place.starts_with("http://") || args.place.starts_with("https://");
    let place = args.place.as_str();
    let place = match place.split(['?', '#']).next() {
        Some(place) if is_web => place,
        _ => place,
    };
    let name = place
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let out = out(&here, args.out.as_deref(), name, args.how.force)?;
    let how = (args.how.force, !args.how.no_download);
    let imported = here
        .repository
        .import_place(&here.dir, &args.place, &out, how)?;
    tell(&imported, args.how.format);
    Ok(Exit::Ok)
}

fn out(here: &Here, out: Option<&Path>, name: &str, is_forced: bool) -> Result<RepoPath> {
    // What is replaced may be a directory: it is meant itself then.
    let place = match out {
        Some(out) if is_forced => here.dir.join(out),
        out => out_of(&here.dir, out, name)?,
    };
    Ok(here.repository.path(&here.dir, &place)?)
}

/// Tells what was imported.
pub(super) fn tell(imported: &Imported, format: Format) {
    match format {
        Format::Json => sayln!("{}", imported_json(imported)),
        Format::Text => sayln!(
            "{} {}, recorded in {}",
            imported.path,
            import_words(&imported.import),
            imported.file
        ),
    }
}

fn imported_json(imported: &Imported) -> Value {
    let recorded = imported.recorded;
    json!({
        "path": imported.path.as_str(),
        "file": imported.file.as_str(),
        "md5": recorded.map(|recorded| recorded.object.to_string()),
        "size": recorded.and_then(|recorded| recorded.size),
        "files": recorded.and_then(|recorded| recorded.n_files),
        "changed": imported.is_changed,
        "origin": import_json(&imported.import),
    })
}
