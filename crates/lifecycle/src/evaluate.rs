//! What is measured of a candidate: the checked form of `evaluate`.

use serde::Serialize;

/// What is measured on the test part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluate {
    /// The metrics: those that the file lists, or else the usual ones of the task; then those that
    /// only gates and conditions name.
    pub metrics: Vec<String>,
    /// Columns for whose every value the metrics are measured apart.
    pub slices: Vec<String>,
    /// How certain the metrics are.
    pub intervals: Intervals,
    /// What the threshold of the positive class is chosen for; one half when absent.
    pub threshold: Option<ThresholdGoal>,
    /// How differently groups of people fare.
    pub fairness: Option<Fairness>,
    /// The search for weak parts of the rows.
    pub weak_slices: WeakSlices,
    /// What disturbed inputs do.
    pub robustness: Robustness,
    /// By what inputs predictions come about.
    pub explain: Explain,
    /// What the model card says besides.
    pub card: Card,
}

/// Intervals of metrics.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Intervals {
    /// The chance that such intervals hold the true number.
    pub confidence: f64,
    /// How they are computed.
    pub method: IntervalMethod,
    /// How often a bootstrap draws the rows anew, at most.
    pub resamples: usize,
}

/// How intervals are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IntervalMethod {
    /// A formula where there is one, else the bootstrap.
    Auto,
    /// Quantiles of the bootstrap.
    Bootstrap,
    /// The bootstrap, corrected for bias and acceleration.
    Bca,
    /// Not at all.
    None,
}

/// What a threshold is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdGoal {
    /// The lowest cost of the decisions.
    Cost {
        /// Of a negative row that is taken for positive.
        false_positive: f64,
        /// Of a positive row that is missed.
        false_negative: f64,
        /// Of a positive row that is found.
        true_positive: f64,
        /// Of a negative row that is left alone.
        true_negative: f64,
    },
    /// The highest F score with this weight of recall against precision.
    F {
        /// The weight.
        beta: f64,
    },
    /// The highest accuracy.
    Accuracy,
    /// The highest mean of recall and specificity.
    BalancedAccuracy,
    /// The highest recall at this precision or more.
    RecallAtPrecision(f64),
    /// The highest precision at this recall or more.
    PrecisionAtRecall(f64),
    /// The highest recall at this false positive rate or less.
    RecallAtFalsePositiveRate(f64),
    /// The highest recall with at most this share of the rows selected.
    RecallAtSelectionRate(f64),
}

/// Differences between groups of people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fairness {
    /// The columns that hold the groups.
    pub groups: Vec<String>,
    /// Whether those who share the values of two columns are groups, too.
    pub intersections: bool,
    /// Bounds by the name of a comparison of groups.
    pub bounds: Vec<(String, Bound)>,
    /// Smaller groups are not regarded by bounds.
    pub min_group_size: usize,
    /// What is done about differences.
    pub mitigate: Option<Mitigation>,
}

/// The values that pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bound {
    /// The smallest.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
}

/// What is done about differences between groups.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mitigation {
    /// Rows are weighed in training.
    Reweighing,
    /// A threshold for each group.
    GroupThresholds {
        /// What is made about equal.
        parity: Parity,
        /// The difference that is left at most.
        tolerance: f64,
    },
}

/// What is made about equal in all groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parity {
    /// Selection rates.
    Demographic,
    /// True positive rates.
    TruePositiveRate,
    /// False positive rates.
    FalsePositiveRate,
    /// Both of them.
    EqualizedOdds,
}

/// The search for weak parts of the rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeakSlices {
    /// The columns; every input if empty.
    pub columns: Vec<String>,
    /// Slices with fewer rows are not tried.
    pub min_rows: usize,
    /// Whether slices by two columns are tried.
    pub pairs: bool,
    /// The share of false ones among those that are told.
    pub false_discovery_rate: f64,
    /// How many are told at most.
    pub max_slices: usize,
}

/// What disturbed inputs do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Robustness {
    /// How many rows are disturbed at most.
    pub rows: usize,
    /// Noise in units of the standard deviation; 0 adds none.
    pub noise: f64,
    /// Whether each input in turn is made missing.
    pub missing_column: bool,
    /// By what each number in turn is multiplied; 0 changes none.
    pub unit_change: f64,
}

/// By what inputs predictions come about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explain {
    /// How many rows are looked at at most.
    pub rows: usize,
    /// Whether SHAP values are computed.
    pub shap: bool,
    /// For how many inputs the partial dependence is drawn.
    pub partial_dependence: usize,
}

/// What the model card says besides what is measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Card {
    /// What the model is made for.
    pub intended_use: Option<String>,
    /// What it must not be used for.
    pub out_of_scope: Option<String>,
    /// What it cannot do.
    pub limits: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The licence of the model.
    pub licence: Option<String>,
    /// Where questions go.
    pub contact: Option<String>,
}
