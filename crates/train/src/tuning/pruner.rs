//! Which trials are ended early: by the median (Golovin et al. 2017), by asynchronous successive halving (Li et al.
//! 2020), by hyperband (Li et al. 2018). Median and halving decide as Optuna's pruners of the same settings;
//! halving is never synchronous, so that no trial waits for others.

use everloop_domain::search::Pruner;

use super::trial::Trial;

/// Decides for one trial, by what the trials before it went through.
#[derive(Clone, Debug)]
pub struct Judge {
    pruner: Pruner,
    number: usize,
    peers: Vec<Peer>,
    own: Vec<(u64, f64)>,
    /// Comparisons that this trial has passed.
    n_passed: u32,
    /// What turns values, as peers keep them, into losses.
    sign: f64,
}

/// What a trial before went through.
#[derive(Clone, Debug)]
struct Peer {
    number: usize,
    is_complete: bool,
    curve: Vec<(u64, f64)>,
}

/// Where trials are compared, at growing steps.
#[derive(Clone, Copy)]
struct Rungs {
    first: u64,
    factor: u64,
}

impl Judge {
    /// A judge of trial `number`. Trials that saw something else on their way are no peers.
    pub(super) fn new(pruner: Pruner, number: usize, ended: &[&Trial]) -> Self {
        let peers = ended.iter().filter(|trial| !trial.curve.is_empty());
        let peers = peers.map(|trial| Peer {
            number: trial.number,
            is_complete: trial.is_complete(),
            curve: trial.curve.clone(),
        });
        Self {
            peers: if pruner == Pruner::None {
                Vec::new()
            } else {
                peers.collect()
            },
            pruner,
            number,
            own: Vec::new(),
            n_passed: 0,
            sign: 1.0,
        }
    }

    /// Learns what was seen at a step (from 1) of `total`; gives whether the trial is to end.
    pub fn sees(&mut self, step: u64, total: u64, value: f64, is_maximized: bool) -> bool {
        self.sign = if is_maximized { -1.0 } else { 1.0 };
        let loss = self.sign * value;
        self.own.push((step, loss));
        match self.pruner {
            Pruner::None => false,
            Pruner::Median {
                startup_trials,
                warmup_steps,
            } => step >= warmup_steps as u64 && self.lags(step, startup_trials),
            Pruner::SuccessiveHalving {
                min_resource,
                reduction_factor,
            } => {
                let rungs = Rungs {
                    first: min_resource as u64,
                    factor: reduction_factor as u64,
                };
                self.is_halved(rungs, step, loss, |_| true)
            }
            Pruner::Hyperband {
                min_resource,
                reduction_factor,
            } => {
                let (first, factor) = (min_resource as u64, reduction_factor as u64);
                let brackets = Brackets::new(first, factor, total);
                let own = brackets.of(self.number);
                let rungs = Rungs {
                    first: first.saturating_mul(factor.saturating_pow(own)),
                    factor,
                };
                self.is_halved(rungs, step, loss, |number| brackets.of(number) == own)
            }
        }
    }

    /// Whether the best so far is worse than the median of the complete trials at this step.
    fn lags(&self, step: u64, startup_trials: usize) -> bool {
        let complete = || self.peers.iter().filter(|peer| peer.is_complete);
        if complete().count() < startup_trials.max(1) {
            return false;
        }
        let best = self
            .own
            .iter()
            .map(|(_, loss)| *loss)
            .fold(f64::NAN, f64::min);
        if best.is_nan() {
            return true;
        }
        let at = |peer: &Peer| {
            peer.curve
                .iter()
                .find(|(at, _)| *at == step)
                .map(|(_, value)| self.sign * value)
        };
        let others: Vec<f64> = complete()
            .filter_map(at)
            .filter(|loss| !loss.is_nan())
            .collect();
        median(others).is_some_and(|median| best > median)
    }

    /// Whether the trial is not among the best at a rung that it has come to.
    fn is_halved(
        &mut self,
        rungs: Rungs,
        step: u64,
        loss: f64,
        is_peer: impl Fn(usize) -> bool,
    ) -> bool {
        loop {
            let rung = rungs
                .first
                .saturating_mul(rungs.factor.saturating_pow(self.n_passed));
            if step < rung {
                return false;
            }
            if loss.is_nan() {
                return true;
            }
            let at = |peer: &Peer| {
                peer.curve
                    .iter()
                    .find(|(at, _)| *at >= rung)
                    .map(|(_, value)| self.sign * value)
            };
            let peers = self.peers.iter().filter(|peer| is_peer(peer.number));
            let mut all: Vec<f64> = peers.filter_map(at).filter(|loss| !loss.is_nan()).collect();
            all.push(loss);
            all.sort_by(f64::total_cmp);
            // The first few are never enough for a share: then the best of them goes on.
            let n_promoted = (all.len() / rungs.factor as usize).max(1);
            if loss > all[n_promoted - 1] {
                return true;
            }
            self.n_passed += 1;
        }
    }
}

/// The brackets of hyperband: each begins to compare later than the one before it, and has a share of the trials.
struct Brackets {
    /// How much each bracket gets; sums to 1.
    shares: Vec<f64>,
}

impl Brackets {
    fn new(first: u64, factor: u64, total: u64) -> Self {
        let mut count = 1;
        let mut reach = first.max(1).saturating_mul(factor);
        while reach <= total {
            count += 1;
            reach = reach.saturating_mul(factor);
        }
        let budget = |bracket: i32| {
            let left = f64::from(count - 1 - bracket);
            (f64::from(count) * (factor as f64).powf(left) / (left + 1.0)).ceil()
        };
        let budgets: Vec<f64> = (0..count).map(budget).collect();
        let sum: f64 = budgets.iter().sum();
        Self {
            shares: budgets.into_iter().map(|budget| budget / sum).collect(),
        }
    }

    /// The bracket of a trial. Numbers are spread by the golden ratio, so that all brackets fill evenly.
    fn of(&self, number: usize) -> u32 {
        let mut left = (number as f64 * 0.618_033_988_749_894_9).fract();
        let found = self.shares.iter().position(|share| {
            left -= share;
            left < 0.0
        });
        found.unwrap_or(self.shares.len() - 1) as u32
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[middle]),
        _ => Some(values[middle - 1].midpoint(values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_share_the_trials() {
        let brackets = Brackets::new(1, 3, 81);
        assert_eq!(brackets.shares.len(), 5);
        let mut counts = [0; 5];
        for number in 0..1000 {
            counts[brackets.of(number) as usize] += 1;
        }
        assert!(
            counts.windows(2).all(|two| two[0] >= two[1] && two[1] > 0),
            "{counts:?}"
        );
    }

    #[test]
    fn medians_need_values() {
        assert_eq!(median(Vec::new()), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![1.0, 2.0]), Some(1.5));
    }
}
