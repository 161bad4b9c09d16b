//! Scores, fairness, drift statistics and gates: numbers in, numbers out.
//!
//! Everything here is pure: no I/O, no async, no random numbers. Definitions follow scikit-learn (scores), Fairlearn
//! (group differences) and SciPy (tests); the golden values in `tests/golden` were computed with them.

mod classification;
mod drift;
mod error;
mod fairness;
mod gates;
mod judge;
mod metric;
mod outcomes;
mod regression;
mod slices;
mod special;

pub use drift::{ColumnDrift, drift};
pub use error::Error;
pub use fairness::{DEMOGRAPHIC_PARITY, EQUALIZED_ODDS, GroupReport, GroupScore, fairness};
pub use gates::{GateResult, check_gate};
pub use judge::{Judgement, judge};
pub use metric::{Metric, score};
pub use outcomes::Outcomes;
pub use slices::{SliceScore, slices};
