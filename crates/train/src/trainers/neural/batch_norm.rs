//! Batch normalisation (Ioffe and Szegedy 2015) over the blocks of a batch, as ghost batches (Hoffer and others 2017): so
//! blocks need not wait for each other, and the result does not depend on who computes them.

use std::ops::Range;

/// What is added to variances.
const EPSILON: f32 = 1e-5;
/// The weight of a batch in the running moments.
const MOMENTUM: f32 = 0.1;

/// Where the parameters of a layer's normalisation are, and the moments that prediction uses.
#[derive(Clone)]
pub(super) struct BatchNorm {
    factors: Range<usize>,
    offsets: Range<usize>,
    means: Vec<f32>,
    variances: Vec<f32>,
    is_new: bool,
}

/// What a block remembers of a layer's normalisation.
#[derive(Default)]
pub(super) struct Normalised {
    /// The normalised values, row by row.
    values: Vec<f32>,
    pub(super) means: Vec<f32>,
    /// Without the correction for small samples.
    pub(super) variances: Vec<f32>,
}

impl Normalised {
    pub(super) fn new(n_rows: usize, n_units: usize) -> Self {
        Self {
            values: vec![0.0; n_rows * n_units],
            means: vec![0.0; n_units],
            variances: vec![0.0; n_units],
        }
    }
}

impl BatchNorm {
    pub(super) fn new(factors: Range<usize>, offsets: Range<usize>) -> Self {
        Self {
            means: vec![0.0; factors.len()],
            variances: vec![1.0; factors.len()],
            factors,
            offsets,
            is_new: true,
        }
    }

    /// Where its parameters end; they follow those of its layer.
    pub(super) fn end(&self) -> usize {
        self.offsets.end
    }

    /// Normalises by the moments of these rows, which are remembered.
    pub(super) fn learn(&self, parameters: &[f32], rows: &mut [f32], own: &mut Normalised) {
        let n_units = self.means.len();
        let share = 1.0 / (rows.len() / n_units) as f32;
        own.means.fill(0.0);
        own.variances.fill(0.0);
        for row in rows.chunks_exact(n_units) {
            for (mean, value) in own.means.iter_mut().zip(row) {
                *mean += value * share;
            }
        }
        for row in rows.chunks_exact(n_units) {
            let units = own.variances.iter_mut().zip(&own.means).zip(row);
            units.for_each(|((variance, mean), value)| *variance += (value - mean).powi(2) * share);
        }
        let inverses = inverses(&own.variances);
        let (factors, offsets) = self.parameters(parameters);
        let both = rows
            .chunks_exact_mut(n_units)
            .zip(own.values.chunks_exact_mut(n_units));
        for (row, normalised) in both {
            for unit in 0..n_units {
                normalised[unit] = (row[unit] - own.means[unit]) * inverses[unit];
                row[unit] = normalised[unit] * factors[unit] + offsets[unit];
            }
        }
    }

    /// Normalises by the running moments.
    pub(super) fn apply(&self, parameters: &[f32], rows: &mut [f32]) {
        let inverses = inverses(&self.variances);
        let (factors, offsets) = self.parameters(parameters);
        for row in rows.chunks_exact_mut(self.means.len()) {
            for (unit, value) in row.iter_mut().enumerate() {
                *value =
                    (*value - self.means[unit]) * inverses[unit] * factors[unit] + offsets[unit];
            }
        }
    }

    /// Turns the gradient of what went out into that of what came in, and writes those of the parameters.
    pub(super) fn derive(
        &self,
        parameters: &[f32],
        rows: &mut [f32],
        own: &Normalised,
        gradient: &mut [f32],
    ) {
        let n_units = self.means.len();
        let share = 1.0 / (rows.len() / n_units) as f32;
        let (mut sums, mut products) = (vec![0.0; n_units], vec![0.0; n_units]);
        let both = rows
            .chunks_exact(n_units)
            .zip(own.values.chunks_exact(n_units));
        for (row, normalised) in both {
            for unit in 0..n_units {
                sums[unit] += row[unit];
                products[unit] += row[unit] * normalised[unit];
            }
        }
        gradient[self.factors.clone()].copy_from_slice(&products);
        gradient[self.offsets.clone()].copy_from_slice(&sums);
        let inverses = inverses(&own.variances);
        let (factors, _) = self.parameters(parameters);
        let both = rows
            .chunks_exact_mut(n_units)
            .zip(own.values.chunks_exact(n_units));
        for (row, normalised) in both {
            for unit in 0..n_units {
                let inner = row[unit] - share * (sums[unit] + normalised[unit] * products[unit]);
                row[unit] = inner * factors[unit] * inverses[unit];
            }
        }
    }

    /// Draws the running moments towards those of a block of so many rows, one of `n_blocks` of its batch.
    pub(super) fn remember(
        &mut self,
        own: &Normalised,
        n_rows: usize,
        is_first: bool,
        weight: f32,
    ) {
        let correction = n_rows as f32 / (n_rows as f32 - 1.0).max(1.0);
        let keep = match (self.is_new, is_first) {
            (true, true) => 0.0,
            (false, true) => 1.0 - MOMENTUM,
            (_, false) => 1.0,
        };
        let add = if self.is_new {
            weight
        } else {
            weight * MOMENTUM
        };
        for (mean, own) in self.means.iter_mut().zip(&own.means) {
            *mean = keep * *mean + add * own;
        }
        for (variance, own) in self.variances.iter_mut().zip(&own.variances) {
            *variance = keep * *variance + add * own * correction;
        }
    }

    /// The running moments hold a batch.
    pub(super) fn has_seen(&mut self) {
        self.is_new = false;
    }

    /// Folds the normalisation into the weights before it.
    pub(super) fn fold(&self, parameters: &[f32], weights: &mut [f64], bias: &mut [f64]) {
        let (factors, offsets) = self.parameters(parameters);
        for unit in 0..self.means.len() {
            let variance = f64::from(self.variances[unit]) + f64::from(EPSILON);
            let factor = f64::from(factors[unit]) / variance.sqrt();
            for weight in weights.iter_mut().skip(unit).step_by(self.means.len()) {
                *weight *= factor;
            }
            bias[unit] =
                (bias[unit] - f64::from(self.means[unit])) * factor + f64::from(offsets[unit]);
        }
    }

    fn parameters<'a>(&self, all: &'a [f32]) -> (&'a [f32], &'a [f32]) {
        (&all[self.factors.clone()], &all[self.offsets.clone()])
    }
}

fn inverses(variances: &[f32]) -> Vec<f32> {
    let inverse = |variance: &f32| 1.0 / (variance + EPSILON).sqrt();
    variances.iter().map(inverse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: [f32; 4] = [2.0, 1.0, 0.5, 0.0];

    #[test]
    fn rows_are_normalised_and_their_moments_remembered() {
        let mut norm = BatchNorm::new(0..2, 2..4);
        let mut own = Normalised::new(2, 2);
        let mut rows = [1.0, 10.0, 3.0, 30.0];
        norm.learn(&PARAMETERS, &mut rows, &mut own);
        let expected = [-1.5, -1.0, 2.5, 1.0];
        let is_near = |found: &[f32]| {
            let pairs = found.iter().zip(expected);
            pairs
                .into_iter()
                .all(|(found, expected)| (found - expected).abs() < 1e-4)
        };
        assert!(is_near(&rows), "{rows:?}");
        norm.remember(&own, 2, true, 0.5);
        norm.remember(&own, 2, false, 0.5);
        norm.has_seen();
        assert_eq!(
            (&norm.means[..], &norm.variances[..]),
            (&[2.0, 20.0][..], &[2.0, 200.0][..])
        );
        // One more batch is a tenth of the new moments.
        own.means = vec![12.0, 20.0];
        norm.remember(&own, 2, true, 1.0);
        assert_eq!(norm.means, [3.0, 20.0]);
    }

    #[test]
    fn folding_is_the_same_as_applying() {
        let mut norm = BatchNorm::new(0..2, 2..4);
        norm.means = vec![1.0, -1.0];
        norm.variances = vec![4.0, 0.25];
        let (mut weights, mut bias) = (vec![1.0, 2.0], vec![0.5, 0.0]);
        let mut rows = [3.0 + 0.5, 6.0];
        norm.apply(&PARAMETERS, &mut rows);
        norm.fold(&PARAMETERS, &mut weights, &mut bias);
        for unit in 0..2 {
            let folded = 3.0 * weights[unit] + bias[unit];
            assert!(
                (f64::from(rows[unit]) - folded).abs() < 1e-5,
                "{rows:?} {folded}"
            );
        }
    }
}
