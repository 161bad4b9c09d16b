//! Models that several tests serve.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use everloop_domain::{Task, Value};
use everloop_package::graph::{Column, Graph, GraphBuilder, Matrix, Tree, TreeEnsemble, TreeNode};
use everloop_package::native::NativeModel;
use everloop_package::{Kind, NewPackage, Scorer as _};

/// A builder with the inputs `a`, `n`, `t` and `b`, and a matrix of them.
fn begun() -> (GraphBuilder, Matrix) {
    let mut builder = GraphBuilder::new();
    let a = builder.input("a", Kind::Number);
    let n = builder.input("n", Kind::Integer);
    let t = builder.input("t", Kind::Text);
    let b = builder.input("b", Kind::Boolean);
    let a = builder.impute(&a, 0.5);
    let columns: Vec<Column> = [a, builder.number(&n), builder.number(&b)].to_vec();
    let numbers = builder.column_matrix(&columns);
    let categories = ["red", "blue"].map(|text| Value::Text(text.to_owned()));
    let colours = builder.one_hot(&t, &categories);
    let matrix = builder.concat(&[numbers, colours]);
    (builder, matrix)
}

/// `a` (0.5 if missing) + 10 n + 100 if `b` + 1000 if `t` is red + `offset`.
pub(crate) fn sum(offset: f64) -> Graph {
    let (mut builder, matrix) = begun();
    let result = builder.linear(&matrix, &[1.0, 10.0, 100.0, 1000.0, 0.0], &[offset]);
    builder.finish_regression(&result).unwrap()
}

/// Whether the sum is positive: `no` or `yes`, and how probable.
pub(crate) fn classifier() -> Graph {
    let (mut builder, matrix) = begun();
    let result = builder.linear(&matrix, &[1.0, 1.0, 0.5, -0.5, 0.25], &[0.0]);
    let result = builder.sigmoid(&result);
    let classes = ["no", "yes"].map(|text| Value::Text(text.to_owned()));
    builder.finish_binary(&result, &classes).unwrap()
}

/// A boosted model of 100 full trees.
pub(crate) fn forest(depth: u32) -> Graph {
    let (mut builder, matrix) = begun();
    let trees = (0..100).map(|seed| Tree {
        nodes: full_tree(depth, seed),
    });
    let ensemble = TreeEnsemble {
        n_targets: 1,
        trees: trees.collect(),
    };
    let result = builder.trees(&matrix, &ensemble);
    builder.finish_regression(&result).unwrap()
}

fn full_tree(depth: u32, seed: u32) -> Vec<TreeNode> {
    let n_splits = (1 << depth) - 1;
    let split = |at: u32| TreeNode::Split {
        feature: (at + seed) % 5,
        threshold: ((at * 7 + seed * 13) % 41) as f32 / 10.0 - 2.0,
        missing_goes_left: at.is_multiple_of(2),
        left: 2 * at + 1,
        right: 2 * at + 2,
    };
    let leaf = |at: u32| TreeNode::Leaf {
        target: 0,
        weight: f64::from((at * 31 + seed) % 100) / 100.0,
    };
    let splits = (0..n_splits).map(split);
    splits.chain((0..=n_splits).map(leaf)).collect()
}

/// Rows that all models here take.
pub(crate) fn rows(n_rows: usize) -> RecordBatch {
    let numbers = (0..n_rows).map(|row| match row % 7 {
        6 => f64::NAN,
        _ => (row * 37 % 101) as f64 / 20.0 - 2.0,
    });
    let integers = (0..n_rows).map(|row| (row * 13 % 9) as i64 - 4);
    let texts = (0..n_rows).map(|row| ["red", "blue", "", "unseen"][row % 4]);
    let columns: [(&str, ArrayRef); 4] = [
        ("a", Arc::new(Float64Array::from_iter_values(numbers))),
        ("n", Arc::new(Int64Array::from_iter_values(integers))),
        ("t", Arc::new(StringArray::from_iter_values(texts))),
        (
            "b",
            Arc::new(
                (0..n_rows)
                    .map(|row| Some(row % 3 == 0))
                    .collect::<BooleanArray>(),
            ),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Writes a graph as a package into `dir/name`.
pub(crate) fn package(dir: &Path, name: &str, graph: &Graph, task: Task) -> PathBuf {
    let rows = rows(50);
    let expected = NativeModel::new(graph).unwrap().score(&rows).unwrap();
    let classes = match task {
        Task::Regression => vec![],
        _ => ["no", "yes"]
            .map(|text| Value::Text(text.to_owned()))
            .to_vec(),
    };
    let new = NewPackage {
        graph,
        task,
        classes: &classes,
        name,
        input_example: &rows.slice(0, 2),
        metadata: BTreeMap::new(),
    };
    let target = dir.join(name);
    everloop_package::write(&target, &new, &rows, &expected).unwrap();
    target
}
