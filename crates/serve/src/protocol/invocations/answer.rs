//! Predictions as MLflow answers them.

use arrow::record_batch::RecordBatch;
use serde_json::{Map, Value, json};

use crate::protocol::json::cell;

/// The body of an answer.
pub(super) fn body(predictions: &RecordBatch, ids: &[String]) -> Value {
    json!({"predictions": values(predictions), "ids": ids})
}

fn values(predictions: &RecordBatch) -> Vec<Value> {
    let rows = 0..predictions.num_rows();
    if let [only] = predictions.columns() {
        return rows.map(|row| cell(only, row)).collect();
    }
    let schema = predictions.schema();
    let record = |row| {
        let cells = schema.fields().iter().zip(predictions.columns());
        let record: Map<String, Value> = cells
            .map(|(field, column)| (field.name().clone(), cell(column, row)))
            .collect();
        Value::Object(record)
    };
    rows.map(record).collect()
}
