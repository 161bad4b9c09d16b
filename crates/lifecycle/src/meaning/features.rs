//! Features: functions that exist, no circle, no name of a column, no look at the target.

use everloop_domain::expression::{self, Expression, FUNCTIONS, Function, Node as ExpressionNode};

use crate::codes;
use crate::diagnostic::Report;
use crate::order::order;
use crate::suggestion;
use crate::yaml::{Entry, Node};

pub(super) fn check(tree: &Node, report: &mut Report) {
    let entries = tree.get("features").map_or(&[][..], Node::entries);
    let parsed: Vec<(&Entry, Expression)> = entries
        .iter()
        .filter_map(|entry| Some((entry, expression::parse(entry.value.written()?).ok()?)))
        .collect();
    let target = tree.find(&["dataset", "target"]).and_then(Node::written);
    let time = tree.find(&["dataset", "time"]).and_then(Node::written);
    for (entry, expression) in &parsed {
        functions(&entry.value, expression, report);
        check_name(entry, target, time, report);
        if let Some(target) = target {
            check_leak(entry, expression, target, report);
        }
        if let Some(weight) = tree.find(&["dataset", "weight"]).and_then(Node::written) {
            check_weight(entry, expression, weight, report);
        }
    }
    check_circles(&parsed, report);
}

fn check_circles(parsed: &[(&Entry, Expression)], report: &mut Report) {
    let things: Vec<(&str, Vec<&str>)> = parsed
        .iter()
        .map(|(entry, expression)| (entry.key.as_str(), expression.names().into_iter().collect()))
        .collect();
    for circle in order(&things).circles {
        let Some((first, _)) = circle.first().map(|first| &parsed[*first]) else {
            continue;
        };
        let names: Vec<&str> = circle
            .iter()
            .chain(circle.first())
            .map(|member| things[*member].0)
            .collect();
        let message = format!(
            "features are computed from each other: {}",
            names.join(" <- ")
        );
        let problem = report.add(codes::CYCLIC_FEATURES, &first.place(), message);
        problem.hint("a feature may use columns and other features, but not lead back to itself");
    }
}

/// Checks that every function exists and gets as many arguments as it takes.
fn functions(node: &Node, expression: &Expression, report: &mut Report) {
    expression.visit(&mut |part| {
        let ExpressionNode::Call(name, arguments) = &part.node else {
            return;
        };
        let (message, hint) = match Function::find(name) {
            None => {
                let names = FUNCTIONS.iter().map(|function| function.name);
                let hint = suggestion::hint(name, "the functions are", names);
                let way_out = "what they cannot say belongs in `prepare`, in SQL";
                let hint = match hint {
                    Some(hint) if hint.ends_with('?') => hint,
                    Some(hint) => format!("{hint}; {way_out}"),
                    None => way_out.to_owned(),
                };
                (format!("there is no function `{name}`"), hint)
            }
            Some(function) if !function.takes(arguments.len()) => {
                let wanted = match function.max_arguments {
                    Some(most) => most.to_string(),
                    None => format!("{} or more", function.min_arguments),
                };
                let message = format!(
                    "`{name}` takes {wanted} arguments, found {}",
                    arguments.len()
                );
                (message, format!("`{name}`: {}", function.doc))
            }
            Some(_) => return,
        };
        let place = node.place_within(report.text(), &part.span);
        report
            .add(codes::UNKNOWN_FUNCTION, &place, message)
            .hint(hint);
    });
}

fn check_name(entry: &Entry, target: Option<&str>, time: Option<&str>, report: &mut Report) {
    for (column, role) in [(target, "target"), (time, "time")] {
        if column == Some(entry.key.as_str()) {
            let message = format!(
                "the feature `{}` has the name of the {role} column",
                entry.key
            );
            report
                .add(codes::FEATURE_NAME, &entry.place(), message)
                .hint("give it a name of its own");
        }
    }
}

fn check_weight(entry: &Entry, expression: &Expression, weight: &str, report: &mut Report) {
    expression.visit(&mut |part| {
        if part.node == ExpressionNode::Name(weight.to_owned()) {
            let place = entry.value.place_within(report.text(), &part.span);
            let message = format!(
                "the feature `{}` is computed from the weight `{weight}`",
                entry.key
            );
            let problem = report.add(codes::NOT_AN_INPUT, &place, message);
            problem.hint("what a row counts is no input of the model");
        }
    });
}

fn check_leak(entry: &Entry, expression: &Expression, target: &str, report: &mut Report) {
    expression.visit(&mut |part| {
        if part.node == ExpressionNode::Name(target.to_owned()) {
            let place = entry.value.place_within(report.text(), &part.span);
            let message = format!(
                "the feature `{}` is computed from the target `{target}`",
                entry.key
            );
            let problem = report.add(codes::TARGET_LEAK, &place, message);
            problem.hint("the target is not known when a prediction is asked for");
        }
    });
}
