//! Gradient boosting with second-order leaves (Friedman 2001; Chen and Guestrin 2016; Ke et al. 2017).

mod loss;
mod rounds;

use everloop_package::graph::TreeEnsemble;

use super::{ALL_TASKS, Job, Trained, Trainer, shares};
use crate::encoder::Style;
use crate::model::TreeModel;
use crate::trees::{BINS, DEPTH, Growth, MIN_GAIN, MIN_LEAF};
use crate::{Error, ParameterInfo, ParameterKind, TrainerInfo};
use loss::{ALPHA, DELTA, LOSS, Loss};
use rounds::Booster;

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "boosting",
        doc: "Histogram gradient boosting with second-order leaves, grown where most is gained.",
        tasks: ALL_TASKS,
        parameters: &[
            ParameterInfo::integer("trees", (1.0, 10_000.0), 200.0, "how many rounds"),
            ParameterInfo::number(
                "learning_rate",
                (1e-4, 1.0),
                0.1,
                "how much of each tree is added",
            ),
            ParameterInfo::integer(
                "leaves",
                (2.0, 4096.0),
                31.0,
                "the most leaves of a tree, grown where most is gained",
            ),
            DEPTH,
            ParameterInfo {
                default: 5.0,
                ..MIN_LEAF
            },
            ParameterInfo::number(
                "min_child_weight",
                (0.0, 1e6),
                1e-3,
                "the smallest sum of second derivatives of a leaf",
            ),
            MIN_GAIN,
            ParameterInfo::number("l1", (0.0, 1e6), 0.0, "the penalty on absolute leaf values"),
            ParameterInfo::number("l2", (0.0, 1e6), 1.0, "the penalty on squared leaf values"),
            ParameterInfo::number(
                "subsample",
                (0.01, 1.0),
                1.0,
                "the share of rows that a tree sees",
            ),
            ParameterInfo::number(
                "columns",
                (0.01, 1.0),
                1.0,
                "the share of inputs that a tree sees",
            ),
            ParameterInfo::number(
                "columns_by_node",
                (0.01, 1.0),
                1.0,
                "the share of these that a split chooses from",
            ),
            ParameterInfo::integer(
                "early_stopping",
                (0.0, 10_000.0),
                0.0,
                "stop after so many rounds without gain on the validation part; 0 never stops",
            ),
            LOSS,
            ALPHA,
            DELTA,
            ParameterInfo {
                kind: ParameterKind::ByColumn(&["increasing", "decreasing"]),
                ..ParameterInfo::integer(
                    "monotone",
                    (0.0, 1.0),
                    0.0,
                    "numbers with which predictions may only grow or only fall, all else equal",
                )
            },
            BINS,
            ParameterInfo::CLASS_WEIGHT,
        ],
    },
    style: Style::Binned,
    fit,
};

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let loss = Loss::of(job)?;
    let growth = growth(job, loss)?;
    let mut booster = Booster::new(job, loss, growth)?;
    let n_rounds = job.parameters.integer("trees");
    let patience = job.parameters.integer("early_stopping");
    let (mut best, mut best_round) = (f64::INFINITY, 0);
    for round in 1..=n_rounds {
        booster.round(job)?;
        let named = |part: &str, value: f64| Some((format!("{part}_{}", loss.name()), value));
        job.tell(round, n_rounds, named("train", booster.train_loss(job)))?;
        let Some(own) = booster.validation_loss(job) else {
            continue;
        };
        job.tell(round, n_rounds, named("validation", own))?;
        if own < best {
            (best, best_round) = (own, round);
        }
        if patience > 0 && round - best_round >= patience {
            break;
        }
    }
    if patience > 0 && best_round > 0 {
        booster.trees.truncate(best_round * booster.n_targets);
    }
    let n_rounds = booster.trees.len() / booster.n_targets;
    let notes = match (patience, best_round) {
        (0, _) => Vec::new(),
        (_, 0) => vec!["`early_stopping` had no effect: there are no validation rows".to_owned()],
        _ => vec![format!("stopped after {n_rounds} rounds")],
    };
    let ensemble = TreeEnsemble {
        n_targets: booster.n_targets,
        trees: booster.trees,
    };
    Ok(Trained {
        model: Box::new(TreeModel {
            ensemble,
            base: booster.base,
        }),
        link: loss.link(),
        importances: shares(&booster.gains),
        notes,
    })
}

fn growth(job: &Job<'_>, loss: Loss) -> Result<Growth, Error> {
    let parameters = &job.parameters;
    let mut monotone = Vec::new();
    for (name, direction) in parameters.by_column("monotone") {
        let place = job.inputs.number(name).ok_or_else(|| Error::Parameter {
            name: "monotone".to_owned(),
            problem: format!("`{name}` is no number among the inputs"),
        })?;
        if loss == Loss::Softmax {
            return Err(Error::Parameter {
                name: "monotone".to_owned(),
                problem: "probabilities of many classes cannot all grow; use a binary task"
                    .to_owned(),
            });
        }
        monotone.resize(job.design.n_columns, 0);
        monotone[place] = if direction == 0 { 1 } else { -1 };
    }
    if !monotone.is_empty() && loss.quantile_of_leaves().is_some() {
        return Err(Error::Parameter {
            name: "monotone".to_owned(),
            problem: "it does not go with `loss: absolute` or `loss: quantile`, whose leaves are quantiles".to_owned(),
        });
    }
    Ok(Growth {
        max_depth: parameters.integer("depth"),
        max_leaves: parameters.integer("leaves"),
        min_rows: parameters.integer("min_samples_leaf") as u32,
        min_weight: parameters.number("min_child_weight"),
        min_gain: parameters.number("min_gain"),
        l1: parameters.number("l1"),
        l2: parameters.number("l2"),
        monotone,
        ..Growth::default()
    })
}
