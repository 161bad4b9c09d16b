//! Ridge regression: `(X'X + l2 I) w = X'y` on scaled inputs, solved by faer's Cholesky factorisation.

use faer::prelude::Solve as _;
use faer::{Mat, Side};

use super::{Job, Trained, shares};
use crate::Error;
use crate::encoder::Design;
use crate::model::{Link, Model};

pub(super) fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let design = job.design;
    let mean = job.target.iter().sum::<f64>() / job.target.len() as f64;
    let residuals: Vec<f64> = job.target.iter().map(|value| value - mean).collect();
    let l2 = job.parameters.number("l2").max(1e-10) * design.n_rows as f64;
    let weights = vec![1.0; design.n_rows];
    let solution = weighted_ridge(design, &weights, &residuals, l2)?;
    job.tell(1, 1, None)?;
    let importances = shares(
        &solution[..design.n_columns]
            .iter()
            .map(|weight| weight.abs())
            .collect::<Vec<_>>(),
    );
    let bias = mean + solution[design.n_columns];
    let model = Model::Linear {
        weights: solution[..design.n_columns].to_vec(),
        bias: vec![bias],
    };
    Ok(Trained {
        model,
        link: Link::Identity,
        importances,
        notes: Vec::new(),
    })
}

/// The weights that minimise `sum of weight (target - x w - b)^2 + l2 |w|^2`; the last one is `b`, which is not penalised.
pub(super) fn weighted_ridge(
    design: &Design,
    weights: &[f64],
    targets: &[f64],
    l2: f64,
) -> Result<Vec<f64>, Error> {
    let size = design.n_columns + 1;
    let mut normal = Mat::<f64>::zeros(size, size);
    let mut right = Mat::<f64>::zeros(size, 1);
    let mut row_values = vec![1.0; size];
    let mut sums = vec![0.0; size * size];
    for (row, values) in design.values.chunks(design.n_columns.max(1)).enumerate() {
        row_values[..design.n_columns].copy_from_slice(values);
        let weight = weights[row];
        for i in 0..size {
            let scaled = weight * row_values[i];
            if scaled != 0.0 {
                let line = &mut sums[i * size..=i * size + i];
                line.iter_mut()
                    .zip(&row_values)
                    .for_each(|(sum, value)| *sum += scaled * value);
                right[(i, 0)] += scaled * targets[row];
            }
        }
    }
    for i in 0..size {
        for j in 0..=i {
            normal[(i, j)] = sums[i * size + j];
            normal[(j, i)] = sums[i * size + j];
        }
        normal[(i, i)] += if i + 1 < size { l2 } else { 1e-12 };
    }
    let factor = normal.llt(Side::Lower).map_err(|_| Error::Diverged {
        trainer: "linear",
        step: 0,
        hint: "columns depend on each other: raise `l2` or exclude one",
    })?;
    let solution = factor.solve(&right);
    Ok((0..size).map(|i| solution[(i, 0)]).collect())
}
