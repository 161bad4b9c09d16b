//! The out-of-bag score: each row is predicted by the trees that were grown without it (Breiman 2001).

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

/// What one tree says: rows, and its scores of them.
pub(super) struct Said {
    rows: Vec<u32>,
    scores: Vec<f64>,
}

/// What a tree says of the rows that were not drawn.
pub(super) fn scores(
    grown: &Grown,
    bins: &Bins,
    draws: &[u16],
    n_targets: usize,
    factor: f64,
) -> Said {
    let unseen = draws.iter().zip(0..).filter(|(draws, _)| **draws == 0);
    let rows: Vec<u32> = unseen.map(|(_, row)| row).collect();
    let mut scores = vec![0.0; rows.len() * n_targets];
    for (row, own) in rows.iter().zip(scores.chunks_mut(n_targets)) {
        crate::model::add_leaf(&grown.tree.nodes[grown.leaf_of(bins, *row)], own);
        for score in own {
            *score /= factor;
        }
    }
    Said { rows, scores }
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
        for (row, scores) in said.rows.iter().zip(said.scores.chunks(self.n_targets)) {
            let row = *row as usize;
            self.counts[row] += 1;
            let sums = &mut self.sums[row * self.n_targets..(row + 1) * self.n_targets];
            for (sum, score) in sums.iter_mut().zip(scores) {
                *sum += (score / self.scale / UNIT) as i64;
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
