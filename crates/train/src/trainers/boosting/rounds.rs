//! The rounds of boosting: derivatives, a tree for each target, new scores.

use everloop_package::graph::{Tree, TreeNode};
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::loss::{Loss, quantile};
use crate::Error;
use crate::encoder::Design;
use crate::model::add_leaf;
use crate::trainers::Job;
use crate::trainers::forest::choose;
use crate::trees::crew::together;
use crate::trees::{
    Bins, Chance, Ground, Grown, Growth, Items, Kind, Leaves, Units, bins, grow, leaf,
};

/// Train rows whose loss is told.
const MAX_TOLD: usize = 20_000;
/// Rows that a thread takes derivatives of before another is worth starting.
const ROWS_A_THREAD: usize = 20_000;

/// What boosting has come to.
pub(super) struct Booster {
    loss: Loss,
    bins: Bins,
    growth: Growth,
    pub(super) n_targets: usize,
    pub(super) base: Vec<f64>,
    pub(super) trees: Vec<Tree>,
    pub(super) gains: Vec<f64>,
    /// Scores of the train rows, row by row.
    scores: Vec<f64>,
    /// Gradients and second derivatives of the train rows, row by row.
    derivatives: Vec<[f32; 2]>,
    /// Scores of the validation rows.
    validation: Vec<f64>,
    rng: ChaCha8Rng,
}

/// What all trees of a round share.
struct Round<'a> {
    picked: &'a [u32],
    columns: &'a [usize],
    seed: u64,
}

impl Booster {
    pub(super) fn new(job: &Job<'_>, loss: Loss, growth: Growth) -> Result<Self, Error> {
        let n_targets = if loss == Loss::Softmax {
            job.n_classes
        } else {
            1
        };
        let bins = bins(job, n_targets.min(job.n_threads).max(1))?;
        let base = loss.base(job);
        let repeat = |n_rows: usize| base.repeat(n_rows);
        Ok(Self {
            gains: vec![0.0; bins.n_columns()],
            scores: repeat(job.design.n_rows),
            derivatives: vec![[0.0; 2]; job.design.n_rows * n_targets],
            validation: repeat(job.validation.0.n_rows),
            loss,
            bins,
            growth,
            n_targets,
            base,
            trees: Vec::new(),
            rng: ChaCha8Rng::seed_from_u64(job.seed),
        })
    }

    /// Adds a tree for each target.
    pub(super) fn round(&mut self, job: &mut Job<'_>) -> Result<(), Error> {
        let n_rounds = job.parameters.integer("trees");
        let step = self.trees.len() / self.n_targets;
        self.take_derivatives(job);
        if self
            .derivatives
            .iter()
            .any(|own| !(own[0] + own[1]).is_finite())
        {
            return Err(Error::Diverged {
                trainer: "boosting",
                step,
                hint: "lower `learning_rate` or raise `l2`",
            });
        }
        let share = job.parameters.number("subsample");
        let picked = sample(job.design.n_rows, share, &mut self.rng);
        let columns = self.columns(job.parameters.number("columns"));
        let round = Round {
            picked: &picked,
            columns: &columns,
            seed: self.rng.random(),
        };
        let n_threads = job.n_threads.max(1);
        let grown = if self.n_targets == 1 {
            let mut cancelled = Ok(());
            let growth = Growth {
                n_threads,
                ..self.growth.clone()
            };
            let grown = self.tree(0, &round, job_settings(job), &growth, &mut || {
                cancelled = job.tell(step, n_rounds, None);
                cancelled.is_err()
            });
            cancelled?;
            vec![grown]
        } else {
            let growth = Growth {
                n_threads: (n_threads / self.n_targets).max(1),
                ..self.growth.clone()
            };
            let settings = job_settings(job);
            let make = |target: usize, is_stopped: &mut dyn FnMut() -> bool| {
                self.tree(target, &round, settings, &growth, is_stopped)
            };
            together(self.n_targets, n_threads, &make, &mut |_| {
                job.tell(step, n_rounds, None)
            })?
        };
        for (target, grown) in grown.into_iter().enumerate() {
            self.add(grown, target, job);
        }
        Ok(())
    }

    /// The tree of a target.
    fn tree(
        &self,
        target: usize,
        round: &Round<'_>,
        (factor, by_node): (f64, f64),
        growth: &Growth,
        is_stopped: &mut dyn FnMut() -> bool,
    ) -> Grown {
        let n_candidates = ((by_node * round.columns.len() as f64).ceil() as usize).max(1);
        let chance = (n_candidates < round.columns.len()).then(|| Chance {
            rng: ChaCha8Rng::seed_from_u64(round.seed.wrapping_add(target as u64)),
            n_candidates,
            cuts: false,
        });
        let ground = Ground {
            bins: &self.bins,
            growth,
            columns: round.columns,
            chance,
            leaves: Leaves {
                factor,
                target: target as u32,
            },
        };
        grow(ground, self.items(target, round.picked), is_stopped)
    }

    fn items(&self, target: usize, picked: &[u32]) -> Items {
        let of = |row: &u32| self.derivatives[*row as usize * self.n_targets + target];
        let (mut max_gradient, mut max_weight) = (0.0_f32, 0.0_f32);
        for [gradient, weight] in picked.iter().map(of) {
            max_gradient = max_gradient.max(gradient.abs());
            max_weight = max_weight.max(weight);
        }
        let (max_gradient, max_weight) = (f64::from(max_gradient), f64::from(max_weight));
        let units = Units::new(Kind::Moments, picked.len(), max_gradient, max_weight);
        let values = picked.iter().map(|row| {
            let [gradient, weight] = of(row);
            units.moments(f64::from(gradient), f64::from(weight))
        });
        Items::new(units, picked.to_vec(), values)
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

    /// Keeps a tree and adds its values to the scores.
    fn add(&mut self, mut grown: Grown, target: usize, job: &Job<'_>) {
        if let Some(alpha) = self.loss.quantile_of_leaves() {
            self.renew(&mut grown, alpha, job);
        }
        let n_targets = self.n_targets;
        let value = |node: usize| match &grown.tree.nodes[node] {
            TreeNode::Leaf { weight, .. } => *weight,
            _ => 0.0,
        };
        for (range, node) in &grown.leaves {
            let value = value(*node);
            for row in &grown.rows[range.clone()] {
                self.scores[*row as usize * n_targets + target] += value;
            }
        }
        if grown.rows.len() < job.design.n_rows {
            let mut is_picked = vec![false; job.design.n_rows];
            grown
                .rows
                .iter()
                .for_each(|row| is_picked[*row as usize] = true);
            let all = 0..job.design.n_rows as u32;
            let others: Vec<u32> = all.filter(|row| !is_picked[*row as usize]).collect();
            let leaves = grown.leaves_of(&self.bins, &others);
            for (row, node) in others.iter().zip(leaves) {
                self.scores[*row as usize * n_targets + target] += value(node as usize);
            }
        }
        walk(
            &grown.tree,
            job.validation.0,
            &mut self.validation,
            n_targets,
        );
        let gains = grown.gains_by_column(self.bins.n_columns());
        self.gains
            .iter_mut()
            .zip(gains)
            .for_each(|(sum, gain)| *sum += gain);
        self.trees.push(grown.tree);
    }

    /// Makes leaves the quantiles of the errors of their rows.
    fn renew(&self, grown: &mut Grown, alpha: f64, job: &Job<'_>) {
        let factor = job_settings(job).0;
        for (range, node) in &grown.leaves {
            let rows = grown.rows[range.clone()].iter().map(|row| *row as usize);
            let errors = rows.map(|row| (job.target[row] - self.scores[row], job.row_weights[row]));
            if let TreeNode::Leaf { weight, .. } = &mut grown.tree.nodes[*node] {
                *weight = quantile(errors.collect(), alpha) * factor;
            }
        }
    }

    /// First and second derivatives of the loss at the scores, times the weights of the rows.
    fn take_derivatives(&mut self, job: &Job<'_>) {
        let (n_targets, loss) = (self.n_targets, self.loss);
        let (target, row_weights) = (job.target, job.row_weights.as_slice());
        let some = |first: usize, scores: &[f64], derivatives: &mut [[f32; 2]]| {
            let rows = scores
                .chunks_exact(n_targets)
                .zip(derivatives.chunks_exact_mut(n_targets));
            for (row, (scores, own)) in (first..).zip(rows) {
                let weight = row_weights[row];
                loss.derivatives(scores, target[row], |target, gradient, curvature| {
                    own[target] = [(weight * gradient) as f32, (weight * curvature) as f32];
                });
            }
        };
        let n_rows = job.target.len();
        let n_threads = job.n_threads.min(n_rows / ROWS_A_THREAD).max(1);
        let share = n_rows.div_ceil(n_threads).max(1);
        let pieces = self.scores.chunks(share * n_targets);
        let pieces = pieces
            .zip(self.derivatives.chunks_mut(share * n_targets))
            .enumerate();
        let some = &some;
        std::thread::scope(|scope| {
            for (index, (scores, derivatives)) in pieces {
                if index + 1 == n_threads {
                    some(index * share, scores, derivatives);
                } else {
                    scope.spawn(move || some(index * share, scores, derivatives));
                }
            }
        });
    }

    /// The mean loss on train rows, at most so many, evenly spread.
    pub(super) fn train_loss(&self, job: &Job<'_>) -> f64 {
        let step = job.target.len().div_ceil(MAX_TOLD).max(1);
        let rows = self
            .scores
            .chunks(self.n_targets)
            .zip(job.target)
            .step_by(step);
        let losses: Vec<f64> = rows
            .map(|(scores, truth)| self.loss.of_row(scores, *truth))
            .collect();
        self.loss
            .of_mean(losses.iter().sum::<f64>() / losses.len() as f64)
    }

    /// The loss on the validation rows whose class is known, each by its weight; nothing without such rows.
    pub(super) fn validation_loss(&self, job: &Job<'_>) -> Option<f64> {
        let rows = self.validation.chunks(self.n_targets).zip(job.validation.1);
        let known = rows.enumerate().filter(|(_, (_, truth))| !truth.is_nan());
        let (mut loss, mut sum) = (0.0, 0.0);
        for (row, (scores, truth)) in known {
            let weight = job.validation_weights.map_or(1.0, |weights| weights[row]);
            loss += weight * self.loss.of_row(scores, *truth);
            sum += weight;
        }
        (sum > 0.0).then(|| self.loss.of_mean(loss / sum))
    }
}

/// How much of each tree is added, and the share of columns that a node chooses from.
fn job_settings(job: &Job<'_>) -> (f64, f64) {
    let parameters = &job.parameters;
    (
        parameters.number("learning_rate"),
        parameters.number("columns_by_node"),
    )
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
