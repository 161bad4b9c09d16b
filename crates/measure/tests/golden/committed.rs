//! The numbers that `gen/golden.py` wrote beside this file.

use everloop_domain::Task;
use everloop_measure::{Metric, Outcomes, drift, fairness, score};

use crate::table::{close, file, json, number_column, numbers, text_column, texts};

#[test]
fn scores_are_those_of_scikit_learn() {
    let golden = json(&file("scores.json"));
    let tolerance = golden["tolerance"].as_f64().unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let (truth, predicted) = (numbers(&case["truth"]), numbers(&case["predicted"]));
        let probabilities = case["probabilities"]
            .is_array()
            .then(|| numbers(&case["probabilities"]));
        let outcomes = Outcomes {
            task: case["task"].as_str().unwrap().parse::<Task>().unwrap(),
            truth: &truth,
            predicted: &predicted,
            probabilities: probabilities.as_deref(),
            n_classes: case["n_classes"].as_u64().unwrap() as usize,
            weights: None,
        };
        for (name, expected) in case["expected"].as_object().unwrap() {
            let found = score(Metric::parse(name).unwrap(), &outcomes).unwrap();
            close(
                found,
                expected.as_f64().unwrap(),
                tolerance,
                &format!("{name} of {}", case["name"]),
            );
        }
    }
}

#[test]
fn drift_tests_are_those_of_scipy() {
    let golden = json(&file("drift.json"));
    for case in golden["cases"].as_array().unwrap() {
        let column = |side: &str| match case["kind"].as_str().unwrap() {
            "numbers" => number_column(numbers(&case[side])),
            _ => text_column(&texts(&case[side])),
        };
        let found = drift(&column("reference"), &column("window")).unwrap();
        let what = case["name"].as_str().unwrap();
        assert_eq!(found.statistic, case["statistic"], "{what}");
        close(found.value, case["value"].as_f64().unwrap(), 1e-9, what);
        close(found.p_value, case["p_value"].as_f64().unwrap(), 1e-9, what);
    }
}

#[test]
fn group_differences_follow_fairlearn() {
    let golden = json(&file("fairness.json"));
    for case in golden["cases"].as_array().unwrap() {
        let (truth, predicted) = (numbers(&case["truth"]), numbers(&case["predicted"]));
        let outcomes = Outcomes {
            task: Task::Binary,
            truth: &truth,
            predicted: &predicted,
            probabilities: None,
            n_classes: 2,
            weights: None,
        };
        let report = fairness(&outcomes, &texts(&case["groups"]), "group").unwrap();
        for (name, found) in report.differences() {
            let Some(expected) = case[name].as_f64() else {
                continue;
            };
            close(
                found,
                expected,
                1e-9,
                &format!("{name} of {}", case["name"]),
            );
        }
    }
}
