//! Scores of models that learn without a target.

use std::collections::BTreeMap;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use everloop_domain::Task;
use everloop_lifecycle::Lifecycle;
use everloop_measure::Clusters;

use crate::Error;
use crate::learning::Inputs;

/// Rows that the silhouette is taken from at most.
const MAX_SILHOUETTE_ROWS: usize = 2000;

/// What can be said without a truth: how many rows count as anomalies, how well groups hold together. A score that is
/// not defined, as of a single group, is absent.
pub(super) fn scores(
    lifecycle: &Lifecycle,
    train: &RecordBatch,
    rows: &RecordBatch,
    predictions: &RecordBatch,
) -> Result<BTreeMap<String, f64>, Error> {
    match lifecycle.train.task {
        Task::Anomaly => anomalies(predictions),
        Task::Clustering => clusters(lifecycle, train, rows, predictions),
        Task::Regression | Task::Binary | Task::Multiclass => Ok(BTreeMap::new()),
    }
}

fn lacks(column: &str, what: &str) -> Error {
    Error::Invalid(format!("the model gives no column `{column}` of {what}"))
}

fn anomalies(predictions: &RecordBatch) -> Result<BTreeMap<String, f64>, Error> {
    let flags = predictions.column_by_name("prediction");
    let flags = flags
        .and_then(|column| column.as_boolean_opt())
        .ok_or_else(|| lacks("prediction", "booleans"))?;
    let share = flags.true_count() as f64 / flags.len().max(1) as f64;
    Ok(BTreeMap::from([("flagged_share".to_owned(), share)]))
}

fn clusters(
    lifecycle: &Lifecycle,
    train: &RecordBatch,
    rows: &RecordBatch,
    predictions: &RecordBatch,
) -> Result<BTreeMap<String, f64>, Error> {
    let labels = predictions
        .column_by_name("prediction")
        .and_then(|column| column.as_primitive_opt::<Int64Type>())
        .ok_or_else(|| lacks("prediction", "whole numbers"))?;
    let labels: Vec<usize> = labels
        .values()
        .iter()
        .map(|label| usize::try_from(*label))
        .collect::<Result<_, _>>()
        .map_err(|_| Error::Invalid("the model gives a negative group".to_owned()))?;
    let mut metrics = BTreeMap::new();
    if let Some(inertia) = inertia(predictions) {
        metrics.insert("inertia".to_owned(), inertia);
    }
    let points = points(lifecycle, train, rows)?;
    if let Ok(clusters) = Clusters::new(&points.values, points.n_columns, &labels) {
        let silhouette = clusters.silhouette(MAX_SILHOUETTE_ROWS);
        metrics.insert("silhouette".to_owned(), silhouette);
        metrics.insert("davies_bouldin".to_owned(), clusters.davies_bouldin());
        metrics.insert("calinski_harabasz".to_owned(), clusters.calinski_harabasz());
    }
    Ok(metrics)
}

/// The sum of the squared distances to the nearest centre, if the model gives distances.
fn inertia(predictions: &RecordBatch) -> Option<f64> {
    let schema = predictions.schema();
    let columns: Vec<&[f64]> = schema
        .fields()
        .iter()
        .zip(predictions.columns())
        .filter(|(field, _)| field.name().starts_with("distance_"))
        .filter_map(|(_, column)| Some(column.as_primitive_opt::<Float64Type>()?.values().as_ref()))
        .collect();
    let least = |row: usize| {
        let distances = columns.iter().map(|column| column[row]);
        distances.fold(f64::INFINITY, f64::min)
    };
    let rows = 0..predictions.num_rows();
    (!columns.is_empty()).then(|| rows.map(|row| least(row).powi(2)).sum())
}

fn points(
    lifecycle: &Lifecycle,
    train: &RecordBatch,
    rows: &RecordBatch,
) -> Result<everloop_train::Points, Error> {
    let inputs = Inputs::of(lifecycle, &train.schema());
    let parameters = BTreeMap::new();
    let request = inputs.request(lifecycle, "kmeans", &parameters);
    Ok(everloop_train::points(&request, train, rows)?)
}
