//! Probabilities from decision values: Platt's sigmoid, fitted as Lin, Lin and Weng (2007) say.

const N_STEPS: usize = 100;
const TOLERANCE: f64 = 1e-5;
const LEAST_CURVATURE: f64 = 1e-12;
const LEAST_SHARE: f64 = 1e-10;

/// The log odds of the positive class at a decision value: `slope * value + offset`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sigmoid {
    pub(super) slope: f64,
    pub(super) offset: f64,
}

/// Rows that are not in a fold have no decision value to learn from.
pub(super) struct Row {
    pub(super) decision: f64,
    pub(super) is_positive: bool,
    pub(super) weight: f64,
}

impl Sigmoid {
    /// The most likely sigmoid, with targets drawn in from 0 and 1 as if there was one more row of each class.
    pub(super) fn fit(rows: &[Row]) -> Self {
        let of = |is_positive: bool| {
            let rows = rows.iter().filter(|row| row.is_positive == is_positive);
            rows.map(|row| row.weight).sum::<f64>()
        };
        let (positive, negative) = (of(true), of(false));
        let targets = [1.0 / (negative + 2.0), (positive + 1.0) / (positive + 2.0)];
        let mut sigmoid = Self {
            slope: 0.0,
            offset: ((positive + 1.0) / (negative + 1.0)).ln(),
        };
        let mut loss = sigmoid.loss(rows, targets);
        for _ in 0..N_STEPS {
            let ([slope, offset], [own, both, other]) = sigmoid.derivatives(rows, targets);
            if slope.abs() < TOLERANCE && offset.abs() < TOLERANCE {
                break;
            }
            let (own, other) = (own + LEAST_CURVATURE, other + LEAST_CURVATURE);
            let determinant = own * other - both * both;
            let way = [
                (both * offset - other * slope) / determinant,
                (both * slope - own * offset) / determinant,
            ];
            let promise = way[0] * slope + way[1] * offset;
            let mut share = 1.0;
            while share > LEAST_SHARE {
                let next = Self {
                    slope: sigmoid.slope + share * way[0],
                    offset: sigmoid.offset + share * way[1],
                };
                let next_loss = next.loss(rows, targets);
                if next_loss < loss + 1e-4 * share * promise {
                    (sigmoid, loss) = (next, next_loss);
                    break;
                }
                share /= 2.0;
            }
            if share <= LEAST_SHARE {
                break;
            }
        }
        sigmoid
    }

    fn odds(self, row: &Row) -> f64 {
        self.slope * row.decision + self.offset
    }

    fn loss(self, rows: &[Row], targets: [f64; 2]) -> f64 {
        let loss = |row: &Row| {
            let odds = self.odds(row);
            let target = targets[usize::from(row.is_positive)];
            row.weight * (odds.max(0.0) - odds * target + (-odds.abs()).exp().ln_1p())
        };
        rows.iter().map(loss).sum()
    }

    /// The gradient, and the three different second derivatives.
    fn derivatives(self, rows: &[Row], targets: [f64; 2]) -> ([f64; 2], [f64; 3]) {
        let (mut slopes, mut curvatures) = ([0.0; 2], [0.0; 3]);
        for row in rows {
            let share = 1.0 / (1.0 + (-self.odds(row)).exp());
            let residual = row.weight * (share - targets[usize::from(row.is_positive)]);
            let curvature = row.weight * share * (1.0 - share);
            slopes[0] += residual * row.decision;
            slopes[1] += residual;
            curvatures[0] += curvature * row.decision * row.decision;
            curvatures[1] += curvature * row.decision;
            curvatures[2] += curvature;
        }
        (slopes, curvatures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(decisions: &[(f64, bool)]) -> Vec<Row> {
        let row = |(decision, is_positive): &(f64, bool)| Row {
            decision: *decision,
            is_positive: *is_positive,
            weight: 1.0,
        };
        decisions.iter().map(row).collect()
    }

    #[test]
    fn decisions_without_worth_give_the_share_of_the_class() {
        let same = rows(&[(0.0, true), (0.0, true), (0.0, false)]);
        let sigmoid = Sigmoid::fit(&same);
        let share = 1.0 / (1.0 + (-sigmoid.offset).exp());
        // Two of three, with the targets 3 / 4 and 1 / 3.
        assert!(
            (share - (0.75 * 2.0 + 1.0 / 3.0) / 3.0).abs() < 1e-5,
            "{share}"
        );
    }

    #[test]
    fn separated_decisions_stay_finite() {
        let apart: Vec<(f64, bool)> = (0..20).map(|at| (f64::from(at) - 9.5, at > 9)).collect();
        let sigmoid = Sigmoid::fit(&rows(&apart));
        assert!(
            sigmoid.slope > 0.3 && sigmoid.slope < 5.0 && sigmoid.offset.abs() < 1e-6,
            "{sigmoid:?}"
        );
    }
}
