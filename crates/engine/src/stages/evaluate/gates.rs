//! Gates: conditions on everything that was measured, with three outcomes.

use std::collections::BTreeMap;

use everloop_lifecycle::Gate;
use everloop_measure::{SliceScore, check_gate};
use serde::{Deserialize, Serialize};

use super::groups::{GroupComparison, explain};
use super::intervals::{MetricInterval, Paired};
use crate::Error;

/// What a gate came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateVerdict {
    /// It holds.
    Pass,
    /// It does not hold; the candidate passes all the same, and people are told.
    Warn,
    /// It does not hold, and the candidate is refused.
    Refuse,
}

impl GateVerdict {
    /// The word for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Refuse => "refuse",
        }
    }
}

/// A gate and what it found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateOutcome {
    /// The gate as written.
    pub text: String,
    /// Whether the candidate may pass: true of a warning.
    pub passed: bool,
    /// What it came to.
    pub verdict: GateVerdict,
    /// The gate with its numbers.
    pub shown: String,
}

impl GateOutcome {
    pub(super) fn new(text: String, holds: bool, warns: bool, shown: String) -> Self {
        let verdict = match (holds, warns) {
            (true, _) => GateVerdict::Pass,
            (false, true) => GateVerdict::Warn,
            (false, false) => GateVerdict::Refuse,
        };
        Self {
            text,
            passed: verdict != GateVerdict::Refuse,
            verdict,
            shown,
        }
    }
}

/// Everything that a gate may name.
#[derive(Debug, Default)]
pub(super) struct Names {
    values: BTreeMap<String, f64>,
    /// The champion's numbers, without their prefix; nothing without a champion.
    champion: Option<BTreeMap<String, f64>>,
    /// Why a metric has no value.
    missing: BTreeMap<String, String>,
}

impl Names {
    pub(super) fn new(
        metrics: &BTreeMap<String, f64>,
        missing: &BTreeMap<String, String>,
        champion: Option<&BTreeMap<String, f64>>,
    ) -> Self {
        Self {
            values: metrics.clone(),
            champion: champion.cloned(),
            missing: missing.clone(),
        }
    }

    /// `rmse.lower`, `rmse.upper`.
    pub(super) fn add_intervals(&mut self, intervals: &BTreeMap<String, MetricInterval>) {
        self.values.extend(interval_bounds(intervals));
    }

    /// `rmse.season.4`, `rmse.season.min`, `rmse.season.max`.
    pub(super) fn add_slices(&mut self, slices: &[SliceScore]) {
        for slice in slices {
            for (metric, value) in &slice.metrics {
                let of_column = format!("{metric}.{}", slice.column);
                self.values
                    .insert(format!("{of_column}.{}", slice.value), *value);
                let low = self.values.entry(format!("{of_column}.min"));
                let low = low.or_insert(*value);
                *low = low.min(*value);
                let high = self.values.entry(format!("{of_column}.max"));
                let high = high.or_insert(*value);
                *high = high.max(*value);
            }
        }
    }

    /// Rates and comparisons of groups, where nothing else has the name.
    pub(super) fn add_groups(&mut self, groups: BTreeMap<String, f64>) {
        for (name, value) in groups {
            self.values.entry(name).or_insert(value);
        }
    }

    /// The difference from the champion in the first metric, and its p-value.
    pub(super) fn add_comparison(&mut self, paired: &[Paired]) {
        let (Some(first), Some(champion)) = (paired.first(), &mut self.champion) else {
            return;
        };
        for (name, value) in [
            ("p_value", first.p_value),
            ("difference", first.difference.estimate),
            ("difference.lower", first.difference.low),
            ("difference.upper", first.difference.high),
        ] {
            champion.insert(name.to_owned(), value);
        }
    }

    fn value(&self, name: &str) -> Option<f64> {
        match name.strip_prefix("champion.") {
            Some(name) => self.champion.as_ref()?.get(name).copied(),
            None => self.values.get(name).copied(),
        }
    }

    /// Checks the gates of the file, in their order.
    pub(super) fn check(
        &self,
        gates: &[Gate],
        groups: &[GroupComparison],
    ) -> Result<Vec<GateOutcome>, Error> {
        gates
            .iter()
            .map(|gate| {
                let result = check_gate(&gate.expression, &|name| self.value(name))?;
                let mut shown = result.shown;
                for name in gate.expression.names() {
                    for words in self.why(name).into_iter().chain(who(name, groups)) {
                        shown = format!("{shown}; {words}");
                    }
                }
                let text = gate.text.clone();
                Ok(GateOutcome::new(text, result.passed, gate.warns, shown))
            })
            .collect()
    }

    /// Why a name has no number.
    fn why(&self, name: &str) -> Option<String> {
        let metric = name.split_once('.').map_or(name, |(metric, _)| metric);
        let why = self.missing.get(metric)?;
        Some(format!("`{metric}` has no value: {why}"))
    }
}

/// Which groups make a difference that a gate names, if it names one.
fn who(name: &str, groups: &[GroupComparison]) -> Option<String> {
    let (name, column) = name
        .split_once('.')
        .map_or((name, None), |(name, column)| (name, Some(column)));
    let is_greater_better = super::groups::is_better_greater(name);
    groups
        .iter()
        .filter(|it| match column {
            Some(column) => it.column == column,
            None => !it.column.contains(", "),
        })
        .filter_map(|it| Some((*it.comparisons.get(name)?, it)))
        .max_by(|(one, _), (other, _)| {
            if is_greater_better {
                other.total_cmp(one)
            } else {
                one.total_cmp(other)
            }
        })
        .map(|(_, it)| explain(name, it))
        .filter(|words| !words.is_empty())
}

/// The bounds of intervals under the names that gates and runs use.
pub(crate) fn interval_bounds(
    intervals: &BTreeMap<String, MetricInterval>,
) -> impl Iterator<Item = (String, f64)> {
    intervals.iter().flat_map(|(name, found)| {
        let (low, high) = (found.interval.low, found.interval.high);
        [
            (format!("{name}.lower"), low),
            (format!("{name}.upper"), high),
        ]
    })
}

#[cfg(test)]
mod tests {
    use everloop_domain::expression::parse;

    use super::*;

    fn gate(text: &str, warns: bool) -> Gate {
        Gate {
            text: text.to_owned(),
            expression: parse(text).unwrap(),
            warns,
        }
    }

    fn names() -> Names {
        let metrics = BTreeMap::from([("rmse".to_owned(), 81.0)]);
        let missing = BTreeMap::from([("roc_auc".to_owned(), "one class only".to_owned())]);
        let mut names = Names::new(&metrics, &missing, Some(&metrics));
        let slice = |value: &str, rmse: f64| SliceScore {
            column: "season".to_owned(),
            value: value.to_owned(),
            n_rows: 10,
            metrics: BTreeMap::from([("rmse".to_owned(), rmse)]),
            missing: BTreeMap::new(),
        };
        names.add_slices(&[slice("1", 70.0), slice("2", 95.0)]);
        names
    }

    #[track_caller]
    fn check(text: &str, warns: bool, verdict: GateVerdict, shown: &str) {
        let found = names().check(&[gate(text, warns)], &[]).unwrap();
        assert_eq!(
            (found[0].verdict, found[0].shown.as_str()),
            (verdict, shown)
        );
        assert_eq!(found[0].passed, verdict != GateVerdict::Refuse);
    }

    #[test]
    fn gates_have_three_outcomes() {
        check("rmse < 90", true, GateVerdict::Pass, "rmse = 81 < 90");
        check("rmse < 80", true, GateVerdict::Warn, "rmse = 81 < 80");
        check("rmse < 80", false, GateVerdict::Refuse, "rmse = 81 < 80");
    }

    #[test]
    fn slices_have_names() {
        let shown = "rmse.season.max = 95 < 90";
        check("rmse.season.max < 90", false, GateVerdict::Refuse, shown);
    }

    #[test]
    fn what_has_no_value_is_refused_with_its_reason() {
        let shown = "roc_auc.lower > 0.8 (no value of roc_auc.lower); `roc_auc` has no value: one class only";
        check("roc_auc.lower > 0.8", false, GateVerdict::Refuse, shown);
    }
}
