//! `everloop data diff`: what differs between two versions of data.

mod rows;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use everloop_versions::{Differences, Item};
use serde_json::{Value, json};

use super::versions::Here;
use crate::exit::{Exit, Failure};

/// Arguments of `everloop data diff`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The earlier version, by default `HEAD`, and the later one, by default the workspace; with `--rows` a table last.
    #[arg(value_name = "VERSION", num_args = 0..=3)]
    named: Vec<String>,

    /// Only these data, parts of them, or files and directories that name them.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    targets: Vec<PathBuf>,

    /// Compare the rows of a table: CSV, JSON lines, Parquet or Arrow.
    #[arg(long, conflicts_with = "targets")]
    rows: bool,

    /// The columns that tell which row is which; without them rows are only the same or not.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', requires = "rows")]
    key: Vec<String>,

    /// How many rows of each kind are shown; all are counted.
    #[arg(long, value_name = "N", default_value_t = 10, requires = "rows")]
    limit: usize,

    /// Text for people, JSON for programs, Markdown for pull requests.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How differences are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// JSON for programs, in the shape of `dvc diff --json --show-hash`.
    Json,
    /// A table for pull requests.
    Markdown,
}

/// Tells what differs.
pub(super) fn run(args: &Args, chosen: Option<&Path>) -> Result<Exit> {
    let here = Here::open(chosen)?;
    if args.rows {
        return rows::run(args, &here);
    }
    let [old, new] = versions(&args.named)?;
    let old = here.repository.revision(old.unwrap_or("HEAD"))?;
    let new = new.map(|name| here.repository.revision(name)).transpose()?;
    let targets = here.paths(&args.targets)?;
    let found = here.repository.diff(&old, new.as_ref(), &targets)?;
    match args.format {
        Format::Json => {
            let mut shape = differences_json(&found);
            if new.is_some()
                && let Some(kinds) = shape.as_object_mut()
            {
                kinds.remove("not in cache");
            }
            sayln!("{}", serde_json::to_string_pretty(&shape)?);
        }
        Format::Text => say!("{}", text(&found)),
        Format::Markdown => say!("{}", markdown(&found)),
    }
    Ok(Exit::Ok)
}

/// The names of the two versions, as far as they are given.
fn versions(named: &[String]) -> Result<[Option<&str>; 2]> {
    let name = |index: usize| named.get(index).map(String::as_str);
    if named.len() > 2 {
        let words =
            "two versions can be compared; name data with `--targets`, a table with `--rows`";
        return Err(Failure::new(Exit::Usage, words).into());
    }
    Ok([name(0), name(1)])
}

fn differences_json(found: &Differences) -> Value {
    let one = |item: &Item| json!({"path": item.path, "hash": hash(item), "size": item.size});
    let all = |items: &[Item]| items.iter().map(one).collect::<Vec<_>>();
    let modified = found.modified.iter().map(|(old, new)| {
        json!({
            "path": old.path,
            "hash": {"old": hash(old), "new": hash(new)},
            "size": {"old": old.size, "new": new.size},
        })
    });
    let renamed = found.renamed.iter().map(|(old, new)| {
        json!({"path": {"old": old.path, "new": new.path}, "hash": hash(old), "size": old.size})
    });
    if *found == Differences::default() {
        return json!({});
    }
    json!({
        "added": all(&found.added),
        "deleted": all(&found.deleted),
        "modified": modified.collect::<Vec<_>>(),
        "renamed": renamed.collect::<Vec<_>>(),
        "not in cache": all(&found.not_in_cache),
    })
}

fn hash(item: &Item) -> Option<String> {
    item.object.map(|object| object.to_string())
}

/// Each kind with lines of a digest and a path, in the order of DVC.
fn lines(found: &Differences) -> [(&'static str, Vec<(String, String)>); 5] {
    let short = |item: &Item| {
        hash(item)
            .unwrap_or_default()
            .chars()
            .take(8)
            .collect::<String>()
    };
    let one = |item: &Item| (short(item), item.path.clone());
    let all = |items: &[Item]| items.iter().map(one).collect::<Vec<_>>();
    let renamed = found.renamed.iter();
    let modified = found.modified.iter();
    [
        ("added", all(&found.added)),
        ("deleted", all(&found.deleted)),
        (
            "renamed",
            renamed
                .map(|(old, new)| (short(old), format!("{} -> {}", old.path, new.path)))
                .collect(),
        ),
        (
            "modified",
            modified
                .map(|(old, new)| (format!("{}..{}", short(old), short(new)), old.path.clone()))
                .collect(),
        ),
        ("not in cache", all(&found.not_in_cache)),
    ]
}

fn text(found: &Differences) -> String {
    let mut text = String::new();
    let mut counts = Vec::new();
    for (kind, lines) in lines(found) {
        if lines.is_empty() {
            continue;
        }
        let (first, rest) = kind.split_at(1);
        let _ = writeln!(text, "{}{rest}:", first.to_uppercase());
        for (hash, path) in &lines {
            let _ = writeln!(text, "    {hash}  {path}");
        }
        text.push('\n');
        let n_files = lines
            .iter()
            .filter(|(_, path)| !path.ends_with('/'))
            .count();
        if n_files > 0 {
            counts.push(format!("{n_files} {kind}"));
        }
    }
    if !counts.is_empty() {
        let _ = writeln!(text, "files summary: {}", counts.join(", "));
    }
    text
}

fn markdown(found: &Differences) -> String {
    let mut text = "| Status | Hash | Path |\n|--------|------|------|\n".to_owned();
    for (kind, lines) in lines(found) {
        for (hash, path) in lines {
            let _ = writeln!(text, "| {kind} | {hash} | {} |", cell(&path));
        }
    }
    text
}

/// Text as it may stand in a table of Markdown.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace(['\n', '\r'], " ")
}
