//! Gradient boosting with second-order leaves (Friedman 2001; Chen and Guestrin 2016).

use everloop_domain::Task;
use everloop_package::graph::{Tree, TreeEnsemble, TreeNode};
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::forest::choose;
use super::{Job, Trained, shares};
use crate::Error;
use crate::encoder::Design;
use crate::model::{Link, Model, softmax};
use crate::trees::{Bins, Growth, Leaves, Rows, grow};

pub(super) fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
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
                booster.trees.truncate(best_round * booster.n_targets);
                break;
            }
        }
    }
    let n_rounds = booster.trees.len() / booster.n_targets;
    let notes = if patience > 0 {
        vec![format!("stopped after {n_rounds} rounds")]
    } else {
        Vec::new()
    };
    let link = match job.task {
        Task::Regression => Link::Identity,
        Task::Binary => Link::Sigmoid,
        Task::Multiclass => Link::Softmax,
    };
    let ensemble = TreeEnsemble {
        n_targets: booster.n_targets,
        trees: booster.trees,
    };
    Ok(Trained {
        model: Model::Trees {
            ensemble,
            base: booster.base,
        },
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
    fn round(&mut self, job: &Job<'_>) -> Result<(), Error> {
        let (gradients, weights) = self.derivatives(job);
        if gradients.iter().any(|gradient| !gradient.is_finite()) {
            let step = self.trees.len() / self.n_targets;
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
        let n_columns = self.bins.n_columns();
        let n_chosen = ((job.parameters.number("columns") * n_columns as f64).ceil() as usize)
            .clamp(1, n_columns);
        let mut all: Vec<usize> = (0..n_columns).collect();
        let columns = if n_chosen == n_columns {
            all.clone()
        } else {
            choose(&mut all, n_chosen, &mut self.rng)
        };
        let n_rows = job.design.n_rows;
        for target in 0..self.n_targets {
            let own = |values: &[f64]| {
                (0..n_rows)
                    .map(|row| values[row * self.n_targets + target])
                    .collect::<Vec<f64>>()
            };
            let (gradients, weights) = (own(&gradients), own(&weights));
            let rows = Rows {
                gradients: &gradients,
                weights: &weights,
                n_targets: 1,
            };
            let leaves = Leaves {
                factor: job.parameters.number("learning_rate"),
                target: target as u32,
            };
            let tree = grow(
                &self.bins,
                &rows,
                picked.clone(),
                growth,
                leaves,
                &mut || columns.clone(),
                &mut self.gains,
            );
            add(&tree, job.design, self.n_targets, &mut self.scores);
            add(
                &tree,
                job.validation.0,
                self.n_targets,
                &mut self.validation,
            );
            self.trees.push(tree);
        }
        Ok(())
    }

    /// First and second derivatives of the loss at the scores.
    fn derivatives(&self, job: &Job<'_>) -> (Vec<f64>, Vec<f64>) {
        match job.task {
            Task::Regression => {
                let gradients = self
                    .scores
                    .iter()
                    .zip(job.target)
                    .map(|(score, truth)| score - truth)
                    .collect();
                (gradients, vec![1.0; self.scores.len()])
            }
            Task::Binary => self
                .scores
                .iter()
                .zip(job.target)
                .map(|(score, truth)| {
                    let probability = 1.0 / (1.0 + (-score).exp());
                    (
                        probability - truth,
                        (probability * (1.0 - probability)).max(1e-16),
                    )
                })
                .unzip(),
            Task::Multiclass => self
                .scores
                .chunks(self.n_targets)
                .zip(job.target)
                .flat_map(|(scores, truth)| {
                    let truth = *truth as usize;
                    softmax(scores)
                        .into_iter()
                        .enumerate()
                        .map(move |(class, probability)| {
                            let hit = f64::from(u8::from(class == truth));
                            (
                                probability - hit,
                                (2.0 * probability * (1.0 - probability)).max(1e-16),
                            )
                        })
                })
                .unzip(),
        }
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
                Task::Regression => (scores[0] - truth).powi(2),
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

/// Where boosting starts: the mean, the log odds, or the log shares.
fn base(job: &Job<'_>, n_targets: usize) -> Vec<f64> {
    let count = job.target.len() as f64;
    let mean = job.target.iter().sum::<f64>() / count;
    match job.task {
        Task::Regression => vec![mean],
        Task::Binary => vec![(mean / (1.0 - mean)).ln()],
        Task::Multiclass => (0..n_targets)
            .map(|class| {
                let hits = job
                    .target
                    .iter()
                    .filter(|truth| **truth == class as f64)
                    .count() as f64;
                (hits.max(0.5) / count).ln()
            })
            .collect(),
    }
}

fn sample(n_rows: usize, share: f64, rng: &mut impl Rng) -> Vec<u32> {
    (0..n_rows as u32)
        .filter(|_| share >= 1.0 || rng.random::<f64>() < share)
        .collect()
}

/// Adds a tree's values to scores.
fn add(tree: &Tree, design: &Design, n_targets: usize, scores: &mut [f64]) {
    for (row, values) in design.values.chunks(design.n_columns.max(1)).enumerate() {
        let mut at = 0;
        loop {
            match &tree.nodes[at] {
                TreeNode::Split {
                    feature,
                    threshold,
                    missing_goes_left,
                    left,
                    right,
                } => {
                    let value = values[*feature as usize] as f32;
                    let goes_left = if value.is_nan() {
                        *missing_goes_left
                    } else {
                        value < *threshold
                    };
                    at = if goes_left { *left } else { *right } as usize;
                }
                TreeNode::Leaf { target, weight } => {
                    scores[row * n_targets + *target as usize] += weight;
                    break;
                }
                TreeNode::Leaves(_) => break,
            }
        }
    }
}
