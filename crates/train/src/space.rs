//! Rows as points: the space in which groups are found and judged.

use arrow::array::RecordBatch;

use crate::encoder::{Encoder, Style};
use crate::table::Computed;
use crate::{Error, FitRequest, weights};

/// Rows as numbers on one scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// Row by row.
    pub values: Vec<f64>,
    /// Numbers of a row.
    pub n_columns: usize,
}

/// The rows as `kmeans` sees them when it is fitted to the train rows: numbers scaled to mean 0 and deviation 1, texts
/// one-hot. The trainer and parameters of the request do not matter.
///
/// # Errors
///
/// Fails if a column is absent or of another type, or none is left to look at.
pub fn points(
    request: &FitRequest<'_>,
    train: &RecordBatch,
    rows: &RecordBatch,
) -> Result<Points, Error> {
    let (train, _) = weights::counted(train, request.weight, None)?;
    let front = Computed::new(request, &train)?;
    let nothing = vec![0.0; train.num_rows()];
    let encoder = Encoder::fit(Style::Scaled, &front.columns(&train)?, &nothing)?;
    let design = encoder.encode(&front.columns(rows)?)?;
    Ok(Points {
        values: design.values,
        n_columns: design.n_columns,
    })
}
