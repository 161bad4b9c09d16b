//! Keys and filled-in values to a stage.

use super::DEFAULT_PARAMS;
use super::lock::Command;
use super::pipeline::{Out, OutKind, ParamsFile, Stage};
use super::template::shown;
use super::value::Value;
use crate::codes;
use crate::diagnostic::Report;
use crate::yaml::{Entry, Node, Place};

/// Makes a stage of its filled-in values. What is wrong goes to the report.
pub(super) fn stage(
    name: &str,
    group: Option<&str>,
    directory: String,
    values: &[(&Entry, Value)],
    report: &mut Report,
) -> Option<Stage> {
    let find = |key: &str| values.iter().find(|(entry, _)| entry.key == key);
    let value = |key: &str| find(key).map(|(_, value)| value);
    let (entry, cmd) = find("cmd")?;
    let cmd = command(entry, cmd, report)?;
    let mut stage = Stage {
        name: name.to_owned(),
        group: group.map(str::to_owned),
        cmd,
        directory,
        deps: elements(value("deps")).iter().map(shown).collect(),
        params: Vec::new(),
        outs: Vec::new(),
        is_frozen: value("frozen") == Some(&Value::Boolean(true)),
        is_always_changed: value("always_changed") == Some(&Value::Boolean(true)),
        desc: value("desc").map(shown),
        meta: value("meta").cloned(),
    };
    if let Some((entry, value)) = find("params") {
        stage.params = params(entry, elements(Some(value)), report);
    }
    for (entry, value) in values {
        let kind = match entry.key.as_str() {
            "outs" => OutKind::Data,
            "metrics" => OutKind::Metrics,
            "plots" => OutKind::Plots,
            _ => continue,
        };
        stage
            .outs
            .extend(outs(kind, entry, elements(Some(value)), report));
    }
    Some(stage)
}

fn elements(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::List(elements)) => elements,
        _ => &[],
    }
}

fn command(entry: &Entry, value: &Value, report: &mut Report) -> Option<Command> {
    let command = match value {
        Value::List(lines) if !lines.iter().any(Value::is_composite) => {
            Command::Many(lines.iter().map(shown).collect())
        }
        Value::List(_) | Value::Map(_) | Value::Null => {
            let message = format!(
                "`cmd` takes a text or a list of texts, and this is {}",
                value.kind()
            );
            report
                .add(codes::WRONG_TYPE, &entry.value.place(), message)
                .hint("a map of flags needs a program before it: `cmd: python train.py ${flags}`");
            return None;
        }
        _ => Command::One(shown(value)),
    };
    let is_empty = match &command {
        Command::One(line) => line.is_empty(),
        Command::Many(lines) => lines.is_empty(),
    };
    if is_empty {
        report
            .add(codes::INVALID_VALUE, &entry.value.place(), "`cmd` is empty")
            .hint("give the command that makes the outputs");
        return None;
    }
    Some(command)
}

/// The parameters by file, those of a file together. A file that is named without parameters is
/// meant as a whole, whatever else is said of it.
fn params(entry: &Entry, elements: &[Value], report: &mut Report) -> Vec<ParamsFile> {
    let mut files: Vec<ParamsFile> = Vec::new();
    let mut whole: Vec<String> = Vec::new();
    let mut add =
        |path: String, keys: Vec<String>| match files.iter_mut().find(|file| file.path == path) {
            Some(file) => file.keys.extend(keys),
            None => files.push(ParamsFile { path, keys }),
        };
    for element in elements {
        let Value::Map(entries) = element else {
            add(DEFAULT_PARAMS.to_owned(), vec![shown(element)]);
            continue;
        };
        for (path, keys) in entries {
            match keys {
                Value::List(keys) if !keys.is_empty() => {
                    add(shown(path), keys.iter().map(shown).collect());
                }
                Value::List(_) | Value::Null => {
                    whole.push(shown(path));
                    add(shown(path), Vec::new());
                }
                other => {
                    let message = format!(
                        "the parameters of `{}` are a list, and this is {}",
                        shown(path),
                        other.kind()
                    );
                    report
                        .add(codes::WRONG_TYPE, &entry.value.place(), message)
                        .hint("give a list of names, or nothing for the whole file");
                }
            }
        }
    }
    for file in files.iter_mut().filter(|file| whole.contains(&file.path)) {
        file.keys.clear();
    }
    files
}

fn outs(kind: OutKind, entry: &Entry, elements: &[Value], report: &mut Report) -> Vec<Out> {
    let mut outs: Vec<Out> = Vec::new();
    for element in elements {
        let entries: Vec<(String, &Value)> = match element {
            Value::Map(entries) => entries
                .iter()
                .map(|(path, flags)| (shown(path), flags))
                .collect(),
            other => vec![(shown(other), &Value::Null)],
        };
        for (path, flags) in entries {
            if let Value::List(_) = flags {
                let message =
                    format!("`{path}` has several sets of properties, which stages do not take");
                report
                    .add(codes::WRONG_TYPE, &entry.value.place(), message)
                    .hint("move all but one to the `plots` of the file");
                continue;
            }
            let at = outs
                .iter()
                .position(|out| out.path == path)
                .unwrap_or_else(|| {
                    outs.push(Out {
                        path,
                        kind,
                        is_cached: true,
                        is_persistent: false,
                        is_pushed: true,
                        remote: None,
                        properties: Vec::new(),
                    });
                    outs.len() - 1
                });
            if let Value::Map(flags) = flags {
                set_flags(&mut outs[at], flags);
            }
        }
    }
    outs
}

fn set_flags(out: &mut Out, flags: &[(Value, Value)]) {
    for (key, value) in flags {
        let is_true = *value == Value::Boolean(true);
        match key.text() {
            Some("cache") => out.is_cached = is_true,
            Some("persist") => out.is_persistent = is_true,
            Some("push") => out.is_pushed = is_true,
            Some("remote") => out.remote = Some(shown(value)),
            Some(key) => out.properties.push((key.to_owned(), value.clone())),
            None => {}
        }
    }
}

/// Where a stage names a path; the stage itself where the path comes from a template.
pub(super) fn place_of(body: &Node, path: &str) -> Place {
    let template = body.entry("do").map_or(body, |template| &template.value);
    for key in ["outs", "metrics", "plots", "deps"] {
        let elements = template.get(key).map(Node::elements).unwrap_or_default();
        for element in elements {
            if element.written() == Some(path) {
                return element.place();
            }
            if let Some(entry) = element.entry(path) {
                return entry.place();
            }
        }
    }
    body.place()
}
