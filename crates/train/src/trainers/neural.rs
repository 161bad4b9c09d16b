//! A neural network: a multilayer perceptron with embeddings for texts.
//!
//! Training is in 32-bit floats, on matrix products of [faer](https://docs.rs/faer). Each batch is cut into blocks,
//! whatever the threads are; blocks are learnt from side by side and their gradients are added in order, so that the same
//! seed gives the same bytes on any number of threads. The fitted model is evaluated in doubles, here and in the graph.
//!
//! Memory beside the encoded rows: 8 bytes a row, and what [`Network::n_bytes`] says, which is checked beforehand.

mod activation;
mod batch_norm;
mod block;
mod learning;
mod loss;
mod network;
mod optimizer;
mod products;
mod schedule;
mod settings;
mod team;

#[cfg(test)]
mod tests;

use everloop_domain::Task;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use self::learning::learn;
use self::network::Network;
use self::settings::Settings;
use super::{ALL_TASKS, Job, Trained, Trainer, shares};
use crate::encoder::{Design, Style};
use crate::model::{Link, Model as _, NeuralModel};
use crate::parameters::ParameterKind;
use crate::{Error, ParameterInfo, TrainerInfo};

/// Numbers that are computed at most to find out how much the columns matter.
const MAX_IMPORTANCE_WORK: usize = 200_000_000;

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "neural",
        doc: "A neural network (multilayer perceptron) with embeddings for texts. Numbers are scaled, a missing one is the median beside an indicator; an unknown or missing text has an embedding of its own.",
        tasks: ALL_TASKS,
        parameters: &[
            ParameterInfo {
                kind: ParameterKind::Integers {
                    max_count: 16,
                    default: &[64, 64],
                },
                ..ParameterInfo::integer(
                    "hidden",
                    (1.0, 8192.0),
                    64.0,
                    "the widths of the hidden layers",
                )
            },
            ParameterInfo::choice(
                "activation",
                &["relu", "tanh", "gelu", "silu"],
                "the function of hidden units; `gelu` by its approximation with tanh",
            ),
            ParameterInfo::number(
                "dropout",
                (0.0, 0.95),
                0.0,
                "the share of hidden units that are left out at random while learning",
            ),
            ParameterInfo::choice(
                "batch_norm",
                &["false", "true"],
                "whether hidden units are normalised before their activation, over blocks of 64 rows or more of each batch",
            ),
            ParameterInfo::integer(
                "embedding_size",
                (0.0, 512.0),
                0.0,
                "the numbers that a text becomes; 0 takes half of its categories, at most 50",
            ),
            ParameterInfo::choice(
                "optimizer",
                &["adamw", "adam", "sgd"],
                "how weights follow gradients; `adamw` decays weights apart from gradients",
            ),
            ParameterInfo::number("learning_rate", (1e-7, 10.0), 3e-3, "the size of steps"),
            ParameterInfo::choice(
                "schedule",
                &["cosine", "constant", "step", "one_cycle"],
                "how the learning rate changes: falls to 0 along a cosine, stays, falls to a tenth after half and to a hundredth after three quarters of the epochs, or rises for three tenths of them and falls",
            ),
            ParameterInfo::number(
                "momentum",
                (0.0, 0.999),
                0.9,
                "how much of the last step `sgd` keeps; the others ignore it",
            ),
            ParameterInfo::number(
                "weight_decay",
                (0.0, 10.0),
                1e-4,
                "how strongly weights are drawn to 0",
            ),
            ParameterInfo::number(
                "clip",
                (0.0, 1e6),
                0.0,
                "the greatest norm of the gradient of a batch; 0 does not clip",
            ),
            ParameterInfo::integer(
                "batch_size",
                (0.0, 65_536.0),
                0.0,
                "rows of a step; 0 takes a hundredth of the rows, at least 32 and at most 256",
            ),
            ParameterInfo::integer(
                "epochs",
                (1.0, 10_000.0),
                50.0,
                "how often all rows are learnt from, at most",
            ),
            ParameterInfo::integer(
                "early_stopping",
                (0.0, 10_000.0),
                10.0,
                "stop after so many epochs without gain on the validation part, and keep the best weights; 0 never stops",
            ),
            ParameterInfo::CLASS_WEIGHT,
        ],
    },
    style: Style::Embedded,
    fit,
};

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let settings = Settings::new(job)?;
    let goal = Goal::of(job);
    let network = Network::new(job, &settings, goal.n_scores);
    network.check_size(job, &settings)?;
    let learnt = learn(job, &settings, &goal, network)?;
    let model = learnt.network.model(&goal);
    Ok(Trained {
        importances: shares(&importances(&model, job)?),
        model: Box::new(model),
        link: match job.task {
            Task::Binary => Link::Sigmoid,
            Task::Multiclass => Link::Softmax,
            _ => Link::Identity,
        },
        notes: learnt.notes,
    })
}

/// What the scores of the network stand for.
struct Goal {
    n_scores: usize,
    /// What is taken from values of the target, which are then divided by the deviation: 0 and 1 for classes.
    mean: f64,
    deviation: f64,
}

impl Goal {
    fn of(job: &Job<'_>) -> Self {
        let n_scores = match job.task {
            Task::Multiclass => job.n_classes,
            _ => 1,
        };
        let (mut mean, mut deviation) = (0.0, 1.0);
        if job.task == Task::Regression {
            let sum: f64 = job.row_weights.iter().sum();
            let rows = || job.target.iter().zip(&job.row_weights);
            mean = rows().map(|(value, weight)| value * weight / sum).sum();
            let variance: f64 = rows()
                .map(|(value, weight)| (value - mean).powi(2) * weight / sum)
                .sum();
            deviation = variance.sqrt();
        }
        Self {
            n_scores,
            mean,
            deviation: if deviation > 0.0 { deviation } else { 1.0 },
        }
    }
}

/// How far each column moves the scores: the mean change when rows have the value of another one, drawn at random.
fn importances(model: &NeuralModel, job: &mut Job<'_>) -> Result<Vec<f64>, Error> {
    let (design, epochs) = (job.design, job.parameters.integer("epochs"));
    let n_columns = design.n_columns;
    let n_rows = (MAX_IMPORTANCE_WORK / (model.n_weights() * n_columns).max(1))
        .clamp(16, 1000)
        .min(design.n_rows);
    let step = design.n_rows / n_rows;
    let mut sample = Design {
        values: Vec::with_capacity(n_rows * n_columns),
        n_rows,
        n_columns,
    };
    for row in 0..n_rows {
        let at = row * step * n_columns;
        sample
            .values
            .extend_from_slice(&design.values[at..at + n_columns]);
    }
    let mut others: Vec<usize> = (0..n_rows).collect();
    others.shuffle(&mut ChaCha8Rng::seed_from_u64(job.seed));
    let scores = model.scores(&sample);
    let mut changes = Vec::with_capacity(n_columns);
    for column in 0..n_columns {
        let values = sample.values.iter().skip(column).step_by(n_columns);
        let own: Vec<f64> = values.copied().collect();
        for (row, other) in others.iter().enumerate() {
            sample.values[row * n_columns + column] = own[*other];
        }
        let moved = model.scores(&sample);
        let pairs = scores.iter().zip(&moved);
        changes.push(pairs.map(|(score, moved)| (score - moved).abs()).sum());
        for (row, value) in own.into_iter().enumerate() {
            sample.values[row * n_columns + column] = value;
        }
        job.tell(epochs, epochs, None)?;
    }
    Ok(changes)
}
