//! The text of a `dvc.yaml` to its stages.

use super::context::Context;
use super::decode;
use super::expand::{self, Expansion};
use super::graph::{Fault, Graph};
use super::pipeline::Pipeline;
use super::value::Value;
use super::{Flags, path, shape, template, vars};
use crate::codes;
use crate::diagnostic::{Diagnostic, Report};
use crate::yaml::{Dialect, Node, read_as};

/// What a text was read as.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The pipeline; absent if and only if a diagnostic is an error.
    pub pipeline: Option<Pipeline>,
    /// Everything that was noticed, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a `dvc.yaml` stands in.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The path of the file in the repository, for example `sub/dvc.yaml`.
    pub file: &'a str,
    /// How maps in commands become flags.
    pub flags: Flags,
    /// Reads a file of the repository by its path: its text, nothing if there is none, or why it
    /// cannot be read.
    pub read: &'a dyn Fn(&str) -> Result<Option<String>, String>,
}

/// Reads and checks a `dvc.yaml`, and fills in its templates.
///
/// Outputs of other files of the repository are not known here: [`Graph`] checks all together.
#[must_use]
pub fn parse(text: &str, surroundings: Surroundings) -> Parsed {
    let mut report = Report::new(text);
    let pipeline = read(surroundings, &mut report).filter(|_| !report.has_errors());
    Parsed {
        pipeline,
        diagnostics: report.finish(),
    }
}

fn read(surroundings: Surroundings, report: &mut Report) -> Option<Pipeline> {
    let tree = read_as(Dialect::Dvc, report.text(), report);
    let mut pipeline = Pipeline {
        file: surroundings.file.to_owned(),
        stages: Vec::new(),
        params: Vec::new(),
        metrics: Vec::new(),
        plots: Vec::new(),
        artifacts: Vec::new(),
        datasets: Vec::new(),
        used: Vec::new(),
    };
    let Some(tree) = tree.filter(|tree| !tree.is_null()) else {
        return Some(pipeline);
    };
    shape::check(&tree, report);
    if report.has_errors() {
        return None;
    }
    let directory = path::parent(surroundings.file);
    let mut context = Context::default();
    vars::load_default(&mut context, directory, &surroundings, &tree, report);
    vars::load(
        tree.entry("vars").map(|vars| &vars.value),
        &mut context,
        "",
        directory,
        &surroundings,
        report,
    );
    tops(&tree, &mut pipeline, &context, surroundings.flags, report);
    let mut expansion = Expansion::new(surroundings);
    let stages = tree
        .entry("stages")
        .map(|stages| stages.value.entries())
        .unwrap_or_default();
    let mut places = Vec::new();
    for entry in stages {
        for stage in expansion.stages(entry, &mut context, report) {
            places.push(entry);
            pipeline.stages.push(stage);
        }
    }
    pipeline.used = context.used();
    if !report.has_errors() {
        check_graph(
            &pipeline,
            &places.iter().map(|entry| &entry.value).collect::<Vec<_>>(),
            report,
        );
    }
    Some(pipeline)
}

fn check_graph(pipeline: &Pipeline, bodies: &[&Node], report: &mut Report) {
    let Err(faults) = Graph::of(&[pipeline]) else {
        return;
    };
    for fault in faults {
        let place = decode::place_of(bodies[fault.stage()], fault.path());
        let (code, hint) = match &fault {
            Fault::Duplicate { .. } => (
                codes::DUPLICATE_OUTPUT,
                "let one stage make the path, or give each its own",
            ),
            Fault::Overlap { .. } => (
                codes::OVERLAPPING_OUTPUTS,
                "give each stage a directory of its own",
            ),
            Fault::OwnFile { .. } => (
                codes::OVERLAPPING_OUTPUTS,
                "let the stage make a directory of its own",
            ),
            Fault::Circle { .. } => (codes::CYCLIC_STAGES, "remove one of the dependencies"),
        };
        report.add(code, &place, fault.to_string()).hint(hint);
    }
}

/// The keys of the file that are not about stages.
fn tops(
    tree: &Node,
    pipeline: &mut Pipeline,
    context: &Context,
    flags: Flags,
    report: &mut Report,
) {
    let filled = |key: &str, report: &mut Report| -> Vec<Value> {
        let elements = tree
            .entry(key)
            .map(|entry| entry.value.elements())
            .unwrap_or_default();
        let mut fill = |node| expand::fill(node, context, template::Use::Anything, flags, report);
        elements.iter().filter_map(&mut fill).collect()
    };
    let texts = |values: Vec<Value>| values.iter().map(template::shown).collect();
    pipeline.params = texts(filled("params", report));
    pipeline.metrics = texts(filled("metrics", report));
    pipeline.plots = filled("plots", report);
    pipeline.datasets = filled("datasets", report);
    if let Some(artifacts) = tree.entry("artifacts")
        && let Some(Value::Map(artifacts)) = expand::fill(
            &artifacts.value,
            context,
            template::Use::Anything,
            flags,
            report,
        )
    {
        let artifacts = artifacts.into_iter();
        pipeline.artifacts = artifacts
            .map(|(name, value)| (name.python(), value))
            .collect();
    }
}
