//! Kept rows, the nearest of which vote.

use everloop_package::graph::{Distance, GraphBuilder, Matrix, Neighbours};

use super::Model;
use crate::encoder::Design;

/// Kept rows with their values or classes.
#[derive(Debug)]
pub(crate) struct NearestModel {
    /// Row by row.
    pub(crate) rows: Vec<f64>,
    pub(crate) n_columns: usize,
    pub(crate) values: Vec<f64>,
    /// How much the vote of each row counts.
    pub(crate) weights: Vec<f64>,
    /// 0 for values.
    pub(crate) n_classes: usize,
    pub(crate) k: usize,
    pub(crate) distance: Distance,
    pub(crate) by_distance: bool,
}

impl NearestModel {
    fn neighbours(&self) -> Neighbours<'_> {
        Neighbours {
            rows: &self.rows,
            values: &self.values,
            weights: &self.weights,
            n_classes: self.n_classes,
            k: self.k,
            distance: self.distance,
            by_distance: self.by_distance,
        }
    }

    /// The distances of a row to all kept rows (Euclidean ones: their squares), in 32 bits.
    fn distances(&self, row: &[f64], norms: &[f64]) -> Vec<f32> {
        let square = |row: &[f64]| row.iter().map(|value| value * value).sum::<f64>();
        let product =
            |kept: &[f64]| -> f64 { kept.iter().zip(row).map(|(kept, own)| kept * own).sum() };
        let own = square(row);
        let kept = self.rows.chunks(self.n_columns.max(1)).zip(norms);
        let distance = |(kept, norm): (&[f64], &f64)| match self.distance {
            Distance::Euclidean => norm - 2.0 * product(kept) + own,
            Distance::Manhattan => kept
                .iter()
                .zip(row)
                .map(|(kept, own)| (kept - own).abs())
                .sum(),
            Distance::Cosine => {
                let norm = |square: f64| square.max(f64::MIN_POSITIVE).sqrt();
                1.0 - product(kept) / norm(own) / norm(square(kept))
            }
        };
        kept.map(|pair| distance(pair) as f32).collect()
    }

    /// What the nearest kept rows vote for.
    fn vote(&self, distances: &[f32], scores: &mut Vec<f64>) {
        let mut places: Vec<usize> = (0..distances.len()).collect();
        let order = |left: &usize, right: &usize| {
            let by_distance = distances[*left].total_cmp(&distances[*right]);
            by_distance.then(left.cmp(right))
        };
        if self.k < places.len() {
            places.select_nth_unstable_by(self.k, order);
            places.truncate(self.k);
        }
        let vote = |place: usize| {
            let distance = f64::from(distances[place]).max(self.distance.least());
            let distance = match (self.by_distance, self.distance) {
                (false, _) => 1.0,
                (true, Distance::Euclidean) => distance.sqrt(),
                (true, _) => distance,
            };
            self.weights[place] / distance
        };
        let total: f64 = places.iter().map(|place| vote(*place)).sum();
        let mut sums = vec![0.0; self.n_targets()];
        for place in places {
            let share = vote(place) / total;
            if self.n_classes == 0 {
                sums[0] += share * self.values[place];
            } else {
                sums[self.values[place] as usize] += share;
            }
        }
        scores.extend(sums);
    }
}

impl Model for NearestModel {
    fn n_targets(&self) -> usize {
        self.n_classes.max(1)
    }

    fn scores(&self, design: &Design) -> Vec<f64> {
        let kept = self.rows.chunks(self.n_columns.max(1));
        let norms: Vec<f64> = kept
            .map(|row| row.iter().map(|value| value * value).sum())
            .collect();
        let mut scores = Vec::with_capacity(design.n_rows * self.n_targets());
        for row in design.values.chunks(self.n_columns.max(1)) {
            self.vote(&self.distances(row, &norms), &mut scores);
        }
        scores
    }

    fn emit(&self, builder: &mut GraphBuilder, matrix: &Matrix) -> Matrix {
        builder.nearest(matrix, &self.neighbours())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(distance: Distance, by_distance: bool, row: [f64; 2], expected: f64) {
        let model = NearestModel {
            rows: vec![1.0, 0.0, 0.0, 2.0, 3.0, 3.0],
            n_columns: 2,
            values: vec![10.0, 20.0, 40.0],
            weights: vec![1.0; 3],
            n_classes: 0,
            k: 2,
            distance,
            by_distance,
        };
        let design = Design {
            values: row.to_vec(),
            n_rows: 1,
            n_columns: 2,
        };
        let found = model.scores(&design)[0];
        assert!((found - expected).abs() < 1e-4, "{found}");
    }

    #[test]
    fn the_nearest_rows_vote() {
        check(Distance::Euclidean, false, [0.0, 0.0], 15.0);
        // Distances 1 and 2.
        check(
            Distance::Euclidean,
            true,
            [0.0, 0.0],
            (10.0 + 20.0 / 2.0) / 1.5,
        );
        check(
            Distance::Manhattan,
            true,
            [0.0, 0.0],
            (10.0 + 20.0 / 2.0) / 1.5,
        );
        check(Distance::Manhattan, false, [3.0, 2.0], 30.0);
        // The angle to the diagonal is 0, to the axes 45 degrees; of equal distances the first row is taken.
        check(Distance::Cosine, false, [5.0, 5.0], 25.0);
        // A row that is kept decides almost alone.
        check(Distance::Euclidean, true, [3.0, 3.0], 40.0);
    }
}
