//! Scores, intervals, fairness, slices, drift statistics and gates: numbers in, numbers out.
//!
//! Everything here is pure: no I/O, no async, and no random numbers but those that the caller draws. Definitions
//! follow scikit-learn (scores), Fairlearn and AIF360 (groups) and SciPy (tests); the golden values in `tests/golden`
//! were computed with them.

mod analytic;
mod averages;
mod bootstrap;
mod calibration;
mod classification;
mod clusters;
mod curves;
mod deviance;
mod drift;
mod error;
mod fairness;
mod gates;
mod interval;
mod judge;
mod metric;
mod multilabel;
mod outcomes;
mod paired;
mod probabilistic;
mod quantile;
mod ranking;
mod ranks;
mod regression;
mod rows;
mod slices;
mod special;
mod steps;
mod tally;
mod threshold;
mod weak_slices;

pub use analytic::{analytic_interval, paired_means};
pub use bootstrap::{Bootstrap, Difference, Method, bootstrap, bootstrap_difference};
pub use calibration::{Binning, ReliabilityBin, reliability_curve};
pub use classification::confusion_matrix;
pub use clusters::Clusters;
pub use curves::{
    GainsPoint, PrecisionRecallPoint, RocPoint, gains_curve, precision_recall_curve, roc_curve,
};
pub use drift::{ColumnDrift, drift};
pub use error::Error;
pub use fairness::{
    Comparison, DEMOGRAPHIC_PARITY, DEMOGRAPHIC_PARITY_RATIO, EQUAL_OPPORTUNITY,
    EQUAL_OPPORTUNITY_RATIO, EQUALIZED_ODDS, EQUALIZED_ODDS_RATIO, GroupCounts, GroupRate,
    GroupReport, GroupScore, GroupThresholds, GroupValues, Groups, Parity, Privilege, fairness,
    group_thresholds, privilege, reweighing, theil_index,
};
pub use gates::{GateResult, check_gate};
pub use interval::{Interval, wilson};
pub use judge::{Judgement, judge};
pub use metric::{Metric, score};
pub use multilabel::{LabelAverage, LabelMetric, Labels, score_labels};
pub use outcomes::Outcomes;
pub use paired::{DeLong, McNemar, delong, delong_paired, mcnemar};
pub use ranking::{RankedItems, RankingMetric, score_ranking};
pub use slices::{SliceScore, slices};
pub use threshold::{Goal, ThresholdChoice, choose_threshold};
pub use weak_slices::{SliceColumn, SliceSearch, SliceValues, WeakSlice, row_losses, weak_slices};
