//! Entries of `stages` to stages: one each, or one for every element of a group.

mod group;

use super::context::Context;
use super::decode;
use super::parse::Surroundings;
use super::path;
use super::pipeline::Stage;
use super::template::{self, Problem, Use};
use super::value::Value;
use super::{Flags, vars};
use crate::codes;
use crate::diagnostic::Report;
use crate::suggestion;
use crate::yaml::{Data, Entry, Node};

/// How many stages a file may have: a matrix of a few lists could otherwise fill any memory.
const MAX_STAGES: usize = 100_000;

/// How many bytes all texts of a file's stages may have: variables put into many stages could fill any memory, too.
const MAX_BYTES: usize = 256 << 20;

/// How many variables that are missing get a suggestion.
const MAX_SUGGESTIONS: usize = 50;

/// Makes the stages of a file.
pub(super) struct Expansion<'a> {
    surroundings: Surroundings<'a>,
    n_stages: usize,
    n_bytes: usize,
}

impl<'a> Expansion<'a> {
    pub(super) fn new(surroundings: Surroundings<'a>) -> Self {
        Self {
            surroundings,
            n_stages: 0,
            n_bytes: 0,
        }
    }

    /// The stages of an entry.
    pub(super) fn stages(
        &mut self,
        entry: &Entry,
        context: &mut Context,
        report: &mut Report,
    ) -> Vec<Stage> {
        let body = &entry.value;
        let room = MAX_STAGES.saturating_sub(self.n_stages);
        let (elements, template) = if let Some(data) = body.entry("foreach") {
            let Some(template) = body.entry("do") else {
                return Vec::new();
            };
            let elements = group::foreach(&data.value, context, self.surroundings.flags, report);
            (elements, &template.value)
        } else if let Some(data) = body.entry("matrix") {
            let elements =
                group::matrix(&data.value, context, self.surroundings.flags, room, report);
            (elements, body)
        } else {
            self.n_stages += 1;
            return self
                .stage(&entry.key, None, body, context, report)
                .into_iter()
                .collect();
        };
        if elements.len() > room {
            let message = format!("the file has more than {MAX_STAGES} stages");
            report.at(codes::TOO_LARGE, body, message);
            return Vec::new();
        }
        self.n_stages += elements.len();
        let mut stages = Vec::new();
        for (key, element) in elements {
            let name = format!("{}@{key}", entry.key);
            context.set_element(element);
            stages.extend(self.stage(&name, Some(&entry.key), template, context, report));
            if self.n_bytes > MAX_BYTES {
                break;
            }
        }
        context.set_element(Vec::new());
        stages
    }

    fn stage(
        &mut self,
        name: &str,
        group: Option<&str>,
        body: &Node,
        context: &Context,
        report: &mut Report,
    ) -> Option<Stage> {
        let flags = self.surroundings.flags;
        let mut directory = path::parent(self.surroundings.file).to_owned();
        if let Some(wdir) = body.entry("wdir") {
            let wdir = fill(&wdir.value, context, Use::Key, flags, report)?;
            directory = path::join(&directory, &template::shown(&wdir));
        }
        let own;
        let context = match body.entry("vars") {
            Some(vars) if !vars.value.elements().is_empty() => {
                let mut wider = context.clone();
                vars::load(
                    Some(&vars.value),
                    &mut wider,
                    name,
                    &directory,
                    &self.surroundings,
                    report,
                );
                own = wider;
                &own
            }
            _ => context,
        };
        let mut values = Vec::new();
        let mut is_whole = true;
        context.watch(true);
        for entry in body.entries() {
            if matches!(entry.key.as_str(), "matrix" | "vars" | "wdir") {
                continue;
            }
            let place = if entry.key == "cmd" {
                Use::Command
            } else {
                Use::Key
            };
            match fill(&entry.value, context, place, flags, report) {
                Some(value) => values.push((entry, value)),
                None => is_whole = false,
            }
        }
        context.watch(false);
        self.n_bytes += values
            .iter()
            .map(|(_, value)| n_bytes(value))
            .sum::<usize>();
        if self.n_bytes > MAX_BYTES {
            let message = "the texts of its stages are longer than 256 MiB, all together";
            report.at(codes::TOO_LARGE, body, message);
            return None;
        }
        let stage = decode::stage(name, group, directory, &values, report);
        stage.filter(|_| is_whole)
    }
}

fn n_bytes(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::List(elements) => elements.iter().map(n_bytes).sum(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| n_bytes(key) + n_bytes(value))
            .sum(),
        _ => 8,
    }
}

/// Fills in all texts of a node. What is wrong goes to the report.
pub(super) fn fill(
    node: &Node,
    context: &Context,
    place: Use,
    flags: Flags,
    report: &mut Report,
) -> Option<Value> {
    match &node.data {
        Data::Scalar(_) => match Value::of(node) {
            Value::Text(text) => fill_text(&text, node, context, place, flags, report),
            other => Some(other),
        },
        Data::List(elements) => {
            let mut filled = Vec::with_capacity(elements.len());
            for element in elements {
                filled.push(fill(element, context, place, flags, report));
            }
            filled.into_iter().collect::<Option<_>>().map(Value::List)
        }
        Data::Map(entries) => {
            let Value::Map(plain) = Value::of(node) else {
                return None;
            };
            let mut filled = Vec::with_capacity(entries.len());
            for (entry, (key, _)) in entries.iter().zip(plain) {
                let key = match key {
                    Value::Text(text) => {
                        fill_text(&text, &entry.value, context, place, flags, report)
                    }
                    other => Some(other),
                };
                filled.push(key.zip(fill(&entry.value, context, place, flags, report)));
            }
            filled.into_iter().collect::<Option<_>>().map(Value::Map)
        }
    }
}

fn fill_text(
    text: &str,
    node: &Node,
    context: &Context,
    place: Use,
    flags: Flags,
    report: &mut Report,
) -> Option<Value> {
    let problem = match template::fill(text, context, place, flags) {
        Ok(value) => return Some(value),
        Err(problem) => problem,
    };
    match problem {
        Problem::Syntax(inner) => report
            .at(
                codes::TEMPLATE_SYNTAX,
                node,
                format!("`${{{inner}}}` is not a variable"),
            )
            .hint("a variable is a path such as `${train.layers[0].size}`; `\\${` is a plain text"),
        Problem::Missing(path) => {
            // A group of many stages misses the same variable in each; that is told often enough.
            let is_told = report.diagnostics.len() > MAX_SUGGESTIONS;
            let names = if is_told { Vec::new() } else { context.paths() };
            let names = names.iter().map(String::as_str);
            report
                .at(
                    codes::MISSING_VARIABLE,
                    node,
                    format!("there is no variable `{path}`"),
                )
                .help = suggestion::hint(&path, "the variables are", names)
                .or_else(|| Some("set it in `params.yaml` or in `vars`".to_owned()));
        }
        Problem::TooLong => {
            let message = "with its variables put in, this is longer than 1 MiB";
            report.at(codes::TOO_LARGE, node, message);
            return None;
        }
        Problem::Kind(path, kind) => report
            .at(
                codes::TEMPLATE_KIND,
                node,
                format!("the variable `{path}` is {kind}, which cannot stand here"),
            )
            .hint("refer to a part of it that is a text, a number or a truth value"),
    }
    None
}
