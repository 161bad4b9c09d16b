//! Gradient boosting with second-order leaves (Friedman 2001; Chen and Guestrin 2016).

use everloop_domain::Task;
use everloop_package::graph::{Tree, TreeEnsemble};
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::forest::choose;
use super::{ALL_TASKS, Job, Trained, Trainer, shares};
use crate::encoder::{Design, Style};
use crate::model::{Link, TreeModel, add_leaf, softmax};
use crate::trees::{Bins, Columns, DEPTH, Grown, Growth, Leaves, MIN_LEAF, Rows, grow, leaf};
use crate::{Error, ParameterInfo, TrainerInfo};

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "boosting",
        doc: "Histogram gradient boosting with second-order leaves.",
        tasks: ALL_TASKS,
        parameters: &[
            ParameterInfo::integer("trees", (1.0, 10_000.0), 200.0, "how many rounds"),
            ParameterInfo::number(
                "learning_rate",
                (1e-4, 1.0),
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
                (0.0, 1e6),
                1e-3,
                "the smallest sum of second derivatives of a leaf",
            ),
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
            ParameterInfo::integer(
                "early_stopping",
                (0.0, 10_000.0),
                0.0,
                "stop after so many rounds without gain on the validation part; 0 never stops",
            ),
            ParameterInfo::CLASS_WEIGHT,
        ],
    },
    style: Style::Raw,
    fit,
};

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let mut booster = Booster::new(job);
    let n_rounds = job.parameters.integer("trees");
    let patience = job.parameters.integer("early_stopping");
    let (mut best, mut best_round) = (f64::INFINITY, 0);
    for round in 1..=n_rounds {
        booster.round(job)?;
        let loss = booster.validation_loss(job);
        job.tell(
            round,
            n_rounds,
            loss.map(|loss| (format!("validation_{}", loss_name(job.task)), loss)),
        )?;
        if let Some(loss) = loss {
            if loss < best {
                (best, best_round) = (loss, round);
            }
            if patience > 0 && round - best_round >= patience {
                break;
            }
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
    let link = match job.task {
        Task::Binary => Link::Sigmoid,
        Task::Multiclass => Link::Softmax,
        _ => Link::Identity,
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
        link,
        importances: shares(&booster.gains),
        notes,
    })
}

fn loss_name(task: Task) -> &'static str {
    if task.is_classification() {
        "log_loss"
    } else {
        "rmse"
    }
}

struct Booster {
    bins: Bins,
    n_targets: usize,
    base: Vec<f64>,
    trees: Vec<Tree>,
    gains: Vec<f64>,
    /// Scores of the train rows, row by row.
    scores: Vec<f64>,
    /// Scores of the validation rows.
    validation: Vec<f64>,
    rng: ChaCha8Rng,
}

impl Booster {
    fn new(job: &Job<'_>) -> Self {
        let bins = Bins::new(job.design);
        let n_targets = if job.task == Task::Multiclass {
            job.n_classes
        } else {
            1
        };
        let base = base(job, n_targets);
        let repeat = |n_rows: usize| {
            base.iter()
                .copied()
                .cycle()
                .take(n_rows * n_targets)
                .collect::<Vec<f64>>()
        };
        Self {
            gains: vec![0.0; bins.n_columns()],
            scores: repeat(job.design.n_rows),
            validation: repeat(job.validation.0.n_rows),
            bins,
            n_targets,
            base,
            trees: Vec::new(),
            rng: ChaCha8Rng::seed_from_u64(job.seed),
        }
    }

    /// Adds a tree for each target.
    fn round(&mut self, job: &mut Job<'_>) -> Result<(), Error> {
        let (gradients, weights) = self.derivatives(job);
        let (step, n_rounds) = (
            self.trees.len() / self.n_targets,
            job.parameters.integer("trees"),
        );
        if gradients.iter().any(|gradient| !gradient.is_finite()) {
            return Err(Error::Diverged {
                trainer: "boosting",
                step,
                hint: "lower `learning_rate` or raise `l2`",
            });
        }
        let growth = Growth {
            max_depth: job.parameters.integer("depth"),
            min_rows: job.parameters.integer("min_samples_leaf"),
            min_weight: job.parameters.number("min_child_weight"),
            l2: job.parameters.number("l2"),
            n_threads: job.n_threads,
        };
        let picked = sample(
            job.design.n_rows,
            job.parameters.number("subsample"),
            &mut self.rng,
        );
        let columns = self.columns(job.parameters.number("columns"));
        for target in 0..self.n_targets {
            let (gradients, weights) = (
                self.of_target(&gradients, target),
                self.of_target(&weights, target),
            );
            let rows = Rows {
                gradients: &gradients,
                weights: &weights,
                n_targets: 1,
            };
            let leaves = Leaves {
                factor: job.parameters.number("learning_rate"),
                target: target as u32,
            };
            let mut cancelled = None;
            let mut is_stopped = || {
                cancelled = job.tell(step, n_rounds, None).err();
                cancelled.is_some()
            };
            let columns = Columns::Same(&columns);
            let grown = grow(
                &self.bins,
                &rows,
                picked.clone(),
                growth,
                leaves,
                columns,
                &mut is_stopped,
            );
            if let Some(cancelled) = cancelled {
                return Err(cancelled);
            }
            self.add(grown, job);
        }
        Ok(())
    }

    /// The columns of a round.
    fn columns(&mut self, share: f64) -> Vec<usize> {
        let n_columns = self.bins.n_columns();
        let n_chosen = ((share * n_columns as f64).ceil() as usize).clamp(1, n_columns);
        let mut all: Vec<usize> = (0..n_columns).collect();
        if n_chosen < n_columns {
            choose(&mut all, n_chosen, &mut self.rng)
        } else {
            all
        }
    }

    /// One of several numbers a row.
    fn of_target(&self, values: &[f64], target: usize) -> Vec<f64> {
        values
            .iter()
            .skip(target)
            .step_by(self.n_targets)
            .copied()
            .collect()
    }

    /// Keeps a tree and adds its values to the scores.
    fn add(&mut self, grown: Grown, job: &Job<'_>) {
        let n_targets = self.n_targets;
        if grown.picked.len() == job.design.n_rows {
            // Where each row went is known already.
            for (range, node) in &grown.leaves {
                for row in &grown.picked[range.clone()] {
                    let at = *row as usize * n_targets;
                    add_leaf(
                        &grown.tree.nodes[*node],
                        &mut self.scores[at..at + n_targets],
                    );
                }
            }
        } else {
            walk(&grown.tree, job.design, &mut self.scores, n_targets);
        }
        walk(
            &grown.tree,
            job.validation.0,
            &mut self.validation,
            n_targets,
        );
        self.gains
            .iter_mut()
            .zip(&grown.gains)
            .for_each(|(sum, gain)| *sum += gain);
        self.trees.push(grown.tree);
    }

    /// First and second derivatives of the loss at the scores, times the weights of the rows.
    fn derivatives(&self, job: &Job<'_>) -> (Vec<f64>, Vec<f64>) {
        let n_targets = self.n_targets;
        let mut gradients = vec![0.0; self.scores.len()];
        let mut curvatures = vec![0.0; self.scores.len()];
        for (row, scores) in self.scores.chunks(n_targets).enumerate() {
            let (truth, weight) = (job.target[row], job.row_weights[row]);
            let mut put = |target: usize, gradient: f64, curvature: f64| {
                gradients[row * n_targets + target] = weight * gradient;
                curvatures[row * n_targets + target] = weight * curvature;
            };
            match job.task {
                Task::Regression | Task::Anomaly | Task::Clustering => {
                    put(0, scores[0] - truth, 1.0);
                }
                Task::Binary => {
                    let probability = 1.0 / (1.0 + (-scores[0]).exp());
                    put(0, probability - truth, curvature(probability));
                }
                Task::Multiclass => {
                    for (class, probability) in softmax(scores).into_iter().enumerate() {
                        let hit = f64::from(u8::from(class == truth as usize));
                        put(class, probability - hit, 2.0 * curvature(probability));
                    }
                }
            }
        }
        (gradients, curvatures)
    }

    /// The loss on the validation rows whose class is known; nothing without such rows.
    fn validation_loss(&self, job: &Job<'_>) -> Option<f64> {
        let rows = self
            .validation
            .chunks(self.n_targets)
            .zip(job.validation.1)
            .filter(|(_, truth)| !truth.is_nan());
        let losses: Vec<f64> = rows
            .map(|(scores, truth)| match job.task {
                Task::Regression | Task::Anomaly | Task::Clustering => (scores[0] - truth).powi(2),
                Task::Binary => {
                    scores[0].max(0.0) - scores[0] * truth + (-scores[0].abs()).exp().ln_1p()
                }
                Task::Multiclass => -softmax(scores)[*truth as usize].max(1e-300).ln(),
            })
            .collect();
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        (!losses.is_empty()).then(|| {
            if job.task == Task::Regression {
                mean.sqrt()
            } else {
                mean
            }
        })
    }
}

/// The second derivative of the log loss; never zero, so that every leaf has a value.
fn curvature(probability: f64) -> f64 {
    (probability * (1.0 - probability)).max(1e-16)
}

/// Where boosting starts: the mean, the log odds, or the log shares.
fn base(job: &Job<'_>, n_targets: usize) -> Vec<f64> {
    let count: f64 = job.row_weights.iter().sum();
    let rows = || job.target.iter().zip(&job.row_weights);
    let mean = rows().map(|(truth, weight)| truth * weight).sum::<f64>() / count;
    match job.task {
        Task::Regression | Task::Anomaly | Task::Clustering => vec![mean],
        Task::Binary => vec![(mean / (1.0 - mean)).ln()],
        Task::Multiclass => (0..n_targets)
            .map(|class| {
                let own = rows().filter(|(truth, _)| **truth as usize == class);
                (own.map(|(_, weight)| weight).sum::<f64>() / count).ln()
            })
            .collect(),
    }
}

fn sample(n_rows: usize, share: f64, rng: &mut impl Rng) -> Vec<u32> {
    (0..n_rows as u32)
        .filter(|_| share >= 1.0 || rng.random::<f64>() < share)
        .collect()
}

/// Adds a tree's values to the scores of rows.
fn walk(tree: &Tree, design: &Design, scores: &mut [f64], n_targets: usize) {
    let rows = design.values.chunks(design.n_columns.max(1));
    for (values, scores) in rows.zip(scores.chunks_mut(n_targets)) {
        add_leaf(leaf(tree, values), scores);
    }
}
