//! Changes of rows that must not change predictions, and what all probabilities have in common.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Float64Type;
use everloop_domain::Task;

use crate::rows::{Case, all_cases, difference, made_up, numbers, outputs, texts, with_column};

/// Without features, and small where nothing is lost by it.
fn small_cases() -> Vec<Case> {
    let small = |mut case: Case| {
        case.features.clear();
        match case.trainer {
            "neural" => case.with("epochs", 2),
            "tree" => case.with("depth", 3),
            "forest" | "boosting" => case.with("trees", 4).with("depth", 3),
            _ => case,
        }
    };
    all_cases().into_iter().map(small).collect()
}

#[track_caller]
fn all_near(gaps: &[(String, f64)], tolerance: f64) {
    let wrong = |gap: &&(String, f64)| gap.1.is_nan() || gap.1 > tolerance;
    let wrong: Vec<_> = gaps.iter().filter(wrong).collect();
    assert!(wrong.is_empty() && !gaps.is_empty(), "{wrong:?}");
}

fn name(case: &Case) -> String {
    format!("{} ({})", case.trainer, case.task)
}

/// The column `size` in another unit, from another zero; missing values stay missing.
fn in_other_units(rows: &RecordBatch, factor: f64, zero: f64) -> RecordBatch {
    let sizes = rows.column_by_name("size").unwrap();
    let sizes = sizes.as_primitive::<Float64Type>().iter();
    let other = sizes.map(|size| size.map(|size| size * factor + zero));
    with_column(rows, "size", Arc::new(other.collect::<Float64Array>()))
}

#[test]
fn the_unit_of_a_number_does_not_matter() {
    let rows = made_up(120, 1);
    for (factor, zero) in [(1024.0, 0.0), (0.01, -3.0), (1e6, 5e5)] {
        let other = in_other_units(&rows, factor, zero);
        let gap = |case: &Case| {
            let (one, two) = (outputs(case, &rows, &rows), outputs(case, &other, &other));
            (format!("{} {factor}", name(case)), difference(&one, &two))
        };
        all_near(&small_cases().iter().map(gap).collect::<Vec<_>>(), 1e-3);
    }
}

#[test]
fn the_order_of_columns_does_not_matter() {
    let rows = made_up(150, 1);
    let sees_all = |case: &Case| {
        matches!(
            case.trainer,
            "linear" | "logistic" | "naive_bayes" | "nearest" | "tree" | "boosting" | "svm"
        )
    };
    let gap = |case: Case| {
        let mut other = case.clone();
        other.columns.reverse();
        other.columns.swap(0, 1);
        let gap = difference(
            &outputs(&case, &rows, &rows),
            &outputs(&other, &rows, &rows),
        );
        (name(&case), gap)
    };
    let cases = small_cases().into_iter().filter(sees_all);
    all_near(&cases.map(gap).collect::<Vec<_>>(), 1e-3);
}

/// `neural` and `svm` draw weights and folds class by class.
#[test]
fn other_names_of_classes_permute_probabilities() {
    let rows = made_up(150, 1);
    let swapped: StringArray = texts(&rows, "answer")
        .iter()
        .map(|text| Some(if text == "yes" { "no" } else { "yes" }))
        .collect();
    let turned = numbers(&rows, "level").into_iter();
    let turned: Int64Array = turned.map(|level| Some((level as i64) % 30 + 10)).collect();
    let other = with_column(&rows, "answer", Arc::new(swapped));
    let other = with_column(&other, "level", Arc::new(turned));
    let permutes =
        |case: &Case| case.task.is_classification() && !matches!(case.trainer, "neural" | "svm");
    let gap = |case: Case| {
        let (one, two) = (outputs(&case, &rows, &rows), outputs(&case, &other, &rows));
        let expected = if case.task == Task::Binary {
            one.iter().map(|probability| 1.0 - probability).collect()
        } else {
            // 10, 20 and 30 became 20, 30 and 10.
            [&one[300..], &one[..300]].concat()
        };
        (name(&case), difference(&expected, &two))
    };
    let cases = small_cases().into_iter().filter(permutes);
    all_near(&cases.map(gap).collect::<Vec<_>>(), 1e-4);
}

/// Rows like those of training, and rows far from all of them.
fn far_and_near() -> RecordBatch {
    let rows = made_up(60, 5);
    let sizes = (0..60).map(|row| match row % 4 {
        0 => Some(1e30),
        1 => Some(-1e30),
        2 => None,
        _ => Some(f64::from(row) / 10.0),
    });
    let colors =
        (0..60).map(|row| (row % 3 > 0).then_some(if row % 2 == 0 { "new" } else { "red" }));
    let rows = with_column(&rows, "size", Arc::new(sizes.collect::<Float64Array>()));
    let colors: ArrayRef = Arc::new(colors.collect::<StringArray>());
    with_column(&rows, "color", colors)
}

#[test]
fn probabilities_are_shares_and_the_most_likely_class_is_predicted() {
    let (train, rows) = (made_up(120, 1), far_and_near());
    for case in small_cases() {
        if !case.task.is_classification() {
            continue;
        }
        let fitted = case.fit(&train, &train.slice(0, 0)).unwrap();
        let own = fitted.predict(&rows).unwrap();
        let picked = texts(&own, "prediction");
        let classes: Vec<String> = fitted.classes.iter().map(ToString::to_string).collect();
        let columns: Vec<Vec<f64>> = if case.task == Task::Binary {
            let positive = numbers(&own, "probability");
            vec![positive.iter().map(|share| 1.0 - share).collect(), positive]
        } else {
            let column = |class: &String| numbers(&own, &format!("probability_{class}"));
            classes.iter().map(column).collect()
        };
        for (row, picked) in picked.iter().enumerate() {
            // Leaves of trees are 32-bit numbers.
            let shares: Vec<f64> = columns.iter().map(|column| column[row]).collect();
            let what = format!("{}: row {row}: {picked} of {shares:?}", name(&case));
            assert!(
                shares.iter().all(|share| (0.0..=1.0).contains(share)),
                "{what}"
            );
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{what}");
            let own = classes.iter().position(|class| class == picked).unwrap();
            assert!(
                shares.iter().all(|share| *share <= shares[own] + 1e-12),
                "{what}"
            );
        }
    }
}
