//! Gates and conditions: names that are measured, and a form that holds or does not hold.

use everloop_domain::Task;
use everloop_domain::Value;
use everloop_domain::expression::{
    self, BinaryOperator, Expression, Node as ExpressionNode, UnaryOperator,
};

use crate::codes;
use crate::diagnostic::Report;
use crate::metrics;
use crate::suggestion;
use crate::yaml::Node;

/// The functions that conditions may call: those that `measure` evaluates.
const FUNCTIONS: [&str; 4] = ["abs", "max", "min", "sqrt"];

/// Where a condition stands decides which names it may use.
struct Scope<'a> {
    task: Option<Task>,
    has_target: bool,
    /// Names besides metrics.
    measured: &'a [&'a str],
    /// What may stand before a metric: `champion`, `baseline`, `naive`.
    prefixes: &'a [&'a str],
    /// The columns of `evaluate.fairness.groups`.
    groups: Vec<String>,
    /// The columns of `evaluate.slices`; nothing where slices and intervals are not measured.
    slices: Option<Vec<String>>,
}

pub(super) fn check(tree: &Node, report: &mut Report) {
    let task = tree.get("train").and_then(super::task);
    let groups = tree
        .find(&["evaluate", "fairness", "groups"])
        .filter(|_| task.is_none_or(|task| task == Task::Binary))
        .map(Node::texts)
        .unwrap_or_default();
    let has_target = tree.find(&["dataset", "target"]).is_some();
    let candidate = Scope {
        task,
        has_target,
        measured: &metrics::OF_CANDIDATE,
        prefixes: &["champion", "naive"],
        groups: groups.clone(),
        slices: Some(
            tree.find(&["evaluate", "slices"])
                .map(Node::texts)
                .unwrap_or_default(),
        ),
    };
    let service = Scope {
        task,
        has_target,
        measured: &metrics::OF_SERVICE,
        prefixes: &["champion", "baseline"],
        groups,
        slices: None,
    };
    let elements = |path: &[&str]| tree.find(path).map_or(&[][..], Node::elements);
    for gate in elements(&["gates"]) {
        candidate.check(gate.get("gate").unwrap_or(gate), report);
    }
    let alerts = elements(&["monitor", "alerts"])
        .iter()
        .filter_map(|alert| alert.get("when"));
    for list in alerts.map(Node::elements).chain([
        elements(&["retrain", "when"]),
        elements(&["deploy", "rollout", "abort"]),
    ]) {
        for condition in list {
            service.check(condition, report);
        }
    }
}

impl Scope<'_> {
    fn check(&self, node: &Node, report: &mut Report) {
        let Some(expression) = node.written().and_then(|text| expression::parse(text).ok()) else {
            return;
        };
        let mut is_known = true;
        expression.visit(&mut |part| {
            if let ExpressionNode::Name(name) = &part.node {
                is_known &= self.name(name, part, node, report);
            } else if let Some((code, message, hint)) = refused(&part.node) {
                is_known = false;
                let place = node.place_within(report.text(), &part.span);
                report.add(code, &place, message).hint(hint);
            }
        });
        if is_known && !is_condition(&expression) {
            let message = format!(
                "`{}` is not a condition",
                node.written().unwrap_or_default()
            );
            report
                .at(codes::NOT_A_CONDITION, node, message)
                .hint("compare it: `rmse < 80`");
        }
    }

    /// Checks a name; whether it is known.
    fn name(&self, name: &str, part: &Expression, node: &Node, report: &mut Report) -> bool {
        let (prefix, metric) = match name.split_once('.') {
            Some((prefix, metric)) if self.prefixes.contains(&prefix) => (prefix, metric),
            _ => ("", name),
        };
        if let Some(message) = self.lacks_truth(metric) {
            let place = node.place_within(report.text(), &part.span);
            let hint = "set `dataset.target` to the column that holds it";
            report
                .add(codes::UNSUITABLE_METRIC, &place, message)
                .hint(hint);
            return false;
        }
        if self.measured.contains(&name) || self.is_part(name) {
            return true;
        }
        let comparison = metric.split_once('.').map_or(metric, |(first, _)| first);
        let (code, message, hint) = if metrics::is_comparison(comparison) {
            let Some(hint) = self.fairness(metric) else {
                return true;
            };
            (
                codes::UNSUITABLE_METRIC,
                format!("`{name}` is not measured"),
                Some(hint),
            )
        } else if !metrics::is_metric(metric) {
            (
                codes::UNKNOWN_METRIC,
                format!("there is no metric `{name}`"),
                self.hint(name, prefix),
            )
        } else {
            let Some(task) = self.task.filter(|task| !metrics::suits(metric, *task)) else {
                return true;
            };
            let message = format!("the metric `{metric}` does not suit the task `{task}`");
            let hint = format!("those that do: {}", metrics::usual(task));
            (codes::UNSUITABLE_METRIC, message, Some(hint))
        };
        let place = node.place_within(report.text(), &part.span);
        report.add(code, &place, message).help = hint;
        false
    }

    /// Whether the metric, or what it is a part of, needs a truth that is not there.
    fn lacks_truth(&self, metric: &str) -> Option<String> {
        let metric = metric.split_once('.').map_or(metric, |(first, _)| first);
        let needs = |task: &Task| metrics::needs_target(metric, *task);
        let task = self.task.filter(|_| !self.has_target).filter(needs)?;
        Some(format!(
            "the metric `{metric}` of the task `{task}` needs the truth"
        ))
    }

    /// Whether the name is a bound of a metric (`rmse.lower`), or a number of a slice or group: `rmse.season.max`,
    /// `recall.sex.Female`.
    fn is_part(&self, name: &str) -> bool {
        let (Some(slices), Some((metric, part))) = (&self.slices, name.split_once('.')) else {
            return false;
        };
        let is_metric = match self.task {
            Some(task) => metrics::suits(metric, task),
            None => metrics::is_metric(metric),
        };
        if let "lower" | "upper" = part {
            return is_metric;
        }
        let is_of = |columns: &[String]| {
            let of = |column: &String| {
                let value = part.strip_prefix(column.as_str());
                value.is_some_and(|value| value.len() > 1 && value.starts_with('.'))
            };
            columns.iter().any(of)
        };
        (is_metric && is_of(slices)) || (metrics::RATES.contains(&metric) && is_of(&self.groups))
    }

    /// What to set so that a difference between groups is measured; nothing if it is.
    fn fairness(&self, metric: &str) -> Option<String> {
        let group = metric.split_once('.').map(|(_, group)| group);
        let is_measured = match group {
            Some(group) => self.groups.iter().any(|column| column == group),
            None => !self.groups.is_empty(),
        };
        let group = group.unwrap_or("sex");
        (!is_measured).then(|| format!("set `evaluate.fairness: {{groups: [{group}]}}`"))
    }

    fn hint(&self, name: &str, prefix: &str) -> Option<String> {
        if metrics::OF_SERVICE.contains(&name) {
            return Some("it is measured in service only: use it in `retrain.when`".to_owned());
        }
        if let Some(metric) = name.strip_prefix("baseline.").filter(|_| prefix.is_empty()) {
            return Some(format!(
                "a gate compares with the champion: `champion.{metric}`"
            ));
        }
        let candidates = self.candidates(prefix);
        suggestion::hint(name, "the names are", candidates.iter().map(String::as_str))
    }

    /// The names that could have been meant.
    fn candidates(&self, prefix: &str) -> Vec<String> {
        let metrics = self.task.into_iter().flat_map(metrics::suiting);
        if !prefix.is_empty() {
            return metrics.map(|metric| format!("{prefix}.{metric}")).collect();
        }
        let qualified = metrics.clone().take(1);
        let qualified = qualified.flat_map(|metric| {
            self.prefixes
                .iter()
                .map(move |prefix| format!("{prefix}.{metric}"))
        });
        let measured = self.measured.iter().map(|name| (*name).to_owned());
        let measured = measured.chain(metrics.clone().map(str::to_owned));
        measured.chain(qualified).collect()
    }
}

/// What may not stand in a condition, which is about numbers: its code, message and way out.
fn refused(part: &ExpressionNode) -> Option<(&'static str, String, String)> {
    let what = match part {
        ExpressionNode::Literal(Value::Text(_)) => "a text",
        ExpressionNode::Null | ExpressionNode::IsNull { .. } => "null",
        ExpressionNode::In { .. } => "`in`",
        ExpressionNode::Case { .. } => "`case` or `if`",
        ExpressionNode::Call(name, _) if !FUNCTIONS.contains(&name.as_str()) => {
            let message = format!("a condition cannot use the function `{name}`");
            let hint = format!("the functions of conditions are: {}", FUNCTIONS.join(", "));
            return Some((codes::UNKNOWN_FUNCTION, message, hint));
        }
        _ => return None,
    };
    let hint = "compare metrics with numbers and with each other, joined by `and`, `or`, `not`";
    Some((
        codes::NOT_A_CONDITION,
        format!("a condition cannot use {what}"),
        hint.to_owned(),
    ))
}

/// Whether the expression holds or does not hold.
fn is_condition(expression: &Expression) -> bool {
    use BinaryOperator as Op;
    match &expression.node {
        ExpressionNode::Literal(value) => matches!(value, Value::Boolean(_)),
        ExpressionNode::Name(name) => name == "drift",
        ExpressionNode::Unary(operator, _) => *operator == UnaryOperator::Not,
        ExpressionNode::Binary(operator, ..) => !matches!(
            operator,
            Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Modulo
        ),
        _ => false,
    }
}
