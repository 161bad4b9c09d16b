//! Trees on histograms, shared by `tree`, `forest` and `boosting`.

mod bins;
mod grow;

pub(crate) use bins::Bins;
pub(crate) use grow::{Growth, Leaves, Rows, grow};
