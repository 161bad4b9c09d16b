//! What the tests of several trainers share.

mod golden;
pub(super) mod probe;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};

use crate::encoder::{Encoder, Style};

/// Raw rows and their encoder, for jobs whose trainer looks at neither.
pub(super) fn unseen() -> (Encoder, RecordBatch) {
    let column: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
    let rows = RecordBatch::try_from_iter(vec![("x", column)]).unwrap();
    (Encoder::fit(Style::Raw, &rows, &[0.0, 1.0]).unwrap(), rows)
}
