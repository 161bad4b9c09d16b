//! One decision tree.

use everloop_domain::Task;
use everloop_package::graph::TreeEnsemble;

use super::forest::{Lesson, link};
use super::{ALL_TASKS, Job, Trained, Trainer, shares};
use crate::encoder::Style;
use crate::model::TreeModel;
use crate::trees::prune::prune;
use crate::trees::{
    BINS, CRITERION, DEPTH, Ground, Growth, Leaves, MIN_GAIN, MIN_LEAF, bins, grow,
};
use crate::{Error, ParameterInfo, TrainerInfo};

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "tree",
        doc: "A decision tree on histograms; missing values go to the better side.",
        tasks: ALL_TASKS,
        parameters: &[
            DEPTH,
            ParameterInfo::integer(
                "max_leaves",
                (0.0, 1e6),
                0.0,
                "the most leaves, grown where most is gained; 0 means no bound",
            ),
            ParameterInfo {
                default: 5.0,
                ..MIN_LEAF
            },
            MIN_GAIN,
            CRITERION,
            ParameterInfo::number(
                "ccp_alpha",
                (0.0, 1e12),
                0.0,
                "what a leaf costs when the tree is pruned, as the mean impurity of a row",
            ),
            BINS,
            ParameterInfo::CLASS_WEIGHT,
        ],
    },
    style: Style::Binned,
    fit,
};

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    job.tell(0, 1, None)?;
    let bins = bins(job, 1)?;
    let lesson = Lesson::new(job);
    let alpha = job.parameters.number("ccp_alpha");
    let growth = Growth {
        n_threads: job.n_threads,
        is_pruned: alpha > 0.0,
        max_leaves: match job.parameters.integer("max_leaves") {
            0 => usize::MAX,
            count => count,
        },
        ..Growth::of(job)
    };
    let items = lesson.items(job, None);
    let all: Vec<usize> = (0..bins.n_columns()).collect();
    let ground = Ground {
        bins: &bins,
        growth: &growth,
        columns: &all,
        chance: None,
        leaves: Leaves {
            factor: 1.0,
            target: 0,
        },
    };
    let mut cancelled = Ok(());
    let mut grown = grow(ground, items, &mut || {
        cancelled = job.tell(0, 1, None);
        cancelled.is_err()
    });
    cancelled?;
    let whole = job.row_weights.iter().sum();
    prune(&mut grown, alpha, whole);
    job.tell(1, 1, None)?;
    Ok(Trained {
        importances: shares(&grown.gains_by_column(bins.n_columns())),
        model: Box::new(TreeModel {
            ensemble: TreeEnsemble {
                n_targets: lesson.base.len(),
                trees: vec![grown.tree],
            },
            base: lesson.base,
        }),
        link: link(job.task),
        notes: Vec::new(),
    })
}

impl Growth {
    /// What `tree` and `forest` have in common.
    pub(super) fn of(job: &Job<'_>) -> Self {
        let is_entropy = job.parameters.integer(CRITERION.name) == 1;
        Self {
            max_depth: job.parameters.integer("depth"),
            min_rows: job.parameters.integer("min_samples_leaf") as u32,
            min_gain: job.parameters.number("min_gain"),
            criterion: if is_entropy && job.task != Task::Regression {
                crate::trees::Criterion::Entropy
            } else {
                crate::trees::Criterion::Gini
            },
            ..Self::default()
        }
    }
}
