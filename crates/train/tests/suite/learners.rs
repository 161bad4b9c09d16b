//! What single trainers promise on rows whose answer is known.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, UInt32Array};
use everloop_domain::{ParameterValue, Task};
use everloop_train::Error;
use proptest::prelude::*;

use crate::rows::{Case, difference, made_up, numbers, outputs, texts};

fn table(columns: Vec<(&str, Vec<Option<f64>>)>) -> RecordBatch {
    let columns = columns.into_iter().map(|(name, values)| {
        let column: ArrayRef = Arc::new(Float64Array::from(values));
        (name, column, true)
    });
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn some(values: impl IntoIterator<Item = f64>) -> Vec<Option<f64>> {
    values.into_iter().map(Some).collect()
}

/// The metrics of that name, in the order in which they were told.
fn told(case: &Case, rows: &RecordBatch, metric: &str) -> Vec<f64> {
    let mut values = Vec::new();
    case.fit_watched(rows, &rows.slice(0, 0), &mut |progress| {
        let own = progress.metric.filter(|(name, _)| name == metric);
        values.extend(own.map(|(_, value)| value));
        ControlFlow::Continue(())
    })
    .unwrap();
    values
}

#[test]
fn the_nearest_row_is_the_row_itself() {
    let rows = made_up(120, 1);
    let full = arrow::compute::filter_record_batch(
        &rows,
        &arrow::compute::is_not_null(rows.column_by_name("size").unwrap()).unwrap(),
    )
    .unwrap();
    let truth = numbers(&full, "amount");
    for metric in ["euclidean", "manhattan", "cosine"] {
        let case = Case::new("nearest", Task::Regression).with("metric", metric);
        let one = outputs(&case.clone().with("k", 1), &full, &full);
        assert!(difference(&truth, &one) < 1e-12, "{metric}");
        // A distance of 0 is no reason for anything but the row's own value.
        let case = case.with("weights", "distance").with("k", 7);
        let near = outputs(&case, &full, &full);
        let errors = near
            .iter()
            .zip(&truth)
            .map(|(near, truth)| (near - truth).abs());
        let mean = errors.sum::<f64>() / truth.len() as f64;
        assert!(mean < 0.05, "{metric}: {mean}");
    }
}

#[test]
fn rows_that_are_there_twice_vote_twice() {
    let rows = made_up(80, 1);
    // Side by side: of rows that are as near, the earlier ones vote.
    let places = UInt32Array::from_iter_values((0..160).map(|row| row / 2));
    let twice = arrow::compute::take_record_batch(&rows, &places).unwrap();
    for task in [Task::Binary, Task::Multiclass, Task::Regression] {
        for weights in ["uniform", "distance"] {
            let case = Case::new("nearest", task).with("weights", weights);
            let one = outputs(&case.clone().with("k", 4), &rows, &made_up(40, 2));
            let two = outputs(&case.with("k", 8), &twice, &made_up(40, 2));
            let gap = difference(&one, &two);
            assert!(gap < 1e-6, "{task} {weights}: {gap}");
        }
    }
}

#[test]
fn the_baseline_says_what_its_strategy_says() {
    let rows = table(vec![
        ("x", some([1.0, 2.0, 3.0, 4.0, 5.0])),
        ("day", some([3.0, 5.0, 1.0, 2.0, 4.0])),
        ("y", some([1.0, 2.0, 10.0, 3.0, 4.0])),
    ]);
    for (strategy, quantile, expected) in [
        ("auto", 0.5, 4.0),
        ("mean", 0.5, 4.0),
        ("median", 0.9, 3.0),
        ("quantile", 0.0, 1.0),
        ("quantile", 1.0, 10.0),
        ("last", 0.5, 2.0),
    ] {
        let mut case = Case::on("baseline", Task::Regression, &rows, "y")
            .with("strategy", strategy)
            .with("quantile", quantile);
        case.columns = vec!["x".to_owned()];
        case.time = Some("day".to_owned());
        assert_eq!(outputs(&case, &rows, &rows), [expected; 5], "{strategy}");
    }
}

#[test]
fn a_huge_penalty_on_sizes_leaves_the_mean_and_the_shares() {
    let rows = made_up(150, 1);
    let amounts = numbers(&rows, "amount");
    let mean = amounts.iter().sum::<f64>() / 150.0;
    let answers = texts(&rows, "answer");
    let share = answers.iter().filter(|text| *text == "yes").count() as f64 / 150.0;
    for (trainer, task, expected) in [
        ("linear", Task::Regression, mean),
        ("logistic", Task::Binary, share),
    ] {
        let case = Case::new(trainer, task).with("l1", 1e6);
        let gap = difference(&[expected; 150], &outputs(&case, &rows, &rows));
        assert!(gap < 1e-6, "{trainer}: {gap}");
    }
}

#[test]
fn every_round_of_boosting_lowers_the_loss_of_the_train_rows() {
    let rows = made_up(200, 1);
    for (task, metric) in [
        (Task::Regression, "train_rmse"),
        (Task::Binary, "train_log_loss"),
        (Task::Multiclass, "train_log_loss"),
    ] {
        for rate in [0.05, 0.5] {
            let case = Case::new("boosting", task)
                .with("trees", 12)
                .with("learning_rate", rate);
            let losses = told(&case, &rows, metric);
            assert_eq!(losses.len(), 12, "{task}");
            let falls = losses.is_sorted_by(|before, after| after < before);
            assert!(falls, "{task} {rate}: {losses:?}");
        }
    }
}

#[test]
fn the_out_of_bag_score_is_near_that_of_rows_the_forest_never_saw() {
    let (rows, fresh) = (made_up(500, 1), made_up(300, 2));
    let case = Case::new("forest", Task::Binary).with("trees", 30);
    let own = told(&case, &rows, "out_of_bag_accuracy");
    let fitted = case.fit(&rows, &rows.slice(0, 0)).unwrap();
    let score = |rows: &RecordBatch| {
        let (own, truth) = (fitted.predict(rows).unwrap(), texts(rows, "answer"));
        let picked = texts(&own, "prediction");
        let hits = picked
            .iter()
            .zip(&truth)
            .filter(|(own, truth)| own == truth);
        hits.count() as f64 / truth.len() as f64
    };
    let (own, seen, unseen) = (own[own.len() - 1], score(&rows), score(&fresh));
    assert!((own - unseen).abs() < 0.05, "{own} {unseen}");
    assert!(own < seen, "{own} {seen}: rows vote on trees that saw them");
}

/// Two columns of ordinary values, and one row that is not.
#[test]
fn the_one_row_that_is_unlike_the_others_has_the_highest_score() {
    for (place, odd) in [(0, 40.0), (37, -40.0), (79, 1e6)] {
        let column = |step: usize| {
            let values = (0..80).map(move |row| ((row * step) % 83) as f64 / 10.0);
            some(
                values
                    .enumerate()
                    .map(|(row, value)| if row == place { odd } else { value }),
            )
        };
        let rows = table(vec![("a", column(7)), ("b", column(31))]);
        let mut case = Case::on("isolation_forest", Task::Anomaly, &rows, "").with("trees", 40);
        case = case.with("contamination", 0.01);
        let fitted = case.fit(&rows, &rows.slice(0, 0)).unwrap();
        let own = fitted.predict(&rows).unwrap();
        let scores = numbers(&own, "score");
        let highest = (0..80).max_by(|one, two| scores[*one].total_cmp(&scores[*two]));
        assert_eq!(highest, Some(place));
        let flags = texts(&own, "prediction");
        let odd: Vec<usize> = (0..80).filter(|row| flags[*row] == "true").collect();
        assert_eq!(odd, [place]);
    }
}

#[test]
fn groups_far_from_each_other_are_found_and_more_clusters_lie_nearer() {
    let centres = [(0.0, 0.0), (10.0, 0.0), (0.0, 20.0), (30.0, 30.0)];
    let near = |row: usize| (row * 7 % 11) as f64 / 20.0;
    let rows = table(vec![
        ("a", some((0..80).map(|row| centres[row % 4].0 + near(row)))),
        (
            "b",
            some((0..80).map(|row| centres[row % 4].1 + near(row + 5))),
        ),
    ]);
    let case = |clusters: i64| {
        Case::on("kmeans", Task::Clustering, &rows, "")
            .with("clusters", clusters)
            .with("n_init", 10)
    };
    let fitted = case(4).fit(&rows, &rows.slice(0, 0)).unwrap();
    let found = texts(&fitted.predict(&rows).unwrap(), "prediction");
    for row in 0..80 {
        for other in 0..row {
            let together = row % 4 == other % 4;
            assert_eq!(found[row] == found[other], together, "{row} {other}");
        }
    }
    let inertia = |clusters: i64| {
        let starts = told(&case(clusters), &rows, "inertia");
        assert!(
            starts.is_sorted_by(|before, after| after <= before),
            "{starts:?}"
        );
        starts[starts.len() - 1]
    };
    let inertias: Vec<f64> = (1..=7).map(inertia).collect();
    let falls = inertias.is_sorted_by(|few, more| more <= few);
    assert!(falls, "{inertias:?}");
    // Groups are what the fourth cluster was for.
    assert!(inertias[3] < inertias[2] / 10.0, "{inertias:?}");
}

#[test]
fn steps_that_are_far_too_great_are_told_or_end_in_numbers() {
    let rows = made_up(100, 1);
    for optimizer in ["adamw", "adam", "sgd"] {
        for task in [Task::Binary, Task::Multiclass, Task::Regression] {
            let case = Case::new("neural", task)
                .with("optimizer", optimizer)
                .with("learning_rate", 10.0)
                .with("schedule", "constant")
                .with("epochs", 6);
            let what = format!("{optimizer} {task}");
            match case.fit(&rows, &rows.slice(0, 0)) {
                Ok(_) => {
                    let own = outputs(&case, &rows, &rows);
                    assert!(own.iter().all(|value| value.is_finite()), "{what}");
                }
                Err(Error::Diverged { trainer, step, .. }) => {
                    assert!(trainer == "neural" && step > 0, "{what}");
                }
                Err(other) => panic!("{what}: {other}"),
            }
        }
    }
}

/// No row is a support vector then: the model was refused once.
#[test]
fn a_tube_that_holds_all_values_leaves_their_middle() {
    let rows = made_up(60, 1);
    let truth = numbers(&rows, "amount");
    let low = truth.iter().copied().fold(f64::INFINITY, f64::min);
    let high = truth.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for kernel in ["rbf", "linear", "polynomial"] {
        let case = Case::new("svm", Task::Regression).with("kernel", kernel);
        let own = outputs(&case.with("epsilon", high - low), &rows, &rows);
        let gap = difference(&[f64::midpoint(low, high); 60], &own);
        assert!(gap < 1e-9, "{kernel}: {gap}");
    }
}

/// Predictions at values of `a` that grow, for a value of `b`.
fn along(case: &Case, train: &RecordBatch, b: Option<f64>) -> Vec<f64> {
    let values = (-2..=24).map(|value| f64::from(value) / 2.0);
    let probes = table(vec![("a", some(values)), ("b", vec![b; 27])]);
    outputs(case, train, &probes)
}

/// What is drawn for a row: two inputs that may be missing, and the target.
type Drawn = (Option<u8>, Option<u8>, i32);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever is missing, and whichever way rows point.
    #[test]
    fn boosting_keeps_to_the_direction_of_a_column(
        rows in prop::collection::vec(
            (prop::option::weighted(0.8, 0_u8..10), prop::option::weighted(0.8, 0_u8..10), -20_i32..20),
            20..80,
        ),
        rate in prop::sample::select(vec![0.1, 1.0]),
        b in prop::option::of(0_u8..10),
    ) {
        let column = |value: fn(&Drawn) -> Option<f64>| rows.iter().map(value).collect();
        let train = table(vec![
            ("a", column(|row| row.0.map(f64::from))),
            ("b", column(|row| row.1.map(f64::from))),
            ("y", column(|row| Some(f64::from(row.2)))),
        ]);
        let case = Case::on("boosting", Task::Regression, &train, "y")
            .with("trees", 8)
            .with("learning_rate", rate)
            .with("min_samples_leaf", 2);
        for (word, sign) in [("increasing", 1.0), ("decreasing", -1.0)] {
            let mut case = case.clone();
            let value: ParameterValue = serde_json::from_str(&format!(r#"{{"a": "{word}"}}"#)).unwrap();
            case.parameters.insert("monotone".to_owned(), value);
            let own = along(&case, &train, b.map(f64::from));
            let is_monotone = own.windows(2).all(|pair| (pair[1] - pair[0]) * sign >= -1e-9);
            prop_assert!(is_monotone, "{}: {:?}", word, own);
        }
    }
}
