//! Random forest (Breiman 2001) and extremely randomised trees (Geurts et al. 2006), averaged.

mod bag;

use std::sync::Mutex;

use everloop_domain::Task;
use everloop_package::graph::TreeEnsemble;
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{ALL_TASKS, Job, Trained, Trainer, shares, tree_link};
use crate::encoder::Style;
use crate::model::{Link, TreeModel};
use crate::trees::crew::together;
use crate::trees::{
    BINS, Bins, CRITERION, Chance, DEPTH, Ground, Grown, Growth, Items, Kind, Leaves, MIN_GAIN,
    MIN_LEAF, Units, bins, grow,
};
use crate::{Error, ParameterInfo, TrainerInfo};
use bag::OutOfBag;

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "forest",
        doc: "A random forest: trees on bootstrap samples, each split among a random share of the inputs; with \
              `splitter: random` extremely randomised trees.",
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
            ParameterInfo::choice(
                "splitter",
                &["best", "random"],
                "where a column is cut: where most is gained, or by chance (extra trees, usually with `bootstrap: false`)",
            ),
            ParameterInfo::choice(
                "bootstrap",
                &["true", "false"],
                "whether each tree sees rows drawn with replacement; without, it sees all, and there is no out-of-bag score",
            ),
            ParameterInfo::number(
                "max_samples",
                (0.001, 1.0),
                1.0,
                "how many rows are drawn for a tree, as a share of all",
            ),
            MIN_GAIN,
            CRITERION,
            BINS,
            ParameterInfo::CLASS_WEIGHT,
        ],
    },
    style: Style::Binned,
    fit,
};

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let n_trees = job.parameters.integer("trees");
    job.tell(0, n_trees, None)?;
    let bins = bins(job, job.n_threads.clamp(1, n_trees))?;
    let lesson = Lesson::new(job);
    let is_bagged = job.parameters.integer("bootstrap") == 0;
    let out_of_bag = is_bagged.then(|| Mutex::new(OutOfBag::new(job, &lesson)));
    let forest = Forest {
        whole: (!is_bagged).then(|| lesson.items(job, None)),
        bins: &bins,
        growth: Growth::of(job),
        n_candidates: candidates(job, bins.n_columns()),
        cuts_by_chance: job.parameters.integer("splitter") == 1,
        n_drawn: share_of(job.parameters.number("max_samples"), job.target.len()),
        factor: 1.0 / n_trees as f64,
        seed: job.seed,
    };
    let grown = {
        let (target, row_weights) = (job.target, job.row_weights.clone());
        let sample = Sample {
            target,
            row_weights: &row_weights,
        };
        let make = |number: usize, is_stopped: &mut dyn FnMut() -> bool| {
            forest.tree(number, &lesson, &sample, out_of_bag.as_ref(), is_stopped)
        };
        together(n_trees, job.n_threads, &make, &mut |made| {
            job.tell(made, n_trees, None)
        })?
    };
    let mut gains = vec![0.0; bins.n_columns()];
    let mut trees = Vec::with_capacity(n_trees);
    for (tree, own) in grown {
        gains
            .iter_mut()
            .zip(own)
            .for_each(|(sum, gain)| *sum += gain);
        trees.push(tree);
    }
    let mut notes = Vec::new();
    if let Some(out_of_bag) = out_of_bag {
        let score = out_of_bag
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .score(job, &lesson);
        if let Some((name, value, n_rows)) = score {
            notes.push(format!("out-of-bag {name} {value:.4} on {n_rows} rows"));
            job.tell(
                n_trees,
                n_trees,
                Some((format!("out_of_bag_{name}"), value)),
            )?;
        }
    }
    Ok(Trained {
        model: Box::new(TreeModel {
            ensemble: TreeEnsemble {
                n_targets: lesson.base.len(),
                trees,
            },
            base: lesson.base,
        }),
        link: link(job.task),
        importances: shares(&gains),
        notes,
    })
}

/// What trees of means and shares end in: of two classes their leaves hold the share of the positive one alone.
pub(super) fn link(task: Task) -> Link {
    match task {
        Task::Binary => Link::Identity,
        _ => tree_link(task),
    }
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

fn share_of(share: f64, n_rows: usize) -> usize {
    ((share * n_rows as f64).round() as usize).clamp(1, n_rows)
}

/// What single trees learn: classes, or how far values are from their mean.
pub(super) struct Lesson {
    kind: Kind,
    /// What is added to the sum of trees, by target.
    pub(super) base: Vec<f64>,
    max_gradient: f64,
    max_weight: f64,
}

/// The target and the weights of all train rows.
struct Sample<'a> {
    target: &'a [f64],
    row_weights: &'a [f64],
}

impl Lesson {
    pub(super) fn new(job: &Job<'_>) -> Self {
        let weights = &job.row_weights;
        let max_weight = weights.iter().copied().fold(0.0, f64::max);
        if job.task.is_classification() {
            return Self {
                kind: Kind::Classes(job.n_classes),
                base: vec![0.0; if job.n_classes == 2 { 1 } else { job.n_classes }],
                max_gradient: 0.0,
                max_weight,
            };
        }
        let rows = || job.target.iter().zip(weights);
        let mean =
            rows().map(|(value, weight)| value * weight).sum::<f64>() / weights.iter().sum::<f64>();
        let gradients = rows().map(|(value, weight)| (value - mean).abs() * weight);
        Self {
            kind: Kind::Moments,
            base: vec![mean],
            max_gradient: gradients.fold(0.0, f64::max),
            max_weight,
        }
    }

    /// The rows of a tree: all of them, or those that were drawn, as often as they were.
    pub(super) fn items(&self, job: &Job<'_>, draws: Option<&[u16]>) -> Items {
        let sample = Sample {
            target: job.target,
            row_weights: &job.row_weights,
        };
        self.drawn(&sample, draws)
    }

    fn drawn(&self, sample: &Sample<'_>, draws: Option<&[u16]>) -> Items {
        let most = draws
            .and_then(|draws| draws.iter().max())
            .map_or(1.0, |most| f64::from(*most));
        let n_rows = sample.target.len();
        let units = Units::new(
            self.kind,
            n_rows,
            self.max_gradient * most,
            self.max_weight * most,
        );
        let count = |row: usize| draws.map_or(1.0, |draws| f64::from(draws[row]));
        let rows: Vec<u32> = (0..n_rows as u32)
            .filter(|row| count(*row as usize) > 0.0)
            .collect();
        let value = |row: &u32| {
            let row = *row as usize;
            let (target, weight) = (sample.target[row], sample.row_weights[row] * count(row));
            match self.kind {
                Kind::Moments => units.moments((self.base[0] - target) * weight, weight),
                Kind::Classes(_) => units.class(target as usize, weight),
            }
        };
        let values = rows.clone();
        Items::new(units, rows, values.iter().map(value))
    }
}

struct Forest<'a> {
    /// The rows of every tree, if none are drawn.
    whole: Option<Items>,
    bins: &'a Bins,
    growth: Growth,
    n_candidates: usize,
    cuts_by_chance: bool,
    n_drawn: usize,
    factor: f64,
    seed: u64,
}

impl Forest<'_> {
    /// A tree and what its columns have gained.
    fn tree(
        &self,
        number: usize,
        lesson: &Lesson,
        sample: &Sample<'_>,
        out_of_bag: Option<&Mutex<OutOfBag>>,
        is_stopped: &mut dyn FnMut() -> bool,
    ) -> (everloop_package::graph::Tree, Vec<f64>) {
        let seed = self
            .seed
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(number as u64);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let n_rows = sample.target.len();
        let draws = out_of_bag.map(|_| draw(n_rows, self.n_drawn, &mut rng));
        let items = match &self.whole {
            Some(items) => items.clone(),
            None => lesson.drawn(sample, draws.as_deref()),
        };
        let columns: Vec<usize> = (0..self.bins.n_columns()).collect();
        let has_chance = self.cuts_by_chance || self.n_candidates < columns.len();
        let ground = Ground {
            bins: self.bins,
            growth: &self.growth,
            columns: &columns,
            chance: has_chance.then_some(Chance {
                rng,
                n_candidates: self.n_candidates,
                cuts: self.cuts_by_chance,
            }),
            leaves: Leaves {
                factor: self.factor,
                target: 0,
            },
        };
        let mut grown: Grown = grow(ground, items, is_stopped);
        grown.tree.nodes.shrink_to_fit();
        if let (Some(out_of_bag), Some(draws)) = (out_of_bag, draws) {
            let own = bag::scores(&grown, self.bins, &draws, self.factor);
            let mut all = out_of_bag
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            all.add(&own);
        }
        let gains = grown.gains_by_column(columns.len());
        (grown.tree, gains)
    }
}

/// How often each row is drawn, with replacement.
fn draw(n_rows: usize, n_drawn: usize, rng: &mut impl Rng) -> Vec<u16> {
    let mut draws = vec![0_u16; n_rows];
    for _ in 0..n_drawn {
        let row = &mut draws[rng.random_range(0..n_rows)];
        *row = row.saturating_add(1);
    }
    draws
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
