//! `everloop metrics show|diff`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use everloop_engine::pipelines::Snapshot;
use everloop_lifecycle::dvc::{Value, declared_metrics, flatten, metrics};
use everloop_versions::References;
use serde_json::{Map, Value as Json, json};

use super::compare::{Files, Form, Here, Shown, Sides, WORKSPACE, cell};
use crate::exit::Exit;
use crate::output::{self, markdown_table, shortened};

/// Digits after the point, if nobody says how many.
const PRECISION: usize = 5;

/// The commands about metrics.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show the metrics of the workspace, or of branches, tags and commits.
    Show(Show),
    /// Show which metrics differ between two versions.
    Diff(Diff),
}

/// Arguments of `everloop metrics show`.
#[derive(Clone, Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct Show {
    /// Files or directories; all that `dvc.yaml` names without any.
    #[arg(value_name = "TARGET")]
    targets: Vec<PathBuf>,

    /// Show the metrics of all branches, too.
    #[arg(long, short = 'a')]
    all_branches: bool,

    /// Show the metrics of all tags, too.
    #[arg(long, short = 'T')]
    all_tags: bool,

    /// Show the metrics of all commits, too.
    #[arg(long, short = 'A')]
    all_commits: bool,

    /// Directories are searched for files, with or without this.
    #[arg(long, short = 'R', hide = true)]
    recursive: bool,

    /// Round to so many digits after the point.
    #[arg(long, value_name = "N", default_value_t = PRECISION)]
    precision: usize,

    #[command(flatten)]
    shown: Shown,
}

/// Arguments of `everloop metrics diff`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Diff {
    #[command(flatten)]
    sides: Sides,

    /// Directories are searched for files, with or without this.
    #[arg(long, short = 'R', hide = true)]
    recursive: bool,

    /// Round to so many digits after the point.
    #[arg(long, value_name = "N", default_value_t = PRECISION)]
    precision: usize,
}

/// Runs a command about metrics.
pub(crate) fn run(command: &Command, chosen: Option<&Path>) -> Result<Exit> {
    let here = Here::open(chosen)?;
    match command {
        Command::Show(args) => show(args, &here),
        Command::Diff(args) => {
            let targets = here.targets(&args.sides.targets)?;
            let read = |snapshot: &Snapshot| Ok(read(snapshot, &targets));
            here.compare(&args.sides, "Metric", Some(args.precision), read)
        }
    }
}

/// The metrics of a version: those of the targets, or all that the project has.
fn read(snapshot: &Snapshot, targets: &[String]) -> Files {
    let files = if targets.is_empty() {
        snapshot.values(&declared_metrics(snapshot.pipelines()))
    } else {
        snapshot.values(targets)
    };
    let files = files.into_iter();
    files
        .map(|(path, value)| (path, value.map(|value| metrics(&value))))
        .collect()
}

/// A version with its metrics.
struct Version {
    name: String,
    files: Files,
    is_broken: bool,
}

fn show(args: &Show, here: &Here) -> Result<Exit> {
    let targets = here.targets(&args.targets)?;
    let mut versions = Vec::new();
    for (name, id) in names(args, here)? {
        let snapshot = here.snapshot(&id)?;
        let files = read(&snapshot, &targets);
        for (_, value) in &files {
            if let Err(problem) = value {
                here.tell(&name, problem);
            }
        }
        versions.push(Version {
            name,
            files,
            is_broken: !snapshot.problems().is_empty(),
        });
    }
    hide_workspace(&mut versions, here)?;
    if args.shown.form() == Form::Json {
        let versions = versions
            .iter()
            .map(|version| (version.name.clone(), version_json(version, here)));
        sayln!("{}", Json::Object(versions.collect()));
    } else {
        tell_table(args, &versions, here);
    }
    Ok(Exit::Ok)
}

/// The versions that are asked for: their names, and the commits that they mean.
fn names(args: &Show, here: &Here) -> Result<Vec<(String, String)>> {
    if !(args.all_branches || args.all_tags || args.all_commits) {
        return Ok(vec![(String::new(), String::new())]);
    }
    let list = |which| here.repository.references(which);
    let found = if args.all_commits {
        list(References::Commits)?
    } else {
        let mut found = Vec::new();
        if args.all_branches {
            found.extend(list(References::Branches)?);
        }
        if args.all_tags {
            found.extend(list(References::Tags)?);
        }
        found
    };
    let mut names = vec![(WORKSPACE.to_owned(), WORKSPACE.to_owned())];
    for reference in found {
        match names.iter_mut().find(|(_, id)| *id == reference.id) {
            Some((name, _)) => {
                let is_known = name.split(',').any(|known| known == reference.name);
                if !is_known {
                    name.push(',');
                    name.push_str(&reference.name);
                }
            }
            None => names.push((reference.name, reference.id)),
        }
    }
    Ok(names)
}

/// Leaves the workspace out where its metrics are those of the branch that is checked out.
fn hide_workspace(versions: &mut Vec<Version>, here: &Here) -> Result<()> {
    let Some(branch) = here.repository.current_branch()? else {
        return Ok(());
    };
    let find = |name: &str| versions.iter().find(|version| version.name == name);
    if let (Some(workspace), Some(branch)) = (find(WORKSPACE), find(&branch))
        && is_same(&workspace.files, &branch.files)
    {
        versions.retain(|version| version.name != WORKSPACE);
    }
    Ok(())
}

fn is_same(ours: &Files, theirs: &Files) -> bool {
    let find = |path: &String| theirs.iter().find(|(known, _)| known == path);
    let is_same = |(path, value): &(String, Result<Value, _>)| matches!((value, find(path)), (Ok(ours), Some((_, Ok(theirs)))) if ours.equals(theirs));
    ours.len() == theirs.len() && ours.iter().all(is_same)
}

fn version_json(version: &Version, here: &Here) -> Json {
    let files = version.files.iter().map(|(path, value)| {
        let value = match value {
            Ok(value) => json!({"data": value.json()}),
            Err(problem) => {
                json!({"error": {"type": problem.kind, "msg": problem.message}})
            }
        };
        (here.shown_path(path), value)
    });
    let mut shown = json!({"data": Json::Object(files.collect::<Map<_, _>>())});
    if version.is_broken {
        let message = "files of the project cannot be read; standard error names them";
        shown["error"] = json!({"type": "YAMLValidationError", "msg": message});
    }
    shown
}

/// A row for each version and file, a column for each metric.
fn tell_table(args: &Show, versions: &[Version], here: &Here) {
    let has_revisions = args.all_branches || args.all_tags || args.all_commits;
    let mut rows: Vec<(Vec<String>, BTreeMap<String, Value>)> = Vec::new();
    for version in versions {
        for (path, value) in &version.files {
            let revision = has_revisions.then(|| short(&version.name));
            let head = revision
                .into_iter()
                .chain([here.shown_path(path)])
                .collect();
            rows.push((head, value.as_ref().map(flatten).unwrap_or_default()));
        }
    }
    if rows.is_empty() {
        eprintln!("no file of metrics is declared; `metrics` in `dvc.yaml` names them");
        return;
    }
    let columns: BTreeSet<&String> = rows.iter().flat_map(|(_, values)| values.keys()).collect();
    let heads = has_revisions
        .then_some("Revision")
        .into_iter()
        .chain(["Path"]);
    let header: Vec<&str> = heads
        .chain(columns.iter().map(|name| name.as_str()))
        .collect();
    let form = args.shown.form();
    let cells = |values: &BTreeMap<String, Value>| -> Vec<String> {
        let shown = columns.iter().map(|name| {
            let value = values.get(*name);
            let value = value.map_or("-".to_owned(), |value| cell(value, Some(args.precision)));
            if form == Form::Text {
                shortened(&value, "").0
            } else {
                value
            }
        });
        shown.collect()
    };
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|(head, values)| head.iter().cloned().chain(cells(values)).collect())
        .collect();
    match form {
        Form::Markdown => say!("{}", markdown_table(&header, &rows)),
        _ => say!("{}", output::table(&header, &rows)),
    }
}

/// The name of a version; a hash by its first digits.
fn short(name: &str) -> String {
    let is_hash = name.len() == 40 && name.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_hash { &name[..7] } else { name }.to_owned()
}
