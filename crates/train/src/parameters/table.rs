//! The table of trainers and their parameters; the reference of the documents is made from it.

use super::{ParameterInfo, TrainerInfo};

const DEPTH: ParameterInfo =
    ParameterInfo::integer("depth", 1.0, 30.0, 12.0, "the deepest a tree may grow");
const MIN_LEAF: ParameterInfo = ParameterInfo::integer(
    "min_samples_leaf",
    1.0,
    1e6,
    1.0,
    "the fewest rows of a leaf",
);

const CLASS_WEIGHT: ParameterInfo = ParameterInfo::choice(
    "class_weight",
    &["none", "balanced"],
    "whether rows of rare classes count more, so that all classes count the same; regression has none",
);

pub(super) const TRAINERS: [TrainerInfo; 5] = [
    TrainerInfo {
        name: "linear",
        doc: "Linear regression with L2 penalty (ridge), solved exactly.",
        regression: true,
        classification: false,
        parameters: &[ParameterInfo::number(
            "l2",
            0.0,
            1e9,
            1e-6,
            "the penalty on squared weights of scaled inputs",
        )],
    },
    TrainerInfo {
        name: "logistic",
        doc: "Logistic regression with L2 penalty; multinomial for more than two classes. Fitted by Newton's method, or L-BFGS for more than two classes.",
        regression: false,
        classification: true,
        parameters: &[
            ParameterInfo::number(
                "l2",
                0.0,
                1e9,
                1.0,
                "the penalty on squared weights of scaled inputs",
            ),
            ParameterInfo::integer("iterations", 1.0, 10_000.0, 100.0, "steps at most"),
            CLASS_WEIGHT,
        ],
    },
    TrainerInfo {
        name: "tree",
        doc: "A decision tree on histograms; missing values go to the better side.",
        regression: true,
        classification: true,
        parameters: &[
            DEPTH,
            ParameterInfo {
                default: 5.0,
                ..MIN_LEAF
            },
            CLASS_WEIGHT,
        ],
    },
    TrainerInfo {
        name: "forest",
        doc: "A random forest: trees on bootstrap samples, each split among a random share of the inputs.",
        regression: true,
        classification: true,
        parameters: &[
            ParameterInfo::integer("trees", 1.0, 5000.0, 100.0, "how many trees"),
            ParameterInfo {
                default: 20.0,
                ..DEPTH
            },
            ParameterInfo {
                default: 2.0,
                ..MIN_LEAF
            },
            ParameterInfo::number(
                "max_features",
                0.0,
                1.0,
                0.0,
                "the share of inputs a split chooses from; 0 means the square root of their number, for regression all",
            ),
            CLASS_WEIGHT,
        ],
    },
    TrainerInfo {
        name: "boosting",
        doc: "Histogram gradient boosting with second-order leaves.",
        regression: true,
        classification: true,
        parameters: &[
            ParameterInfo::integer("trees", 1.0, 10_000.0, 200.0, "how many rounds"),
            ParameterInfo::number(
                "learning_rate",
                1e-4,
                1.0,
                0.1,
                "how much of each tree is added",
            ),
            ParameterInfo {
                default: 6.0,
                ..DEPTH
            },
            ParameterInfo {
                default: 5.0,
                ..MIN_LEAF
            },
            ParameterInfo::number(
                "min_child_weight",
                0.0,
                1e6,
                1e-3,
                "the smallest sum of second derivatives of a leaf",
            ),
            ParameterInfo::number("l2", 0.0, 1e6, 1.0, "the penalty on squared leaf values"),
            ParameterInfo::number(
                "subsample",
                0.01,
                1.0,
                1.0,
                "the share of rows that a tree sees",
            ),
            ParameterInfo::number(
                "columns",
                0.01,
                1.0,
                1.0,
                "the share of inputs that a tree sees",
            ),
            ParameterInfo::integer(
                "early_stopping",
                0.0,
                10_000.0,
                0.0,
                "stop after so many rounds without gain on the validation part; 0 never stops",
            ),
            CLASS_WEIGHT,
        ],
    },
];
