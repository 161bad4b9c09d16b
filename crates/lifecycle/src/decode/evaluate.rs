//! `evaluate`.

use everloop_domain::Task;
use everloop_domain::expression::{self, BinaryOperator, Node as ExpressionNode};

use super::name;
use crate::evaluate::{
    Bound, Card, Evaluate, Explain, Fairness, IntervalMethod, Intervals, Mitigation, Parity,
    Robustness, ThresholdGoal, WeakSlices,
};
use crate::metrics;
use crate::yaml::{Entry, Node};

pub(super) fn evaluate<'a>(
    node: &Node,
    (task, has_target): (Task, bool),
    named: impl Iterator<Item = &'a str>,
) -> Option<Evaluate> {
    let mut metrics = match node.get("metrics") {
        Some(listed) => listed.texts(),
        None => metrics::defaults(task)
            .filter(|metric| has_target || !metrics::needs_target(metric, task))
            .map(str::to_owned)
            .collect(),
    };
    for name in named {
        // `rmse.lower`, `champion.rmse`, `accuracy.sex.min`: the metric is one of the parts.
        for metric in name.split('.').filter(|part| metrics::suits(part, task)) {
            if !metrics.iter().any(|listed| listed == metric) {
                metrics.push(metric.to_owned());
            }
        }
    }
    let is_binary = task == Task::Binary;
    let threshold = node.get("threshold").filter(|_| is_binary);
    let fairness = node.get("fairness").filter(|_| is_binary);
    Some(Evaluate {
        metrics,
        slices: node.get("slices").map(Node::texts).unwrap_or_default(),
        intervals: intervals(node.get("intervals")?)?,
        threshold: threshold.and_then(threshold_goal),
        fairness: fairness.and_then(read_fairness),
        weak_slices: weak_slices(node.get("weak_slices")?)?,
        robustness: robustness(node.get("robustness")?)?,
        explain: explain(node.get("explain")?)?,
        card: card(node.get("card")?),
    })
}

fn count(node: &Node, key: &str) -> Option<usize> {
    usize::try_from(node.get(key)?.integer()?).ok()
}

fn is_true(node: &Node, key: &str) -> Option<bool> {
    node.get(key)?.boolean()
}

fn intervals(node: &Node) -> Option<Intervals> {
    Some(Intervals {
        confidence: node.get("confidence")?.number()?,
        method: match node.get("method")?.written()? {
            "bootstrap" => IntervalMethod::Bootstrap,
            "bca" => IntervalMethod::Bca,
            "none" => IntervalMethod::None,
            _ => IntervalMethod::Auto,
        },
        resamples: count(node, "resamples")?,
    })
}

/// What a threshold is chosen for; nothing if the keys do not fit together.
pub(crate) fn threshold_goal(node: &Node) -> Option<ThresholdGoal> {
    let Some(maximized) = node.get("maximize") else {
        node.get("minimize")?;
        let cost = |key: &str, default: f64| match node.find(&["costs", key]) {
            Some(cost) => cost.number(),
            None => Some(default),
        };
        return Some(ThresholdGoal::Cost {
            false_positive: cost("false_positive", 1.0)?,
            false_negative: cost("false_negative", 1.0)?,
            true_positive: cost("true_positive", 0.0)?,
            true_negative: cost("true_negative", 0.0)?,
        });
    };
    let condition = match node.get("where") {
        Some(condition) => Some(bound(condition.written()?)?),
        None => None,
    };
    let condition = condition
        .as_ref()
        .map(|(name, is_least, value)| (name.as_str(), *is_least, *value));
    match (maximized.written()?, condition) {
        ("f1", None) => Some(ThresholdGoal::F { beta: 1.0 }),
        ("f2", None) => Some(ThresholdGoal::F { beta: 2.0 }),
        ("f0_5", None) => Some(ThresholdGoal::F { beta: 0.5 }),
        ("accuracy", None) => Some(ThresholdGoal::Accuracy),
        ("balanced_accuracy", None) => Some(ThresholdGoal::BalancedAccuracy),
        ("recall", Some(("precision", true, value))) => {
            Some(ThresholdGoal::RecallAtPrecision(value))
        }
        ("recall", Some(("false_positive_rate", false, value))) => {
            Some(ThresholdGoal::RecallAtFalsePositiveRate(value))
        }
        ("recall", Some(("selection_rate", false, value))) => {
            Some(ThresholdGoal::RecallAtSelectionRate(value))
        }
        ("precision", Some(("recall", true, value))) => {
            Some(ThresholdGoal::PrecisionAtRecall(value))
        }
        _ => None,
    }
}

/// A name, whether it must be at least (else at most) a share, and the share.
fn bound(text: &str) -> Option<(String, bool, f64)> {
    let expression = expression::parse(text).ok()?;
    let ExpressionNode::Binary(operator, left, right) = &expression.node else {
        return None;
    };
    let ExpressionNode::Name(name) = &left.node else {
        return None;
    };
    let value = match &right.node {
        ExpressionNode::Literal(value) => value.as_f64()?,
        _ => return None,
    };
    let is_least = match operator {
        BinaryOperator::GreaterOrEqual => true,
        BinaryOperator::LessOrEqual => false,
        _ => return None,
    };
    (0.0..=1.0)
        .contains(&value)
        .then(|| (name.clone(), is_least, value))
}

fn read_fairness(node: &Node) -> Option<Fairness> {
    let bound = |entry: &Entry| {
        let number = |key: &str| entry.value.get(key).and_then(Node::number);
        let (min, max) = (number("min"), number("max"));
        (entry.key.clone(), Bound { min, max })
    };
    let parity = match node.get("parity")?.written()? {
        "demographic" => Parity::Demographic,
        "true_positive_rate" => Parity::TruePositiveRate,
        "false_positive_rate" => Parity::FalsePositiveRate,
        _ => Parity::EqualizedOdds,
    };
    let tolerance = node.get("tolerance")?.number()?;
    Some(Fairness {
        groups: node.get("groups")?.texts(),
        intersections: is_true(node, "intersections")?,
        bounds: node.get("metrics")?.entries().iter().map(bound).collect(),
        min_group_size: count(node, "min_group_size")?,
        mitigate: match node.get("mitigate").and_then(Node::written) {
            Some("reweighing") => Some(Mitigation::Reweighing),
            Some(_) => Some(Mitigation::GroupThresholds { parity, tolerance }),
            None => None,
        },
    })
}

fn weak_slices(node: &Node) -> Option<WeakSlices> {
    Some(WeakSlices {
        columns: node.get("columns")?.texts(),
        min_rows: count(node, "min_rows")?,
        pairs: is_true(node, "pairs")?,
        false_discovery_rate: node.get("false_discovery_rate")?.number()?,
        max_slices: count(node, "max_slices")?,
    })
}

fn robustness(node: &Node) -> Option<Robustness> {
    Some(Robustness {
        rows: count(node, "rows")?,
        noise: node.get("noise")?.number()?,
        missing_column: is_true(node, "missing_column")?,
        unit_change: node.get("unit_change")?.number()?,
    })
}

fn explain(node: &Node) -> Option<Explain> {
    Some(Explain {
        rows: count(node, "rows")?,
        shap: is_true(node, "shap")?,
        partial_dependence: count(node, "partial_dependence")?,
    })
}

fn card(node: &Node) -> Card {
    Card {
        intended_use: name(node, "intended_use"),
        out_of_scope: name(node, "out_of_scope"),
        limits: name(node, "limits"),
        owner: name(node, "owner"),
        licence: name(node, "licence"),
        contact: name(node, "contact"),
    }
}
