//! Random forest (Breiman 2001): trees on bootstrap samples, averaged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::ScopedJoinHandle;

use everloop_package::graph::TreeEnsemble;
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{ALL_TASKS, Job, Trained, Trainer, negative_targets, shares, tree_link};
use crate::encoder::Style;
use crate::model::TreeModel;
use crate::trees::{Bins, Columns, DEPTH, Grown, Growth, Leaves, MIN_LEAF, Rows, grow};
use crate::{Error, ParameterInfo, TrainerInfo};

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "forest",
        doc: "A random forest: trees on bootstrap samples, each split among a random share of the inputs.",
        tasks: ALL_TASKS,
        parameters: &[
            ParameterInfo::integer("trees", (1.0, 5000.0), 100.0, "how many trees"),
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
                (0.0, 1.0),
                0.0,
                "the share of inputs a split chooses from; 0 means the square root of their number, for regression all",
            ),
            ParameterInfo::CLASS_WEIGHT,
        ],
    },
    style: Style::Raw,
    fit,
};

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let (gradients, n_targets) = negative_targets(job);
    let bins = Bins::new(job.design);
    let n_trees = job.parameters.integer("trees");
    let row_weights = job.row_weights.clone();
    let forest = Forest {
        bins: &bins,
        gradients: &gradients,
        n_targets,
        row_weights: &row_weights,
        n_candidates: candidates(job, bins.n_columns()),
        growth: Growth {
            max_depth: job.parameters.integer("depth"),
            min_rows: job.parameters.integer("min_samples_leaf"),
            min_weight: 0.0,
            l2: 0.0,
            n_threads: 1,
        },
        factor: 1.0 / n_trees as f64,
        seed: job.seed,
    };
    job.tell(0, n_trees, None)?;
    let mut trees = Vec::with_capacity(n_trees);
    let mut gains = vec![0.0; bins.n_columns()];
    while trees.len() < n_trees {
        let first = trees.len();
        let count = job.n_threads.max(1).min(n_trees - first);
        let grown = forest.some(first, count, &mut || job.tell(first, n_trees, None))?;
        for grown in grown {
            gains
                .iter_mut()
                .zip(&grown.gains)
                .for_each(|(sum, gain)| *sum += gain);
            trees.push(grown.tree);
        }
        job.tell(trees.len(), n_trees, None)?;
    }
    Ok(Trained {
        model: Box::new(TreeModel {
            ensemble: TreeEnsemble { n_targets, trees },
            base: vec![0.0; n_targets],
        }),
        link: tree_link(job.task),
        importances: shares(&gains),
        notes: Vec::new(),
    })
}

/// How many columns a split chooses from.
fn candidates(job: &Job<'_>, n_columns: usize) -> usize {
    let share = job.parameters.number("max_features");
    let count = match (share > 0.0, job.task.is_classification()) {
        (true, _) => share * n_columns as f64,
        (false, true) => (n_columns as f64).sqrt(),
        (false, false) => n_columns as f64,
    };
    (count.ceil() as usize).clamp(1, n_columns)
}

struct Forest<'a> {
    bins: &'a Bins,
    gradients: &'a [f64],
    row_weights: &'a [f64],
    n_targets: usize,
    n_candidates: usize,
    growth: Growth,
    factor: f64,
    seed: u64,
}

impl Forest<'_> {
    /// Some trees, one a thread; each has its own seed, so the forest does not depend on how many threads there are.
    /// Now and then a thread asks `tell` whether to go on.
    fn some(
        &self,
        first: usize,
        count: usize,
        tell: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<Vec<Grown>, Error> {
        let is_stopped = AtomicBool::new(false);
        let (asks, asked) = mpsc::channel();
        std::thread::scope(|scope| {
            let is_stopped = &is_stopped;
            let workers: Vec<_> = (first..first + count)
                .map(|number| {
                    let asks = asks.clone();
                    let mut ask =
                        move || asks.send(()).is_err() || is_stopped.load(Ordering::Relaxed);
                    scope.spawn(move || self.tree(number, &mut ask))
                })
                .collect();
            drop(asks);
            let mut told = Ok(());
            // Ends when every thread is done and has dropped its sender.
            for () in asked {
                if told.is_ok() {
                    told = tell();
                    is_stopped.store(told.is_err(), Ordering::Relaxed);
                }
            }
            let join = |worker: ScopedJoinHandle<'_, Grown>| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            let grown = workers.into_iter().map(join).collect();
            told.map(|()| grown)
        })
    }

    fn tree(&self, number: usize, is_stopped: &mut dyn FnMut() -> bool) -> Grown {
        let seed = self
            .seed
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(number as u64);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let n_rows = self.row_weights.len();
        let mut draws = vec![0.0; n_rows];
        for _ in 0..n_rows {
            draws[rng.random_range(0..n_rows)] += 1.0;
        }
        let picked: Vec<u32> = (0..n_rows as u32)
            .filter(|row| draws[*row as usize] > 0.0)
            .collect();
        let rows = self.gradients.chunks_exact(self.n_targets).zip(&draws);
        let gradients: Vec<f64> = rows
            .flat_map(|(gradients, drawn)| gradients.iter().map(move |gradient| gradient * drawn))
            .collect();
        let weights = draws
            .iter()
            .zip(self.row_weights)
            .map(|(drawn, weight)| drawn * weight);
        let rows = Rows {
            gradients: &gradients,
            weights: &weights.collect::<Vec<f64>>(),
            n_targets: self.n_targets,
        };
        let mut columns: Vec<usize> = (0..self.bins.n_columns()).collect();
        let leaves = Leaves {
            factor: self.factor,
            target: 0,
        };
        let all = columns.clone();
        let mut choose = || choose(&mut columns, self.n_candidates, &mut rng);
        let columns = if self.n_candidates == all.len() {
            Columns::Same(&all)
        } else {
            Columns::Each(&mut choose)
        };
        grow(
            self.bins,
            &rows,
            picked,
            self.growth,
            leaves,
            columns,
            is_stopped,
        )
    }
}

/// Some columns by chance, in order.
pub(super) fn choose(columns: &mut [usize], count: usize, rng: &mut impl Rng) -> Vec<usize> {
    for index in 0..count {
        let other = rng.random_range(index..columns.len());
        columns.swap(index, other);
    }
    let mut chosen = columns[..count].to_vec();
    chosen.sort_unstable();
    chosen
}
