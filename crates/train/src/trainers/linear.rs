//! Ridge regression on centred inputs, solved by faer's Cholesky factorisation.

use everloop_domain::Task;
use faer::linalg::solvers::Solve as _;
use faer::{Mat, Side};

use super::{Job, Trained, Trainer, shares};
use crate::encoder::{Design, Style};
use crate::model::{LinearModel, Link};
use crate::{Error, ParameterInfo, TrainerInfo};

/// The largest system of equations, in bytes.
const MAX_SYSTEM_BYTES: usize = 8 << 30;

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "linear",
        doc: "Linear regression with L2 penalty (ridge), solved exactly.",
        tasks: &[Task::Regression],
        parameters: &[ParameterInfo::number(
            "l2",
            (0.0, 1e9),
            1e-6,
            "the penalty on squared weights of scaled inputs",
        )],
    },
    style: Style::Scaled,
    fit,
};

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let design = job.design;
    job.tell(0, 1, None)?;
    // Even without a penalty, columns may depend on each other: the least one makes the solution unique.
    let l2 = job.parameters.number("l2").max(1e-10) * design.n_rows as f64;
    let solution = ridge("linear", design, (&job.row_weights, job.target), l2)?;
    job.tell(1, 1, None)?;
    let (weights, bias) = solution.split_at(design.n_columns);
    Ok(Trained {
        importances: shares(&sizes(design, weights, 1)),
        model: Box::new(LinearModel {
            weights: weights.to_vec(),
            bias: bias.to_vec(),
        }),
        link: Link::Identity,
        notes: Vec::new(),
    })
}

/// How far each column moves the scores: the sizes of its weights times its deviation.
pub(super) fn sizes(design: &Design, weights: &[f64], n_targets: usize) -> Vec<f64> {
    let count = design.n_rows as f64;
    let moments = |column: usize| {
        let values = design.values.iter().skip(column).step_by(design.n_columns);
        let mean = values.clone().sum::<f64>() / count;
        (values.map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
    };
    weights
        .chunks(n_targets)
        .enumerate()
        .map(|(column, weights)| {
            weights.iter().map(|weight| weight.abs()).sum::<f64>() * moments(column)
        })
        .collect()
}

/// The weights `w` that minimise `sum of weight (target - x w - b)^2 + l2 |w|^2`, and `b`, which is not penalised.
///
/// With `Z` the centred rows times the roots of their weights, `w` solves `(Z'Z + l2 I) w = Z'y`, or, where there are
/// fewer rows than columns, is `Z'a` for the `a` that solves `(ZZ' + l2 I) a = y`.
pub(super) fn ridge(
    trainer: &'static str,
    design: &Design,
    (weights, targets): (&[f64], &[f64]),
    l2: f64,
) -> Result<Vec<f64>, Error> {
    let singular = || Error::Diverged {
        trainer,
        step: 0,
        hint: "columns are too large or depend on each other: raise `l2` or exclude some",
    };
    let (n_rows, n_columns) = (design.n_rows, design.n_columns);
    let size = n_rows.min(n_columns);
    check_size(size)?;
    let sum: f64 = weights.iter().sum();
    let mut means = vec![0.0; n_columns];
    for (values, weight) in design.values.chunks(n_columns).zip(weights) {
        means
            .iter_mut()
            .zip(values)
            .for_each(|(mean, value)| *mean += weight / sum * value);
    }
    let pairs = weights.iter().zip(targets);
    let mean_target = pairs.map(|(weight, target)| weight * target).sum::<f64>() / sum;
    let z = Mat::from_fn(n_rows, n_columns, |row, column| {
        weights[row].sqrt() * (design.values[row * n_columns + column] - means[column])
    });
    let y = Mat::from_fn(n_rows, 1, |row, _| {
        weights[row].sqrt() * (targets[row] - mean_target)
    });
    let solution = if n_columns <= n_rows {
        solve(z.transpose() * &z, &(z.transpose() * &y), l2)
    } else {
        solve(&z * z.transpose(), &y, l2).map(|dual| z.transpose() * dual)
    };
    let solution = solution.ok_or_else(singular)?;
    let mut solution: Vec<f64> = (0..n_columns).map(|column| solution[(column, 0)]).collect();
    let offset: f64 = solution
        .iter()
        .zip(&means)
        .map(|(weight, mean)| weight * mean)
        .sum();
    solution.push(mean_target - offset);
    if solution.iter().all(|value| value.is_finite()) {
        Ok(solution)
    } else {
        Err(singular())
    }
}

/// Nothing if the system has no unique solution.
fn solve(mut system: Mat<f64>, right: &Mat<f64>, l2: f64) -> Option<Mat<f64>> {
    for at in 0..system.nrows() {
        system[(at, at)] += l2;
    }
    let factor = system.llt(Side::Lower).ok()?;
    Some(factor.solve(right))
}

fn check_size(size: usize) -> Result<(), Error> {
    let n_bytes = 2 * size * size * size_of::<f64>();
    if n_bytes <= MAX_SYSTEM_BYTES {
        return Ok(());
    }
    Err(Error::Inputs(format!(
        "{size} equations need {} GiB, at most {} GiB are used; exclude columns, or take `boosting`",
        n_bytes >> 30,
        MAX_SYSTEM_BYTES >> 30
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn design(n_columns: usize, values: &[f64]) -> Design {
        Design {
            values: values.to_vec(),
            n_rows: values.len() / n_columns,
            n_columns,
        }
    }

    #[track_caller]
    fn check(design: &Design, targets: &[f64], l2: f64, expected: &[f64]) {
        let weights = vec![1.0; targets.len()];
        let found = ridge("linear", design, (&weights, targets), l2).unwrap();
        let is_near = found
            .iter()
            .zip(expected)
            .all(|(found, expected)| (found - expected).abs() < 1e-6);
        assert!(is_near && found.len() == expected.len(), "{found:?}");
    }

    #[test]
    fn a_line_is_found() {
        check(
            &design(1, &[0.0, 1.0, 2.0]),
            &[1.0, 3.0, 5.0],
            1e-9,
            &[2.0, 1.0],
        );
    }

    #[test]
    fn the_penalty_shrinks_by_the_formula() {
        // Centred x'x = 2 and x'y = 4, so w = 4 / (2 + 2).
        check(
            &design(1, &[0.0, 1.0, 2.0]),
            &[1.0, 3.0, 5.0],
            2.0,
            &[1.0, 2.0],
        );
    }

    #[test]
    fn more_columns_than_rows_share_the_weight() {
        let wide = design(3, &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        check(&wide, &[1.0, 7.0], 1e-9, &[2.0, 2.0, 2.0, 1.0]);
    }

    #[test]
    fn weights_count_as_repeated_rows() {
        let once = design(1, &[0.0, 1.0, 3.0]);
        let found = ridge("linear", &once, (&[1.0, 2.0, 1.0], &[0.0, 2.0, 3.0]), 0.5).unwrap();
        check(
            &design(1, &[0.0, 1.0, 1.0, 3.0]),
            &[0.0, 2.0, 2.0, 3.0],
            0.5,
            &found,
        );
    }

    #[test]
    fn numbers_beyond_reason_are_an_error() {
        let huge = design(1, &[1e300, -1e300, 1e300]);
        let error = ridge("linear", &huge, (&[1.0; 3], &[1.0, 2.0, 3.0]), 1.0).unwrap_err();
        assert!(
            error.to_string().starts_with("`linear` diverged at step 0"),
            "{error}"
        );
    }

    #[test]
    fn a_system_beyond_memory_is_refused_with_its_size() {
        let error = check_size(40_000).unwrap_err().to_string();
        assert!(
            error.contains("40000 equations need 23 GiB, at most 8 GiB"),
            "{error}"
        );
    }
}
