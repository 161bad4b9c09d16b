//! Minima of quadratic functions, with penalties.
//!
//! Smooth ones by a Cholesky factorisation; where columns depend on each other, by the eigenvalues that are not zero,
//! which gives the shortest of all minima. With an L1 penalty by cyclic coordinate descent with covariance updates and
//! an active set (Friedman, Hastie and Tibshirani 2010, section 2.2).

use everloop_package::lanes::settle;
use faer::linalg::solvers::{Llt, SelfAdjointEigen, Solve as _};
use faer::{Mat, Side};

use super::{add, dot};
use crate::Error;

/// A pivot that keeps less than this share of its column says that columns nearly depend on each other.
const LEAST_PIVOT: f64 = 1e-8;
/// Eigenvalues below this share of the greatest are rounding errors of zero.
const ZERO: f64 = 1e-12;
/// Those below this share have lost digits.
const DOUBTFUL: f64 = 1e-7;

/// `l1 |w|_1 + l2 / 2 |w|^2` of the first places.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Penalty {
    pub(crate) l1: f64,
    pub(crate) l2: f64,
    /// Places that are penalised: the first ones.
    pub(crate) n_places: usize,
}

impl Penalty {
    pub(crate) fn of(&self, place: &[f64]) -> f64 {
        let penalised = &place[..self.n_places];
        let sizes: f64 = penalised.iter().map(|value| value.abs()).sum();
        self.l1 * sizes + self.l2 / 2.0 * dot(penalised, penalised)
    }

    /// L1 and L2 at a place.
    fn at(&self, place: usize) -> (f64, f64) {
        if place < self.n_places {
            (self.l1, self.l2)
        } else {
            (0.0, 0.0)
        }
    }
}

/// `w'Qw / 2 - q'w` with a penalty on `w`.
#[derive(Clone, Debug)]
pub(crate) struct Quadratic {
    /// `Q`, both halves.
    pub(crate) matrix: Mat<f64>,
    /// `q`.
    pub(crate) linear: Vec<f64>,
    pub(crate) penalty: Penalty,
}

/// Where coordinate descent ended.
#[derive(Clone, Debug)]
pub(crate) struct Solution {
    pub(crate) place: Vec<f64>,
    pub(crate) is_converged: bool,
}

/// `Q + l2 I`, ready to be solved for any right side.
#[derive(Debug)]
pub(crate) enum Factor {
    Cholesky(Llt<f64>),
    Eigen {
        factor: SelfAdjointEigen<f64>,
        /// Whether small eigenvalues have lost digits, so that the solution wants to be refined.
        is_doubtful: bool,
    },
}

impl Factor {
    pub(crate) fn is_doubtful(&self) -> bool {
        matches!(
            self,
            Self::Eigen {
                is_doubtful: true,
                ..
            }
        )
    }

    /// The solution; the shortest if there are many.
    pub(crate) fn solve(&self, right: &[f64]) -> Vec<f64> {
        let size = right.len();
        let right = Mat::from_fn(size, 1, |row, _| right[row]);
        let solution = match self {
            Self::Cholesky(factor) => factor.solve(&right),
            Self::Eigen { factor, .. } => {
                let values = factor.S().column_vector();
                let least = ZERO * values[size - 1];
                let mut shares = factor.U().transpose() * &right;
                for place in 0..size {
                    let value = values[place];
                    shares[(place, 0)] *= if value > least { 1.0 / value } else { 0.0 };
                }
                factor.U() * shares
            }
        };
        settle();
        solution.col_as_slice(0).to_vec()
    }
}

impl Quadratic {
    /// A quadratic function from the lower half of its matrix.
    pub(crate) fn of_lower(mut matrix: Mat<f64>, linear: Vec<f64>, penalty: Penalty) -> Self {
        for column in 0..matrix.ncols() {
            for row in column + 1..matrix.nrows() {
                matrix[(column, row)] = matrix[(row, column)];
            }
        }
        Self {
            matrix,
            linear,
            penalty,
        }
    }

    /// Without the L1 penalty; nothing if the numbers are beyond reason.
    pub(crate) fn factor(&self) -> Option<Factor> {
        let factor = self.factored();
        settle();
        factor
    }

    fn factored(&self) -> Option<Factor> {
        let mut matrix = self.matrix.clone();
        for place in 0..matrix.nrows() {
            matrix[(place, place)] += self.penalty.at(place).1;
        }
        if let Ok(factor) = matrix.llt(Side::Lower) {
            let pivots = (0..matrix.nrows()).map(|at| factor.L()[(at, at)].powi(2));
            let mut shares = pivots.zip(0..).map(|(pivot, at)| pivot / matrix[(at, at)]);
            if shares.all(|share| share > LEAST_PIVOT) {
                return Some(Factor::Cholesky(factor));
            }
        }
        let factor = matrix.self_adjoint_eigen(Side::Lower).ok()?;
        let values = factor.S().column_vector();
        let greatest = values[matrix.nrows() - 1];
        let doubtful = ZERO * greatest..DOUBTFUL * greatest;
        let is_doubtful = (0..matrix.nrows()).any(|at| doubtful.contains(&values[at]));
        (greatest > 0.0).then_some(Factor::Eigen {
            factor,
            is_doubtful,
        })
    }

    /// Coordinate descent from `start` until no slope is greater than `tolerance`, in at most so many sweeps; `tell`
    /// learns sweep and value, and may cancel.
    pub(crate) fn descend(
        &self,
        start: Vec<f64>,
        tolerance: f64,
        n_sweeps: usize,
        tell: &mut dyn FnMut(usize, f64) -> Result<(), Error>,
    ) -> Result<Solution, Error> {
        let size = start.len();
        let mut descent = Descent {
            quadratic: self,
            slopes: self.linear.iter().map(|value| -value).collect(),
            place: start,
        };
        for at in 0..size {
            let value = descent.place[at];
            if value != 0.0 {
                add(&mut descent.slopes, value, self.matrix.col_as_slice(at));
            }
        }
        let mut is_full = true;
        for sweep in 1..=n_sweeps {
            let slope = descent.sweep(is_full);
            tell(sweep, descent.value())?;
            if slope <= tolerance && is_full {
                return Ok(Solution {
                    place: descent.place,
                    is_converged: true,
                });
            }
            // The places that are not zero first, until they rest; then all again.
            is_full = slope <= tolerance;
        }
        Ok(Solution {
            place: descent.place,
            is_converged: false,
        })
    }
}

struct Descent<'a> {
    quadratic: &'a Quadratic,
    place: Vec<f64>,
    /// `Qw - q`.
    slopes: Vec<f64>,
}

impl Descent<'_> {
    /// Minimises along each coordinate; gives the greatest slope that was met.
    fn sweep(&mut self, is_full: bool) -> f64 {
        let mut greatest = 0.0_f64;
        for at in 0..self.place.len() {
            let old = self.place[at];
            if old == 0.0 && !is_full {
                continue;
            }
            let column = self.quadratic.matrix.col_as_slice(at);
            let (l1, l2) = self.quadratic.penalty.at(at);
            let curvature = column[at] + l2;
            if curvature <= 0.0 {
                continue;
            }
            let slope = self.slopes[at] + l2 * old;
            greatest = greatest.max(least_slope(slope, old, l1));
            let goal = old - slope / curvature;
            let new = goal.signum() * (goal.abs() - l1 / curvature).max(0.0);
            if new != old {
                add(&mut self.slopes, new - old, column);
                self.place[at] = new;
            }
        }
        greatest
    }

    fn value(&self) -> f64 {
        let both: f64 = (0..self.place.len())
            .map(|at| self.place[at] * (self.slopes[at] - self.quadratic.linear[at]))
            .sum();
        both / 2.0 + self.quadratic.penalty.of(&self.place)
    }
}

/// The size of the smallest subgradient of `slope * w + l1 |w|`.
pub(crate) fn least_slope(slope: f64, place: f64, l1: f64) -> f64 {
    if place == 0.0 {
        (slope.abs() - l1).max(0.0)
    } else {
        (slope + l1 * place.signum()).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quadratic(l1: f64, l2: f64) -> Quadratic {
        let lower = Mat::from_fn(2, 2, |row, column| if row == column { 2.0 } else { 1.0 });
        Quadratic::of_lower(
            lower,
            vec![3.0, 0.5],
            Penalty {
                l1,
                l2,
                n_places: 2,
            },
        )
    }

    fn descend(quadratic: &Quadratic, n_sweeps: usize) -> Solution {
        let tell = &mut |_, _| Ok(());
        quadratic
            .descend(vec![0.0; 2], 1e-12, n_sweeps, tell)
            .unwrap()
    }

    #[test]
    fn without_l1_both_ways_agree() {
        let quadratic = quadratic(0.0, 0.5);
        let exact = quadratic.factor().unwrap().solve(&quadratic.linear);
        let found = descend(&quadratic, 100);
        assert!(found.is_converged);
        for (found, exact) in found.place.iter().zip(exact) {
            assert!((found - exact).abs() < 1e-10);
        }
    }

    #[test]
    fn l1_sets_places_to_zero() {
        let found = descend(&quadratic(1.0, 0.0), 100);
        assert!(found.is_converged);
        assert_eq!(found.place, [1.0, 0.0]);
        assert!(!descend(&quadratic(0.1, 0.0), 1).is_converged);
    }

    #[test]
    fn dependent_columns_share() {
        let matrix = Mat::from_fn(2, 2, |_, _| 1.0);
        let factor = Quadratic::of_lower(matrix, vec![2.0; 2], Penalty::default()).factor();
        let found = factor.unwrap().solve(&[2.0, 2.0]);
        assert!(found.iter().all(|value| (value - 1.0).abs() < 1e-12));
    }
}
