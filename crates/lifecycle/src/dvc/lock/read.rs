//! The text of a `dvc.lock` to what it says.

use super::{Command, Lock, Locked, Recorded, StageLock};
use crate::codes;
use crate::diagnostic::{Diagnostic, Report};
use crate::dvc::lock::entry::OtherValue;
use crate::dvc::value::Value;
use crate::yaml::{Dialect, Entry, Node, read_as};

impl Lock {
    /// Reads the text of a `dvc.lock`, of schema 2.0 or 1.0 (the stages without more). An empty
    /// text has no stages. Nothing comes back if a diagnostic is an error.
    #[must_use]
    pub fn read(text: &str) -> (Option<Self>, Vec<Diagnostic>) {
        let mut report = Report::new(text);
        let tree = read_as(Dialect::Dvc, text, &mut report);
        let lock = match &tree {
            Some(tree) if !tree.is_null() => read_tree(tree, &mut report),
            _ => Some(Self::default()),
        };
        (lock.filter(|_| !report.has_errors()), report.finish())
    }
}

fn read_tree(tree: &Node, report: &mut Report) -> Option<Lock> {
    if !tree.is_map() {
        wrong(
            tree,
            "a lock file is a map of `schema` and `stages`",
            report,
        );
        return None;
    }
    if tree.entry("schema").is_none()
        && tree
            .entry("stages")
            .is_none_or(|stages| stages.value.get("cmd").is_some())
    {
        let stages = tree.entries().iter();
        return Some(Lock::of(
            stages.filter_map(|entry| stage(entry, report)).collect(),
        ));
    }
    let schema = tree.get("schema");
    if !schema.is_some_and(|schema| schema.written() == Some("2.0") && schema.text().is_some()) {
        wrong(
            schema.unwrap_or(tree),
            "the schema of a lock file is '2.0'",
            report,
        );
        return None;
    }
    let stages = tree.entry("stages")?;
    let entries = stages.value.entries().iter();
    let found = entries.filter_map(|entry| stage(entry, report));
    let mut lock = Lock::of(found.collect());
    keep_lines(&mut lock, tree, stages, report.text());
    Some(lock)
}

/// Cuts the text into what stands before the stages, the lines of each, and what stands after. A
/// file in which a line holds more than one thing is written anew.
fn keep_lines(lock: &mut Lock, tree: &Node, stages: &Entry, text: &str) {
    let line_of = |at: usize| text[..at].rfind('\n').map_or(0, |end| end + 1);
    let entries = stages.value.entries();
    let starts: Vec<usize> = entries
        .iter()
        .map(|entry| line_of(entry.key_span.start))
        .collect();
    let indent = |entry: &Entry| entry.key_span.start - line_of(entry.key_span.start);
    let is_block = entries.iter().all(|entry| {
        let start = line_of(entry.key_span.start);
        text[start..entry.key_span.start] == *"  " && entry.key_span.end > start
    });
    let is_own_style = is_block
        && starts.windows(2).all(|pair| pair[0] < pair[1])
        && starts
            .first()
            .is_some_and(|start| *start > stages.key_span.start)
        && indent(stages) == 0
        && lock.stages.len() == entries.len()
        && !text.contains('\r')
        && text.ends_with('\n');
    if !is_own_style {
        return;
    }
    let after = tree
        .entries()
        .iter()
        .map(|entry| line_of(entry.key_span.start));
    let end = after
        .filter(|start| starts.last().is_some_and(|last| start > last))
        .min();
    let end = end.unwrap_or(text.len());
    let bounds = starts.iter().copied().skip(1).chain([end]);
    for ((stage, start), end) in lock.stages.iter_mut().zip(&starts).zip(bounds) {
        stage.lines = Some(text[*start..end].to_owned());
    }
    text[..starts[0]].clone_into(&mut lock.head);
    text[end..].clone_into(&mut lock.tail);
}

fn stage(entry: &Entry, report: &mut Report) -> Option<Locked> {
    let node = &entry.value;
    let cmd = match Value::of(node.get("cmd").unwrap_or(node)) {
        Value::Text(line) => Command::One(line),
        Value::List(lines) => Command::Many(lines.iter().map(Value::python).collect()),
        _ => {
            let message = format!("stage `{}` has no `cmd`", entry.key);
            wrong(node, &message, report);
            return None;
        }
    };
    let mut records = |key| -> Vec<Recorded> {
        let list = node.get(key).map(Node::elements).unwrap_or_default();
        list.iter()
            .filter_map(|node| record(node, report))
            .collect()
    };
    let (deps, outs) = (records("deps"), records("outs"));
    let files = node.get("params").map(Node::entries).unwrap_or_default();
    let params = files.iter().map(|file| {
        let params = file.value.entries().iter();
        let params = params.map(|param| (param.key.clone(), Value::of(&param.value)));
        (file.key.clone(), params.collect())
    });
    Some(Locked {
        name: entry.key.clone(),
        lock: StageLock {
            cmd,
            deps,
            params: params.collect(),
            outs,
        },
        lines: None,
        rank: None,
    })
}

fn record(node: &Node, report: &mut Report) -> Option<Recorded> {
    let Some(path) = node.get("path").and_then(Node::written) else {
        wrong(node, "an entry has no `path`", report);
        return None;
    };
    let mut record = Recorded {
        path: path.to_owned(),
        is_legacy: node.get("hash").is_none(),
        ..Recorded::default()
    };
    for entry in node.entries() {
        let value = &entry.value;
        let number = || {
            value
                .integer()
                .and_then(|number| u64::try_from(number).ok())
        };
        match entry.key.as_str() {
            "path" | "hash" => {}
            "md5" => record.md5 = value.written().map(str::to_owned),
            "size" => record.size_bytes = number(),
            "nfiles" => record.n_files = number(),
            "isexec" => record.is_executable = value.boolean() == Some(true),
            key => record
                .others
                .push((key.to_owned(), OtherValue(Value::of(value)))),
        }
    }
    Some(record)
}

fn wrong(node: &Node, message: &str, report: &mut Report) {
    report
        .at(codes::BAD_LOCK, node, message)
        .hint("take the file from the last commit, or remove it: the next run writes it anew");
}
