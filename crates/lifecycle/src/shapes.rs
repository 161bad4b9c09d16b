//! The table: every key of a lifecycle file, with its words, default and shape.
//!
//! To add a key, add a field here and read it in [`crate::decode`]; the checks of its form, its
//! default and its place in the schema follow.

mod collect;
mod evaluate;
mod learn;
mod tuning;
mod watch;

pub(crate) use self::evaluate::THRESHOLD;
use crate::shape::{Field, Shape, optional, required};

/// The version of the file format.
pub(crate) const VERSION: i64 = 1;

/// A list of names, possibly empty.
pub(crate) const NAMES: Shape = Shape::List {
    shape: &Shape::Written,
    may_be_empty: true,
};

/// A whole number from 0.
pub(crate) const COUNT: Shape = Shape::Integer {
    min: 0,
    max: i64::MAX,
};

/// Any number.
pub(crate) const NUMBER: Shape = Shape::Number {
    min: f64::NEG_INFINITY,
    max: f64::INFINITY,
};

/// A number from 0 to 1.
pub(crate) const SHARE: Shape = Shape::Number { min: 0.0, max: 1.0 };

/// A list of conditions.
pub(crate) const CONDITIONS: Shape = Shape::List {
    shape: &Shape::Condition,
    may_be_empty: true,
};

/// The whole file.
pub(crate) static FILE: Shape = Shape::Map(&FIELDS);

static FIELDS: [Field; 14] = [
    required(
        "version",
        &Shape::Integer {
            min: i64::MIN,
            max: i64::MAX,
        },
        "The version of this file's format: 1.",
    ),
    required(
        "project",
        &Shape::ModelName,
        "The name of the project; also the model's name unless `deploy.model` is set.",
    ),
    required(
        "sources",
        &collect::SOURCES,
        "Where rows come from: a table for each name.",
    ),
    optional(
        "checks",
        &collect::CHECKS,
        "What must hold for the rows of a source or a prepared table.",
    )
    .or("{}"),
    optional(
        "prepare",
        &collect::PREPARE,
        "Steps from table to table, in order, before the split.",
    )
    .or("[]"),
    optional(
        "features",
        &learn::FEATURES,
        "Columns computed from one row, in training and in serving by the same graph.",
    )
    .or("{}"),
    required(
        "dataset",
        &learn::DATASET,
        "Which table is learnt from, and what its columns are for.",
    ),
    optional(
        "split",
        &learn::SPLIT,
        "How rows are divided into a train, a validation and a test part.",
    )
    .or("{}"),
    required(
        "train",
        &learn::TRAIN,
        "What is predicted, and by what it is learnt.",
    ),
    optional(
        "evaluate",
        &evaluate::EVALUATE,
        "What is measured on the test part.",
    )
    .or("{}"),
    optional(
        "gates",
        &evaluate::GATES,
        "Conditions that a candidate must meet to be promoted, for example `rmse < 80`; or `{gate: rmse < 80, else: warn}`.",
    )
    .or("[]"),
    optional(
        "deploy",
        &watch::DEPLOY,
        "Where a candidate that passed its gates goes.",
    )
    .or("{}"),
    optional("monitor", &watch::MONITOR, "How the champion is watched.").or("{}"),
    optional(
        "retrain",
        &watch::RETRAIN,
        "When a new cycle starts by itself.",
    )
    .or("{}"),
];
