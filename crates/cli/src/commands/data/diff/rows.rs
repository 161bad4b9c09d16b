//! `everloop data diff --rows`: two versions of a table, row by row.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use everloop_data::{ChangedRow, RowChanges, TableVersion, compare_tables};
use everloop_versions::RepoPath;
use serde_json::{Map, Value, json};

use super::super::versions::Here;
use super::{Args, Format, cell};
use crate::exit::{Exit, Failure};
use crate::output;

/// Compares the rows.
pub(super) fn run(args: &Args, here: &Here) -> Result<Exit> {
    let Some((path, versions)) = args.named.split_last() else {
        return Err(Failure::new(
            Exit::Usage,
            "`--rows` needs a table: a file or a directory of files",
        )
        .into());
    };
    let path = here.repository.path(&here.dir, Path::new(path))?;
    let shelf = Shelf::new(here.repository.root())?;
    let [old, new] = super::versions(versions)?;
    let before = shelf.version(here, Some(old.unwrap_or("HEAD")), &path)?;
    let after = shelf.version(here, new, &path)?;
    let changes = compare_tables(&before, &after, &args.key, args.limit)?;
    match args.format {
        Format::Json => sayln!(
            "{}",
            serde_json::to_string_pretty(&changes_json(&path, &changes))?
        ),
        Format::Text => say!("{}", text(&before, &after, &changes)),
        Format::Markdown => say!("{}", markdown(&before, &after, &changes)),
    }
    Ok(Exit::Ok)
}

/// A directory where objects have the names of the files that they are of, which tell the format. Goes with its value.
struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    fn new(root: &Path) -> Result<Self> {
        let dir = root.join(format!(".dvc/tmp/everloop-rows-{}", std::process::id()));
        fs::create_dir_all(&dir).with_context(|| format!("cannot create `{}`", dir.display()))?;
        Ok(Self { dir })
    }

    /// A version of the table; without the name of a revision that of the workspace.
    fn version(&self, here: &Here, named: Option<&str>, path: &RepoPath) -> Result<TableVersion> {
        let repository = &here.repository;
        let Some(named) = named else {
            return Ok(TableVersion {
                name: format!("{path} in the workspace"),
                path: path.under(repository.root()),
            });
        };
        let revision = repository.revision(named)?;
        let top = self.dir.join(revision.id());
        let place = |path: &RepoPath| -> Result<PathBuf> {
            let place = top.join(path.as_str());
            fs::create_dir_all(place.parent().unwrap_or(&top))?;
            Ok(place)
        };
        let files = repository.files_of(&repository.snapshot(&revision)?, path)?;
        for file in &files {
            symlink(repository.object_file(file)?, place(&file.path)?)?;
        }
        if files.is_empty() {
            // No data of ours: a small table that git has.
            let content = revision.read(path)?.ok_or_else(|| {
                Failure::new(Exit::NotFound, format!("`{named}` has no data at `{path}`"))
            })?;
            fs::write(place(path)?, content)?;
        }
        Ok(TableVersion {
            name: format!("{path} at {named}"),
            path: top.join(path.as_str()),
        })
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        // What stays is a directory of links in a place for such things.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn changes_json(path: &RepoPath, changes: &RowChanges) -> Value {
    let row = |cells: &[(String, Value)]| cells.iter().cloned().collect::<Map<_, _>>();
    let rows =
        |rows: &[Vec<(String, Value)>]| rows.iter().map(|cells| row(cells)).collect::<Vec<_>>();
    let changed = changes.changed.iter().map(|one| {
        let cells = one
            .cells
            .iter()
            .map(|(name, before, after)| (name.clone(), json!({"old": before, "new": after})));
        json!({"key": row(&one.key), "cells": cells.collect::<Map<_, _>>()})
    });
    let columns = &changes.columns;
    json!({
        "path": path.as_str(),
        "columns": {
            "added": columns.added.iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect::<Vec<_>>(),
            "removed": columns.removed.iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect::<Vec<_>>(),
            "retyped": columns.retyped.iter().map(|(name, old, new)| json!({"name": name, "old": old, "new": new})).collect::<Vec<_>>(),
        },
        "rows": {
            "old": changes.n_before,
            "new": changes.n_after,
            "added": changes.n_added,
            "removed": changes.n_removed,
            "changed": changes.n_changed,
        },
        "changed_cells": changes.n_changed_cells.iter().map(|(name, count)| (name.clone(), json!(count))).collect::<Map<_, _>>(),
        "added": rows(&changes.added),
        "removed": rows(&changes.removed),
        "changed": changed.collect::<Vec<_>>(),
    })
}

/// The sentences that both texts begin with.
fn summary(before: &TableVersion, after: &TableVersion, changes: &RowChanges) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{} ({} rows) -> {} ({} rows)",
            before.name, changes.n_before, after.name, changes.n_after
        ),
        format!(
            "{} rows added, {} removed, {} changed",
            changes.n_added, changes.n_removed, changes.n_changed
        ),
    ];
    let columns = &changes.columns;
    let added = columns.added.iter();
    lines.extend(added.map(|(name, kind)| format!("column added: {name} ({kind})")));
    let removed = columns.removed.iter();
    lines.extend(removed.map(|(name, kind)| format!("column removed: {name} ({kind})")));
    let retyped = columns.retyped.iter();
    lines.extend(retyped.map(|(name, old, new)| format!("column {name}: {old} -> {new}")));
    let cells = changes.n_changed_cells.iter();
    lines.extend(cells.map(|(name, count)| format!("{name}: {count} cells changed")));
    lines
}

/// Changes of a kind.
struct Shown {
    kind: &'static str,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// How many more there are.
    n_more: u64,
}

/// What is shown of each kind of change that there is.
fn tables(changes: &RowChanges) -> Vec<Shown> {
    let mut tables = Vec::new();
    let whole = [
        ("added", &changes.added, changes.n_added),
        ("removed", &changes.removed, changes.n_removed),
    ];
    for (kind, rows, n_all) in whole {
        let Some(first) = rows.first() else { continue };
        let header = first.iter().map(|(name, _)| name.clone()).collect();
        let cells = rows
            .iter()
            .map(|row| row.iter().map(|(_, value)| shown(value)).collect());
        tables.push(Shown {
            kind,
            header,
            rows: cells.collect(),
            n_more: n_all - rows.len() as u64,
        });
    }
    if let Some(first) = changes.changed.first() {
        let mut header: Vec<String> = first.key.iter().map(|(name, _)| name.clone()).collect();
        header.extend(["column", "old", "new"].map(str::to_owned));
        let rows = changes.changed.iter().flat_map(changed_lines);
        tables.push(Shown {
            kind: "changed",
            header,
            rows: rows.collect(),
            n_more: changes.n_changed - changes.changed.len() as u64,
        });
    }
    tables
}

fn changed_lines(row: &ChangedRow) -> Vec<Vec<String>> {
    let key: Vec<String> = row.key.iter().map(|(_, value)| shown(value)).collect();
    let line = |(name, before, after): &(String, Value, Value)| {
        let mut line = key.clone();
        line.extend([name.clone(), shown(before), shown(after)]);
        line
    };
    row.cells.iter().map(line).collect()
}

/// A cell for people; nothing is shown as such, because an empty text is something.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => text.replace(['\n', '\r'], " "),
        other => other.to_string(),
    }
}

fn text(before: &TableVersion, after: &TableVersion, changes: &RowChanges) -> String {
    let mut text = summary(before, after, changes).join("\n") + "\n";
    for one in tables(changes) {
        let header: Vec<&str> = one.header.iter().map(String::as_str).collect();
        let table = output::table(&header, &one.rows);
        let _ = write!(text, "\n{}:\n{table}", one.kind);
        if one.n_more > 0 {
            let _ = writeln!(text, "… and {} more", one.n_more);
        }
    }
    text
}

fn markdown(before: &TableVersion, after: &TableVersion, changes: &RowChanges) -> String {
    let mut text = String::new();
    for line in summary(before, after, changes) {
        let _ = writeln!(text, "- {line}");
    }
    let row = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    for one in tables(changes) {
        let _ = write!(text, "\n**{}**\n\n{}", one.kind, row(&one.header));
        text.push_str(&row(&vec!["---".to_owned(); one.header.len()]));
        for cells in &one.rows {
            text.push_str(&row(cells));
        }
        if one.n_more > 0 {
            let _ = writeln!(text, "\n… and {} more", one.n_more);
        }
    }
    text
}
