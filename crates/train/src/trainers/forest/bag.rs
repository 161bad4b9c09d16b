//! The out-of-bag score: each row is predicted by the trees that were grown without it (Breiman 2001).

use everloop_package::graph::TreeNode;

use crate::trainers::Job;
use crate::trees::{Bins, Grown};

use super::Lesson;

/// Scores are kept as multiples of it, so that their sums do not depend on which tree was done first.
const UNIT: f64 = 1.0 / (1_u64 << 40) as f64;

/// Sums of what trees say of the rows that they have not seen.
pub(super) struct OutOfBag {
    n_targets: usize,
    /// The greatest score is 1 in units of this.
    scale: f64,
    sums: Vec<i64>,
    counts: Vec<u32>,
}

/// What one tree says: of each row a leaf, and of each leaf its scores.
pub(super) struct Said {
    rows: Vec<u32>,
    leaves: Vec<u32>,
    /// By node where its scores begin; those of the next node follow.
    starts: Vec<u32>,
    /// Targets and scores, as parts of the greatest one.
    scores: Vec<(u32, f64)>,
}

/// What a tree says of the rows that were not drawn; its values are shares of `factor`.
pub(super) fn scores(grown: &Grown, bins: &Bins, draws: &[u16], factor: f64) -> Said {
    let unseen = draws.iter().zip(0..).filter(|(draws, _)| **draws == 0);
    let rows: Vec<u32> = unseen.map(|(_, row)| row).collect();
    let leaves = grown.leaves_of(bins, &rows);
    let mut starts = vec![0];
    let mut scores = Vec::with_capacity(grown.tree.nodes.len());
    for node in &grown.tree.nodes {
        match node {
            TreeNode::Leaf { target, weight } => scores.push((*target, weight / factor)),
            TreeNode::Leaves(values) => {
                let own = values
                    .iter()
                    .map(|(target, weight)| (*target, *weight / factor));
                scores.extend(own);
            }
            TreeNode::Split { .. } => {}
        }
        starts.push(scores.len() as u32);
    }
    Said {
        rows,
        leaves,
        starts,
        scores,
    }
}

impl OutOfBag {
    pub(super) fn new(job: &Job<'_>, lesson: &Lesson) -> Self {
        let (n_rows, n_targets) = (job.target.len(), lesson.base.len());
        let far = |value: &f64| (value - lesson.base[0]).abs();
        let scale = if job.task.is_classification() {
            1.0
        } else {
            job.target.iter().map(far).fold(0.0, f64::max)
        };
        Self {
            n_targets,
            scale,
            sums: vec![0; n_rows * n_targets],
            counts: vec![0; n_rows],
        }
    }

    pub(super) fn add(&mut self, said: &Said) {
        let of_leaf = |(target, score): &(u32, f64)| (*target, (score / self.scale / UNIT) as i64);
        let scores: Vec<(u32, i64)> = said.scores.iter().map(of_leaf).collect();
        for (row, leaf) in said.rows.iter().zip(&said.leaves) {
            let (row, leaf) = (*row as usize, *leaf as usize);
            self.counts[row] += 1;
            let sums = &mut self.sums[row * self.n_targets..(row + 1) * self.n_targets];
            let own = said.starts[leaf] as usize..said.starts[leaf + 1] as usize;
            for (target, score) in &scores[own] {
                sums[*target as usize] += score;
            }
        }
    }

    /// The name of the score, its value, and the rows that it is of; nothing if every tree has seen every row.
    pub(super) fn score(
        &self,
        job: &Job<'_>,
        lesson: &Lesson,
    ) -> Option<(&'static str, f64, usize)> {
        let rows = self
            .counts
            .iter()
            .zip(self.sums.chunks(self.n_targets))
            .zip(job.target);
        let known = rows.filter(|((count, _), _)| **count > 0);
        let mean = |sum: i64, count: u32| sum as f64 * UNIT * self.scale / f64::from(count);
        let n_rows = known.clone().count();
        if n_rows == 0 {
            return None;
        }
        if job.task.is_classification() {
            let is_hit = |((count, sums), truth): &((&u32, &[i64]), &f64)| match *sums {
                [sum] => (mean(*sum, **count) > 0.5) == (**truth > 0.5),
                sums => {
                    let best = (1..sums.len())
                        .fold(0, |best, at| if sums[at] > sums[best] { at } else { best });
                    best == **truth as usize
                }
            };
            let n_hits = known.filter(is_hit).count();
            return Some(("accuracy", n_hits as f64 / n_rows as f64, n_rows));
        }
        let (mut errors, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for ((count, sums), truth) in known {
            let value = truth - lesson.base[0];
            errors += (mean(sums[0], *count) - value).powi(2);
            sum += value;
            squares += value * value;
        }
        let spread = squares - sum * sum / n_rows as f64;
        (spread > 0.0).then(|| ("r2", 1.0 - errors / spread, n_rows))
    }
}
