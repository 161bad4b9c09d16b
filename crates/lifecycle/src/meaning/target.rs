//! The target: which tasks need it, and what needs it.

use everloop_domain::Task;

use crate::codes;
use crate::diagnostic::Report;
use crate::metrics;
use crate::yaml::Node;

pub(super) fn check(tree: &Node, report: &mut Report) {
    let Some(dataset) = tree.entry("dataset").filter(|entry| entry.value.is_map()) else {
        return;
    };
    let task = tree.get("train").and_then(super::task);
    if dataset.value.get("target").is_some() {
        return;
    }
    if task.is_none_or(Task::is_supervised) {
        let message = "`dataset` lacks the key `target`";
        report
            .add(codes::MISSING_KEY, &dataset.place(), message)
            .hint("`target`: the column to predict");
        return;
    }
    if let Some(labels) = tree
        .get("monitor")
        .and_then(|monitor| monitor.entry("labels"))
        && !labels.value.is_null()
    {
        report
            .add(
                codes::CONTRADICTION,
                &labels.place(),
                "labels arrive, but there is no target",
            )
            .hint("set `dataset.target` to the column that holds the truth, or remove `labels`");
    }
    let named = tree
        .find(&["evaluate", "metrics"])
        .map_or(&[][..], Node::elements);
    for node in named {
        let metric = node.written().unwrap_or_default();
        if let Some(task) = task.filter(|task| metrics::needs_target(metric, *task)) {
            let message = format!("the metric `{metric}` of the task `{task}` needs the truth");
            report
                .at(codes::UNSUITABLE_METRIC, node, message)
                .hint("set `dataset.target` to the column that holds it");
        }
    }
    for key in ["slices", "fairness"] {
        let entry = tree
            .get("evaluate")
            .and_then(|evaluate| evaluate.entry(key));
        if let Some(entry) = entry.filter(|entry| !entry.key_span.is_empty()) {
            let message = format!("`evaluate.{key}` has no effect without a target");
            report.add(codes::WITHOUT_EFFECT, &entry.place(), message);
        }
    }
}
