//! Splits that cannot be made.

use crate::codes;
use crate::diagnostic::Report;
use crate::yaml::{Node, Place};

/// How far the sum of the shares may be from 1.
const TOLERANCE: f64 = 1e-6;

pub(super) fn check(tree: &Node, report: &mut Report) {
    let Some(split) = tree.get("split") else {
        return;
    };
    let place = |key: &str| tree.place_of(&["split", key]);
    let by = split.get("by").and_then(Node::written);
    let time = tree.find(&["dataset", "time"]);
    if by == Some("time") && time.is_none() && tree.get("dataset").is_some() {
        let message = "rows cannot be divided by time: `dataset.time` is not set";
        let problem = report.add(codes::IMPOSSIBLE_SPLIT, &place("by"), message);
        problem.hint("set `dataset.time` to the column that orders rows, or choose `by: random`");
    }
    let task = tree.get("train").and_then(super::task);
    if let Some(task) = task.filter(|task| by == Some("stratified") && !task.is_classification()) {
        let message =
            format!("rows cannot be stratified: the target of `task: {task}` has no classes");
        report
            .add(codes::IMPOSSIBLE_SPLIT, &place("by"), message)
            .hint("choose `by: random` or `by: time`");
    }
    for (kind, what) in [
        ("group", "holds the groups"),
        ("column", "holds `train`, `validation` or `test`"),
    ] {
        check_column(split, by, kind, what, &place("by"), report);
    }
    if by != Some("column") {
        check_shares(split, &place("train"), report);
    }
}

/// Checks the key that only one way of splitting needs.
fn check_column(
    split: &Node,
    by: Option<&str>,
    kind: &str,
    what: &str,
    by_place: &Place,
    report: &mut Report,
) {
    match split.entry(kind) {
        None if by == Some(kind) => {
            let message = format!("rows cannot be divided by {kind}: `split.{kind}` is not set");
            let problem = report.add(codes::IMPOSSIBLE_SPLIT, by_place, message);
            problem.hint(format!("set `split.{kind}` to the column that {what}"));
        }
        Some(entry) if by != Some(kind) => {
            let message = format!("`split.{kind}` has no effect");
            let problem = report.add(codes::WITHOUT_EFFECT, &entry.place(), message);
            problem.hint(format!("write `by: {kind}`, or remove it"));
        }
        _ => {}
    }
}

fn check_shares(split: &Node, place: &Place, report: &mut Report) {
    let share = |key| split.get(key).and_then(Node::number);
    let (Some(train), Some(validation), Some(test)) =
        (share("train"), share("validation"), share("test"))
    else {
        return;
    };
    for (key, share, purpose) in [
        ("train", train, "learn from"),
        ("validation", validation, "check the package on"),
        ("test", test, "measure on"),
    ] {
        if let (true, Some(node)) = (share <= 0.0, split.get(key)) {
            let message = format!("the {key} part is empty: no rows would be left to {purpose}");
            report
                .at(codes::IMPOSSIBLE_SPLIT, node, message)
                .hint("for example: train 0.7, validation 0.15, test 0.15");
        }
    }
    let sum = train + validation + test;
    let are_shares = [train, validation, test]
        .iter()
        .all(|share| (0.0..=1.0).contains(share));
    if are_shares && (sum - 1.0).abs() > TOLERANCE {
        let sum = (sum * 1e6).round() / 1e6;
        let message = format!(
            "the shares sum to {sum}: train {train} + validation {validation} + test {test}"
        );
        report
            .add(codes::IMPOSSIBLE_SPLIT, place, message)
            .hint("give all three so that they sum to 1");
    }
}
