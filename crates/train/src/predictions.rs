//! Predictions as the columns that the graph gives.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use everloop_domain::Value;

use crate::Error;

/// Values (no classes), probabilities of the second of two classes, or, row by row, probabilities of all classes.
pub(crate) fn predictions(classes: &[Value], values: Vec<f64>) -> Result<RecordBatch, Error> {
    match classes {
        [] => Ok(RecordBatch::try_from_iter(vec![(
            "prediction",
            Arc::new(Float64Array::from(values)) as ArrayRef,
        )])?),
        [_, _] => {
            let picked: Vec<usize> = values
                .iter()
                .map(|value| usize::from(*value > 0.5))
                .collect();
            let probability: ArrayRef = Arc::new(Float64Array::from(values));
            Ok(RecordBatch::try_from_iter(vec![
                ("prediction", labels(classes, &picked)),
                ("probability", probability),
            ])?)
        }
        classes => multiclass(classes, &values),
    }
}

/// Whether the mean depth of a row is below the cutoff, and its score.
pub(crate) fn anomalies(depths: &[f64], factor: f64, cutoff: f64) -> Result<RecordBatch, Error> {
    let is_anomaly: BooleanArray = depths.iter().map(|depth| Some(*depth < cutoff)).collect();
    let scores = depths.iter().map(|depth| (depth * factor).exp());
    Ok(RecordBatch::try_from_iter(vec![
        ("prediction", Arc::new(is_anomaly) as ArrayRef),
        ("score", Arc::new(Float64Array::from_iter_values(scores))),
    ])?)
}

/// The nearest group, and the distances to all.
pub(crate) fn clusters(distances: &[f64], n_clusters: usize) -> Result<RecordBatch, Error> {
    let nearest = |row: &[f64]| {
        let places = 1..row.len();
        places.fold(
            0,
            |best, place| if row[place] < row[best] { place } else { best },
        ) as i64
    };
    let rows = || distances.chunks(n_clusters.max(1));
    let nearest: Int64Array = rows().map(|row| Some(nearest(row))).collect();
    let mut columns = vec![("prediction".to_owned(), Arc::new(nearest) as ArrayRef)];
    for cluster in 0..n_clusters {
        let own: Float64Array = rows().map(|row| Some(row[cluster])).collect();
        columns.push((format!("distance_{cluster}"), Arc::new(own)));
    }
    Ok(RecordBatch::try_from_iter(columns)?)
}

fn multiclass(classes: &[Value], probabilities: &[f64]) -> Result<RecordBatch, Error> {
    let picked: Vec<usize> = probabilities
        .chunks(classes.len())
        .map(|row| {
            (1..row.len()).fold(
                0,
                |best, class| if row[class] > row[best] { class } else { best },
            )
        })
        .collect();
    let mut columns = vec![("prediction".to_owned(), labels(classes, &picked))];
    for (class, value) in classes.iter().enumerate() {
        let own: Float64Array = probabilities
            .chunks(classes.len())
            .map(|row| Some(row[class]))
            .collect();
        columns.push((format!("probability_{value}"), Arc::new(own) as ArrayRef));
    }
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// The classes of rows, in the type of the target.
fn labels(classes: &[Value], picked: &[usize]) -> ArrayRef {
    let of = |row: &usize| &classes[*row];
    match &classes[0] {
        Value::Integer(_) => Arc::new(
            picked
                .iter()
                .map(|row| of(row).as_f64().map(|value| value as i64))
                .collect::<Int64Array>(),
        ),
        Value::Number(_) => Arc::new(
            picked
                .iter()
                .map(|row| of(row).as_f64())
                .collect::<Float64Array>(),
        ),
        Value::Boolean(_) => Arc::new(
            picked
                .iter()
                .map(|row| Some(*of(row) == Value::Boolean(true)))
                .collect::<BooleanArray>(),
        ),
        Value::Text(_) => Arc::new(
            picked
                .iter()
                .map(|row| Some(of(row).to_string()))
                .collect::<StringArray>(),
        ),
    }
}
