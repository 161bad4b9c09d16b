//! How a tree may grow, and what its leaves are.

/// How the classes of a side are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Criterion {
    Gini,
    Entropy,
}

/// How a tree may grow.
#[derive(Clone, Debug)]
pub(crate) struct Growth {
    pub(crate) max_depth: usize,
    /// Leaves at most, grown where most is gained; without a bound all nodes are split that can be.
    pub(crate) max_leaves: usize,
    pub(crate) min_rows: u32,
    pub(crate) min_weight: f64,
    pub(crate) min_gain: f64,
    pub(crate) l1: f64,
    pub(crate) l2: f64,
    pub(crate) criterion: Criterion,
    /// By column 1 where predictions may only grow with it, -1 where they may only fall; none if no column has one.
    pub(crate) monotone: Vec<i8>,
    /// Whether nodes that are split are kept as leaves too.
    pub(crate) is_pruned: bool,
    pub(crate) n_threads: usize,
}

impl Default for Growth {
    fn default() -> Self {
        Self {
            max_depth: usize::MAX,
            max_leaves: usize::MAX,
            min_rows: 1,
            min_weight: 0.0,
            min_gain: 0.0,
            l1: 0.0,
            l2: 0.0,
            criterion: Criterion::Gini,
            monotone: Vec::new(),
            is_pruned: false,
            n_threads: 1,
        }
    }
}

impl Growth {
    fn drawn(&self, gradient: f64) -> f64 {
        if self.l1 > 0.0 {
            gradient.signum() * (gradient.abs() - self.l1).max(0.0)
        } else {
            gradient
        }
    }

    /// The best value for sums of gradients and weights, within bounds.
    #[inline]
    pub(super) fn value(&self, gradient: f64, weight: f64, (low, high): (f64, f64)) -> f64 {
        let weight = weight + self.l2;
        if weight > 0.0 {
            (-self.drawn(gradient) / weight).clamp(low, high)
        } else {
            0.0
        }
    }

    /// What rows are worth that have their best value.
    #[inline]
    pub(super) fn worth(&self, gradient: f64, weight: f64) -> f64 {
        let (gradient, weight) = (self.drawn(gradient), weight + self.l2);
        if weight > 0.0 {
            gradient * gradient / weight
        } else {
            0.0
        }
    }

    /// What rows are worth that have another value.
    #[inline]
    pub(super) fn worth_of(&self, value: f64, gradient: f64, weight: f64) -> f64 {
        -(2.0 * gradient * value + (weight + self.l2) * value * value + 2.0 * self.l1 * value.abs())
    }
}
