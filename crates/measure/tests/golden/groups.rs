//! Group numbers, privileges, weights and thresholds by group, by the numbers of `gen/groups.py`.

use everloop_domain::Task;
use everloop_measure::{
    Comparison, GroupCounts, GroupRate, GroupValues, Groups, Metric, Outcomes, Parity,
    group_thresholds, privilege, reweighing, theil_index,
};
use serde_json::Value;

use crate::table::{all_close, close, file, json, number, numbers, optional, texts};

const COMPARISONS: [(&str, Comparison); 2] = [
    ("between_groups", Comparison::BetweenGroups),
    ("to_overall", Comparison::ToOverall),
];

/// The rows of a case.
struct Rows {
    truth: Vec<f64>,
    predicted: Vec<f64>,
    scores: Vec<f64>,
    weights: Option<Vec<f64>>,
    group: Groups,
    region: Groups,
}

impl Rows {
    fn of(case: &Value) -> Self {
        Self {
            truth: numbers(&case["truth"]),
            predicted: numbers(&case["predicted"]),
            scores: numbers(&case["score"]),
            weights: optional(&case["weights"]),
            group: Groups::of(&texts(&case["group"])),
            region: Groups::of(&texts(&case["region"])),
        }
    }

    fn outcomes(&self) -> Outcomes<'_> {
        Outcomes {
            task: Task::Binary,
            truth: &self.truth,
            predicted: &self.predicted,
            probabilities: Some(&self.scores),
            n_classes: 2,
            weights: self.weights.as_deref(),
        }
    }
}

fn each(check: impl Fn(&Value, &Rows)) {
    for case in json(&file("groups.json"))["cases"].as_array().unwrap() {
        check(case, &Rows::of(case));
    }
}

fn rate(name: &str) -> GroupRate {
    match name {
        "count" => GroupRate::Count,
        "selection_rate" => GroupRate::SelectionRate,
        "true_positive_rate" => GroupRate::TruePositiveRate,
        "false_positive_rate" => GroupRate::FalsePositiveRate,
        "true_negative_rate" => GroupRate::TrueNegativeRate,
        "false_negative_rate" => GroupRate::FalseNegativeRate,
        "accuracy" => GroupRate::Accuracy,
        "balanced_accuracy" => GroupRate::BalancedAccuracy,
        "precision" => GroupRate::Precision,
        "f1" => GroupRate::F1,
        _ => GroupRate::BaseRate,
    }
}

fn check_frame(counts: &GroupCounts<'_>, expected: &Value) {
    for (name, overall) in expected["overall"].as_object().unwrap() {
        let values = counts.rate(rate(name));
        let check = |found: Option<f64>, expected: &Value, what: &str| {
            close(
                found.unwrap(),
                number(expected),
                1e-9,
                &format!("{what} of {name}"),
            );
        };
        check(values.overall(), overall, "overall");
        check(values.group_min(), &expected["min"][name], "min");
        check(values.group_max(), &expected["max"][name], "max");
        for (group, value) in values.by_group() {
            check(value, &expected["by_group"][group][name], group);
        }
        for (method, with) in COMPARISONS {
            let see = |kind: &str| &expected[format!("{kind}_{method}")][name];
            check(values.difference(with), see("difference"), method);
            check(values.ratio(with), see("ratio"), method);
        }
    }
    for (name, expected) in expected["names"].as_object().unwrap() {
        let (name, method) = name.split_once(' ').unwrap();
        let with = COMPARISONS
            .iter()
            .find(|(found, _)| *found == method)
            .unwrap()
            .1;
        let found = match name {
            "demographic_parity_difference" => counts.demographic_parity_difference(with),
            "demographic_parity_ratio" => counts.demographic_parity_ratio(with),
            "equalized_odds_difference" => counts.equalized_odds_difference(with),
            "equalized_odds_ratio" => counts.equalized_odds_ratio(with),
            "equal_opportunity_difference" => counts.equal_opportunity_difference(with),
            "equal_opportunity_ratio" => counts.equal_opportunity_ratio(with),
            _ => counts.mean_odds_difference(with),
        };
        close(
            found.unwrap(),
            number(expected),
            1e-9,
            &format!("{name} {method}"),
        );
    }
}

#[test]
fn group_numbers_are_those_of_fairlearn() {
    each(|case, rows| {
        let both = rows.group.intersection(&rows.region).unwrap();
        for (groups, name) in [
            (&rows.group, "by group"),
            (&rows.region, "by region"),
            (&both, "by both"),
        ] {
            let counts = GroupCounts::of(&rows.outcomes(), groups).unwrap();
            check_frame(&counts, &case[name]);
        }
        assert_eq!(both.names()[1], "a, south");
    });
}

#[test]
fn any_metric_can_be_measured_by_group() {
    each(|case, rows| {
        let Some(expected) = case["roc_auc"].as_object() else {
            return;
        };
        let auc = Metric::parse("roc_auc").unwrap();
        let values = GroupValues::of(auc, &rows.outcomes(), &rows.group).unwrap();
        for (group, value) in values.by_group() {
            close(value.unwrap(), number(&expected[group]), 1e-9, group);
        }
    });
}

#[test]
fn privileges_are_those_of_aif360() {
    each(|case, rows| {
        let expected = &case["privilege"];
        let found = privilege(&rows.outcomes(), &rows.group, |group| group == "a").unwrap();
        for (name, found) in [
            (
                "statistical_parity_difference",
                found.statistical_parity_difference,
            ),
            ("disparate_impact", found.disparate_impact),
            (
                "equal_opportunity_difference",
                found.equal_opportunity_difference,
            ),
            ("average_odds_difference", found.average_odds_difference),
            (
                "average_abs_odds_difference",
                found.average_abs_odds_difference,
            ),
        ] {
            close(found.unwrap(), number(&expected[name]), 1e-9, name);
        }
        if let Some(expected) = expected["theil_index"].as_f64() {
            close(
                theil_index(&rows.outcomes()).unwrap(),
                expected,
                1e-9,
                "theil_index",
            );
        }
    });
}

#[test]
fn reweighing_is_that_of_aif360() {
    each(|case, rows| {
        let found = reweighing(&rows.truth, &rows.group, rows.weights.as_deref()).unwrap();
        all_close(&found, &numbers(&case["reweighing"]), "reweighing");
        // Reweighed, the target does not depend on the group any more.
        let by_group = |name: &str| -> f64 {
            let (mut positive, mut all) = (0.0, 0.0);
            for (row, weight) in found.iter().enumerate() {
                if rows.group.names()[rows.group.of_row(row)] == name {
                    positive += weight * rows.truth[row];
                    all += weight;
                }
            }
            positive / all
        };
        close(by_group("a"), by_group("b"), 1e-9, "base rate");
    });
}

#[test]
fn thresholds_by_group_are_the_best_of_all() {
    each(|case, rows| {
        for expected in case["thresholds"].as_array().into_iter().flatten() {
            let tolerance = number(&expected["tolerance"]);
            for (name, parity) in [
                ("demographic", Parity::Demographic),
                ("true_positive_rate", Parity::TruePositiveRate),
                ("false_positive_rate", Parity::FalsePositiveRate),
                ("equalized_odds", Parity::EqualizedOdds),
            ] {
                let found =
                    group_thresholds(&rows.outcomes(), &rows.group, parity, tolerance).unwrap();
                close(
                    found.accuracy,
                    number(&expected["accuracy"][name]),
                    1e-9,
                    name,
                );
                assert!(found.difference <= tolerance + 1e-9, "{name}: {found:?}");
            }
        }
    });
}

#[test]
fn small_groups_are_named() {
    let outcomes = Outcomes {
        task: Task::Binary,
        truth: &[1.0, 0.0, 1.0],
        predicted: &[1.0, 0.0, 0.0],
        probabilities: None,
        n_classes: 2,
        weights: None,
    };
    let groups = Groups::of(&["x", "y", "x"]);
    let counts = GroupCounts::of(&outcomes, &groups).unwrap();
    assert_eq!(counts.smaller_than(2), [("y", 1)]);
    let rate = counts.rate(GroupRate::TruePositiveRate);
    assert_eq!(
        rate.by_group().collect::<Vec<_>>(),
        [("x", Some(0.5)), ("y", None)]
    );
    assert_eq!(rate.difference(Comparison::BetweenGroups), Some(0.0));
}
