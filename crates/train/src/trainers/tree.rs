//! One decision tree.

use everloop_package::graph::TreeEnsemble;

use super::{ALL_TASKS, Job, Trained, Trainer, negative_targets, shares, tree_link};
use crate::encoder::Style;
use crate::model::TreeModel;
use crate::trees::{Bins, Columns, DEPTH, Growth, Leaves, MIN_LEAF, Rows, grow};
use crate::{Error, ParameterInfo, TrainerInfo};

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "tree",
        doc: "A decision tree on histograms; missing values go to the better side.",
        tasks: ALL_TASKS,
        parameters: &[
            DEPTH,
            ParameterInfo {
                default: 5.0,
                ..MIN_LEAF
            },
            ParameterInfo::CLASS_WEIGHT,
        ],
    },
    style: Style::Raw,
    fit,
};

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    job.tell(0, 1, None)?;
    let (gradients, n_targets) = negative_targets(job);
    let bins = Bins::new(job.design);
    let rows = Rows {
        gradients: &gradients,
        weights: &job.row_weights.clone(),
        n_targets,
    };
    let growth = Growth {
        max_depth: job.parameters.integer("depth"),
        min_rows: job.parameters.integer("min_samples_leaf"),
        min_weight: 0.0,
        l2: 0.0,
        n_threads: job.n_threads,
    };
    let picked = (0..job.design.n_rows as u32).collect();
    let all: Vec<usize> = (0..bins.n_columns()).collect();
    let leaves = Leaves {
        factor: 1.0,
        target: 0,
    };
    let mut is_stopped = || job.tell(0, 1, None).is_err();
    let grown = grow(
        &bins,
        &rows,
        picked,
        growth,
        leaves,
        Columns::Same(&all),
        &mut is_stopped,
    );
    job.tell(1, 1, None)?;
    Ok(Trained {
        model: Box::new(TreeModel {
            ensemble: TreeEnsemble {
                n_targets,
                trees: vec![grown.tree],
            },
            base: vec![0.0; n_targets],
        }),
        link: tree_link(job.task),
        importances: shares(&grown.gains),
        notes: Vec::new(),
    })
}
