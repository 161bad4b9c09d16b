//! The nearest of some kept rows, and what they vote for.

use crate::graph::emit::{doubles, int, integers, node};
use crate::graph::{GraphBuilder, Matrix};
use crate::onnx::data_type;

/// Squared Euclidean distances below it count as it, other distances below its root: a row that is kept is near
/// itself, but not infinitely. Weights by distance stay numbers, and kept rows that are equal vote alike.
const LEAST: f64 = 1e-12;

/// Kept rows with what is known of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbours<'a> {
    /// The kept rows, row by row, as wide as the matrix.
    pub rows: &'a [f64],
    /// The value or the class of each.
    pub values: &'a [f64],
    /// How much each counts.
    pub weights: &'a [f64],
    /// How many classes there are; 0 for values.
    pub n_classes: usize,
    /// How many neighbours vote.
    pub k: usize,
    /// How far rows are from each other.
    pub distance: Distance,
    /// Whether the vote of a neighbour is divided by its distance.
    pub by_distance: bool,
}

/// How far rows are from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// The root of the sum of the squared differences.
    Euclidean,
    /// The sum of the absolute differences.
    Manhattan,
    /// 1 less the cosine of the angle; rows of zeros are at distance 1 from all.
    Cosine,
}

impl Distance {
    /// The least number that distances (Euclidean ones: their squares) are raised to.
    #[must_use]
    pub fn least(self) -> f64 {
        match self {
            Self::Euclidean => LEAST,
            Self::Manhattan | Self::Cosine => LEAST.sqrt(),
        }
    }
}

impl Neighbours<'_> {
    /// Whether all kept rows count the same.
    #[must_use]
    pub fn is_even(&self) -> bool {
        self.weights.windows(2).all(|pair| pair[0] == pair[1])
    }
}

impl GraphBuilder {
    /// The weighted mean of the values of the `k` nearest kept rows, or the weighted share of each class among them.
    ///
    /// Distances are rounded to 32 bits before they are compared, so that no order of summation decides between rows
    /// that are equally near: of these the first are taken.
    pub fn nearest(&mut self, matrix: &Matrix, neighbours: &Neighbours<'_>) -> Matrix {
        let n_kept = neighbours.values.len();
        let n_columns = matrix.n_columns;
        let is_whole = neighbours.rows.len() == n_kept * n_columns
            && neighbours.weights.len() == n_kept
            && (1..=n_kept).contains(&neighbours.k);
        if !is_whole {
            self.refuse(format!(
                "{} neighbours of {n_kept} rows were given {} numbers for {n_columns} columns",
                neighbours.k,
                neighbours.rows.len()
            ));
            return matrix.clone();
        }
        let distances = match neighbours.distance {
            Distance::Euclidean => self.squared_distances(matrix, neighbours.rows),
            Distance::Manhattan => self.absolute_distances(matrix, neighbours.rows),
            Distance::Cosine => self.cosine_distances(matrix, neighbours.rows),
        };
        let (distances, places) = self.smallest(&distances, neighbours.k);
        let votes = self.votes(neighbours, &distances, &places);
        self.outcome(neighbours, &places, votes.as_deref())
    }

    /// The Euclidean distances of each row to some others, given row by row.
    pub fn distances(&mut self, matrix: &Matrix, rows: &[f64]) -> Matrix {
        let n_columns = rows.len() / matrix.n_columns.max(1);
        if n_columns == 0 || n_columns * matrix.n_columns != rows.len() {
            self.refuse(format!(
                "distances of {} columns were given {} numbers",
                matrix.n_columns,
                rows.len()
            ));
            return matrix.clone();
        }
        let squares = self.squared_distances(matrix, rows);
        let squares = self.at_least(&squares, 0.0);
        Matrix {
            edge: self.call("Sqrt", &[&squares]),
            n_columns,
        }
    }

    /// `|x|² + |r|² - 2 x·r` of each row and each kept row, as one product.
    fn squared_distances(&mut self, matrix: &Matrix, rows: &[f64]) -> String {
        let norms = self.squared_norms(matrix);
        let wide = self.concat(&[matrix.clone(), norms]);
        let mut factors = transposed(rows, matrix.n_columns, -2.0);
        let n_kept = rows.len() / matrix.n_columns;
        factors.extend(std::iter::repeat_n(1.0, n_kept));
        let factors = self.constant(doubles(&[wide.n_columns, n_kept], factors));
        let norms = rows.chunks(matrix.n_columns);
        let norms: Vec<f64> = norms
            .map(|row| row.iter().map(|value| value * value).sum())
            .collect();
        let norms = self.constant(doubles(&[n_kept], norms));
        self.call("Gemm", &[&wide.edge, &factors, &norms])
    }

    fn cosine_distances(&mut self, matrix: &Matrix, rows: &[f64]) -> String {
        let norms = self.squared_norms(matrix);
        let norms = self.at_least(&norms.edge, f64::MIN_POSITIVE);
        let norms = self.call("Sqrt", &[&norms]);
        let unit = self.call("Div", &[&matrix.edge, &norms]);
        let n_kept = rows.len() / matrix.n_columns;
        let factors = self.constant(doubles(
            &[matrix.n_columns, n_kept],
            transposed(&units(rows, matrix.n_columns), matrix.n_columns, -1.0),
        ));
        let ones = self.constant(doubles(&[n_kept], vec![1.0; n_kept]));
        self.call("Gemm", &[&unit, &factors, &ones])
    }

    /// Column by column: there is no product for it.
    fn absolute_distances(&mut self, matrix: &Matrix, rows: &[f64]) -> String {
        let n_kept = rows.len() / matrix.n_columns;
        let mut sum: Option<String> = None;
        for column in 0..matrix.n_columns {
            let mut only = vec![0.0; matrix.n_columns];
            only[column] = 1.0;
            let only = self.constant(doubles(&[matrix.n_columns, 1], only));
            let own = self.call("Gemm", &[&matrix.edge, &only]);
            let kept: Vec<f64> = rows
                .iter()
                .skip(column)
                .step_by(matrix.n_columns)
                .copied()
                .collect();
            let kept = self.constant(doubles(&[n_kept], kept));
            let difference = self.call("Sub", &[&own, &kept]);
            let difference = self.call("Abs", &[&difference]);
            sum = Some(match sum {
                None => difference,
                Some(sum) => self.call("Add", &[&sum, &difference]),
            });
        }
        sum.unwrap_or_default()
    }

    /// `|x|²` of each row, a matrix of one column.
    fn squared_norms(&mut self, matrix: &Matrix) -> Matrix {
        let squares = self.square(matrix);
        self.row_sums(&squares)
    }

    /// The sum of each row, a matrix of one column.
    fn row_sums(&mut self, matrix: &Matrix) -> Matrix {
        let ones = self.constant(doubles(&[matrix.n_columns, 1], vec![1.0; matrix.n_columns]));
        Matrix {
            edge: self.call("Gemm", &[&matrix.edge, &ones]),
            n_columns: 1,
        }
    }

    fn at_least(&mut self, edge: &str, least: f64) -> String {
        let least = self.number_constant(least);
        let is_less = self.call("Less", &[edge, &least]);
        self.call("Where", &[&is_less, &least, edge])
    }

    /// The smallest `k` numbers of each row, as doubles of 32 bits, and their places.
    fn smallest(&mut self, edge: &str, k: usize) -> (String, String) {
        let single = self.cast(edge, data_type::FLOAT);
        let k = self.constant(integers(&[1], &[k as i64]));
        let mut top = node("TopK", &[&single, &k]);
        top.attribute = vec![int("axis", 1), int("largest", 0), int("sorted", 1)];
        let (values, places) = self.push_pair(top);
        (self.cast(&values, data_type::DOUBLE), places)
    }

    /// What the vote of each neighbour counts; nothing if all count the same.
    fn votes(
        &mut self,
        neighbours: &Neighbours<'_>,
        distances: &str,
        places: &str,
    ) -> Option<String> {
        let by_distance = neighbours.by_distance.then(|| {
            let distances = self.at_least(distances, neighbours.distance.least());
            let distances = match neighbours.distance {
                Distance::Euclidean => self.call("Sqrt", &[&distances]),
                Distance::Manhattan | Distance::Cosine => distances,
            };
            let one = self.number_constant(1.0);
            self.call("Div", &[&one, &distances])
        });
        if neighbours.is_even() {
            return by_distance;
        }
        let weights = self.constant(doubles(&[neighbours.weights.len()], neighbours.weights));
        let weights = self.call("Gather", &[&weights, places]);
        Some(match by_distance {
            Some(votes) => self.call("Mul", &[&votes, &weights]),
            None => weights,
        })
    }

    fn outcome(
        &mut self,
        neighbours: &Neighbours<'_>,
        places: &str,
        votes: Option<&str>,
    ) -> Matrix {
        let k = neighbours.k;
        let table = self.constant(doubles(&[neighbours.values.len()], neighbours.values));
        let values = self.call("Gather", &[&table, places]);
        let total = votes.map(|votes| {
            let votes = Matrix {
                edge: votes.to_owned(),
                n_columns: k,
            };
            self.row_sums(&votes).edge
        });
        let mean = |this: &mut Self, edge: String| {
            let edge = match votes {
                Some(votes) => this.call("Mul", &[&edge, votes]),
                None => edge,
            };
            let sum = this.row_sums(&Matrix { edge, n_columns: k });
            let edge = if let Some(total) = &total {
                this.call("Div", &[&sum.edge, total])
            } else {
                let count = this.number_constant(k as f64);
                this.call("Div", &[&sum.edge, &count])
            };
            Matrix { edge, n_columns: 1 }
        };
        if neighbours.n_classes == 0 {
            return mean(self, values);
        }
        let shares: Vec<Matrix> = (0..neighbours.n_classes)
            .map(|class| {
                let class = self.number_constant(class as f64);
                let is_class = self.call("Equal", &[&values, &class]);
                let hits = self.cast(&is_class, data_type::DOUBLE);
                mean(self, hits)
            })
            .collect();
        self.concat(&shares)
    }
}

/// Kept rows as columns, times a factor.
fn transposed(rows: &[f64], n_columns: usize, factor: f64) -> Vec<f64> {
    (0..n_columns)
        .flat_map(|column| rows.iter().skip(column).step_by(n_columns))
        .map(|value| factor * value)
        .collect()
}

/// Rows of length 1; rows of zeros stay.
fn units(rows: &[f64], n_columns: usize) -> Vec<f64> {
    rows.chunks(n_columns)
        .flat_map(|row| {
            let square: f64 = row.iter().map(|value| value * value).sum();
            let norm = square.max(f64::MIN_POSITIVE).sqrt();
            row.iter().map(move |value| value / norm)
        })
        .collect()
}
