//! Intervals, paired tests and thresholds, by the numbers of `gen/intervals.py`.

use everloop_domain::Task;
use everloop_measure::{
    Bootstrap, Goal, Method, Metric, Outcomes, bootstrap, bootstrap_difference, choose_threshold,
    delong, delong_paired, mcnemar, score, wilson,
};
use serde_json::Value;

use crate::table::{close, file, json, number, numbers, optional};

fn cases(kind: &str) -> Vec<Value> {
    let golden = json(&file("intervals.json"));
    let all = golden["cases"].as_array().unwrap().iter();
    all.filter(|case| case["kind"] == kind).cloned().collect()
}

fn ranked<'a>(truth: &'a [f64], probabilities: &'a [f64]) -> Outcomes<'a> {
    Outcomes {
        task: Task::Binary,
        truth,
        predicted: truth,
        probabilities: Some(probabilities),
        n_classes: 2,
        weights: None,
    }
}

#[test]
fn intervals_of_shares_are_those_of_scipy() {
    for case in cases("wilson") {
        let count = |name: &str| case[name].as_u64().unwrap() as usize;
        let found = wilson(count("hits"), count("rows"), number(&case["level"])).unwrap();
        close(found.low, number(&case["low"]), 1e-9, "low");
        close(found.high, number(&case["high"]), 1e-9, "high");
    }
    assert!(wilson(1, 0, 0.95).is_err());
    assert!(wilson(1, 2, 1.0).is_err());
}

#[test]
fn mcnemars_test_is_that_of_scipy() {
    for case in cases("mcnemar") {
        let (left, right) = (
            case["left"].as_u64().unwrap() as usize,
            case["right"].as_u64().unwrap() as usize,
        );
        // One row on which both are right, then those on which one is.
        let truth = vec![1.0; 1 + left + right];
        let champion: Vec<f64> = (0..truth.len())
            .map(|row| f64::from(u8::from(row <= left)))
            .collect();
        let candidate: Vec<f64> = (0..truth.len())
            .map(|row| f64::from(u8::from(row == 0 || row > left)))
            .collect();
        let side = |predicted| Outcomes {
            predicted,
            probabilities: None,
            ..ranked(&truth, &[])
        };
        let found = mcnemar(&side(&champion), &side(&candidate)).unwrap();
        assert_eq!(
            (found.n_only_champion, found.n_only_candidate),
            (left, right)
        );
        let expected = number(&case["p_value"]);
        assert!(
            (found.p_value - expected).abs() <= 1e-9 * expected,
            "{left} {right}: {}, expected {expected}",
            found.p_value
        );
    }
}

#[test]
fn delongs_variance_is_that_of_all_pairs() {
    for case in cases("delong") {
        let [truth, left, right] =
            ["truth", "champion", "candidate"].map(|name| numbers(&case[name]));
        let (champion, candidate) = (ranked(&truth, &left), ranked(&truth, &right));
        let area = delong(&champion, 0.95).unwrap();
        close(area.estimate, number(&case["area"]), 1e-9, "area");
        close(area.low, number(&case["low"]), 1e-9, "low");
        close(area.high, number(&case["high"]), 1e-9, "high");
        let found = delong_paired(&champion, &candidate, 0.95).unwrap();
        let interval = found.interval;
        close(
            interval.estimate,
            number(&case["difference"]),
            1e-9,
            "difference",
        );
        close(
            interval.low,
            number(&case["difference_low"]),
            1e-9,
            "difference_low",
        );
        close(
            interval.high,
            number(&case["difference_high"]),
            1e-9,
            "difference_high",
        );
        close(found.p_value, number(&case["p_value"]), 1e-9, "p_value");
        let same = delong_paired(&champion, &champion, 0.95).unwrap();
        assert_eq!(same.p_value, 1.0);
    }
}

#[test]
fn the_bootstrap_is_that_of_scipy() {
    let auc = Metric::parse("roc_auc").unwrap();
    for case in cases("bootstrap") {
        let (truth, scores) = (numbers(&case["truth"]), numbers(&case["score"]));
        let rows: Vec<u64> = case["rows"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|rows| rows.as_array().unwrap())
            .map(|row| row.as_u64().unwrap())
            .collect();
        for (name, method) in [("percentile", Method::Percentile), ("bca", Method::Bca)] {
            let settings = Bootstrap {
                n_resamples: rows.len() / truth.len(),
                level: number(&case["level"]),
                method,
            };
            let mut drawn = rows.iter();
            // Bits from which the same row is drawn.
            let width = u64::MAX / truth.len() as u64;
            let mut draw = || drawn.next().unwrap() * width + width / 2;
            let number = |outcomes: &Outcomes<'_>| score(auc, outcomes);
            let found = bootstrap(&ranked(&truth, &scores), &number, &settings, &mut draw).unwrap();
            let expected = numbers(&case[name]);
            close(found.low, expected[0], 1e-9, name);
            close(found.high, expected[1], 1e-9, name);
        }
    }
}

/// A small generator of the caller (`splitmix64`).
fn bits(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[test]
fn a_paired_bootstrap_sees_what_two_intervals_do_not() {
    let truth: Vec<f64> = (0..200).map(|row| f64::from(row % 10)).collect();
    let noise = |row: usize| ((row * 37) % 21) as f64 / 5.0 - 2.0;
    let left: Vec<f64> = (0..200).map(|row| truth[row] + noise(row)).collect();
    let right: Vec<f64> = (0..200).map(|row| truth[row] + 0.9 * noise(row)).collect();
    let side = |predicted| Outcomes {
        task: Task::Regression,
        predicted,
        probabilities: None,
        n_classes: 0,
        ..ranked(&truth, &[])
    };
    let (champion, candidate) = (side(&left), side(&right));
    let mae = |outcomes: &Outcomes<'_>| score(Metric::parse("mae").unwrap(), outcomes);
    let settings = Bootstrap {
        n_resamples: 500,
        level: 0.95,
        method: Method::Bca,
    };
    let mut state = 7;
    let mut draw = || bits(&mut state);
    let one = bootstrap(&champion, &mae, &settings, &mut draw).unwrap();
    let other = bootstrap(&candidate, &mae, &settings, &mut draw).unwrap();
    assert!(one.low < other.high, "the intervals overlap");
    let found = bootstrap_difference(&champion, &candidate, &mae, &settings, &mut draw).unwrap();
    assert!(
        found.interval.high < 0.0 && found.p_value < 0.01,
        "{found:?}"
    );
}

#[test]
fn thresholds_are_the_best_of_all() {
    for case in cases("threshold") {
        let (truth, scores) = (numbers(&case["truth"]), numbers(&case["score"]));
        let weights = optional(&case["weights"]);
        let outcomes = Outcomes {
            weights: weights.as_deref(),
            ..ranked(&truth, &scores)
        };
        for (name, expected) in case["expected"].as_object().unwrap() {
            let goal = match name.as_str() {
                "cost" => Goal::Cost {
                    true_positive: -5.0,
                    false_positive: 2.0,
                    false_negative: 10.0,
                    true_negative: 0.0,
                },
                "f1" => Goal::F { beta: 1.0 },
                "f2" => Goal::F { beta: 2.0 },
                "accuracy" => Goal::Accuracy,
                "balanced_accuracy" => Goal::BalancedAccuracy,
                "recall_at_precision" => Goal::RecallAtPrecision { min: 0.7 },
                "precision_at_recall" => Goal::PrecisionAtRecall { min: 0.8 },
                "recall_at_false_positive_rate" => Goal::RecallAtFalsePositiveRate { max: 0.2 },
                _ => Goal::RecallAtSelectionRate { max: 0.25 },
            };
            let found = choose_threshold(&outcomes, &goal).unwrap();
            close(found.value, number(&expected["value"]), 1e-9, name);
            assert_eq!(found.threshold, expected["threshold"].as_f64(), "{name}");
        }
    }
}

#[test]
fn a_threshold_may_select_nobody_or_not_exist() {
    let outcomes = ranked(&[0.0, 1.0, 0.0], &[0.9, 0.2, 0.3]);
    let costly = Goal::Cost {
        true_positive: 0.0,
        false_positive: 100.0,
        false_negative: 1.0,
        true_negative: 0.0,
    };
    let found = choose_threshold(&outcomes, &costly).unwrap();
    assert_eq!((found.threshold, found.selection_rate), (None, 0.0));
    let say = |goal| choose_threshold(&outcomes, &goal).unwrap_err().to_string();
    assert_eq!(
        say(Goal::RecallAtPrecision { min: 0.99 }),
        "the threshold is not defined: no threshold keeps the constraint"
    );
    assert_eq!(
        say(Goal::PrecisionAtRecall { min: 1.5 }),
        "the least recall is 1.5, expected a number from 0 to 1"
    );
}
