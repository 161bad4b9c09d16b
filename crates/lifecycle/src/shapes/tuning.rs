//! `train.tune`.

use super::{COUNT, NUMBER};
use crate::metrics::METRIC;
use crate::shape::{Choice, Field, Shape, optional, required};

pub(super) static TUNE: [Field; 11] = [
    optional(
        "trials",
        &Shape::Integer {
            min: 1,
            max: 1_000_000,
        },
        "How many parameter sets are tried. When absent, 40; of a grid, all.",
    ),
    optional("minimize", &METRIC_OR_METRICS, "The metric to make small; several have a Pareto front."),
    optional("maximize", &METRIC_OR_METRICS, "The metric to make large; several have a Pareto front."),
    optional("sampler", &SAMPLER, "How the next parameter set is chosen.").or("tpe"),
    optional("pruner", &PRUNER, "Which trials are ended early, by what the trainer tells of its steps or by the folds.").or("none"),
    required("space", &SPACE, "What is searched: the values of each parameter."),
    optional(
        "cross_validation",
        &Shape::Map(&CROSS_VALIDATION),
        "Trials are scored on parts of the train rows in turn; when absent, on the validation part.",
    ),
    optional(
        "parallel",
        &Shape::Integer { min: 1, max: 1024 },
        "How many trials may be under way at the same time. The result depends on it, but not on which trial ends first; threads bound how many run.",
    )
    .or("2"),
    optional(
        "timeout",
        &Shape::Duration { may_be_zero: false },
        "After what time no other trial begins.",
    ),
    optional("seed", &COUNT, "The seed of the search; `train.seed` when absent."),
    optional(
        "trial_timeout",
        &Shape::Duration { may_be_zero: false },
        "How long a trial may take; one that takes longer has failed.",
    ),
];

const METRIC_OR_METRICS: Shape = Shape::AnyOf(&[
    METRIC,
    Shape::List {
        shape: &METRIC,
        may_be_empty: false,
    },
]);

const SAMPLER: Shape = Shape::Choice(Choice {
    words: &[
        (
            "tpe",
            "where good trials are dense: a tree-structured Parzen estimator over all parameters together",
        ),
        (
            "gp",
            "where a Gaussian process expects most improvement: for few parameters and costly trials",
        ),
        ("random", "chance"),
        (
            "grid",
            "every combination once; ranges without a step have five values",
        ),
    ],
});

const PRUNER: Shape = Shape::AnyOf(&[
    Shape::Choice(Choice {
        words: &[
            ("none", "no trial is ended early"),
            (
                "median",
                "a trial ends that is worse than the median of the others at the same step",
            ),
            (
                "asha",
                "asynchronous successive halving: at growing steps one of three goes on",
            ),
            (
                "successive_halving",
                "the same as `asha`: asynchronous, as in Optuna, so that no trial waits for others",
            ),
            ("hyperband", "successive halving with several first steps"),
        ],
    }),
    Shape::Map(&PRUNERS),
]);

static PRUNERS: [Field; 4] = [
    optional(
        "median",
        &Shape::Map(&MEDIAN),
        "By the median, with these settings.",
    ),
    optional(
        "asha",
        &Shape::Map(&HALVING),
        "By asynchronous successive halving, with these settings.",
    ),
    optional(
        "successive_halving",
        &Shape::Map(&HALVING),
        "The same as `asha`, as in Optuna.",
    ),
    optional(
        "hyperband",
        &Shape::Map(&HALVING),
        "By hyperband, with these settings.",
    ),
];

static MEDIAN: [Field; 2] = [
    optional(
        "startup_trials",
        &COUNT,
        "Complete trials before the first is ended.",
    )
    .or("5"),
    optional("warmup_steps", &COUNT, "Steps before a trial is ended.").or("0"),
];

static HALVING: [Field; 2] = [
    optional(
        "min_resource",
        &Shape::Integer {
            min: 1,
            max: 1_000_000_000,
        },
        "The first step at which trials are compared.",
    )
    .or("1"),
    optional(
        "reduction_factor",
        &Shape::Integer { min: 2, max: 1000 },
        "One of how many goes on.",
    )
    .or("3"),
];

static CROSS_VALIDATION: [Field; 3] = [
    optional(
        "folds",
        &Shape::Integer { min: 2, max: 1000 },
        "How many parts.",
    )
    .or("5"),
    optional(
        "by",
        &Shape::Choice(Choice {
            words: &[
                ("random", "chance"),
                ("stratified", "chance, with the shares of the classes kept"),
                (
                    "group",
                    "rows with the same value of a column stay together",
                ),
                ("time", "each part is scored by what came before it"),
            ],
        }),
        "What decides the part of a row. When absent: `group` if `group` is set, `time` if `dataset.time` is set, else `stratified` for classes and `random` for numbers.",
    ),
    optional(
        "group",
        &Shape::Written,
        "The column whose equal values stay together; for `by: group`.",
    ),
];

const SPACE: Shape = Shape::MapOf {
    name: "parameter",
    shape: &DIMENSION,
    may_be_empty: false,
};

/// Values of a parameter, three levels deep: a range, choices, choices that bring parameters of their own.
const DIMENSION: Shape = Shape::AnyOf(&[
    Shape::Map(&RANGE),
    Shape::Map(&CHOICES),
    VALUES,
    Shape::Scalar,
]);
const INNER: Shape = Shape::AnyOf(&[
    Shape::Map(&RANGE),
    Shape::Map(&INNER_CHOICES),
    VALUES,
    Shape::Scalar,
]);
const INNERMOST: Shape = Shape::AnyOf(&[
    Shape::Map(&RANGE),
    Shape::Map(&PLAIN_CHOICES),
    VALUES,
    Shape::Scalar,
]);

/// `[a, b]`, and `[[64], [64, 32]]` for parameters that are lists.
const VALUES: Shape = Shape::List {
    shape: &Shape::AnyOf(&[
        Shape::Scalar,
        Shape::List {
            shape: &Shape::Scalar,
            may_be_empty: false,
        },
    ]),
    may_be_empty: false,
};

static RANGE: [Field; 5] = [
    required("low", &NUMBER, "The smallest value."),
    required("high", &NUMBER, "The greatest value."),
    optional(
        "log",
        &Shape::Boolean,
        "Whether factors count rather than differences.",
    )
    .or("false"),
    optional("step", &NUMBER, "The distance between values."),
    WHEN,
];

const WHEN: Field = optional(
    "when",
    &Shape::MapOf {
        name: "parameter",
        shape: &Shape::AnyOf(&[Shape::Scalar, VALUES]),
        may_be_empty: false,
    },
    "The parameter is set only when these others have one of these values: `{trainer: boosting}`.",
);

const CHOICES_DOC: &str =
    "The values; as a map, each with the parameters that are searched only with it.";

static CHOICES: [Field; 2] = [
    required(
        "choices",
        &Shape::AnyOf(&[VALUES, branches(&INNER_SPACE)]),
        CHOICES_DOC,
    ),
    WHEN,
];
static INNER_CHOICES: [Field; 2] = [
    required(
        "choices",
        &Shape::AnyOf(&[VALUES, branches(&INNERMOST_SPACE)]),
        CHOICES_DOC,
    ),
    WHEN,
];
static PLAIN_CHOICES: [Field; 2] = [required("choices", &VALUES, "The values."), WHEN];

const INNER_SPACE: Shape = Shape::MapOf {
    name: "parameter",
    shape: &INNER,
    may_be_empty: true,
};
const INNERMOST_SPACE: Shape = Shape::MapOf {
    name: "parameter",
    shape: &INNERMOST,
    may_be_empty: true,
};

const fn branches(shape: &'static Shape) -> Shape {
    Shape::MapOf {
        name: "choice",
        shape,
        may_be_empty: false,
    }
}
