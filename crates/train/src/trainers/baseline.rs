//! Predictions that need no input, as a model: the mean, the majority, the last value.

use everloop_package::graph::TreeEnsemble;

use super::{ALL_TASKS, Job, Trained, Trainer, shares, tree_link};
use crate::encoder::Style;
use crate::model::TreeModel;
use crate::naive;
use crate::{Error, ParameterInfo, TrainerInfo};

const STRATEGIES: &[&str] = &[
    "auto", "mean", "median", "quantile", "last", "prior", "majority",
];

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "baseline",
        doc: "The same prediction for every row: what a model must beat to be worth anything.",
        tasks: ALL_TASKS,
        parameters: &[
            ParameterInfo::choice(
                "strategy",
                STRATEGIES,
                "regression: `mean`, `median`, `quantile`, or `last`, the value of the latest train row by `dataset.time`; classes: `prior` gives their shares, `majority` is sure of the most frequent one; `auto` is `mean` or `prior`",
            ),
            ParameterInfo::number(
                "quantile",
                (0.0, 1.0),
                0.5,
                "the share of the train rows below the prediction, for `strategy: quantile`",
            ),
        ],
    },
    style: Style::Raw,
    fit,
};

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    job.tell(0, 1, None)?;
    let base = base(job)?;
    job.tell(1, 1, None)?;
    Ok(Trained {
        importances: shares(&vec![0.0; job.design.n_columns]),
        model: Box::new(TreeModel {
            ensemble: TreeEnsemble {
                n_targets: base.len(),
                trees: Vec::new(),
            },
            base,
        }),
        link: tree_link(job.task),
        notes: vec!["the baseline looks at no input".to_owned()],
    })
}

/// The constant value, or the probability of each class.
fn base(job: &Job<'_>) -> Result<Vec<f64>, Error> {
    let strategy = STRATEGIES[job.parameters.integer("strategy")];
    let (target, weights) = (job.target, &job.row_weights);
    let of_classes = |shares: Vec<f64>| {
        let greatest = shares.iter().copied().fold(0.0, f64::max);
        let first = shares.iter().position(|share| *share == greatest);
        (0..shares.len())
            .map(|class| f64::from(u8::from(Some(class) == first)))
            .collect()
    };
    let base = match (strategy, job.task.is_classification()) {
        ("auto" | "prior", true) => naive::shares(target, weights, job.n_classes),
        ("majority", true) => of_classes(naive::shares(target, weights, job.n_classes)),
        ("auto" | "mean", false) => vec![naive::mean(target, weights)],
        ("median", false) => vec![naive::quantile(target, weights, 0.5)],
        ("quantile", false) => {
            let share = job.parameters.number("quantile");
            vec![naive::quantile(target, weights, share)]
        }
        ("last", false) => {
            let time = job.time.ok_or_else(|| Error::Parameter {
                name: "strategy".to_owned(),
                problem: "`last` needs to know which row is the last: set `dataset.time`"
                    .to_owned(),
            })?;
            vec![target[naive::last_row(job.rows, time)?]]
        }
        (strategy, is_classification) => {
            let (task, others) = if is_classification {
                (job.task, "`prior` or `majority`")
            } else {
                (job.task, "`mean`, `median`, `quantile` or `last`")
            };
            return Err(Error::Parameter {
                name: "strategy".to_owned(),
                problem: format!("`{strategy}` does not suit a {task} task; take {others}"),
            });
        }
    };
    Ok(base)
}
