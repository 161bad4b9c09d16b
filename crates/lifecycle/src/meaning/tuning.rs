//! Searches that find nothing.

use everloop_domain::Value;

use crate::codes;
use crate::diagnostic::Report;
use crate::space::{Listed, by_dependency, listed};
use crate::suggestion;
use crate::yaml::Node;

pub(super) fn check(tree: &Node, report: &mut Report) {
    let Some(train) = tree.get("train") else {
        return;
    };
    let Some(tune) = train.get("tune").filter(|tune| tune.is_map()) else {
        return;
    };
    objectives(tree, tune, report);
    if let Some(cross_validation) = tune.get("cross_validation") {
        folds(tree, cross_validation, report);
    }
    for key in ["cross_validation", "pruner"] {
        let set = tune.entry(key).filter(|entry| !entry.key_span.is_empty());
        if let (Some(entry), Some(_)) = (set, train.get("run")) {
            let message = format!("`train.tune.{key}` has no effect on a command");
            report
                .add(codes::WITHOUT_EFFECT, &entry.place(), message)
                .hint("the command scores itself: its metric is read from its run");
        }
    }
    let Some(space) = tune.get("space") else {
        return;
    };
    let all = listed(space);
    for one in &all {
        range(one, report);
        conditions(one, &all, report);
    }
    circles(&all, report);
    if let (Some(one), Some(_)) = (
        all.iter().find(|one| one.entry.key == "trainer"),
        train.get("run"),
    ) {
        let message = "`trainer` cannot be searched: training is the command of `run`";
        report.add(codes::CONTRADICTION, &one.entry.place(), message);
    }
}

fn objectives(tree: &Node, tune: &Node, report: &mut Report) {
    let metrics = |key: &str| crate::decode::metrics(tune, key);
    let (small, large) = (metrics("minimize"), metrics("maximize"));
    if tune.get("minimize").is_none() && tune.get("maximize").is_none() {
        let place = tree.place_of(&["train", "tune"]);
        report
            .add(
                codes::MISSING_KEY,
                &place,
                "`train.tune` lacks the key `minimize` or `maximize`",
            )
            .hint("name a metric: `minimize: rmse`, or `maximize: roc_auc`");
    }
    let all: Vec<&String> = small.iter().chain(&large).collect();
    let twice = all
        .iter()
        .enumerate()
        .find(|(place, metric)| all[..*place].contains(metric));
    if let Some((place, metric)) = twice {
        let key = if place < small.len() {
            "minimize"
        } else {
            "maximize"
        };
        let message = format!("`{metric}` is an objective twice");
        report.add(
            codes::CONTRADICTION,
            &tree.place_of(&["train", "tune", key]),
            message,
        );
    }
    let prunes = tune
        .get("pruner")
        .filter(|pruner| pruner.text() != Some("none"));
    if let (true, Some(pruner)) = (all.len() > 1, prunes) {
        let message = "`train.tune.pruner` has no effect: what is seen on the way does not tell of several objectives";
        report
            .at(codes::WITHOUT_EFFECT, pruner, message)
            .hint("remove it, or name one metric");
    }
}

fn folds(tree: &Node, node: &Node, report: &mut Report) {
    let place = |key: &str| tree.place_of(&["train", "tune", "cross_validation", key]);
    let by = node.get("by").and_then(Node::text);
    let task = tree.get("train").and_then(super::task);
    if let Some(task) = task.filter(|task| by == Some("stratified") && !task.is_classification()) {
        let message =
            format!("folds cannot be stratified: the target of `task: {task}` has no classes");
        report
            .add(codes::IMPOSSIBLE_SPLIT, &place("by"), message)
            .hint("choose `by: random` or `by: time`");
    }
    if by == Some("time") && tree.find(&["dataset", "time"]).is_none() {
        let message = "folds cannot be divided by time: `dataset.time` is not set";
        report
            .add(codes::IMPOSSIBLE_SPLIT, &place("by"), message)
            .hint("set `dataset.time` to the column that orders rows, or choose `by: random`");
    }
    match (by, node.entry("group")) {
        (Some("group"), None) => {
            let message = "folds cannot be divided by group: `cross_validation.group` is not set";
            report
                .add(codes::IMPOSSIBLE_SPLIT, &place("by"), message)
                .hint("set `group` to the column that holds the groups");
        }
        (Some("random" | "stratified" | "time"), Some(entry)) => {
            let message = "`cross_validation.group` has no effect";
            report
                .add(codes::WITHOUT_EFFECT, &entry.place(), message)
                .hint("write `by: group`, or remove it");
        }
        _ => {}
    }
}

fn range(one: &Listed<'_>, report: &mut Report) {
    let node = &one.entry.value;
    let number = |key: &str| node.get(key).and_then(Node::number);
    let (Some(low), Some(high)) = (number("low"), number("high")) else {
        return;
    };
    let (id, place) = (&one.id, one.entry.place());
    if !(low.is_finite() && high.is_finite()) {
        let message = format!("the range of `{id}` has no end: low {low}, high {high}");
        report.add(codes::OUT_OF_RANGE, &place, message);
        return;
    }
    if low >= high {
        let message = format!("nothing of `{id}` lies between low {low} and high {high}");
        report.add(codes::CONTRADICTION, &place, message);
    }
    let is_log = node.get("log").and_then(Node::boolean) == Some(true);
    if is_log && low <= 0.0 {
        let message = format!("`{id}` has no logarithm at low {low}");
        let problem = report.add(codes::OUT_OF_RANGE, &place, message);
        problem.hint("start above 0, or remove `log: true`");
    }
    let Some(step) = number("step") else { return };
    if !(step > 0.0 && step <= high - low) {
        let message = format!(
            "the step of `{id}` is {step}, expected a number above 0 and up to {}",
            high - low
        );
        report.add(codes::OUT_OF_RANGE, &place, message);
    } else if is_log {
        let message = format!("`{id}` has a step and a logarithm");
        let problem = report.add(codes::CONTRADICTION, &place, message);
        problem.hint("whole numbers need no step; else list the values: `[0.01, 0.1, 1]`");
    }
}

fn conditions(one: &Listed<'_>, all: &[Listed<'_>], report: &mut Report) {
    for (entry, wanted) in one.conditions() {
        let Some(other) = one.named(&entry.key, all) else {
            let message = format!(
                "`{}` depends on `{}`, which is not searched",
                one.id, entry.key
            );
            let names = all.iter().map(|one| one.id.as_str());
            let hint = suggestion::hint(&entry.key, "what is searched is", names);
            report
                .add(codes::UNKNOWN_VALUE, &entry.place(), message)
                .help = hint;
            continue;
        };
        let Some(choices) = other.choices() else {
            let message = format!("`{}` depends on `{}`, which is a range", one.id, other.id);
            report
                .add(codes::CONTRADICTION, &entry.place(), message)
                .hint("conditions name values of parameters that have a list of them");
            continue;
        };
        for value in wanted.iter().filter(|value| !choices.contains(value)) {
            let message = format!("`{}` is never {value}", other.id);
            let names: Vec<String> = choices.iter().map(ToString::to_string).collect();
            let names = names.iter().map(String::as_str);
            let hint = suggestion::hint(&value.to_string(), "its values are", names);
            report
                .add(codes::UNKNOWN_VALUE, &entry.place(), message)
                .help = hint;
        }
    }
    let branches = one
        .entry
        .value
        .get("choices")
        .map_or(&[][..], Node::entries);
    let is_text = |key: &str| {
        !key.is_empty() && key.parse::<f64>().is_err() && !matches!(key, "true" | "false")
    };
    for branch in branches.iter().filter(|branch| !is_text(&branch.key)) {
        let found = Value::Text(branch.key.clone());
        let message = format!("the choice `{found}` of `{}` is no word", one.id);
        report
            .add(codes::INVALID_VALUE, &branch.place(), message)
            .hint("choices as a map are words; list other values and use `when`");
    }
}

fn circles(all: &[Listed<'_>], report: &mut Report) {
    for circle in by_dependency(all).circles {
        let names: Vec<&str> = circle
            .iter()
            .chain(circle.first())
            .map(|place| all[*place].id.as_str())
            .collect();
        let message = format!(
            "parameters depend on each other in a circle: {}",
            names.join(" on ")
        );
        report.add(codes::CONTRADICTION, &all[circle[0]].entry.place(), message);
    }
}
