//! Epochs and batches: what is learnt, watched, and when it ends.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::Goal;
use super::block::{Block, Rows};
use super::network::Network;
use super::optimizer::Optimizer;
use super::settings::Settings;
use super::team::{Shared, Team, Work};
use crate::Error;
use crate::trainers::Job;

/// Whoever watches is asked whether to go on after so many products of numbers, a part of a second.
const PRODUCTS_BETWEEN_TELLS: usize = 200_000_000;

pub(super) struct Learnt {
    pub(super) network: Network,
    pub(super) notes: Vec<String>,
}

/// Learns until the epochs are over or the validation loss no longer falls.
pub(super) fn learn(
    job: &mut Job<'_>,
    settings: &Settings,
    goal: &Goal,
    network: Network,
) -> Result<Learnt, Error> {
    let blocks = (0..settings.n_blocks).map(|at| Block::new(&network, settings, at));
    let optimizer = Optimizer::new(&network, settings);
    let (train, validation) = (train_rows(job, goal), validation_rows(job, goal));
    let has_validation = validation.weights.iter().any(|weight| *weight > 0.0);
    let blocks = blocks.collect();
    let shared = Shared::new(network, blocks, train, validation);
    let n_threads = job.n_threads.clamp(1, settings.n_blocks);
    let mut watch = Watch {
        patience: settings.patience,
        has_validation,
        best: None,
    };
    let n_epochs = std::thread::scope(|scope| {
        let learning = Learning {
            settings,
            goal,
            team: Team::new(scope, &shared, n_threads),
            shared: &shared,
            optimizer,
            rng: ChaCha8Rng::seed_from_u64(settings.seed ^ 0x5eed),
        };
        learning.run(job, &mut watch)
    })?;
    let notes = watch.notes(n_epochs);
    let mut network = match watch.best {
        Some(best) => best.network,
        None => shared.network().clone(),
    };
    network.fill_unknown(job);
    Ok(Learnt { network, notes })
}

fn train_rows<'a>(job: &Job<'a>, goal: &Goal) -> Rows<'a> {
    let mean = job.row_weights.iter().sum::<f64>() / job.row_weights.len() as f64;
    Rows {
        design: job.design,
        goals: goals(job.target, goal),
        weights: job
            .row_weights
            .iter()
            .map(|weight| (weight / mean) as f32)
            .collect(),
    }
}

/// Rows of classes that training does not know do not count, others by their weight.
fn validation_rows<'a>(job: &Job<'a>, goal: &Goal) -> Rows<'a> {
    let (design, target) = job.validation;
    let known = |value: &f64| f32::from(u8::from(!value.is_nan()));
    let mut weights: Vec<f32> = target.iter().map(known).collect();
    if let Some(own) = job.validation_weights {
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        let pairs = weights.iter_mut().zip(own);
        pairs.for_each(|(weight, own)| *weight *= (own / mean) as f32);
    }
    Rows {
        design,
        goals: goals(target, goal),
        weights,
    }
}

fn goals(target: &[f64], goal: &Goal) -> Vec<f32> {
    let scaled = |value: &f64| ((value - goal.mean) / goal.deviation) as f32;
    target.iter().map(scaled).collect()
}

/// What validation tells.
struct Watch {
    patience: usize,
    has_validation: bool,
    best: Option<Best>,
}

struct Best {
    network: Network,
    epoch: usize,
    loss: f64,
}

impl Watch {
    /// Whether learning is to stop.
    fn sees(&mut self, epoch: usize, loss: f64, network: &Network) -> bool {
        if self.patience == 0 {
            return false;
        }
        match &mut self.best {
            Some(best) if loss >= best.loss => epoch - best.epoch >= self.patience,
            best => {
                *best = Some(Best {
                    network: network.clone(),
                    epoch,
                    loss,
                });
                false
            }
        }
    }

    fn notes(&self, n_epochs: usize) -> Vec<String> {
        match &self.best {
            Some(best) => vec![format!(
                "learnt for {n_epochs} epochs, of which the weights of epoch {} are kept",
                best.epoch
            )],
            None if self.patience > 0 && !self.has_validation => {
                vec!["`early_stopping` had no effect: there are no validation rows".to_owned()]
            }
            None => Vec::new(),
        }
    }
}

struct Learning<'a, 'scope> {
    settings: &'a Settings,
    goal: &'a Goal,
    team: Team<'scope>,
    shared: &'scope Shared<'scope>,
    optimizer: Optimizer,
    rng: ChaCha8Rng,
}

impl Learning<'_, '_> {
    /// How many epochs there were.
    fn run(mut self, job: &mut Job<'_>, watch: &mut Watch) -> Result<usize, Error> {
        let epochs = self.settings.epochs;
        for epoch in 1..=epochs {
            let loss = self.epoch(job, epoch)?;
            self.tell(job, epoch, "train", loss)?;
            if !watch.has_validation {
                continue;
            }
            let loss = self.validation_loss(job, epoch)?;
            self.tell(job, epoch, "validation", loss)?;
            if watch.sees(epoch, loss, &self.shared.network()) {
                return Ok(epoch);
            }
        }
        Ok(epochs)
    }

    fn tell(&self, job: &mut Job<'_>, epoch: usize, part: &str, loss: f64) -> Result<(), Error> {
        let kind = self.shared.network().loss;
        let metric = (
            format!("{part}_{}", kind.name()),
            kind.shown(loss, self.goal.deviation),
        );
        job.tell(epoch, self.settings.epochs, Some(metric))
    }

    /// The mean loss of the rows, each before the step that learnt from it.
    fn epoch(&mut self, job: &mut Job<'_>, epoch: usize) -> Result<f64, Error> {
        let (n_rows, n_batches) = (job.design.n_rows, self.settings.n_batches);
        let work = n_rows / n_batches * self.shared.network().values.len() * 3;
        let n_between = (PRODUCTS_BETWEEN_TELLS / work.max(1)).clamp(1, 1000);
        self.shared.order_mut().shuffle(&mut self.rng);
        let (mut loss, mut weight) = (0.0, 0.0);
        for batch in 0..n_batches {
            let start = |batch: usize| n_rows * batch / n_batches;
            self.team.run(&Work::Learn(start(batch)..start(batch + 1)));
            let done = (epoch - 1) * n_batches + batch;
            let share = done as f64 / (self.settings.epochs * n_batches) as f64;
            let (own_loss, own_weight) = self.step(self.settings.schedule.factor(share));
            loss += own_loss;
            weight += own_weight;
            if !own_loss.is_finite() {
                return Err(diverged(epoch));
            }
            if (batch + 1) % n_between == 0 {
                job.tell(epoch - 1, self.settings.epochs, None)?;
            }
        }
        if self.shared.network().is_finite() {
            Ok(loss / weight)
        } else {
            Err(diverged(epoch))
        }
    }

    /// Changes the network by what the blocks found; gives the sums of their losses and weights.
    fn step(&mut self, factor: f64) -> (f64, f64) {
        let mut network = self.shared.network_mut();
        let (mut loss, mut weight, mut n_rows) = (0.0, 0.0, 0);
        self.optimizer.begin();
        for at in 0..self.shared.blocks.len() {
            let block = self.shared.block(at);
            self.optimizer.add(&network, &block);
            loss += block.loss;
            weight += block.weight;
            n_rows += block.n_rows;
        }
        for (at, layer) in network.layers.iter_mut().enumerate() {
            let Some(norm) = &mut layer.norm else {
                continue;
            };
            for place in 0..self.shared.blocks.len() {
                let block = self.shared.block(place);
                let share = block.n_rows as f32 / n_rows as f32;
                norm.remember(block.normalised(at), block.n_rows, place == 0, share);
            }
            norm.has_seen();
        }
        let rate = self.settings.learning_rate * factor;
        self.optimizer.end(&mut network, rate);
        (loss, weight)
    }

    fn validation_loss(&self, job: &mut Job<'_>, epoch: usize) -> Result<f64, Error> {
        let n_rows = self.shared.validation.design.n_rows;
        let n_blocks = self.shared.blocks.len();
        let room = self.settings.room * n_blocks;
        let work = room * self.shared.network().values.len();
        let n_between = (PRODUCTS_BETWEEN_TELLS / work.max(1)).clamp(1, 1000);
        let (mut loss, mut weight) = (0.0, 0.0);
        for (at, start) in (0..n_rows).step_by(room).enumerate() {
            self.team.run(&Work::Look(start..n_rows.min(start + room)));
            for place in 0..n_blocks {
                let block = self.shared.block(place);
                loss += block.loss;
                weight += block.weight;
            }
            if (at + 1) % n_between == 0 {
                job.tell(epoch, self.settings.epochs, None)?;
            }
        }
        let mean = loss / weight;
        if mean.is_finite() {
            Ok(mean)
        } else {
            Err(diverged(epoch))
        }
    }
}

fn diverged(step: usize) -> Error {
    Error::Diverged {
        trainer: super::TRAINER.info.name,
        step,
        hint: "lower `learning_rate`, set `clip`, or exclude columns with extreme values",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Activation;
    use crate::trainers::neural::loss::Loss;

    fn network() -> Network {
        Network {
            numbers: vec![0],
            tables: Vec::new(),
            layers: Vec::new(),
            values: Vec::new(),
            activation: Activation::Relu,
            loss: Loss::Squared,
        }
    }

    /// At which epoch learning stops, and what is noted.
    #[track_caller]
    fn check(patience: usize, losses: &[f64], expected: (usize, &str)) {
        let mut watch = Watch {
            patience,
            has_validation: !losses.is_empty(),
            best: None,
        };
        let stops = |(at, loss): (usize, &f64)| watch.sees(at + 1, *loss, &network());
        let stopped = losses.iter().enumerate().position(stops);
        let n_epochs = stopped.map_or(losses.len(), |at| at + 1);
        assert_eq!((n_epochs, &*watch.notes(n_epochs).join("; ")), expected);
    }

    #[test]
    fn learning_stops_after_epochs_without_gain() {
        check(
            2,
            &[3.0, 2.0, 2.5, 2.0, 1.0],
            (
                4,
                "learnt for 4 epochs, of which the weights of epoch 2 are kept",
            ),
        );
        check(
            3,
            &[3.0, 2.0, 2.5, 2.0, 1.0],
            (
                5,
                "learnt for 5 epochs, of which the weights of epoch 5 are kept",
            ),
        );
        check(0, &[3.0, 4.0, 5.0], (3, ""));
        check(
            2,
            &[],
            (
                0,
                "`early_stopping` had no effect: there are no validation rows",
            ),
        );
    }
}
