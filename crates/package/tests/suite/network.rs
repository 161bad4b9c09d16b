//! What neural networks are written with, and what of them is refused.

use arrow::array::AsArray as _;
use arrow::datatypes::Float64Type;
use arrow::record_batch::RecordBatch;
use everloop_package::graph::{Graph, GraphBuilder, Matrix};
use everloop_package::native::NativeModel;
use everloop_package::{Scorer as _, quantize};

use crate::models;

fn predictions(graph: &Graph, rows: &RecordBatch) -> Vec<f64> {
    let model = NativeModel::new(graph).unwrap();
    let inputs = model.signature().conform(rows).unwrap();
    let found = model.score(&inputs).unwrap();
    found
        .column(0)
        .as_primitive::<Float64Type>()
        .values()
        .to_vec()
}

/// Builds on a matrix of the columns `a` and `b` and tells why the graph is refused.
#[track_caller]
fn refused(build: impl FnOnce(&mut GraphBuilder, &Matrix) -> Matrix, expected: &str) {
    let (mut builder, columns) = models::builder();
    let matrix = builder.column_matrix(&[columns["a"].clone(), columns["b"].clone()]);
    let result = build(&mut builder, &matrix);
    let result = builder.pick(&result, &[0]);
    let error = builder.finish_regression(&result).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn wrong_use_is_told() {
    refused(
        |builder, matrix| builder.pick(matrix, &[0, 2]),
        "column 2 was picked of a matrix of 2 columns",
    );
    refused(
        |builder, matrix| builder.embed(matrix, 5, &[1.0, 2.0], 1),
        "column 5 was picked of a matrix of 2 columns",
    );
    refused(
        |builder, matrix| builder.embed(matrix, 0, &[1.0, 2.0, 3.0], 2),
        "3 numbers are no table of rows of 2 numbers",
    );
    refused(
        |builder, matrix| builder.embed(matrix, 0, &[1.0, f64::NAN], 1),
        "an embedding has the value NaN",
    );
}

#[test]
fn many_rows_are_what_single_rows_are() {
    let graph = models::neural_regression();
    let rows = models::rows(200, 3);
    let together = predictions(&graph, &rows);
    for row in [0, 7, 100, 199] {
        let alone = predictions(&graph, &rows.slice(row, 1))[0];
        let size = alone.abs().max(1.0);
        assert!((alone - together[row]).abs() < 1e-12 * size, "row {row}");
    }
}

#[test]
fn a_place_beyond_the_table_is_an_error() {
    let (mut builder, columns) = models::builder();
    let matrix = builder.column_matrix(&[columns["i"].clone()]);
    let result = builder.embed(&matrix, 0, &[1.0], 1);
    let graph = builder.finish_regression(&result).unwrap();
    let model = NativeModel::new(&graph).unwrap();
    let inputs = model.signature().conform(&models::rows(50, 1)).unwrap();
    let error = model.score(&inputs).unwrap_err().to_string();
    assert!(error.contains("is outside of 1 elements"), "{error}");
}

#[test]
fn models_in_8_bits_are_smaller_and_near() {
    let graph = models::neural_regression();
    let rows = models::with_number(&models::rows(200, 3), "amount");
    let small = quantize(&graph, &rows).unwrap();
    // The table of embeddings and the last matrix are too small to be worth it.
    assert_eq!((small.n_rounded, small.n_rows), (4, 200));
    assert!(small.n_bytes.1 < small.n_bytes.0, "{:?}", small.n_bytes);
    assert_eq!(small.graph.signature(), graph.signature());
    let (before, after) = (predictions(&graph, &rows), predictions(&small.graph, &rows));
    let greatest = before
        .iter()
        .zip(&after)
        .map(|(before, after)| (before - after).abs())
        .fold(0.0, f64::max);
    assert_eq!(greatest, small.max_difference);
    let most = before.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = before.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(
        greatest > 0.0 && greatest < 0.2 * (most - least),
        "{greatest}"
    );
    // The bytes are the same each time, and are read back.
    let again = quantize(&graph, &rows).unwrap();
    assert_eq!(again.graph.to_bytes(), small.graph.to_bytes());
    let read = Graph::from_bytes(&small.graph.to_bytes()).unwrap();
    assert_eq!(predictions(&read, &rows), after);
}

#[test]
fn quantisation_needs_rows() {
    let rows = models::with_number(&models::rows(10, 3), "amount");
    let error = quantize(&models::neural_regression(), &rows.slice(0, 0)).unwrap_err();
    assert!(error.to_string().contains("there are none"), "{error}");
}
