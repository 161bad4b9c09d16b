//! Random ensembles against a walk written down the plain way.

use arrow::array::{ArrayRef, AsArray as _, Float64Array};
use arrow::datatypes::Float64Type;
use arrow::record_batch::RecordBatch;
use everloop_package::graph::{Graph, GraphBuilder, Tree, TreeEnsemble, TreeNode};
use everloop_package::native::Program;
use everloop_package::onnx::ModelProto;
use everloop_package::{Kind, Signature};
use proptest::prelude::*;

use crate::models::{self, Random};

const N_FEATURES: usize = 5;

/// A graph that gives the sum of each target.
fn sums(ensemble: &TreeEnsemble) -> Graph {
    let mut builder = GraphBuilder::new();
    let columns: Vec<_> = (0..N_FEATURES)
        .map(|at| builder.input(&format!("x{at}"), Kind::Number))
        .collect();
    let matrix = builder.column_matrix(&columns);
    let result = builder.trees(&matrix, ensemble);
    let classes: Vec<i64> = (0..ensemble.n_targets as i64).collect();
    if classes.len() == 1 {
        return builder.finish_regression(&result).unwrap();
    }
    builder
        .finish_multiclass(&result, &models::integers(&classes))
        .unwrap()
}

/// Features that often equal a threshold, and are often missing or infinite.
fn features(n_rows: usize, random: &mut Random) -> RecordBatch {
    let odd = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e300,
        2.0,
        1.0,
        0.0,
        -0.0,
        -1.0,
        -2.0,
        1.000_000_01,
    ];
    let columns = (0..N_FEATURES).map(|at| {
        let values = (0..n_rows).map(|_| {
            if random.below(3) == 0 {
                *random.pick(&odd)
            } else {
                random.unit() * 4.0
            }
        });
        let column: ArrayRef = std::sync::Arc::new(values.collect::<Float64Array>());
        (format!("x{at}"), column)
    });
    RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
}

/// Adds what one tree gives for a row.
fn walk(tree: &Tree, row: &[f64], sums: &mut [f64], width: fn(f64) -> f64) {
    let mut at = 0;
    loop {
        match &tree.nodes[at] {
            TreeNode::Split {
                feature,
                threshold,
                missing_goes_left,
                left,
                right,
            } => {
                let value = width(row[*feature as usize]);
                let goes_left = if value.is_nan() {
                    *missing_goes_left
                } else {
                    value < f64::from(*threshold)
                };
                at = if goes_left { *left } else { *right } as usize;
            }
            TreeNode::Leaf { target, weight } => {
                sums[*target as usize] += weight;
                return;
            }
            TreeNode::Leaves(leaves) => {
                for (target, weight) in leaves {
                    sums[*target as usize] += weight;
                }
                return;
            }
        }
    }
}

/// The numbers of a row of predictions.
fn numbers(batch: &RecordBatch, row: usize) -> Vec<f64> {
    let columns = batch
        .columns()
        .iter()
        .filter_map(|column| column.as_primitive_opt::<Float64Type>());
    columns.map(|column| column.value(row)).collect()
}

/// Compares all sums of all rows; `width` is what is done to features before they are compared.
fn check(
    model: &ModelProto,
    signature: &Signature,
    ensemble: &TreeEnsemble,
    rows: &RecordBatch,
    width: fn(f64) -> f64,
) {
    let found = Program::compile(model).unwrap().run(rows).unwrap();
    assert_eq!(found.num_columns(), signature.outputs.len());
    for at in 0..rows.num_rows() {
        let row: Vec<f64> = rows
            .columns()
            .iter()
            .map(|column| column.as_primitive::<Float64Type>().value(at))
            .collect();
        let mut sums = vec![0.0; ensemble.n_targets];
        for tree in &ensemble.trees {
            walk(tree, &row, &mut sums, width);
        }
        let expected: Vec<f64> = sums.iter().map(|sum| f64::from(*sum as f32)).collect();
        assert_eq!(numbers(&found, at), expected, "row {at}: {row:?}");
    }
}

/// The model without the casts around the features, as another writer might have made it.
fn without_casts(model: &ModelProto) -> ModelProto {
    let mut model = model.clone();
    let graph = model.graph.as_mut().unwrap();
    let concat = graph
        .node
        .iter()
        .find(|node| node.op_type == "Concat")
        .unwrap()
        .output[0]
        .clone();
    let trees = graph
        .node
        .iter_mut()
        .find(|node| node.op_type == "TreeEnsembleRegressor")
        .unwrap();
    trees.input[0] = concat;
    model
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_are_those_of_a_plain_walk(
        seed in any::<u32>(),
        n_trees in 1_usize..20,
        depth in 0_usize..8,
        n_targets in 1_usize..4,
        n_rows in 1_usize..40,
    ) {
        let seed = u64::from(seed);
        let ensemble = models::ensemble(n_trees, depth, N_FEATURES, n_targets, seed);
        let rows = features(n_rows, &mut Random::new(seed + 1));
        let graph = sums(&ensemble);
        check(graph.model(), graph.signature(), &ensemble, &rows, |value| f64::from(value as f32));
        check(&without_casts(graph.model()), graph.signature(), &ensemble, &rows, |value| value);
    }
}

#[test]
fn a_tree_as_deep_as_a_list_is_walked() {
    let n_levels = 2000;
    let mut nodes = Vec::new();
    for level in 0..n_levels {
        let (left, right) = (2 * level + 1, 2 * level + 2);
        let threshold = 1.0 - level as f32 / n_levels as f32;
        nodes.push(TreeNode::Split {
            feature: 0,
            threshold,
            missing_goes_left: false,
            left: right,
            right: left,
        });
        nodes.push(TreeNode::Leaf {
            target: 0,
            weight: f64::from(level),
        });
    }
    nodes.push(TreeNode::Leaf {
        target: 0,
        weight: -1.0,
    });
    let ensemble = TreeEnsemble {
        n_targets: 1,
        trees: vec![Tree { nodes }],
    };
    let graph = sums(&ensemble);
    let rows = features(64, &mut Random::new(5));
    check(
        graph.model(),
        graph.signature(),
        &ensemble,
        &rows,
        |value| f64::from(value as f32),
    );
}
