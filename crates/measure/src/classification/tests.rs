use everloop_domain::Task;

use crate::{Metric, Outcomes, score};

#[track_caller]
fn check(metric: &str, outcomes: &Outcomes<'_>, expected: f64) {
    let found = score(Metric::parse(metric).unwrap(), outcomes).unwrap();
    assert!(
        (found - expected).abs() < 1e-12,
        "{metric}: {found}, expected {expected}"
    );
}

// Expected values by scikit-learn 1.9.
#[test]
fn binary_scores_are_of_the_positive_class() {
    let outcomes = Outcomes {
        task: Task::Binary,
        truth: &[0.0, 0.0, 1.0, 1.0, 1.0],
        predicted: &[0.0, 1.0, 1.0, 1.0, 0.0],
        probabilities: Some(&[0.1, 0.6, 0.35, 0.8, 0.35]),
        n_classes: 2,
        weights: None,
    };
    check("accuracy", &outcomes, 0.6);
    check("precision", &outcomes, 2.0 / 3.0);
    check("recall", &outcomes, 2.0 / 3.0);
    check("f1", &outcomes, 2.0 / 3.0);
    check("roc_auc", &outcomes, 4.0 / 6.0);
    check("log_loss", &outcomes, 0.668_887_809_568_709_3);
}

#[test]
fn multiclass_scores_are_macro_averages() {
    let outcomes = Outcomes {
        task: Task::Multiclass,
        truth: &[0.0, 1.0, 2.0, 2.0],
        predicted: &[0.0, 2.0, 2.0, 2.0],
        probabilities: Some(&[0.8, 0.1, 0.1, 0.3, 0.3, 0.4, 0.1, 0.1, 0.8, 0.2, 0.2, 0.6]),
        n_classes: 3,
        weights: None,
    };
    check("accuracy", &outcomes, 0.75);
    check("precision", &outcomes, (1.0 + 0.0 + 2.0 / 3.0) / 3.0);
    check("recall", &outcomes, 2.0 / 3.0);
    check("f1", &outcomes, 0.6);
    check("roc_auc", &outcomes, 1.0);
}

#[test]
fn one_class_has_no_ranking() {
    let outcomes = Outcomes {
        task: Task::Binary,
        truth: &[1.0, 1.0],
        predicted: &[1.0, 1.0],
        probabilities: Some(&[0.2, 0.9]),
        n_classes: 2,
        weights: None,
    };
    let error = score(Metric::parse("roc_auc").unwrap(), &outcomes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "roc_auc needs rows of at least two classes; all 2 rows are of one"
    );
}

#[test]
fn certainty_costs_no_infinity() {
    let outcomes = Outcomes {
        task: Task::Binary,
        truth: &[1.0],
        predicted: &[0.0],
        probabilities: Some(&[0.0]),
        n_classes: 2,
        weights: None,
    };
    assert!(
        score(Metric::parse("log_loss").unwrap(), &outcomes)
            .unwrap()
            .is_finite()
    );
}

#[test]
fn what_cannot_be_scored_is_said() {
    let outcomes = |truth, predicted| Outcomes {
        task: Task::Binary,
        truth,
        predicted,
        probabilities: None,
        n_classes: 2,
        weights: None,
    };
    let say = |metric, truth, predicted| {
        score(Metric::parse(metric).unwrap(), &outcomes(truth, predicted))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        say("accuracy", &[], &[]),
        "accuracy needs rows, there are none"
    );
    assert_eq!(
        say("accuracy", &[1.0], &[]),
        "truth and predictions differ in length: 1 and 0"
    );
    assert_eq!(
        say("accuracy", &[1.0, f64::NAN], &[1.0, 1.0]),
        "row 2: the truth is NaN"
    );
    assert_eq!(
        say("roc_auc", &[1.0], &[1.0]),
        "roc_auc needs probabilities, and the model gives none"
    );
    assert_eq!(
        say("rmse", &[1.0], &[1.0]),
        "rmse does not suit a binary task"
    );
}
