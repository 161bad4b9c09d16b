//! One decision tree.

use everloop_package::graph::TreeEnsemble;

use super::{Job, Trained, negative_targets, shares};
use crate::Error;
use crate::model::{Link, Model};
use crate::trees::{Bins, Growth, Leaves, Rows, grow};

pub(super) fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let (gradients, n_targets) = negative_targets(job);
    let bins = Bins::new(job.design);
    let weights = vec![1.0; job.design.n_rows];
    let rows = Rows {
        gradients: &gradients,
        weights: &weights,
        n_targets,
    };
    let growth = Growth {
        max_depth: job.parameters.integer("depth"),
        min_rows: job.parameters.integer("min_samples_leaf"),
        min_weight: 0.0,
        l2: 0.0,
        n_threads: job.n_threads,
    };
    let mut gains = vec![0.0; bins.n_columns()];
    let picked = (0..job.design.n_rows as u32).collect();
    let all: Vec<usize> = (0..bins.n_columns()).collect();
    let leaves = Leaves {
        factor: 1.0,
        target: 0,
    };
    let tree = grow(
        &bins,
        &rows,
        picked,
        growth,
        leaves,
        &mut || all.clone(),
        &mut gains,
    );
    job.tell(1, 1, None)?;
    let model = Model::Trees {
        ensemble: TreeEnsemble {
            n_targets,
            trees: vec![tree],
        },
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
