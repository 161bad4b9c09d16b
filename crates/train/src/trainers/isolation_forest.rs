//! Isolation forest (Liu, Ting and Zhou 2008): rows that random splits part from the others early are anomalies.
//!
//! Scores are those of the paper: near 1 for anomalies, below 1/2 for ordinary rows. As in scikit-learn, whose
//! `score_samples` is the negative of it, trees end at the depth at which their sample would be isolated on average,
//! and a leaf of several rows counts as so much deeper as a tree of these would be on average.

use everloop_package::graph::{Tree, TreeEnsemble, TreeNode};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{Job, Trained, Trainer, shares};
use crate::encoder::{Design, Style};
use crate::model::{Link, Model as _, TreeModel};
use crate::naive::quantile;
use crate::{Error, ParameterInfo, TrainerInfo};

const EULER: f64 = 0.577_215_664_901_532_9;

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "isolation_forest",
        doc: "An isolation forest: anomalies are the rows that random splits part from the others early. Needs no target.",
        tasks: &[everloop_domain::Task::Anomaly],
        parameters: &[
            ParameterInfo::integer("trees", (1.0, 5000.0), 100.0, "how many trees"),
            ParameterInfo::integer(
                "max_samples",
                (2.0, 1e6),
                256.0,
                "how many rows a tree sees",
            ),
            ParameterInfo::number(
                "contamination",
                (0.0, 0.5),
                0.0,
                "the share of the train rows that count as anomalies; 0 draws the line at a score of 1/2",
            ),
            ParameterInfo::number(
                "columns",
                (0.01, 1.0),
                1.0,
                "the share of inputs that a tree sees",
            ),
        ],
    },
    style: Style::Raw,
    fit,
};

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let n_trees = job.parameters.integer("trees");
    let n_samples = job.parameters.integer("max_samples").min(job.design.n_rows);
    let n_columns = job.design.n_columns;
    let n_chosen = (job.parameters.number("columns") * n_columns as f64).ceil() as usize;
    let mut counts = vec![0.0; n_columns];
    let mut trees = Vec::with_capacity(n_trees);
    for number in 0..n_trees {
        job.tell(number, n_trees, None)?;
        let seed = job
            .seed
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(number as u64);
        let mut grower = Grower {
            design: job.design,
            rng: ChaCha8Rng::seed_from_u64(seed),
            columns: Vec::new(),
            max_depth: (n_samples as f64).log2().ceil().max(1.0) as usize,
            factor: 1.0 / n_trees as f64,
            nodes: Vec::new(),
            counts: &mut counts,
        };
        grower.columns = grower.some(n_columns, n_chosen.clamp(1, n_columns));
        let rows = grower.sample(&job.row_weights, n_samples);
        grower.grow(rows, 0);
        trees.push(Tree {
            nodes: grower.nodes,
        });
    }
    let model = TreeModel {
        ensemble: TreeEnsemble {
            n_targets: 1,
            trees,
        },
        base: vec![0.0],
    };
    let factor = -std::f64::consts::LN_2 / average_depth(n_samples);
    let contamination = job.parameters.number("contamination");
    let cutoff = if contamination > 0.0 {
        quantile(&model.scores(job.design), &job.row_weights, contamination)
    } else {
        // A score of 1/2.
        average_depth(n_samples)
    };
    job.tell(n_trees, n_trees, None)?;
    Ok(Trained {
        model: Box::new(model),
        link: Link::Isolation { factor, cutoff },
        importances: shares(&counts),
        notes: Vec::new(),
    })
}

/// The depth at which one of so many rows is found in a random search tree, on average.
fn average_depth(n_rows: usize) -> f64 {
    match n_rows {
        0 | 1 => 0.0,
        2 => 1.0,
        n => {
            let n = n as f64;
            2.0 * ((n - 1.0).ln() + EULER) - 2.0 * (n - 1.0) / n
        }
    }
}

struct Grower<'a> {
    design: &'a Design,
    rng: ChaCha8Rng,
    /// The columns that may be split.
    columns: Vec<usize>,
    max_depth: usize,
    /// What the depth of a leaf is multiplied by.
    factor: f64,
    nodes: Vec<TreeNode>,
    /// How many rows each column has parted.
    counts: &'a mut [f64],
}

impl Grower<'_> {
    /// Some of so many things, each as likely.
    fn some(&mut self, n: usize, n_chosen: usize) -> Vec<usize> {
        let mut chosen = rand::seq::index::sample(&mut self.rng, n, n_chosen).into_vec();
        chosen.sort_unstable();
        chosen
    }

    /// Some rows, heavy ones more likely (Efraimidis and Spirakis 2006).
    fn sample(&mut self, weights: &[f64], n_samples: usize) -> Vec<usize> {
        if weights.windows(2).all(|pair| pair[0] == pair[1]) {
            return self.some(weights.len(), n_samples);
        }
        let mut keys: Vec<(f64, usize)> = weights
            .iter()
            .enumerate()
            .map(|(row, weight)| (self.rng.random::<f64>().ln() / weight, row))
            .collect();
        if n_samples < keys.len() {
            keys.select_nth_unstable_by(n_samples, |left, right| right.0.total_cmp(&left.0));
            keys.truncate(n_samples);
        }
        let mut rows: Vec<usize> = keys.into_iter().map(|(_, row)| row).collect();
        rows.sort_unstable();
        rows
    }

    /// Adds a node and all below it; its place.
    fn grow(&mut self, rows: Vec<usize>, depth: usize) -> u32 {
        let place = self.nodes.len();
        let split = if depth < self.max_depth && rows.len() > 1 {
            self.split(&rows)
        } else {
            None
        };
        let Some((column, threshold)) = split else {
            let weight = (depth as f64 + average_depth(rows.len())) * self.factor;
            self.nodes.push(TreeNode::Leaf { target: 0, weight });
            return place as u32;
        };
        self.counts[column] += rows.len() as f64;
        let value = |row: usize| self.design.values[row * self.design.n_columns + column] as f32;
        let n_left = rows.iter().filter(|row| value(**row) < threshold).count();
        let n_present = rows.iter().filter(|row| !value(**row).is_nan()).count();
        let missing_goes_left = 2 * n_left >= n_present;
        let (left, right): (Vec<usize>, Vec<usize>) = rows.into_iter().partition(|row| {
            let value = value(*row);
            if value.is_nan() {
                missing_goes_left
            } else {
                value < threshold
            }
        });
        // Known once both sides have grown.
        self.nodes.push(TreeNode::Leaf {
            target: 0,
            weight: 0.0,
        });
        let left = self.grow(left, depth + 1);
        let right = self.grow(right, depth + 1);
        self.nodes[place] = TreeNode::Split {
            feature: column as u32,
            threshold,
            missing_goes_left,
            left,
            right,
        };
        place as u32
    }

    /// A random cut of a random column that has one; none if all rows are equal.
    fn split(&mut self, rows: &[usize]) -> Option<(usize, f32)> {
        let n_tried = self.columns.len();
        let order = rand::seq::index::sample(&mut self.rng, n_tried, n_tried).into_vec();
        for at in order {
            let column = self.columns[at];
            let values = rows
                .iter()
                .map(|row| self.design.values[row * self.design.n_columns + column] as f32)
                .filter(|value| value.is_finite());
            let (low, high) = values
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
                    (low.min(value), high.max(value))
                });
            if low < high {
                let share = self.rng.random::<f64>();
                let cut = (f64::from(low) + share * (f64::from(high) - f64::from(low))) as f32;
                // Both sides have a row: the lowest lies left of the cut, the highest does not.
                return Some((column, if cut > low { cut } else { high }));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_are_those_of_the_paper() {
        assert_eq!(average_depth(1), 0.0);
        assert_eq!(average_depth(2), 1.0);
        assert!((average_depth(256) - 10.244_770_920_1).abs() < 1e-9);
    }
}
