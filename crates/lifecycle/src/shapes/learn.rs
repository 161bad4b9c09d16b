//! `features`, `dataset`, `split`, `train` and `evaluate`.

use super::{COUNT, NAMES, NUMBER, SHARE};
use crate::metrics::{METRIC, METRIC_WORDS};
use crate::shape::{Choice, Field, Shape, optional, required};

pub(super) const FEATURES: Shape = Shape::MapOf {
    name: "feature",
    shape: &Shape::Feature,
    may_be_empty: true,
};

pub(super) const DATASET: Shape = Shape::Map(&DATASET_FIELDS);

static DATASET_FIELDS: [Field; 5] = [
    required("table", &Shape::Written, "A source or a prepared table."),
    optional(
        "target",
        &Shape::Written,
        "The column to predict. The tasks `anomaly` and `clustering` need none; `anomaly` is scored by it if it is given.",
    ),
    optional(
        "time",
        &Shape::Written,
        "The column that orders rows in time.",
    ),
    optional(
        "weight",
        &Shape::Written,
        "The column that says how much a row counts in training and in evaluation: numbers that are not negative. It is no input of the model.",
    ),
    optional(
        "exclude",
        &NAMES,
        "Columns that are no inputs of the model.",
    )
    .or("[]"),
];

pub(super) const SPLIT: Shape = Shape::Map(&SPLIT_FIELDS);

static SPLIT_FIELDS: [Field; 7] = [
    optional(
        "by",
        &SPLIT_BY,
        "What decides the part of a row. When absent: `time` if `dataset.time` is set, else `stratified` for classes and `random` for numbers.",
    ),
    optional(
        "train",
        &SHARE,
        "The share of the train part; the three shares sum to 1.",
    )
    .or("0.7"),
    optional("validation", &SHARE, "The share of the validation part.").or("0.15"),
    optional("test", &SHARE, "The share of the test part.").or("0.15"),
    optional(
        "group",
        &Shape::Written,
        "The column whose equal values stay together; for `by: group`.",
    ),
    optional(
        "column",
        &Shape::Written,
        "The column that holds `train`, `validation` or `test`; for `by: column`.",
    ),
    optional(
        "seed",
        &COUNT,
        "The seed of `random`, `stratified` and `group`.",
    )
    .or("0"),
];

const SPLIT_BY: Shape = Shape::Choice(Choice {
    words: &[
        ("time", "the oldest rows train, the newest test"),
        ("random", "chance"),
        (
            "stratified",
            "chance, with the shares of the classes kept in each part",
        ),
        (
            "group",
            "chance by the value of a column: its rows stay together",
        ),
        ("column", "a column says it"),
    ],
    planned: &[],
});

pub(super) const TRAIN: Shape = Shape::Map(&TRAIN_FIELDS);

static TRAIN_FIELDS: [Field; 8] = [
    required("task", &TASK, "What is predicted."),
    optional("trainer", &TRAINER, "A built-in trainer; or else `run`."),
    optional(
        "run",
        &Shape::Text,
        "A command that trains and leaves an MLflow model, for example `python train.py`; or else `trainer`.",
    ),
    optional("parameters", &PARAMETERS, "Parameters of the trainer.").or("{}"),
    optional(
        "seed",
        &COUNT,
        "The seed of everything that chance decides in training.",
    )
    .or("0"),
    optional(
        "deps",
        &NAMES,
        "Files that the command of `run` depends on; the cycle trains again when one changes.",
    )
    .or("[]"),
    optional(
        "timeout",
        &Shape::Duration { may_be_zero: false },
        "How long the command of `run` may take; as long as it likes when absent.",
    ),
    optional(
        "tune",
        &Shape::Map(&TUNE),
        "A search for better parameters.",
    )
    .planned("the model is trained once with `train.parameters`"),
];

const TASK: Shape = Shape::Choice(Choice {
    words: &[
        ("binary", "one of two classes"),
        ("multiclass", "one of three or more classes"),
        ("regression", "a number"),
        (
            "anomaly",
            "whether a row is unlike the others, learnt without a target",
        ),
        ("clustering", "the group of a row, learnt without a target"),
    ],
    planned: &[],
});

const TRAINER: Shape = Shape::Choice(Choice {
    words: &[
        ("linear", "a linear model of a number"),
        ("logistic", "a linear model of a class"),
        ("tree", "a decision tree"),
        ("forest", "a forest of decision trees"),
        ("boosting", "gradient-boosted decision trees"),
        ("nearest", "what the nearest train rows are"),
        ("naive_bayes", "the odds of each class, one input at a time"),
        ("isolation_forest", "rows that are unlike the others"),
        ("kmeans", "groups of rows around their means"),
        (
            "baseline",
            "the mean, the majority or the last value, whatever the inputs",
        ),
    ],
    planned: &["svm", "neural"],
});

const PARAMETERS: Shape = Shape::MapOf {
    name: "parameter",
    shape: &Shape::AnyOf(&[
        Shape::Scalar,
        Shape::List {
            shape: &Shape::Scalar,
            may_be_empty: false,
        },
        Shape::MapOf {
            name: "column",
            shape: &Shape::Scalar,
            may_be_empty: false,
        },
    ]),
    may_be_empty: true,
};

static TUNE: [Field; 5] = [
    optional(
        "trials",
        &Shape::Integer {
            min: 1,
            max: 1_000_000,
        },
        "How many parameter sets are tried.",
    ),
    optional("minimize", &METRIC, "The metric to make small."),
    optional("maximize", &METRIC, "The metric to make large."),
    optional("space", &SPACE, "The range of each parameter."),
    optional(
        "timeout",
        &Shape::Duration { may_be_zero: false },
        "How long the search may take.",
    ),
];

const SPACE: Shape = Shape::MapOf {
    name: "parameter",
    shape: &Shape::AnyOf(&[
        Shape::Map(&RANGE),
        Shape::List {
            shape: &Shape::Scalar,
            may_be_empty: false,
        },
    ]),
    may_be_empty: false,
};

static RANGE: [Field; 4] = [
    required("low", &NUMBER, "The smallest value."),
    required("high", &NUMBER, "The greatest value."),
    optional(
        "log",
        &Shape::Boolean,
        "Whether factors count rather than differences.",
    ),
    optional("step", &NUMBER, "The distance between values."),
];

pub(super) const EVALUATE: Shape = Shape::Map(&EVALUATE_FIELDS);

static EVALUATE_FIELDS: [Field; 3] = [
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
        "fairness",
        &Shape::Map(&FAIRNESS),
        "How differently groups of people fare.",
    ),
];

const METRICS: Shape = Shape::List {
    shape: &Shape::Choice(Choice {
        words: &METRIC_WORDS,
        planned: &[],
    }),
    may_be_empty: false,
};

static FAIRNESS: [Field; 2] = [
    required(
        "groups",
        &Shape::List {
            shape: &Shape::Written,
            may_be_empty: false,
        },
        "The columns that hold the groups.",
    ),
    optional(
        "metrics",
        &Shape::Map(&FAIRNESS_METRICS),
        "Bounds that a candidate must keep to be promoted.",
    )
    .or("{}"),
];

static FAIRNESS_METRICS: [Field; 3] = [
    optional(
        "demographic_parity_difference",
        &Shape::Map(&BOUND),
        "The greatest difference between groups in the share of positive predictions.",
    ),
    optional(
        "equalized_odds_difference",
        &Shape::Map(&BOUND),
        "The greatest difference between groups in the rate of true or of false positives.",
    ),
    optional(
        "equal_opportunity_difference",
        &Shape::Map(&BOUND),
        "The greatest difference between groups in the rate of true positives.",
    ),
];

static BOUND: [Field; 1] = [required("max", &SHARE, "The greatest value that passes.")];
