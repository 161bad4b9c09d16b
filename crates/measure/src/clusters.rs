//! How well groups of rows hold together: silhouette (Rousseeuw 1987), Davies-Bouldin (1979), Calinski-Harabasz (1974).
//!
//! All three compare rows of the same space, so inputs have to be on one scale before. Definitions and golden values
//! (`tests/golden/clusters.json`) are scikit-learn's.

use crate::Error;

/// Rows of numbers, and the group of each.
#[derive(Clone, Copy, Debug)]
pub struct Clusters<'a> {
    /// Row by row.
    values: &'a [f64],
    n_columns: usize,
    labels: &'a [usize],
    /// One more than the greatest label.
    n_labels: usize,
}

impl<'a> Clusters<'a> {
    /// Rows in groups.
    ///
    /// # Errors
    ///
    /// Fails if lengths differ, a value is not finite, or there are not at least two groups and fewer groups than rows.
    pub fn new(values: &'a [f64], n_columns: usize, labels: &'a [usize]) -> Result<Self, Error> {
        crate::outcomes::same_length("rows and groups", values.len(), labels.len() * n_columns)?;
        crate::outcomes::finite("the value", values)?;
        let n_labels = labels.iter().max().map_or(0, |greatest| greatest + 1);
        let found = Self {
            values,
            n_columns,
            labels,
            n_labels,
        };
        let n_groups = found.counts().iter().filter(|count| **count > 0).count();
        if n_groups < 2 || n_groups >= labels.len() {
            return Err(Error::Undefined {
                metric: "a score of groups",
                why: "it needs at least two groups, and more rows than groups",
            });
        }
        Ok(found)
    }

    fn row(&self, at: usize) -> &'a [f64] {
        &self.values[at * self.n_columns..(at + 1) * self.n_columns]
    }

    fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.n_labels];
        for label in self.labels {
            counts[*label] += 1;
        }
        counts
    }

    /// The mean of each group; of an empty one NaN.
    fn centres(&self) -> Vec<Vec<f64>> {
        let mut sums = vec![vec![0.0; self.n_columns]; self.n_labels];
        for (at, label) in self.labels.iter().enumerate() {
            let pairs = sums[*label].iter_mut().zip(self.row(at));
            pairs.for_each(|(sum, value)| *sum += value);
        }
        for (sum, count) in sums.iter_mut().zip(self.counts()) {
            for sum in sum {
                *sum /= count as f64;
            }
        }
        sums
    }

    /// The mean silhouette of the rows, -1 to 1: how much nearer a row is to its own group than to the next. At most
    /// `max_rows` rows are looked at, spread evenly over all: the cost grows with their square.
    #[must_use]
    pub fn silhouette(&self, max_rows: usize) -> f64 {
        let n_rows = self.labels.len();
        let n_picked = n_rows.min(max_rows.max(1));
        let picked: Vec<usize> = (0..n_picked).map(|at| at * n_rows / n_picked).collect();
        let mut counts = vec![0_usize; self.n_labels];
        for row in &picked {
            counts[self.labels[*row]] += 1;
        }
        let of_row = |row: usize| {
            let own = self.labels[row];
            if counts[own] < 2 {
                return 0.0;
            }
            let mut sums = vec![0.0; self.n_labels];
            for other in &picked {
                sums[self.labels[*other]] += distance(self.row(row), self.row(*other));
            }
            let within = sums[own] / (counts[own] - 1) as f64;
            let others = sums.iter().zip(&counts).enumerate();
            let next = others
                .filter(|(label, (_, count))| *label != own && **count > 0)
                .map(|(_, (sum, count))| sum / *count as f64)
                .fold(f64::INFINITY, f64::min);
            let greatest = within.max(next);
            if greatest > 0.0 && next.is_finite() {
                (next - within) / greatest
            } else {
                0.0
            }
        };
        picked.iter().map(|row| of_row(*row)).sum::<f64>() / n_picked as f64
    }

    /// The mean likeness of each group and the one that is most like it: how wide both are for their distance.
    #[must_use]
    pub fn davies_bouldin(&self) -> f64 {
        let (centres, counts) = (self.centres(), self.counts());
        let mut widths = vec![0.0; self.n_labels];
        for (at, label) in self.labels.iter().enumerate() {
            widths[*label] += distance(self.row(at), &centres[*label]) / counts[*label] as f64;
        }
        let groups: Vec<usize> = (0..self.n_labels)
            .filter(|label| counts[*label] > 0)
            .collect();
        let likeness = |left: usize, right: usize| {
            let apart = distance(&centres[left], &centres[right]);
            if apart > 0.0 {
                (widths[left] + widths[right]) / apart
            } else {
                0.0
            }
        };
        let worst = |group: &usize| {
            let others = groups.iter().filter(|other| *other != group);
            others
                .map(|other| likeness(*group, *other))
                .fold(0.0, f64::max)
        };
        groups.iter().map(worst).sum::<f64>() / groups.len() as f64
    }

    /// The spread between groups over that within them, each by its degrees of freedom; 1 if there is none within.
    #[must_use]
    pub fn calinski_harabasz(&self) -> f64 {
        let (centres, counts) = (self.centres(), self.counts());
        let n_rows = self.labels.len();
        let mut all = vec![0.0; self.n_columns];
        for at in 0..n_rows {
            let pairs = all.iter_mut().zip(self.row(at));
            pairs.for_each(|(sum, value)| *sum += value / n_rows as f64);
        }
        let groups = || centres.iter().zip(&counts).filter(|(_, count)| **count > 0);
        let between: f64 = groups()
            .map(|(centre, count)| *count as f64 * distance(centre, &all).powi(2))
            .sum();
        let within: f64 = (0..n_rows)
            .map(|at| distance(self.row(at), &centres[self.labels[at]]).powi(2))
            .sum();
        let n_groups = groups().count() as f64;
        if within > 0.0 {
            between * (n_rows as f64 - n_groups) / (within * (n_groups - 1.0))
        } else {
            1.0
        }
    }
}

fn distance(left: &[f64], right: &[f64]) -> f64 {
    let pairs = left.iter().zip(right);
    pairs
        .map(|(left, right)| (left - right).powi(2))
        .sum::<f64>()
        .sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tight_groups_are_told_apart() {
        let values = [0.0, 1.0, 10.0, 11.0];
        let clusters = Clusters::new(&values, 1, &[0, 0, 2, 2]).unwrap();
        // Within 1, to the others 10.5 and 9.5.
        let expected = f64::midpoint(9.5 / 10.5, 8.5 / 9.5);
        assert!((clusters.silhouette(100) - expected).abs() < 1e-12);
        assert!((clusters.davies_bouldin() - 0.1).abs() < 1e-12);
        assert!((clusters.calinski_harabasz() - 200.0).abs() < 1e-9);
    }

    #[test]
    fn one_group_has_no_score() {
        let error = Clusters::new(&[0.0, 1.0], 1, &[0, 0]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a score of groups is not defined: it needs at least two groups, and more rows than groups"
        );
        assert!(Clusters::new(&[0.0, 1.0, 2.0], 1, &[0, 1]).is_err());
        assert!(Clusters::new(&[0.0, f64::NAN, 2.0], 1, &[0, 1, 1]).is_err());
    }
}
