//! `everloop data log`: the history of data, and the runs that read it.

mod readers;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use everloop_versions::{
    DataChange, Import, Lineage, Logged, PlaceState, Recorded, RepoPath, Repository,
};
use serde_json::{Value, json};

use self::readers::{Readers, Uncommitted, run_lines, runs_json};
use super::versions::Here;
use crate::exit::Exit;
use crate::output::Format;

/// Where histories start, if nothing else is said.
const HEAD: &str = "HEAD";

/// Arguments of `everloop data log`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Data, parts of it, or directories above; all without any.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Where the history starts: a branch, a tag, a commit.
    #[arg(long, value_name = "REVISION", default_value = HEAD)]
    rev: String,

    /// At most so many commits.
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<usize>,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Tells the history.
pub(super) async fn run(args: &Args, chosen: Option<&Path>) -> Result<Exit> {
    let here = Here::open(chosen)?;
    let paths = here.paths(&args.paths)?;
    let limit = args.limit.unwrap_or(usize::MAX);
    let readers = Readers::load(chosen, &paths).await?;
    tokio::task::block_in_place(|| {
        let logged = here.repository.log(&args.rev, &paths, limit)?;
        // Only the whole history tells what no commit has.
        let uncommitted = if args.limit.is_none() && args.rev == HEAD {
            let tracked = here.repository.tracked()?;
            let tracked: Vec<RepoPath> = tracked.into_iter().map(|one| one.path).collect();
            readers.uncommitted(&logged, &tracked, &here.repository)
        } else {
            Vec::new()
        };
        let told = Told {
            repository: &here.repository,
            readers: &readers,
        };
        match args.format {
            Format::Json => {
                let rows = uncommitted.iter().map(uncommitted_json);
                let rows: Vec<Value> = rows
                    .chain(logged.iter().map(|one| told.json(one)))
                    .collect();
                sayln!("{}", serde_json::to_string_pretty(&rows)?);
            }
            Format::Text => {
                if !uncommitted.is_empty() {
                    say!("{}", uncommitted_text(&uncommitted));
                }
                for one in &logged {
                    say!("{}", told.text(one));
                }
            }
        }
        Ok(Exit::Ok)
    })
}

/// What is told of commits besides what git knows.
struct Told<'a> {
    repository: &'a Repository,
    readers: &'a Readers,
}

impl Told<'_> {
    fn json(&self, one: &Logged) -> Value {
        json!({
            "commit": one.commit.id,
            "date": one.commit.date,
            "author": one.commit.author,
            "subject": one.commit.subject,
            "changes": one.changes.iter().map(|change| self.change(change)).collect::<Vec<_>>(),
            "problem": one.problem,
        })
    }

    fn change(&self, change: &DataChange) -> Value {
        let state = |recorded: Recorded| json!({"md5": recorded.object.to_string(), "size": recorded.size, "files": recorded.n_files});
        let files = change.n_files.map(|[added, modified, deleted]| {
        json!({"added": added, "modified": modified, "deleted": deleted})
    });
        json!({
            "path": change.path.as_str(),
            "state": word(change),
            "old": change.before.map(state),
            "new": change.after.map(state),
            "files": files,
            "origin": change.origin.as_ref().map(origin_json),
            "runs": runs_json(&self.readers.of(change, self.repository)),
        })
    }

    fn text(&self, one: &Logged) -> String {
        let commit = &one.commit;
        let mut text = format!(
            "{} {} {}  {}\n",
            short(&commit.id),
            commit.date,
            commit.author,
            commit.subject
        );
        if let Some(problem) = &one.problem {
            let _ = writeln!(text, "  cannot be told: {problem}");
        }
        for change in &one.changes {
            let _ = writeln!(
                text,
                "  {} {}{}",
                word(change),
                change.path,
                measures(change)
            );
            if let Some(origin) = change.origin.as_ref().and_then(origin_words) {
                let _ = writeln!(text, "    {origin}");
            }
            for line in run_lines(&self.readers.of(change, self.repository)) {
                let _ = writeln!(text, "    {line}");
            }
        }
        text
    }
}

/// A version without a commit, in the form of those with one.
fn uncommitted_json(one: &Uncommitted<'_>) -> Value {
    json!({
        "commit": null,
        "changes": [{
            "path": one.path,
            "state": "read",
            "new": {"md5": one.md5},
            "runs": runs_json(&one.readers),
        }],
    })
}

fn uncommitted_text(uncommitted: &[Uncommitted<'_>]) -> String {
    let mut text = "in no commit\n".to_owned();
    for one in uncommitted {
        let _ = writeln!(text, "  {}: {}", one.path, short(one.md5));
        for line in run_lines(&one.readers) {
            let _ = writeln!(text, "    {line}");
        }
    }
    text
}

fn word(change: &DataChange) -> &'static str {
    match (change.before, change.after) {
        (None, _) => "added",
        (_, None) => "deleted",
        _ => "modified",
    }
}

fn origin_json(origin: &Lineage) -> Value {
    match origin {
        Lineage::Added => json!({"kind": "added"}),
        Lineage::Import(import) => import_json(import),
        Lineage::Stage {
            name,
            commands,
            deps,
        } => {
            let deps = deps
                .iter()
                .map(|(path, md5)| json!({"path": path, "md5": md5}));
            json!({"kind": "stage", "stage": name, "cmd": commands, "deps": deps.collect::<Vec<_>>()})
        }
    }
}

fn short(digest: &str) -> String {
    digest.chars().take(8).collect()
}

/// Digest, size, files, and what differs from before.
fn measures(change: &DataChange) -> String {
    let mut words = Vec::new();
    if let Some(state) = change.after {
        words.push(short(&state.object.to_string()));
        if let Some(size) = state.size {
            let before = change.before.and_then(|before| before.size);
            let more = before.map(|before| i128::from(size) - i128::from(before));
            let more = more.map_or(String::new(), |more| format!(" ({more:+})"));
            words.push(format!("{size} bytes{more}"));
        }
        words.extend(state.n_files.map(|n_files| format!("{n_files} files")));
    }
    if let Some([added, modified, deleted]) = change.n_files {
        words.push(format!(
            "{added} added, {modified} modified, {deleted} deleted"
        ));
    }
    let words = words.join(", ");
    if words.is_empty() {
        words
    } else {
        format!(": {words}")
    }
}

fn origin_words(origin: &Lineage) -> Option<String> {
    Some(match origin {
        Lineage::Added => return None,
        Lineage::Import(import) => import_words(import),
        Lineage::Stage { name, deps, .. } => {
            let deps = deps.iter().map(|(path, md5)| match md5 {
                Some(md5) => format!("{path} {}", short(md5)),
                None => path.clone(),
            });
            format!("by stage {name} of {}", deps.collect::<Vec<_>>().join(", "))
        }
    })
}

/// The source of an import for programs.
pub(super) fn import_json(import: &Import) -> Value {
    match import {
        Import::Repository {
            url,
            path,
            rev,
            rev_lock,
        } => {
            json!({"kind": "import", "url": url, "path": path, "rev": rev, "rev_lock": rev_lock})
        }
        Import::Place { path, state } => {
            let key = match state {
                Some(PlaceState::Tag { .. }) => "tag",
                _ => "md5",
            };
            let name = state.as_ref().map(PlaceState::name);
            json!({"kind": "import-url", "path": path, key: name})
        }
    }
}

/// The source of an import for people.
pub(super) fn import_words(import: &Import) -> String {
    match import {
        Import::Repository {
            url,
            path,
            rev_lock,
            ..
        } => {
            let rev = rev_lock.as_deref();
            let rev = rev.map_or(String::new(), |rev| format!(" at {}", short(rev)));
            format!("from `{path}` of {url}{rev}")
        }
        Import::Place { path, .. } => format!("from {path}"),
    }
}
