//! Thresholds inside of graphs, against the same decisions made by hand and by ONNX Runtime.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use everloop_domain::Value;
use everloop_package::graph::{Decision, Graph, GraphBuilder};
use everloop_package::native::NativeModel;
use everloop_package::{Kind, Scorer as _};
use proptest::prelude::*;

use crate::{models, onnxruntime};

/// Thresholds, and the probabilities beside which mistakes would show.
const GRID: [f64; 7] = [0.0, 1e-12, 0.3, 0.5, 0.7, 1.0 - 1e-12, 1.0];
const TEXTS: [&str; 6] = ["", "red", "Red", " red", "it's", "héé\u{1F600}"];

/// A row: the probability and both columns of groups.
type Row = (f64, &'static str, i64);

/// A graph whose probability is the column `p`, with inputs of every kind beside it.
fn graph(classes: &[Value; 2]) -> Graph {
    let mut builder = GraphBuilder::new();
    let p = builder.input("p", Kind::Number);
    builder.input("text", Kind::Text);
    builder.input("whole", Kind::Integer);
    let matrix = builder.column_matrix(&[p]);
    builder.finish_binary(&matrix, classes).unwrap()
}

fn numbers() -> [Value; 2] {
    [Value::Integer(0), Value::Integer(1)]
}

fn batch(rows: &[Row]) -> RecordBatch {
    let p = rows.iter().map(|row| row.0);
    let text = rows.iter().map(|row| row.1);
    let whole = rows.iter().map(|row| row.2);
    let columns: [(&str, ArrayRef); 3] = [
        ("p", Arc::new(Float64Array::from_iter_values(p))),
        ("text", Arc::new(StringArray::from_iter_values(text))),
        ("whole", Arc::new(Int64Array::from_iter_values(whole))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn score(graph: &Graph, rows: &[Row]) -> RecordBatch {
    let read = Graph::from_bytes(&graph.to_bytes()).unwrap();
    NativeModel::new(&read)
        .unwrap()
        .score(&batch(rows))
        .unwrap()
}

fn decided(decision: &Decision, rows: &[Row]) -> Vec<bool> {
    let graph = graph(&numbers()).deciding(decision).unwrap();
    let found = score(&graph, rows);
    let probabilities = found.column(1).as_primitive::<Float64Type>();
    for (row, found) in rows.iter().zip(probabilities.values()) {
        assert_eq!(row.0.to_bits(), found.to_bits(), "probabilities stay");
    }
    let predictions = found.column(0).as_primitive::<Int64Type>();
    predictions
        .values()
        .iter()
        .map(|class| *class == 1)
        .collect()
}

/// The decision of one row, as its definition reads.
fn naive(decision: &Decision, (p, text, whole): Row) -> bool {
    let threshold = match decision {
        Decision::At(threshold) => *threshold,
        Decision::ByGroup {
            column,
            thresholds,
            otherwise,
        } => {
            let own = match column.as_str() {
                "text" => Value::Text(text.to_owned()),
                _ => Value::Integer(whole),
            };
            let group = thresholds.iter().find(|(value, _)| *value == own);
            group.map_or(Some(*otherwise), |(_, threshold)| *threshold)
        }
    };
    threshold.is_some_and(|threshold| p >= threshold)
}

fn threshold() -> impl Strategy<Value = f64> {
    prop_oneof![prop::sample::select(&GRID[..]), 0.0..1.0_f64]
}

fn probability() -> impl Strategy<Value = f64> {
    let at = || prop::sample::select(&GRID[..]);
    prop_oneof![
        4 => at(),
        1 => at().prop_map(f64::next_up),
        1 => at().prop_map(f64::next_down),
        2 => 0.0..1.0_f64,
        1 => Just(f64::NAN),
    ]
}

fn decision() -> impl Strategy<Value = Decision> {
    let least = |values: Vec<Value>| {
        let groups = prop::sample::subsequence(values.clone(), 1..=values.len());
        groups.prop_shuffle().prop_flat_map(|groups| {
            let n_groups = groups.len();
            let thresholds =
                prop::collection::vec(prop::option::weighted(0.8, threshold()), n_groups);
            thresholds.prop_map(move |found| groups.iter().cloned().zip(found).collect::<Vec<_>>())
        })
    };
    let by = |column: &'static str, values: Vec<Value>| {
        (least(values), threshold()).prop_map(move |(thresholds, otherwise)| Decision::ByGroup {
            column: column.to_owned(),
            thresholds,
            otherwise,
        })
    };
    prop_oneof![
        prop::option::of(threshold()).prop_map(Decision::At),
        by("text", models::texts(&TEXTS[1..])),
        by("whole", models::integers(&[-1, 0, 7, i64::MAX, i64::MIN])),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let whole = prop::sample::select(&[-1, 0, 1, 7, i64::MAX, i64::MAX - 1, i64::MIN][..]);
    let row = (probability(), prop::sample::select(&TEXTS[..]), whole);
    prop::collection::vec(row, 0..20)
}

proptest! {
    #[test]
    fn graphs_decide_as_a_person_would(decision in decision(), rows in rows()) {
        let expected: Vec<bool> = rows.iter().map(|row| naive(&decision, *row)).collect();
        prop_assert_eq!(decided(&decision, &rows), expected);
    }
}

/// Decides with classes of other kinds: at 0.7, with 0.6 and 0.7.
#[track_caller]
fn check_classes(classes: &[Value; 2]) {
    let graph = graph(classes).deciding(&Decision::At(Some(0.7))).unwrap();
    let found = score(&graph, &[(0.6, "", 0), (0.7, "", 0)]);
    let found = arrow::compute::cast(found.column(0), &arrow::datatypes::DataType::Utf8).unwrap();
    let found: Vec<&str> = found.as_string::<i32>().iter().flatten().collect();
    assert_eq!(found, classes.clone().map(|class| class.to_string()));
}

#[test]
fn classes_of_any_kind_are_decided() {
    check_classes(&[Value::Text("no".to_owned()), Value::Text("yes".to_owned())]);
    check_classes(&[Value::Boolean(false), Value::Boolean(true)]);
    check_classes(&[Value::Integer(-7), Value::Integer(i64::MAX)]);
    check_classes(&[Value::Number(0.5), Value::Number(1.5)]);
}

#[test]
fn a_later_decision_takes_the_place_of_an_earlier_one() {
    let group = |threshold| Decision::ByGroup {
        column: "text".to_owned(),
        thresholds: vec![(Value::Text("red".to_owned()), Some(threshold))],
        otherwise: 0.9,
    };
    let at = |threshold| Decision::At(Some(threshold));
    let rows = [
        (0.2, "red", 0),
        (0.4, "red", 0),
        (0.8, "", 0),
        (0.95, "", 0),
    ];
    for [first, second] in [
        [at(0.1), at(0.3)],
        [at(0.1), group(0.3)],
        [group(0.1), at(0.3)],
        [group(0.1), group(0.3)],
    ] {
        let once = graph(&numbers()).deciding(&first).unwrap();
        let twice = once.deciding(&second).unwrap();
        let expected = graph(&numbers()).deciding(&second).unwrap();
        assert_eq!(
            score(&twice, &rows),
            score(&expected, &rows),
            "{first:?} {second:?}"
        );
    }
}

#[test]
fn onnx_runtime_decides_alike() {
    let by = |column: &str, values: Vec<Value>| Decision::ByGroup {
        column: column.to_owned(),
        thresholds: values
            .into_iter()
            .zip([Some(0.5), None, Some(0.3)])
            .collect(),
        otherwise: 0.7,
    };
    let mut all = Vec::new();
    for p in GRID {
        for p in [p, p.next_up(), p.next_down(), f64::NAN] {
            for (at, text) in TEXTS.into_iter().enumerate() {
                all.push((p, text, at as i64 - 1));
            }
        }
    }
    let decide = |decision| graph(&numbers()).deciding(&decision).unwrap();
    let whole = by("whole", models::integers(&[0, -1, 3]));
    let text = by("text", models::texts(&["red", "it's", "héé\u{1F600}"]));
    onnxruntime::compare(&[
        ("at", decide(Decision::At(Some(0.3))), batch(&all)),
        ("never", decide(Decision::At(None)), batch(&all)),
        ("whole", decide(whole), batch(&all)),
        ("text", decide(text), batch(&all)),
    ]);
}

#[track_caller]
fn refused(graph: &Graph, column: &str, values: Vec<Value>, expected: &str) {
    let decision = Decision::ByGroup {
        column: column.to_owned(),
        thresholds: values.into_iter().map(|value| (value, Some(0.5))).collect(),
        otherwise: 0.5,
    };
    let error = graph.deciding(&decision).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn wrong_groups_are_told() {
    let binary = graph(&numbers());
    refused(
        &binary,
        "p",
        vec![Value::Number(0.5)],
        "only texts and whole numbers are groups",
    );
    refused(
        &binary,
        "prediction",
        models::integers(&[1]),
        "is no input of the model",
    );
    refused(
        &binary,
        "text",
        models::integers(&[1]),
        "a group of `text` is not",
    );
    refused(
        &binary,
        "whole",
        models::texts(&["1"]),
        "a group of `whole` is not",
    );
    let mixed = vec![Value::Integer(1), Value::Number(2.0)];
    refused(&binary, "whole", mixed, "a group of `whole` is not");
}

#[test]
fn only_binary_classifications_are_decided() {
    let colours = models::texts(&["blue", "green", "red"]);
    for graph in [
        models::linear_regression(),
        models::softmax_regression(&colours),
        models::features(&["a > 0.5"]),
        models::forest(),
    ] {
        let error = graph.deciding(&Decision::At(Some(0.5))).unwrap_err();
        assert!(
            error.to_string().contains("no binary classification"),
            "{error}"
        );
    }
}
