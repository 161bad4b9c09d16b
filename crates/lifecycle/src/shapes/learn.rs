//! `features`, `dataset`, `split` and `train`.

use super::{COUNT, NAMES, SHARE};
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
        "The column that says how much a row counts in training, in early stopping, in the scores of trials and in evaluation: numbers that are not negative. It is no input of the model, and inputs are scaled and filled without it.",
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
});

pub(super) const TRAIN: Shape = Shape::Map(&TRAIN_FIELDS);

static TRAIN_FIELDS: [Field; 9] = [
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
        "max_memory",
        &Shape::Size,
        "How much memory a built-in trainer may use, for example `4GiB`: what would need more is refused before it begins. Three quarters of what the machine or the container has when absent.",
    ),
    optional(
        "tune",
        &Shape::Map(&super::tuning::TUNE),
        "A search for better parameters; the model is trained with the best ones.",
    ),
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
});

const TRAINER: Shape = Shape::Choice(Choice {
    words: &[
        ("linear", "a linear model of a number"),
        ("logistic", "a linear model of a class"),
        ("tree", "a decision tree"),
        ("forest", "a forest of decision trees"),
        ("boosting", "gradient-boosted decision trees"),
        ("svm", "support vector machines"),
        ("neural", "a neural network"),
        ("nearest", "what the nearest train rows are"),
        ("naive_bayes", "the odds of each class, one input at a time"),
        ("isolation_forest", "rows that are unlike the others"),
        ("kmeans", "groups of rows around their means"),
        (
            "baseline",
            "the mean, the majority or the last value, whatever the inputs",
        ),
    ],
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
