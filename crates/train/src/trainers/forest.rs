//! Random forest (Breiman 2001): trees on bootstrap samples, averaged.

use everloop_package::graph::{Tree, TreeEnsemble};
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{Job, Trained, negative_targets, shares};
use crate::Error;
use crate::model::{Link, Model};
use crate::trees::{Bins, Growth, Leaves, Rows, grow};

pub(super) fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let (gradients, n_targets) = negative_targets(job);
    let bins = Bins::new(job.design);
    let n_trees = job.parameters.integer("trees");
    let forest = Forest {
        bins: &bins,
        gradients: &gradients,
        n_targets,
        n_rows: job.design.n_rows,
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
    let mut trees = Vec::with_capacity(n_trees);
    let mut gains = vec![0.0; bins.n_columns()];
    while trees.len() < n_trees {
        let first = trees.len();
        for (tree, own) in forest.some(first, job.n_threads.max(1).min(n_trees - first)) {
            trees.push(tree);
            gains
                .iter_mut()
                .zip(own)
                .for_each(|(sum, gain)| *sum += gain);
        }
        job.tell(trees.len(), n_trees, None)?;
    }
    let model = Model::Trees {
        ensemble: TreeEnsemble { n_targets, trees },
        base: vec![0.0; n_targets],
    };
    let link = if job.task.is_classification() {
        Link::Shares
    } else {
        Link::Identity
    };
    Ok(Trained {
        model,
        link,
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
        (false, false) => n_columns as f64 / 3.0,
    };
    (count.ceil() as usize).clamp(1, n_columns)
}

struct Forest<'a> {
    bins: &'a Bins,
    gradients: &'a [f64],
    n_targets: usize,
    n_rows: usize,
    n_candidates: usize,
    growth: Growth,
    factor: f64,
    seed: u64,
}

impl Forest<'_> {
    /// Some trees, one a thread; each has its own seed, so the forest does not depend on how many threads there are.
    fn some(&self, first: usize, count: usize) -> Vec<(Tree, Vec<f64>)> {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (first..first + count)
                .map(|number| scope.spawn(move || self.tree(number)))
                .collect();
            workers
                .into_iter()
                .filter_map(|worker| worker.join().ok())
                .collect()
        })
    }

    fn tree(&self, number: usize) -> (Tree, Vec<f64>) {
        let mut rng = ChaCha8Rng::seed_from_u64(
            self.seed
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .wrapping_add(number as u64),
        );
        let mut weights = vec![0.0; self.n_rows];
        for _ in 0..self.n_rows {
            weights[rng.random_range(0..self.n_rows)] += 1.0;
        }
        let picked: Vec<u32> = (0..self.n_rows as u32)
            .filter(|row| weights[*row as usize] > 0.0)
            .collect();
        let gradients: Vec<f64> = self
            .gradients
            .iter()
            .enumerate()
            .map(|(at, gradient)| gradient * weights[at / self.n_targets])
            .collect();
        let rows = Rows {
            gradients: &gradients,
            weights: &weights,
            n_targets: self.n_targets,
        };
        let mut gains = vec![0.0; self.bins.n_columns()];
        let mut columns: Vec<usize> = (0..self.bins.n_columns()).collect();
        let leaves = Leaves {
            factor: self.factor,
            target: 0,
        };
        let mut choose = || choose(&mut columns, self.n_candidates, &mut rng);
        let tree = grow(
            self.bins,
            &rows,
            picked,
            self.growth,
            leaves,
            &mut choose,
            &mut gains,
        );
        (tree, gains)
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
