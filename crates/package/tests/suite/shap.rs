//! SHAP values: golden numbers of the package `shap` (made by `tests/golden/gen/shap.py`), and that they sum to the
//! prediction whatever the model.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Float64Array, RecordBatch};
use arrow::datatypes::Float64Type;
use everloop_package::graph::{Graph, GraphBuilder, Tree, TreeEnsemble, TreeNode};
use everloop_package::native::{Explainer, NativeModel, Scale};
use everloop_package::{Kind, Scorer as _};
use proptest::prelude::*;
use serde_json::Value;

const GOLDEN: &str = include_str!("../golden/shap.json");

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap().iter();
    list.map(|it| it.as_f64().unwrap()).collect()
}

fn matrix(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

/// Rows as columns `x0`, `x1` …
fn batch(rows: &[Vec<f64>]) -> RecordBatch {
    let columns = (0..rows[0].len()).map(|column| {
        let values: Vec<f64> = rows.iter().map(|row| row[column]).collect();
        let values: ArrayRef = Arc::new(Float64Array::from(values));
        (format!("x{column}"), values)
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

fn builder(n_columns: usize) -> (GraphBuilder, everloop_package::graph::Matrix) {
    let mut builder = GraphBuilder::new();
    let columns: Vec<_> = (0..n_columns)
        .map(|column| builder.input(&format!("x{column}"), Kind::Number))
        .collect();
    let matrix = builder.column_matrix(&columns);
    (builder, matrix)
}

fn tree(nodes: &Value) -> Tree {
    let node = |node: &Value| match node.get("values") {
        Some(values) => TreeNode::Leaves((0..).zip(numbers(values)).collect()),
        None => TreeNode::Split {
            feature: node["feature"].as_u64().unwrap() as u32,
            // scikit-learn goes left at the threshold, our trees below it.
            threshold: (node["threshold"].as_f64().unwrap() as f32).next_up(),
            missing_goes_left: false,
            left: node["left"].as_u64().unwrap() as u32,
            right: node["right"].as_u64().unwrap() as u32,
        },
    };
    Tree {
        nodes: nodes.as_array().unwrap().iter().map(node).collect(),
    }
}

fn of_trees(ensemble: &TreeEnsemble, base: &[f64], n_columns: usize) -> Graph {
    let (mut builder, matrix) = builder(n_columns);
    let sums = builder.trees(&matrix, ensemble);
    let sums = builder.add(&sums, base);
    if base.len() == 1 {
        return builder.finish_regression(&sums).unwrap();
    }
    let classes: Vec<_> = (0..base.len() as i64)
        .map(everloop_domain::Value::Integer)
        .collect();
    builder.finish_multiclass(&sums, &classes).unwrap()
}

#[track_caller]
fn close(name: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs() / expected.abs().max(1.0);
        assert!(difference <= 1e-9, "{name}, {at}: {found}, shap {expected}");
    }
}

#[test]
fn values_are_those_of_shap() {
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    for case in golden["trees"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let ensemble = TreeEnsemble {
            n_targets: case["n_targets"].as_u64().unwrap() as usize,
            trees: case["trees"].as_array().unwrap().iter().map(tree).collect(),
        };
        let rows = matrix(&case["rows"]);
        let graph = of_trees(&ensemble, &numbers(&case["base"]), rows[0].len());
        let all = batch(&rows);
        let expected = matrix(&case["shap"]);
        let explainer = Explainer::new(&graph, &all).unwrap();
        let found = explainer.explain(&all.slice(0, expected.len())).unwrap();
        close(name, &found.base, &numbers(&case["expected_value"]));
        close(name, &found.values, &expected.concat());
    }
    let linear = &golden["linear"];
    let rows = matrix(&linear["rows"]);
    let (mut builder, columns) = builder(rows[0].len());
    let intercept = linear["intercept"].as_f64().unwrap();
    let sums = builder.linear(&columns, &numbers(&linear["weights"]), &[intercept]);
    let graph = builder.finish_regression(&sums).unwrap();
    let all = batch(&rows);
    let expected = matrix(&linear["shap"]);
    let explainer = Explainer::new(&graph, &all).unwrap();
    let found = explainer.explain(&all.slice(0, expected.len())).unwrap();
    close("linear", &found.values, &expected.concat());
}

/// A tree of three levels with any features and thresholds, of one target.
fn any_tree() -> impl Strategy<Value = Tree> {
    let splits = prop::collection::vec((0_u32..4, -2.0_f32..2.0, any::<bool>()), 7);
    let leaves = prop::collection::vec(-3.0_f64..3.0, 8);
    (splits, leaves).prop_map(|(splits, leaves)| {
        let split = |(at, (feature, threshold, missing_goes_left)): (u32, (u32, f32, bool))| {
            TreeNode::Split {
                feature,
                threshold,
                missing_goes_left,
                left: 2 * at + 1,
                right: 2 * at + 2,
            }
        };
        let leaf = |weight| TreeNode::Leaf { target: 0, weight };
        let nodes = (0..).zip(splits).map(split);
        Tree {
            nodes: nodes.chain(leaves.into_iter().map(leaf)).collect(),
        }
    })
}

fn any_rows(n_rows: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Vec<f64>>> {
    let value = prop_oneof![4 => -3.0..3.0, 1 => Just(f64::NAN)];
    prop::collection::vec(prop::collection::vec(value, 4), n_rows)
}

proptest! {
    /// Also with rows that take ways which no row of the background took.
    #[test]
    fn values_sum_to_the_prediction(
        trees in prop::collection::vec(any_tree(), 1..4),
        background in any_rows(1..12),
        rows in any_rows(1..6),
    ) {
        let ensemble = TreeEnsemble { n_targets: 1, trees };
        let graph = of_trees(&ensemble, &[0.5], 4);
        let rows = batch(&rows);
        let found = Explainer::new(&graph, &batch(&background)).unwrap().explain(&rows).unwrap();
        prop_assert_eq!(found.scale, Scale::Prediction);
        let predicted = NativeModel::new(&graph).unwrap().score(&rows).unwrap();
        let predicted = predicted.column(0).as_primitive::<Float64Type>();
        for (values, predicted) in found.values.chunks(found.inputs.len()).zip(predicted.values()) {
            let sum = found.base[0] + values.iter().sum::<f64>();
            prop_assert!((sum - predicted).abs() < 1e-5, "{} {}", sum, predicted);
        }
    }
}

#[test]
fn categories_of_an_input_are_one() {
    let mut builder = GraphBuilder::new();
    let (colour, x) = (
        builder.input("colour", Kind::Text),
        builder.input("x", Kind::Number),
    );
    let categories = ["blue", "red"].map(|it| everloop_domain::Value::Text(it.to_owned()));
    let parts = [
        builder.one_hot(&colour, &categories),
        builder.column_matrix(&[x]),
    ];
    let matrix = builder.concat(&parts);
    let scores = builder.linear(&matrix, &[1.0, 3.0, 2.0], &[0.25]);
    let probability = builder.sigmoid(&scores);
    let classes = [0, 1].map(everloop_domain::Value::Integer);
    let graph = builder.finish_binary(&probability, &classes).unwrap();
    let colours: ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["red", "blue"]));
    let numbers: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 0.0]));
    let rows = RecordBatch::try_from_iter(vec![("colour", colours), ("x", numbers)]).unwrap();
    let found = Explainer::new(&graph, &rows)
        .unwrap()
        .explain(&rows)
        .unwrap();
    assert_eq!(found.inputs, ["colour", "x"]);
    assert_eq!((found.base, found.scale), (vec![3.25], Scale::LogOdds));
    assert_eq!(found.values, [1.0, 1.0, -1.0, -1.0]);
}

#[test]
fn a_network_is_not_explained() {
    let (mut builder, matrix) = builder(2);
    let hidden = builder.linear(&matrix, &[1.0, 0.5, -1.0, 2.0], &[0.0, 0.0]);
    let hidden = builder.sigmoid(&hidden);
    let sums = builder.linear(&hidden, &[1.0, 1.0], &[0.0]);
    let graph = builder.finish_regression(&sums).unwrap();
    let rows = batch(&[vec![1.0, 2.0]]);
    let error = Explainer::new(&graph, &rows).unwrap_err().to_string();
    assert!(error.contains("not linear"), "{error}");
}
