//! Models in 8 bits: what rounding may cost, and what it may not change.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Float64Array};
use arrow::datatypes::Float64Type;
use arrow::record_batch::RecordBatch;
use everloop_package::graph::{Graph, GraphBuilder, Matrix};
use everloop_package::native::NativeModel;
use everloop_package::{Kind, Scorer as _, quantize};
use proptest::prelude::*;

use crate::{models, onnxruntime};

/// Inputs and outputs of the matrices below: just enough weights to be rounded.
const N: usize = 16;

/// A builder with `N` columns of numbers, as a matrix.
fn builder() -> (GraphBuilder, Matrix) {
    let mut builder = GraphBuilder::new();
    let columns: Vec<_> = (0..N)
        .map(|at| builder.input(&format!("x{at}"), Kind::Number))
        .collect();
    let matrix = builder.column_matrix(&columns);
    (builder, matrix)
}

/// One output of a product with `N` times `N` weights and a bias.
fn linear(weights: &[f64], bias: f64, output: usize) -> Graph {
    let (mut builder, matrix) = builder();
    let result = builder.linear(&matrix, weights, &[bias; N]);
    let result = builder.pick(&result, &[output]);
    builder.finish_regression(&result).unwrap()
}

/// Rows of the columns above and the target `y`.
fn batch(rows: &[Vec<f64>]) -> RecordBatch {
    let mut columns: Vec<(String, ArrayRef)> = (0..N)
        .map(|at| {
            let column = rows.iter().map(|row| row[at]);
            let column = Float64Array::from_iter_values(column);
            (format!("x{at}"), Arc::new(column) as ArrayRef)
        })
        .collect();
    let target = Float64Array::from(vec![1.0; rows.len()]);
    columns.push(("y".to_owned(), Arc::new(target)));
    RecordBatch::try_from_iter(columns).unwrap()
}

fn predictions(graph: &Graph, rows: &RecordBatch) -> Vec<f64> {
    let model = NativeModel::new(graph).unwrap();
    let inputs = model.signature().conform(rows).unwrap();
    let found = model.score(&inputs).unwrap();
    let found = found.column(0).as_primitive::<Float64Type>();
    found.values().to_vec()
}

fn size(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |most, value| most.max(value.abs()))
}

/// The most that rounding both factors to 127 steps on each side can cost.
fn most_error(row: &[f64], weights: &[f64], output: usize) -> f64 {
    let column: Vec<f64> = (0..N).map(|at| weights[at * N + output]).collect();
    let of_row = size(row.iter().copied()) / 127.0 / 2.0;
    let of_column = size(column.iter().copied()) / 127.0 / 2.0;
    let pairs = row.iter().zip(&column);
    let errors = pairs.map(|(x, w)| x.abs() * of_column + w.abs() * of_row + of_row * of_column);
    errors.sum::<f64>() * (1.0 + 1e-9) + 1e-9
}

fn values(n: usize) -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![4 => -1.0..1.0_f64, 1 => Just(0.0), 1 => -1000.0..1000.0_f64];
    prop::collection::vec(value, n)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn errors_stay_below_half_a_step(
        weights in values(N * N),
        rows in prop::collection::vec(values(N), 1..6),
        output in 0..N,
    ) {
        let graph = linear(&weights, 0.5, output);
        let rows_batch = batch(&rows);
        let small = quantize(&graph, &rows_batch).unwrap();
        prop_assert_eq!(small.n_rounded, 1);
        let before = predictions(&graph, &rows_batch);
        let after = predictions(&small.graph, &rows_batch);
        for ((row, before), after) in rows.iter().zip(&before).zip(&after) {
            let most = most_error(row, &weights, output);
            prop_assert!((before - after).abs() <= most, "{before} {after} {most}");
        }
        for (at, together) in after.iter().enumerate() {
            let alone = predictions(&small.graph, &rows_batch.slice(at, 1))[0];
            prop_assert_eq!(alone.to_bits(), together.to_bits(), "row {} alone", at);
        }
    }
}

#[test]
fn zeros_are_not_rounded_to_anything_else() {
    let mut weights = models::weights(N * N, 1);
    for row in weights.chunks_exact_mut(N) {
        row[3] = 0.0;
    }
    let rows = batch(&[vec![0.0; N], vec![-0.0; N], vec![1e9; N], vec![1e-300; N]]);
    let small = |output| {
        let graph = linear(&weights, 0.25, output);
        quantize(&graph, &rows).unwrap()
    };
    // A column of zeros, and rows of zeros.
    let column = small(3);
    assert_eq!(predictions(&column.graph, &rows), [0.25; 4]);
    assert_eq!(column.max_difference, 0.0);
    assert_eq!(predictions(&small(2).graph, &rows)[..2], [0.25; 2]);
}

#[test]
fn what_is_no_number_stays_none() {
    let odd = |at: usize, value: f64| {
        let mut row = vec![0.5; N];
        row[at] = value;
        row
    };
    let rows = [
        odd(0, f64::NAN),
        odd(N - 1, f64::NAN),
        vec![f64::NAN; N],
        odd(3, f64::INFINITY),
        odd(0, f64::NEG_INFINITY),
        odd(2, 0.25),
    ];
    let rows = batch(&rows);
    let graph = linear(&models::weights(N * N, 5), 0.5, 11);
    let small = quantize(&graph, &rows.slice(5, 1)).unwrap();
    let (before, after) = (predictions(&graph, &rows), predictions(&small.graph, &rows));
    assert!(before[..3].iter().all(|value| value.is_nan()), "{before:?}");
    assert!(after[..5].iter().all(|value| value.is_nan()), "{after:?}");
    assert!((before[5] - after[5]).abs() < 0.05, "{before:?} {after:?}");
    let small = quantize(&graph, &rows).unwrap();
    assert_eq!(small.max_difference, f64::INFINITY);
    onnxruntime::compare(&[("missing", small.graph, rows)]);
}

#[test]
fn whole_numbers_of_the_right_size_are_exact() {
    let weights: Vec<f64> = (0..N * N).map(|at| (at % 5) as f64 - 2.0).collect();
    let weights: Vec<f64> = weights
        .iter()
        .enumerate()
        .map(|(at, weight)| if at < N { 127.0 } else { *weight })
        .collect();
    let row: Vec<f64> = (0..N)
        .map(|at| if at == 0 { -127.0 } else { at as f64 })
        .collect();
    let rows = batch(&[row]);
    let small = quantize(&linear(&weights, 0.0, 7), &rows).unwrap();
    assert!(small.max_difference < 1e-9, "{}", small.max_difference);
}

#[test]
fn few_weights_stay_as_they_are() {
    let (mut builder, matrix) = builder();
    let result = builder.linear(&matrix, &models::weights(N * (N - 1), 1), &[0.0; N - 1]);
    let result = builder.pick(&result, &[0]);
    let few = builder.finish_regression(&result).unwrap();
    let rows = batch(&[vec![1.0; N]]);
    for graph in [few, models::forest(), models::linear_regression()] {
        let error = quantize(&graph, &rows).unwrap_err().to_string();
        assert!(error.contains("there is nothing to quantise"), "{error}");
    }
}

#[test]
fn embeddings_are_rounded_by_their_columns() {
    let (width, n_rows) = (4, 64);
    let mut table = models::weights(width * n_rows, 9);
    for row in table.chunks_exact_mut(width) {
        row[1] *= 1000.0;
        row[2] = 0.0;
    }
    for column in 0..width {
        let (mut builder, matrix) = builder();
        let found = builder.embed(&matrix, 0, &table, width);
        let found = builder.pick(&found, &[column]);
        let graph = builder.finish_regression(&found).unwrap();
        let rows: Vec<Vec<f64>> = (0..n_rows).map(|at| vec![at as f64; N]).collect();
        let small = quantize(&graph, &batch(&rows)).unwrap();
        let most = size(table.iter().skip(column).step_by(width).copied());
        assert!(
            small.max_difference <= most / 127.0 / 2.0 * (1.0 + 1e-9),
            "column {column}: {} of {most}",
            small.max_difference
        );
    }
}

#[test]
fn the_bytes_are_an_eighth_where_weights_are_many() {
    let (mut builder, matrix) = builder();
    let n_wide = 512;
    let wide = builder.linear(&matrix, &models::weights(N * n_wide, 1), &vec![0.0; n_wide]);
    let back = builder.linear(&wide, &models::weights(n_wide * N, 2), &[0.0; N]);
    let result = builder.pick(&back, &[0]);
    let graph = builder.finish_regression(&result).unwrap();
    let small = quantize(&graph, &batch(&[vec![1.0; N]])).unwrap();
    assert_eq!(small.n_rounded, 2);
    assert_eq!(
        small.n_bytes,
        (graph.to_bytes().len(), small.graph.to_bytes().len())
    );
    // The old weights would be left in the file if nothing dropped them.
    assert!(small.n_bytes.1 * 4 < small.n_bytes.0, "{:?}", small.n_bytes);
}

#[test]
fn rows_that_get_another_class_are_counted() {
    let (mut builder, matrix) = builder();
    let result = builder.linear(&matrix, &models::weights(N * N, 4), &[0.0; N]);
    let result = builder.pick(&result, &[5]);
    let result = builder.sigmoid(&result);
    let classes = models::texts(&["no", "yes"]);
    let classes = [classes[0].clone(), classes[1].clone()];
    let graph = builder.finish_binary(&result, &classes).unwrap();
    let rows: Vec<Vec<f64>> = (0..400).map(|seed| models::weights(N, seed)).collect();
    let small = quantize(&graph, &batch(&rows)).unwrap();
    let (before, after) = &small.predictions;
    let label = |found: &RecordBatch, row| found.column(0).as_string::<i32>().value(row).to_owned();
    let others = (0..400).filter(|&row| label(before, row) != label(after, row));
    assert_eq!(small.n_relabelled, others.count());
    let probability = |found: &RecordBatch| found.column(1).as_primitive::<Float64Type>().clone();
    let pairs = probability(before);
    let pairs = pairs
        .values()
        .iter()
        .zip(probability(after).values().to_vec());
    let apart: Vec<f64> = pairs
        .map(|(before, after)| (before - after).abs())
        .collect();
    assert_eq!(small.max_difference, size(apart.iter().copied()));
    let mean = apart.iter().sum::<f64>() / 400.0;
    assert!((small.mean_difference - mean).abs() < 1e-12 && mean > 0.0);
    assert!(small.max_difference < 0.05, "{}", small.max_difference);
}

#[test]
fn onnx_runtime_rounds_alike() {
    let rows: Vec<Vec<f64>> = (0..60)
        .map(|seed| {
            let factor = [1.0, 1e-12, 1e9, 0.0][seed as usize % 4];
            let row = models::weights(N, seed);
            row.iter().map(|value| value * factor).collect()
        })
        .collect();
    let rows = batch(&rows);
    let graph = linear(&models::weights(N * N, 5), 0.5, 11);
    let small = quantize(&graph, &rows).unwrap();
    onnxruntime::compare(&[("rounded", small.graph, rows)]);
}
