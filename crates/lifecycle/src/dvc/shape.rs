//! Which keys a `dvc.yaml` has, and what they take. This is checked before templates are filled in,
//! as DVC does.

use super::value::Value;
use crate::codes;
use crate::diagnostic::Report;
use crate::suggestion;
use crate::yaml::{Data, Entry, Node};

/// What a key takes.
#[derive(Clone, Copy)]
enum Takes {
    Text,
    Boolean,
    Texts,
    TextOrList,
    TextsAndMaps,
    Outs,
    Plots,
    Matrix,
    Foreach,
    Do,
    Anything,
}

type Keys = &'static [(&'static str, Takes)];

const STAGE: Keys = &[
    ("cmd", Takes::TextOrList),
    ("matrix", Takes::Matrix),
    ("wdir", Takes::Text),
    ("deps", Takes::Texts),
    ("params", Takes::TextsAndMaps),
    ("vars", Takes::TextsAndMaps),
    ("frozen", Takes::Boolean),
    ("meta", Takes::Anything),
    ("desc", Takes::Text),
    ("always_changed", Takes::Boolean),
    ("outs", Takes::Outs),
    ("metrics", Takes::Outs),
    ("plots", Takes::Plots),
];
const GROUP: Keys = &[("foreach", Takes::Foreach), ("do", Takes::Do)];
const OUT: Keys = &[
    ("cache", Takes::Boolean),
    ("persist", Takes::Boolean),
    ("checkpoint", Takes::Boolean),
    ("remote", Takes::Text),
    ("push", Takes::Boolean),
    ("desc", Takes::Text),
    ("type", Takes::Text),
    ("labels", Takes::Texts),
    ("meta", Takes::Anything),
];
const PLOT: Keys = &[
    ("template", Takes::Text),
    ("x", Takes::Text),
    ("y", Takes::Text),
    ("x_label", Takes::Text),
    ("y_label", Takes::Text),
    ("title", Takes::Text),
    ("header", Takes::Boolean),
];
const ARTIFACT: Keys = &[
    ("path", Takes::Text),
    ("desc", Takes::Text),
    ("type", Takes::Text),
    ("labels", Takes::Texts),
    ("meta", Takes::Anything),
];
const TOP: Keys = &[
    ("vars", Takes::TextsAndMaps),
    ("stages", Takes::Anything),
    ("params", Takes::Texts),
    ("metrics", Takes::Texts),
    ("plots", Takes::TextsAndMaps),
    ("artifacts", Takes::Anything),
    ("datasets", Takes::Anything),
];

/// Checks a whole file.
pub(super) fn check(tree: &Node, report: &mut Report) {
    if !tree.is_map() {
        return wrong(tree, "the file", "a map with `stages`", report);
    }
    keys(tree, &[TOP], &[], report);
    for (name, body) in entries(tree, "stages", report) {
        stage(name, body, report);
    }
    for (name, body) in entries(tree, "artifacts", report) {
        keys(body, &[ARTIFACT], &[], report);
        required(name, body, "path", report);
    }
}

/// The entries of a key of the file that must be a map.
fn entries<'a>(tree: &'a Node, key: &str, report: &mut Report) -> Vec<(&'a Entry, &'a Node)> {
    let Some(entry) = tree.entry(key) else {
        return Vec::new();
    };
    if !entry.value.is_map() {
        wrong(&entry.value, &format!("`{key}`"), "a map of names", report);
    }
    let entries = entry.value.entries().iter();
    entries.map(|entry| (entry, &entry.value)).collect()
}

fn stage(entry: &Entry, body: &Node, report: &mut Report) {
    if !body.is_map() {
        return wrong(
            body,
            &format!("stage `{}`", entry.key),
            "a map with `cmd`",
            report,
        );
    }
    let is_group = body.entry("foreach").is_some() || body.entry("do").is_some();
    if is_group {
        keys(body, &[GROUP], &[], report);
        required(entry, body, "foreach", report);
        required(entry, body, "do", report);
        if let Some(template) = body.entry("do").filter(|template| template.value.is_map()) {
            required(template, &template.value, "cmd", report);
        }
    } else {
        keys(body, &[STAGE], &["foreach", "do"], report);
        required(entry, body, "cmd", report);
    }
}

fn required(entry: &Entry, body: &Node, key: &str, report: &mut Report) {
    if body.is_map() && body.entry(key).is_none() {
        let message = format!("`{}` has no `{key}`", entry.key);
        report
            .add(codes::MISSING_KEY, &entry.place(), message)
            .hint(format!("add `{key}: …` to it"));
    }
}

fn keys(node: &Node, tables: &[Keys], also: &[&'static str], report: &mut Report) {
    if !node.is_map() {
        return wrong(node, "this", "a map", report);
    }
    let known = tables.iter().copied().flatten();
    for entry in node.entries() {
        if let Some((name, takes)) = known.clone().find(|(name, _)| *name == entry.key) {
            value(name, &entry.value, *takes, report);
        } else {
            let names = known.clone().map(|(name, _)| *name);
            let message = format!("there is no key `{}` here", entry.key);
            let problem = report.add(codes::UNKNOWN_KEY, &entry.place(), message);
            problem.help = suggestion::hint(
                &entry.key,
                "the keys are",
                names.chain(also.iter().copied()),
            );
        }
    }
}

fn value(key: &str, node: &Node, takes: Takes, report: &mut Report) {
    let found = Value::of(node);
    let name = format!("`{key}`");
    match takes {
        Takes::Anything => {}
        Takes::Text if found.text().is_some() => {}
        Takes::Text => wrong(node, &name, "a text", report),
        Takes::Boolean if matches!(found, Value::Boolean(_)) => {}
        Takes::Boolean => wrong(node, &name, "`true` or `false`", report),
        Takes::TextOrList if found.text().is_some() || matches!(found, Value::List(_)) => {}
        Takes::TextOrList => wrong(node, &name, "a text or a list of texts", report),
        Takes::Foreach if found.text().is_some() || found.is_composite() => {}
        Takes::Foreach => wrong(node, &name, "a list, a map or a variable", report),
        Takes::Texts => each(node, &name, "a list of texts", report, |element, _| {
            Value::of(element).text().is_some()
        }),
        Takes::TextsAndMaps => each(
            node,
            &name,
            "a list of texts and maps",
            report,
            |element, _| Value::of(element).text().is_some() || element.is_map(),
        ),
        Takes::Outs => each(
            node,
            &name,
            "a list of paths, each perhaps with a map",
            report,
            |element, report| out(element, false, report),
        ),
        Takes::Plots => each(
            node,
            &name,
            "a list of paths, each perhaps with a map",
            report,
            |element, report| out(element, true, report),
        ),
        Takes::Matrix if node.is_map() => {
            for entry in node.entries() {
                let found = Value::of(&entry.value);
                if found.text().is_none() && !matches!(found, Value::List(_)) {
                    wrong(
                        &entry.value,
                        &format!("`{}`", entry.key),
                        "a list or a variable",
                        report,
                    );
                }
            }
        }
        Takes::Matrix => wrong(node, &name, "a map of lists", report),
        Takes::Do => keys(node, &[STAGE], &[], report),
    }
}

fn each(
    node: &Node,
    name: &str,
    expected: &str,
    report: &mut Report,
    mut is_right: impl FnMut(&Node, &mut Report) -> bool,
) {
    let Data::List(elements) = &node.data else {
        return wrong(node, name, expected, report);
    };
    for element in elements {
        if !is_right(element, report) {
            wrong(element, name, expected, report);
        }
    }
}

/// Checks an output; says whether it is a path or a map of paths at all.
fn out(element: &Node, is_plot: bool, report: &mut Report) -> bool {
    for entry in element.entries() {
        let properties = match &entry.value.data {
            // A plot may have several sets of properties.
            Data::List(sets) if is_plot => sets.iter().collect(),
            _ => vec![&entry.value],
        };
        let tables: &[Keys] = if is_plot { &[OUT, PLOT] } else { &[OUT] };
        for set in properties {
            keys(set, tables, &[], report);
        }
    }
    element.is_map() || Value::of(element).text().is_some()
}

fn wrong(node: &Node, what: &str, expected: &str, report: &mut Report) {
    let found = Value::of(node);
    let shown = if found.is_composite() || found == Value::Null {
        found.kind().to_owned()
    } else {
        format!("{} `{}`", found.kind(), found.python())
    };
    let message = format!("{what} takes {expected}, and this is {shown}");
    let problem = report.at(codes::WRONG_TYPE, node, message);
    if !found.is_composite() && found != Value::Null && expected.contains("text") {
        problem.hint("quotes make it a text");
    }
}
