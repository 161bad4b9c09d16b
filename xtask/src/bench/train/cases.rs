//! What is fitted: a trainer of ours and the estimators of peers that do the same, with the same parameters.

/// One line of the table for each side.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// The table that is fitted: `NAME-train.parquet`.
    pub(super) table: &'static str,
    /// The task, as lifecycle files name it.
    pub(super) task: &'static str,
    pub(super) trainer: &'static str,
    /// Parameters of the trainer, as JSON.
    pub(super) parameters: &'static str,
    pub(super) peers: &'static [Peer],
}

/// An estimator of a peer.
pub(super) struct Peer {
    pub(super) class: &'static str,
    /// Its parameters, as JSON.
    pub(super) parameters: &'static str,
    /// Whether its inputs are scaled first, as our trainer does by itself.
    pub(super) is_scaled: bool,
}

impl Peer {
    const fn new(class: &'static str, parameters: &'static str) -> Self {
        Self {
            class,
            parameters,
            is_scaled: false,
        }
    }

    const fn scaled(class: &'static str, parameters: &'static str) -> Self {
        Self {
            is_scaled: true,
            ..Self::new(class, parameters)
        }
    }
}

const fn case(
    name: &'static str,
    (table, task): (&'static str, &'static str),
    trainer: &'static str,
    parameters: &'static str,
    peers: &'static [Peer],
) -> Case {
    Case {
        name,
        table,
        task,
        trainer,
        parameters,
        peers,
    }
}

const BINARY: (&str, &str) = ("binary", "binary");
const REGRESSION: (&str, &str) = ("regression", "regression");
const COVERTYPE: (&str, &str) = ("covertype", "multiclass");
const FEW: (&str, &str) = ("binary20k", "binary");

const TREE: &str = r#"{"depth": 12, "min_samples_leaf": 5}"#;
const THEIR_TREE: &str = r#"{"max_depth": 12, "min_samples_leaf": 5, "random_state": 1}"#;
const FOREST: &str = r#"{"trees": 50, "depth": 20, "min_samples_leaf": 2}"#;
const THEIR_FOREST: &str =
    r#"{"n_estimators": 50, "max_depth": 20, "min_samples_leaf": 2, "random_state": 1}"#;
/// Regression forests choose from a third of the columns.
const THIRD: &str = r#"{"trees": 20, "depth": 16, "min_samples_leaf": 5, "max_features": 0.3}"#;
const THEIR_THIRD: &str = r#"{"n_estimators": 20, "max_depth": 16, "min_samples_leaf": 5, "max_features": 0.3, "random_state": 1}"#;
const EXTRA: &str = r#"{"trees": 50, "depth": 20, "min_samples_leaf": 2, "splitter": "random", "bootstrap": false}"#;
const BOOSTING: &str = r#"{"trees": 200, "learning_rate": 0.1, "leaves": 31, "depth": 30, "min_samples_leaf": 20, "l2": 1.0}"#;
const LIGHTGBM: &str = r#"{"n_estimators": 200, "learning_rate": 0.1, "num_leaves": 31, "min_child_samples": 20, "reg_lambda": 1.0, "verbose": -1}"#;
const XGBOOST: &str = r#"{"n_estimators": 200, "learning_rate": 0.1, "max_leaves": 31, "max_depth": 0, "grow_policy": "lossguide", "tree_method": "hist", "reg_lambda": 1.0}"#;
const NEURAL: &str = r#"{"hidden": [64, 64], "epochs": 10}"#;
const THEIR_NEURAL: &str =
    r#"{"hidden_layer_sizes": [64, 64], "max_iter": 10, "batch_size": 256, "random_state": 1}"#;

/// All cases, trainer by trainer.
pub(super) static ALL: &[Case] = &[
    case(
        "tree-binary",
        BINARY,
        "tree",
        TREE,
        &[Peer::new("sklearn.tree.DecisionTreeClassifier", THEIR_TREE)],
    ),
    case(
        "tree-regression",
        REGRESSION,
        "tree",
        TREE,
        &[Peer::new("sklearn.tree.DecisionTreeRegressor", THEIR_TREE)],
    ),
    case(
        "tree-covertype",
        COVERTYPE,
        "tree",
        TREE,
        &[Peer::new("sklearn.tree.DecisionTreeClassifier", THEIR_TREE)],
    ),
    case(
        "forest-binary",
        BINARY,
        "forest",
        FOREST,
        &[Peer::new(
            "sklearn.ensemble.RandomForestClassifier",
            THEIR_FOREST,
        )],
    ),
    case(
        "forest-regression",
        REGRESSION,
        "forest",
        THIRD,
        &[Peer::new(
            "sklearn.ensemble.RandomForestRegressor",
            THEIR_THIRD,
        )],
    ),
    case(
        "forest-covertype",
        COVERTYPE,
        "forest",
        FOREST,
        &[Peer::new(
            "sklearn.ensemble.RandomForestClassifier",
            THEIR_FOREST,
        )],
    ),
    case(
        "extra-trees-binary",
        BINARY,
        "forest",
        EXTRA,
        &[Peer::new(
            "sklearn.ensemble.ExtraTreesClassifier",
            THEIR_FOREST,
        )],
    ),
    case(
        "extra-trees-covertype",
        COVERTYPE,
        "forest",
        EXTRA,
        &[Peer::new(
            "sklearn.ensemble.ExtraTreesClassifier",
            THEIR_FOREST,
        )],
    ),
    case(
        "boosting-binary",
        BINARY,
        "boosting",
        BOOSTING,
        &[
            Peer::new("lightgbm.LGBMClassifier", LIGHTGBM),
            Peer::new("xgboost.XGBClassifier", XGBOOST),
        ],
    ),
    case(
        "boosting-regression",
        REGRESSION,
        "boosting",
        BOOSTING,
        &[
            Peer::new("lightgbm.LGBMRegressor", LIGHTGBM),
            Peer::new("xgboost.XGBRegressor", XGBOOST),
        ],
    ),
    case(
        "boosting-covertype",
        COVERTYPE,
        "boosting",
        BOOSTING,
        &[
            Peer::new("lightgbm.LGBMClassifier", LIGHTGBM),
            Peer::new("xgboost.XGBClassifier", XGBOOST),
        ],
    ),
    case(
        "linear-ols",
        REGRESSION,
        "linear",
        r#"{"l2": 0}"#,
        &[Peer::new("sklearn.linear_model.LinearRegression", "{}")],
    ),
    case(
        "linear-ridge",
        REGRESSION,
        "linear",
        // Ours is a penalty on the mean: 1 / 500,000 of theirs.
        r#"{"l2": 2e-6}"#,
        &[Peer::scaled(
            "sklearn.linear_model.Ridge",
            r#"{"alpha": 1.0}"#,
        )],
    ),
    case(
        "linear-lasso",
        REGRESSION,
        "linear",
        r#"{"l1": 0.01, "l2": 0}"#,
        &[Peer::scaled(
            "sklearn.linear_model.Lasso",
            r#"{"alpha": 0.01}"#,
        )],
    ),
    case(
        "logistic-binary",
        BINARY,
        "logistic",
        "{}",
        &[Peer::scaled(
            "sklearn.linear_model.LogisticRegression",
            "{}",
        )],
    ),
    case(
        "logistic-covertype",
        COVERTYPE,
        "logistic",
        "{}",
        &[Peer::scaled(
            "sklearn.linear_model.LogisticRegression",
            "{}",
        )],
    ),
    case(
        "svm-rbf",
        FEW,
        "svm",
        r#"{"kernel": "rbf"}"#,
        &[Peer::scaled("sklearn.svm.SVC", r#"{"kernel": "rbf"}"#)],
    ),
    case(
        "neural-binary",
        BINARY,
        "neural",
        NEURAL,
        &[Peer::scaled(
            "sklearn.neural_network.MLPClassifier",
            THEIR_NEURAL,
        )],
    ),
    case(
        "nearest",
        FEW,
        "nearest",
        r#"{"neighbours": 5}"#,
        &[Peer::scaled(
            "sklearn.neighbors.KNeighborsClassifier",
            r#"{"n_neighbors": 5}"#,
        )],
    ),
    case(
        "naive-bayes",
        BINARY,
        "naive_bayes",
        "{}",
        &[Peer::new("sklearn.naive_bayes.GaussianNB", "{}")],
    ),
];
