//! Centres of groups.

use everloop_package::graph::{GraphBuilder, Matrix};

use super::Model;
use crate::encoder::Design;

/// Centres; scores are the distances to them.
#[derive(Debug)]
pub(crate) struct ClusterModel {
    /// Centre by centre.
    pub(crate) centres: Vec<f64>,
    pub(crate) n_columns: usize,
}

impl Model for ClusterModel {
    fn n_targets(&self) -> usize {
        self.centres.len() / self.n_columns.max(1)
    }

    fn scores(&self, design: &Design) -> Vec<f64> {
        let mut scores = Vec::with_capacity(design.n_rows * self.n_targets());
        for row in design.values.chunks(self.n_columns.max(1)) {
            scores.extend(self.centres.chunks(self.n_columns.max(1)).map(|centre| {
                let squares = row.iter().zip(centre);
                let square: f64 = squares.map(|(own, centre)| (own - centre).powi(2)).sum();
                square.sqrt()
            }));
        }
        scores
    }

    fn emit(&self, builder: &mut GraphBuilder, matrix: &Matrix) -> Matrix {
        builder.distances(matrix, &self.centres)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_distances() {
        let model = ClusterModel {
            centres: vec![0.0, 0.0, 3.0, 4.0],
            n_columns: 2,
        };
        let design = Design {
            values: vec![0.0, 0.0],
            n_rows: 1,
            n_columns: 2,
        };
        assert_eq!(model.scores(&design), [0.0, 5.0]);
    }
}
