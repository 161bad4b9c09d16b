//! What learns, and what is measured: it must suit the task.

use everloop_domain::Task;

use crate::codes;
use crate::diagnostic::Report;
use crate::metrics;
use crate::suggestion;
use crate::yaml::Node;

pub(super) fn check(tree: &Node, report: &mut Report) {
    let Some(train) = tree.get("train").filter(|train| train.is_map()) else {
        return;
    };
    trainer_or_command(tree, train, report);
    check_weight(tree, report);
    let Some(task) = super::task(train) else {
        return;
    };
    super::trainers::check(train, task, report);
    for key in ["minimize", "maximize"] {
        if let Some(metric) = train.find(&["tune", key]) {
            suits(metric, task, report);
            for metric in metric.elements() {
                suits(metric, task, report);
            }
        }
    }
    for metric in tree
        .find(&["evaluate", "metrics"])
        .map_or(&[][..], Node::elements)
    {
        suits(metric, task, report);
    }
}

/// The weight of a row is neither what is learnt nor what orders rows.
fn check_weight(tree: &Node, report: &mut Report) {
    let name = |key| tree.find(&["dataset", key]).and_then(Node::written);
    let Some(node) = tree.find(&["dataset", "weight"]) else {
        return;
    };
    for role in ["target", "time"] {
        if let Some(weight) = node.written().filter(|weight| name(role) == Some(weight)) {
            let message = format!("the column `{weight}` is both `weight` and `{role}`");
            report
                .at(codes::CONTRADICTION, node, message)
                .hint("make a column for the weights in `prepare`");
        }
    }
}

fn trainer_or_command(tree: &Node, train: &Node, report: &mut Report) {
    match (train.entry("trainer"), train.entry("run")) {
        (Some(_), Some(command)) => {
            let problem = report.add(
                codes::TRAINER_OR_COMMAND,
                &command.place(),
                "both `trainer` and `run` are given",
            );
            problem.hint("keep `trainer` for a built-in one, or `run` for a command of your own");
        }
        (None, None)
            if !is_misspelt(train) && train.find(&["tune", "space", "trainer"]).is_none() =>
        {
            let place = tree
                .entry("train")
                .map_or_else(|| train.place(), crate::yaml::Entry::place);
            let problem = report.add(
                codes::TRAINER_OR_COMMAND,
                &place,
                "neither `trainer` nor `run` is given",
            );
            problem.hint("write `trainer: boosting`, or `run: python train.py`");
        }
        (Some(_), None) => {
            for key in ["deps", "timeout"] {
                if let Some(entry) = train.entry(key).filter(|entry| !entry.key_span.is_empty()) {
                    let message = format!("`train.{key}` has no effect on a built-in trainer");
                    report
                        .add(codes::WITHOUT_EFFECT, &entry.place(), message)
                        .hint("it belongs to `run`");
                }
            }
        }
        (None, Some(_)) => {
            if let Some(entry) = train.entry("max_memory") {
                let message = "`train.max_memory` has no effect on a command";
                report
                    .add(codes::WITHOUT_EFFECT, &entry.place(), message)
                    .hint("it bounds built-in trainers");
            }
        }
        _ => {}
    }
}

/// Whether one of the two keys was meant: then the unknown key has been reported.
fn is_misspelt(train: &Node) -> bool {
    let mut keys = train.entries().iter().map(|entry| entry.key.as_str());
    keys.any(|key| key != "tune" && suggestion::nearest(key, ["trainer", "run"]).is_some())
}

fn suits(node: &Node, task: Task, report: &mut Report) {
    let Some(metric) = node.written().filter(|metric| metrics::is_metric(metric)) else {
        return;
    };
    if !metrics::suits(metric, task) {
        let message = format!("the metric `{metric}` does not suit the task `{task}`");
        report
            .at(codes::UNSUITABLE_METRIC, node, message)
            .hint(format!("those that do: {}", metrics::usual(task)));
    }
}
