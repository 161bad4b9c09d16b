//! What is measured beyond metrics: it must suit the task and fit together.

use everloop_domain::Task;

use crate::codes;
use crate::decode::evaluate::threshold_goal;
use crate::diagnostic::Report;
use crate::shapes::THRESHOLD;
use crate::walker::walk;
use crate::yaml::Node;

/// Conditions that a threshold may be chosen under.
const WHERE: &str = "with `maximize: recall` one of `precision >= 0.8`, `false_positive_rate <= 0.05`, `selection_rate <= 0.1`; with `maximize: precision` `recall >= 0.9`";

pub(super) fn check(tree: &Node, report: &mut Report) {
    let Some(evaluate) = tree.get("evaluate") else {
        return;
    };
    let task = tree.get("train").and_then(super::task);
    if let Some(task) = task.filter(|task| *task != Task::Binary) {
        for (key, why, hint) in [
            (
                "fairness",
                "it compares what is predicted of two classes",
                "use `evaluate.slices` to compare errors between groups",
            ),
            (
                "threshold",
                "only one of two classes is predicted by a threshold",
                "remove it",
            ),
        ] {
            if let Some(entry) = evaluate.entry(key) {
                let message =
                    format!("`evaluate.{key}` has no effect: {why}, and the task is `{task}`");
                report
                    .add(codes::WITHOUT_EFFECT, &entry.place(), message)
                    .hint(hint);
            }
        }
        return;
    }
    threshold(tree, evaluate, report);
    fairness(tree, evaluate, report);
}

fn has_command(tree: &Node) -> bool {
    tree.find(&["train", "run"]).is_some()
}

fn threshold(tree: &Node, evaluate: &Node, report: &mut Report) {
    let Some(entry) = evaluate
        .entry("threshold")
        .filter(|entry| entry.value.is_map())
    else {
        return;
    };
    let node = &entry.value;
    let (is_minimized, is_maximized) = (
        node.get("minimize").is_some(),
        node.get("maximize").is_some(),
    );
    let problem = if is_minimized == is_maximized {
        let message = "`evaluate.threshold` needs either `minimize` or `maximize`";
        Some((message, "write `minimize: cost` or `maximize: f1`"))
    } else if is_maximized && node.get("costs").is_some() {
        let message = "`evaluate.threshold.costs` belongs to `minimize: cost`";
        Some((message, "remove `costs`, or write `minimize: cost`"))
    } else if is_minimized && node.get("where").is_some() {
        let message = "`evaluate.threshold.where` belongs to `maximize`";
        Some((message, "say in `costs` what errors cost"))
    } else if threshold_goal(node).is_none() && has_form(node) {
        let message = "`evaluate.threshold` cannot be chosen under this condition";
        Some((message, WHERE))
    } else if has_command(tree) {
        let message = "`evaluate.threshold` cannot change the model that `train.run` leaves";
        Some((message, "choose the threshold in your own code"))
    } else {
        None
    };
    if let Some((message, hint)) = problem {
        report
            .add(codes::CONTRADICTION, &entry.place(), message)
            .hint(hint);
    }
}

/// Whether the keys are of their form; if not, that has been reported.
fn has_form(threshold: &Node) -> bool {
    let mut trial = Report::new("");
    walk(&THRESHOLD, threshold, &mut trial);
    !trial.has_errors()
}

fn fairness(tree: &Node, evaluate: &Node, report: &mut Report) {
    let Some(fairness) = evaluate.get("fairness") else {
        return;
    };
    for entry in fairness.get("metrics").map_or(&[][..], Node::entries) {
        let is_empty = entry.value.get("min").is_none() && entry.value.get("max").is_none();
        if entry.value.is_map() && is_empty {
            let message = format!(
                "`evaluate.fairness.metrics.{}` has neither `min` nor `max`",
                entry.key
            );
            report
                .add(codes::MISSING_KEY, &entry.place(), message)
                .hint("write `{max: 0.1}`");
        }
    }
    let Some(entry) = fairness.entry("mitigate") else {
        return;
    };
    let is_by_group = entry.value.written() == Some("group_thresholds");
    let problem = if has_command(tree) {
        let message =
            "`evaluate.fairness.mitigate` cannot change the model that `train.run` leaves";
        Some((
            message.to_owned(),
            "mitigate in your own code, for example with Fairlearn",
        ))
    } else if is_by_group && evaluate.get("threshold").is_some() {
        let message =
            "`mitigate: group_thresholds` and `evaluate.threshold` both choose thresholds";
        Some((message.to_owned(), "keep one of them"))
    } else {
        excluded_group(tree, fairness)
            .filter(|_| is_by_group)
            .map(|column| {
                let message = format!(
                    "`mitigate: group_thresholds` needs `{column}` as an input of the model, but `dataset.exclude` names it"
                );
                (
                    message,
                    "remove it from `dataset.exclude`, or use `mitigate: reweighing`",
                )
            })
    };
    if let Some((message, hint)) = problem {
        report
            .add(codes::CONTRADICTION, &entry.place(), message)
            .hint(hint);
    }
}

/// The first group column, if the model does not see it.
fn excluded_group(tree: &Node, fairness: &Node) -> Option<String> {
    let first = fairness.get("groups")?.texts().into_iter().next()?;
    let excluded = tree.find(&["dataset", "exclude"])?.texts();
    excluded.contains(&first).then_some(first)
}
