//! The tree-structured Parzen estimator, multivariate and by groups (Bergstra et al. 2011; Falkner et al. 2018; Watanabe
//! 2023; the best tenth, 24 candidates and widths by the neighbours are the settings of Optuna's sampler).
//!
//! Trials are divided into the best and the others; each part is a mixture of kernels, one a trial, and a prior. Of some
//! points drawn from the density of the best, the one that is likeliest against the others is taken. Dimensions that apply
//! under the same conditions are modelled together, each group on the trials in which it applied.

mod parzen;

use rand::Rng;

use super::pareto::ordered;
use super::space::{Point, Space};
use super::trial::Trial;
use parzen::Parzen;

/// So many trials are drawn by chance first.
const N_STARTUP: usize = 10;
/// Points that are drawn from the density of the best.
const N_CANDIDATES: usize = 24;
/// The share of trials that count as the best, and how many at most.
const BEST_SHARE: f64 = 0.1;
const MAX_BEST: usize = 25;

/// What is known when a point is to be chosen.
pub(super) struct History<'a> {
    /// Trials that have ended, by number.
    pub(super) ended: &'a [&'a Trial],
    /// Points whose outcome is not known yet.
    pub(super) pending: &'a [Point],
    /// Of each objective, whether more is better.
    pub(super) is_maximized: &'a [bool],
}

pub(super) fn choose(space: &Space, history: &History<'_>, rng: &mut impl Rng) -> Point {
    let order = ordered(history.ended, history.is_maximized);
    if order.len() < N_STARTUP {
        return space.draw(rng);
    }
    let mut point: Point = vec![None; space.axes.len()];
    for group in space.groups() {
        if !group.applies(&point) {
            continue;
        }
        let found = order.iter().filter_map(|place| {
            let trial = history.ended[*place];
            Some((trial.number, group.values(&trial.point)?))
        });
        let found: Vec<(usize, Vec<f64>)> = found.collect();
        let n_best = ((BEST_SHARE * found.len() as f64).ceil() as usize).min(MAX_BEST);
        let (best, others) = found.split_at(n_best);
        let mut others: Vec<(usize, Vec<f64>)> = others.to_vec();
        // What failed, and what is under way, is nothing to come near to.
        let failed = history
            .ended
            .iter()
            .filter(|trial| trial.state == super::TrialState::Failed);
        others.extend(failed.filter_map(|trial| Some((trial.number, group.values(&trial.point)?))));
        others.extend(
            history
                .pending
                .iter()
                .filter_map(|point| Some((usize::MAX, group.values(point)?))),
        );
        let axes: Vec<_> = group
            .members
            .iter()
            .map(|member| &space.axes[*member])
            .collect();
        let best = Parzen::new(&axes, best, found.len());
        let others = Parzen::new(&axes, &others, others.len());
        let values = likeliest(&best, &others, rng);
        for (member, value) in group.members.iter().zip(values) {
            point[*member] = Some(value);
        }
    }
    point
}

fn likeliest(best: &Parzen<'_>, others: &Parzen<'_>, rng: &mut impl Rng) -> Vec<f64> {
    let mut found: (f64, Vec<f64>) = (f64::NEG_INFINITY, best.draw(rng));
    for _ in 0..N_CANDIDATES {
        let values = best.draw(rng);
        let ratio = best.log_density(&values) - others.log_density(&values);
        if ratio > found.0 {
            found = (ratio, values);
        }
    }
    found.1
}
