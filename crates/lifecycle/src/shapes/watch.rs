//! `deploy`, `monitor` and `retrain`.

use super::{CONDITIONS, SHARE};
use crate::shape::{Choice, Field, Shape, optional, required};

pub(super) const DEPLOY: Shape = Shape::Map(&DEPLOY_FIELDS);

static DEPLOY_FIELDS: [Field; 3] = [
    optional(
        "model",
        &Shape::ModelName,
        "The name of the registered model; the project's name when absent.",
    ),
    optional(
        "approve",
        &APPROVE,
        "Who lets a candidate that passed its gates become the champion.",
    )
    .or("auto"),
    optional(
        "rollout",
        &Shape::Map(&ROLLOUT),
        "A champion that takes over step by step.",
    )
    .planned("a candidate that passed its gates takes over at once"),
];

const APPROVE: Shape = Shape::Choice(Choice {
    words: &[
        ("auto", "the gates alone"),
        ("manual", "a person, by `everloop model promote`"),
    ],
});

static ROLLOUT: [Field; 3] = [
    optional(
        "canary",
        &Shape::List {
            shape: &Shape::Percent,
            may_be_empty: false,
        },
        "The shares of requests, step by step.",
    ),
    optional(
        "hold",
        &Shape::Duration { may_be_zero: true },
        "How long each step lasts.",
    ),
    optional(
        "abort",
        &CONDITIONS,
        "Conditions that take the candidate back.",
    ),
];

pub(super) const MONITOR: Shape = Shape::Map(&MONITOR_FIELDS);

static MONITOR_FIELDS: [Field; 4] = [
    optional("window", &WINDOW, "How much of the prediction log is judged at a time: a duration, or a number of predictions.").or("1d"),
    optional("labels", &Shape::Map(&LABELS), "How the truth arrives."),
    optional("drift", &Shape::Map(&DRIFT), "When inputs and predictions count as drifted.").or("{}"),
    optional("alerts", &Shape::List { shape: &Shape::Map(&ALERT), may_be_empty: true }, "Who is told.")
        .planned("signals are shown by `everloop status` and start new cycles by `retrain.when`; nobody is told"),
];

const WINDOW: Shape = Shape::AnyOf(&[
    Shape::Integer {
        min: 1,
        max: 1_000_000_000,
    },
    Shape::Duration { may_be_zero: false },
]);

static LABELS: [Field; 3] = [
    optional(
        "source",
        &Shape::Written,
        "The source that holds the truth; labels arrive by `/feedback` alone when absent.",
    ),
    required(
        "key",
        &Shape::Written,
        "The column whose value names a prediction, in requests and in the source.",
    ),
    optional(
        "delay",
        &Shape::Duration { may_be_zero: true },
        "How late the truth arrives.",
    )
    .or("0s"),
];

static DRIFT: [Field; 3] = [
    optional("columns", &DRIFT_COLUMNS, "The inputs that are watched.").or("all"),
    optional(
        "false_alarm_rate",
        &Shape::OpenShare,
        "How often a window may be called drifted although nothing changed.",
    )
    .or("0.01"),
    optional(
        "min_effect",
        &SHARE,
        "The smallest effect, 0 to 1, that counts as drift.",
    )
    .or("0.1"),
];

const DRIFT_COLUMNS: Shape = Shape::AnyOf(&[
    Shape::Choice(Choice {
        words: &[("all", "every input of the model, and its prediction")],
    }),
    Shape::List {
        shape: &Shape::Written,
        may_be_empty: false,
    },
]);

static ALERT: [Field; 2] = [
    required("to", &Shape::Text, "The address that is called."),
    required("when", &CONDITIONS, "Conditions, any of which is told."),
];

pub(super) const RETRAIN: Shape = Shape::Map(&RETRAIN_FIELDS);

static RETRAIN_FIELDS: [Field; 3] = [
    optional("schedule", &Shape::Schedule, "`hourly`, `daily`, `weekly`, `monthly`, or a cron expression of five fields, in UTC."),
    optional("when", &CONDITIONS, "Conditions, any of which starts a cycle: `drift`, or for example `rmse > 1.2 * baseline.rmse`.").or("[]"),
    optional("cooldown", &Shape::Duration { may_be_zero: true }, "How long after a cycle no other starts by itself.").or("6h"),
];
