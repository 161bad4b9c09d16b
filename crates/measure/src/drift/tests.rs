//! Expected values by SciPy 1.17 (`ks_2samp`, `chi2_contingency` without correction).

use std::sync::Arc;

use arrow::array::{BooleanArray, Float64Array, Int64Array, StringArray};
use proptest::prelude::*;

use super::*;

fn floats(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[test]
fn equal_samples_do_not_drift() {
    let column = floats(&[1.0, 2.0, 3.0, 4.0]);
    let found = drift(&column, &column).unwrap();
    assert_eq!(
        (found.statistic, found.value, found.p_value, found.effect),
        ("ks", 0.0, 1.0, 0.0)
    );
}

#[test]
fn the_ks_distance_is_the_greatest_gap() {
    let found = drift(
        &floats(&[1.0, 2.0, 3.0, 4.0]),
        &floats(&[3.0, 4.0, 5.0, 6.0]),
    )
    .unwrap();
    assert_eq!(found.value, 0.5);
    let (left, right): (Vec<f64>, Vec<f64>) = (
        (0..100).map(f64::from).collect(),
        (50..150).map(f64::from).collect(),
    );
    let found = drift(&floats(&left), &floats(&right)).unwrap();
    assert_eq!(found.value, 0.5);
    assert!(found.p_value < 1e-9, "{}", found.p_value);
}

#[test]
fn integers_are_numbers() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    assert_eq!(
        drift(&column, &floats(&[1.0, 2.0, 3.0])).unwrap().value,
        0.0
    );
}

#[test]
fn shares_of_categories_are_compared() {
    let reference = texts(
        &["a"; 60]
            .iter()
            .chain(&["b"; 40])
            .copied()
            .collect::<Vec<_>>(),
    );
    let window = texts(
        &["a"; 30]
            .iter()
            .chain(&["b"; 70])
            .copied()
            .collect::<Vec<_>>(),
    );
    let found = drift(&reference, &window).unwrap();
    assert!(
        (found.value - 18.181_818_181_818_18).abs() < 1e-9,
        "{}",
        found.value
    );
    assert!(
        (found.p_value - 2.0 * 2.007_865_612_426_485_4e-5).abs() < 1e-9,
        "{}",
        found.p_value
    );
    assert!((found.effect - 0.3).abs() < 1e-12);
}

#[test]
fn an_unseen_category_drifts() {
    let found = drift(&texts(&["a"; 100]), &texts(&["c"; 100])).unwrap();
    assert_eq!(found.effect, 1.0);
    assert!(found.p_value < 1e-20);
}

#[test]
fn booleans_are_categories() {
    let column: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
    assert_eq!(drift(&column, &column).unwrap().statistic, "chi_square");
}

#[test]
fn a_column_that_goes_missing_drifts() {
    let reference = floats(&(0..200).map(f64::from).collect::<Vec<_>>());
    let window: ArrayRef = Arc::new(
        (0..200)
            .map(|row| (row % 2 == 0).then(|| f64::from(row)))
            .collect::<Float64Array>(),
    );
    let found = drift(&reference, &window).unwrap();
    assert_eq!((found.statistic, found.effect), ("missing", 0.5));
    let gone: ArrayRef = Arc::new(Float64Array::from(vec![None; 50]));
    assert_eq!(drift(&reference, &gone).unwrap().effect, 1.0);
    assert_eq!(drift(&gone, &gone).unwrap().p_value, 1.0);
}

#[test]
fn what_cannot_be_compared_is_said() {
    assert_eq!(
        drift(&floats(&[]), &floats(&[1.0]))
            .unwrap_err()
            .to_string(),
        "drift needs rows, there are none"
    );
    assert_eq!(
        drift(&floats(&[1.0]), &texts(&["a"]))
            .unwrap_err()
            .to_string(),
        "the column is Float64 in the reference and Utf8 in the window"
    );
}

proptest! {
    #[test]
    fn values_stay_in_their_range(
        left in prop::collection::vec(-1e6..1e6_f64, 1..60),
        right in prop::collection::vec(-1e6..1e6_f64, 1..60),
    ) {
        let found = drift(&floats(&left), &floats(&right)).unwrap();
        prop_assert!((0.0..=1.0).contains(&found.p_value) && (0.0..=1.0).contains(&found.effect));
        let turned = drift(&floats(&right), &floats(&left)).unwrap();
        prop_assert!((found.value - turned.value).abs() < 1e-12);
    }
}
