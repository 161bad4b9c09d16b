//! `evaluate` and `gates`.

use super::{NAMES, NUMBER, SHARE};
use crate::metrics::{COMPARISONS, METRIC_WORDS, N_COMPARISONS};
use crate::shape::{Choice, Field, Shape, optional, required};

pub(super) const EVALUATE: Shape = Shape::Map(&EVALUATE_FIELDS);

static EVALUATE_FIELDS: [Field; 9] = [
    optional(
        "metrics",
        &METRICS,
        "What is measured; the first is the one that is shown. When absent, the usual metrics of the task. Metrics that gates and conditions name are measured in any case.",
    ),
    optional(
        "slices",
        &NAMES,
        "Columns for whose every value the metrics are measured apart.",
    )
    .or("[]"),
    optional(
        "intervals",
        &Shape::Map(&INTERVALS),
        "How certain the metrics are: gates may use `rmse.lower` and `rmse.upper`.",
    )
    .or("{}"),
    optional(
        "threshold",
        &THRESHOLD,
        "The probability from which on the positive class is predicted, chosen on the validation part; it becomes a part of the model. When absent, one half.",
    ),
    optional(
        "fairness",
        &Shape::Map(&FAIRNESS),
        "How differently groups of people fare.",
    ),
    optional(
        "weak_slices",
        &Shape::Map(&WEAK_SLICES),
        "The search for parts of the rows on which the model is worse than elsewhere.",
    )
    .or("{}"),
    optional(
        "robustness",
        &Shape::Map(&ROBUSTNESS),
        "What happens to the first metric when inputs are disturbed.",
    )
    .or("{}"),
    optional(
        "explain",
        &Shape::Map(&EXPLAIN),
        "By what inputs predictions come about.",
    )
    .or("{}"),
    optional(
        "card",
        &Shape::Map(&CARD),
        "What the model card says besides what is measured.",
    )
    .or("{}"),
];

const METRICS: Shape = Shape::List {
    shape: &Shape::Choice(Choice {
        words: &METRIC_WORDS,
    }),
    may_be_empty: false,
};

static INTERVALS: [Field; 3] = [
    optional(
        "confidence",
        &Shape::OpenShare,
        "The chance that such intervals hold the true number.",
    )
    .or("0.95"),
    optional("method", &INTERVAL_METHOD, "How they are computed.").or("auto"),
    optional(
        "resamples",
        &Shape::Integer {
            min: 100,
            max: 100_000,
        },
        "How often a bootstrap draws the rows anew, at most: with many rows fewer draws do.",
    )
    .or("1000"),
];

const INTERVAL_METHOD: Shape = Shape::Choice(Choice {
    words: &[
        (
            "auto",
            "a formula where there is one (Wilson, DeLong, the normal one of means), else the bootstrap",
        ),
        ("bootstrap", "quantiles of the bootstrap"),
        ("bca", "the bootstrap, corrected for bias and acceleration"),
        ("none", "no intervals"),
    ],
});

pub(crate) const THRESHOLD: Shape = Shape::Map(&THRESHOLD_FIELDS);

static THRESHOLD_FIELDS: [Field; 4] = [
    optional(
        "minimize",
        &Shape::Choice(Choice {
            words: &[(
                "cost",
                "What is made small: the cost of the decisions, by `costs`; or else `maximize`.",
            )],
        }),
        "What is made small; or else `maximize`.",
    ),
    optional("costs", &Shape::Map(&COSTS), "What each decision costs."),
    optional(
        "maximize",
        &MAXIMIZED,
        "What is made large; or else `minimize`.",
    ),
    optional(
        "where",
        &Shape::Condition,
        "What must hold: `precision >= 0.8`, `recall >= 0.9`, `false_positive_rate <= 0.05` or `selection_rate <= 0.1`.",
    ),
];

const MAXIMIZED: Shape = Shape::Choice(Choice {
    words: &[
        ("f1", "the F1 score"),
        ("f2", "the F2 score: recall counts more"),
        ("f0_5", "the F0.5 score: precision counts more"),
        ("accuracy", "the share of right predictions"),
        ("balanced_accuracy", "the mean of recall and specificity"),
        ("recall", "recall, where something holds"),
        ("precision", "precision, where recall is high enough"),
    ],
});

static COSTS: [Field; 4] = [
    optional(
        "false_positive",
        &NUMBER,
        "Of a negative row that is taken for positive.",
    )
    .or("1"),
    optional(
        "false_negative",
        &NUMBER,
        "Of a positive row that is missed.",
    )
    .or("1"),
    optional(
        "true_positive",
        &NUMBER,
        "Of a positive row that is found; gains are negative.",
    )
    .or("0"),
    optional(
        "true_negative",
        &NUMBER,
        "Of a negative row that is left alone.",
    )
    .or("0"),
];

static FAIRNESS: [Field; 7] = [
    required(
        "groups",
        &Shape::List {
            shape: &Shape::Written,
            may_be_empty: false,
        },
        "The columns that hold the groups.",
    ),
    optional(
        "intersections",
        &Shape::Boolean,
        "Whether those who share the values of two columns are groups, too.",
    )
    .or("true"),
    optional(
        "metrics",
        &Shape::Map(&FAIRNESS_METRICS),
        "Bounds that a candidate must keep to be promoted.",
    )
    .or("{}"),
    optional(
        "min_group_size",
        &Shape::Integer {
            min: 1,
            max: 1_000_000,
        },
        "Groups with fewer rows are shown with a warning, and bounds do not regard them.",
    )
    .or("30"),
    optional(
        "mitigate",
        &MITIGATION,
        "What is done about differences; nothing when absent.",
    ),
    optional(
        "parity",
        &PARITY,
        "What `group_thresholds` makes about equal in all groups.",
    )
    .or("equalized_odds"),
    optional(
        "tolerance",
        &SHARE,
        "The difference that `group_thresholds` leaves at most.",
    )
    .or("0.05"),
];

const MITIGATION: Shape = Shape::Choice(Choice {
    words: &[
        (
            "reweighing",
            "rows are weighed in training so that the target does not depend on the group (Kamiran and Calders)",
        ),
        (
            "group_thresholds",
            "the model predicts with a threshold for each group of the first column of `groups`, which must be an input",
        ),
    ],
});

const PARITY: Shape = Shape::Choice(Choice {
    words: &[
        ("demographic", "selection rates"),
        ("true_positive_rate", "true positive rates"),
        ("false_positive_rate", "false positive rates"),
        ("equalized_odds", "true and false positive rates"),
    ],
});

static FAIRNESS_METRICS: [Field; N_COMPARISONS] = fairness_metrics();

const fn fairness_metrics() -> [Field; N_COMPARISONS] {
    let mut fields = [const { optional("", &WITHIN, "") }; N_COMPARISONS];
    let mut at = 0;
    while at < N_COMPARISONS {
        fields[at].name = COMPARISONS[at].0;
        fields[at].doc = COMPARISONS[at].1;
        at += 1;
    }
    fields
}

const WITHIN: Shape = Shape::Map(&BOUND);

static BOUND: [Field; 2] = [
    optional("max", &SHARE, "The greatest value that passes."),
    optional("min", &SHARE, "The smallest value that passes."),
];

static WEAK_SLICES: [Field; 5] = [
    optional(
        "columns",
        &Shape::AnyOf(&[
            Shape::Choice(Choice {
                words: &[("all", "every input of the model")],
            }),
            Shape::List {
                shape: &Shape::Written,
                may_be_empty: false,
            },
        ]),
        "By what columns rows are sliced.",
    )
    .or("all"),
    optional(
        "min_rows",
        &Shape::Integer {
            min: 2,
            max: 1_000_000_000,
        },
        "Slices with fewer rows are not tried.",
    )
    .or("50"),
    optional(
        "pairs",
        &Shape::Boolean,
        "Whether slices by two columns are tried.",
    )
    .or("true"),
    optional(
        "false_discovery_rate",
        &Shape::OpenShare,
        "The share of false ones among the slices that are told.",
    )
    .or("0.05"),
    optional(
        "max_slices",
        &Shape::Integer { min: 0, max: 1000 },
        "How many slices are told at most; 0 searches none.",
    )
    .or("10"),
];

static ROBUSTNESS: [Field; 4] = [
    optional(
        "rows",
        &Shape::Integer {
            min: 0,
            max: 1_000_000,
        },
        "How many rows are disturbed at most; 0 disturbs none.",
    )
    .or("1000"),
    optional(
        "noise",
        &Shape::Number {
            min: 0.0,
            max: 10.0,
        },
        "Noise that is added to numbers, in units of their standard deviation; 0 adds none.",
    )
    .or("0.1"),
    optional(
        "missing_column",
        &Shape::Boolean,
        "Whether each input in turn is made missing.",
    )
    .or("true"),
    optional(
        "unit_change",
        &Shape::Number {
            min: 0.0,
            max: 1e12,
        },
        "By what each number in turn is multiplied, as if it came in another unit; 0 changes none.",
    )
    .or("1000"),
];

static EXPLAIN: [Field; 3] = [
    optional(
        "rows",
        &Shape::Integer {
            min: 0,
            max: 1_000_000,
        },
        "How many rows are looked at at most; 0 explains nothing.",
    )
    .or("500"),
    optional(
        "shap",
        &Shape::Boolean,
        "Whether SHAP values are computed, for models of trees and linear ones.",
    )
    .or("true"),
    optional(
        "partial_dependence",
        &Shape::Integer { min: 0, max: 1000 },
        "For how many of the most important inputs the partial dependence is drawn.",
    )
    .or("6"),
];

static CARD: [Field; 6] = [
    optional(
        "intended_use",
        &Shape::Text,
        "What the model is made for, and for whom.",
    ),
    optional(
        "out_of_scope",
        &Shape::Text,
        "What it must not be used for.",
    ),
    optional("limits", &Shape::Text, "What it cannot do, or does badly."),
    optional("owner", &Shape::Text, "Who answers for it."),
    optional("licence", &Shape::Text, "The licence of the model."),
    optional("contact", &Shape::Text, "Where questions go."),
];

/// Conditions that stop a candidate, or only warn.
pub(super) const GATES: Shape = Shape::List {
    shape: &Shape::AnyOf(&[Shape::Condition, Shape::Map(&GATE)]),
    may_be_empty: true,
};

static GATE: [Field; 2] = [
    required(
        "gate",
        &Shape::Condition,
        "The condition, for example `rmse < 80`.",
    ),
    optional(
        "else",
        &Shape::Choice(Choice {
            words: &[
                ("refuse", "the candidate is refused"),
                ("warn", "the candidate passes, and the numbers are told"),
            ],
        }),
        "What happens if it does not hold.",
    )
    .or("refuse"),
];
