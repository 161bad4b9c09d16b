//! The parameters of the trainer, read.

use super::optimizer::Rule;
use super::schedule::Schedule;
use crate::Error;
use crate::model::Activation;
use crate::trainers::Job;

/// Blocks have at least so many rows, where the batch has them.
const MIN_BLOCK_ROWS: usize = 64;
/// A batch has at most so many blocks: no more threads than these are of use.
const MAX_BLOCKS: usize = 16;
/// Blocks have room for so many rows: validation rows go through them in larger pieces.
const MIN_ROOM: usize = 128;

pub(super) struct Settings {
    pub(super) hidden: Vec<usize>,
    pub(super) activation: Activation,
    pub(super) dropout: f32,
    pub(super) has_batch_norm: bool,
    /// 0 decides by the number of categories.
    pub(super) embedding_size: usize,
    pub(super) rule: Rule,
    pub(super) learning_rate: f64,
    pub(super) schedule: Schedule,
    pub(super) weight_decay: f32,
    /// 0 does not clip.
    pub(super) clip: f64,
    pub(super) n_batches: usize,
    pub(super) n_blocks: usize,
    /// The rows that a block has room for.
    pub(super) room: usize,
    pub(super) epochs: usize,
    pub(super) patience: usize,
    pub(super) seed: u64,
}

impl Settings {
    pub(super) fn new(job: &Job<'_>) -> Result<Self, Error> {
        let given = &job.parameters;
        let n_rows = job.design.n_rows;
        let batch_size = match given.integer("batch_size") {
            0 => (n_rows / 100).clamp(32, 256),
            size => size,
        };
        // Batches of one epoch differ by one row at most: there is no small last one.
        let n_batches = n_rows.div_ceil(batch_size.min(n_rows));
        let n_blocks = n_blocks(n_rows / n_batches);
        let has_batch_norm = given.integer("batch_norm") == 1;
        if has_batch_norm && n_rows / n_batches < 2 {
            return Err(Error::Parameter {
                name: "batch_norm".to_owned(),
                problem: format!(
                    "batches of {batch_size} cannot be normalised: raise `batch_size` to 2 or more"
                ),
            });
        }
        Ok(Self {
            hidden: given.integers("hidden").to_vec(),
            activation: Activation::ALL[given.integer("activation")],
            dropout: given.number("dropout") as f32,
            has_batch_norm,
            embedding_size: given.integer("embedding_size"),
            rule: match given.integer("optimizer") {
                0 => Rule::AdamW,
                1 => Rule::Adam,
                _ => Rule::Sgd {
                    momentum: given.number("momentum") as f32,
                },
            },
            learning_rate: given.number("learning_rate"),
            schedule: Schedule::ALL[given.integer("schedule")],
            weight_decay: given.number("weight_decay") as f32,
            clip: given.number("clip"),
            n_batches,
            n_blocks,
            room: n_rows.div_ceil(n_batches).div_ceil(n_blocks).max(MIN_ROOM),
            epochs: given.integer("epochs"),
            patience: given.integer("early_stopping"),
            seed: job.seed,
        })
    }
}

/// A power of two, so that two threads have the same work.
fn n_blocks(n_rows: usize) -> usize {
    let most = (n_rows / MIN_BLOCK_ROWS).clamp(1, MAX_BLOCKS);
    1 << most.ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_follow_the_rows_of_a_batch_only() {
        for (n_rows, expected) in [(1, 1), (127, 1), (128, 2), (200, 2), (256, 4), (9999, 16)] {
            assert_eq!(n_blocks(n_rows), expected, "{n_rows} rows");
        }
    }
}
