//! The network: its shape, its parameters, and the model that it becomes.

use std::ops::Range;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::Goal;
use super::batch_norm::BatchNorm;
use super::loss::Loss;
use super::settings::Settings;
use crate::Error;
use crate::model::{Activation, Dense, Embedding, NeuralModel};
use crate::trainers::Job;

/// What learning may need beside the encoded rows.
const MAX_BYTES: usize = 8 << 30;
/// Embeddings begin within this distance of 0.
const EMBEDDING_BOUND: f32 = 0.5;
/// The widest embedding whose width is not given.
const MAX_AUTOMATIC_WIDTH: usize = 50;

#[derive(Clone)]
pub(super) struct Network {
    /// The columns that are numbers: the first inputs.
    pub(super) numbers: Vec<usize>,
    /// The columns that are texts: the inputs after the numbers.
    pub(super) tables: Vec<Table>,
    pub(super) layers: Vec<Layer>,
    /// The parameters of all layers.
    pub(super) values: Vec<f32>,
    pub(super) activation: Activation,
    pub(super) loss: Loss,
}

/// The embeddings of a text column: a row for unknown texts, then one for each category.
#[derive(Clone)]
pub(super) struct Table {
    pub(super) column: usize,
    pub(super) width: usize,
    pub(super) values: Vec<f32>,
}

/// `x W + b` and perhaps normalisation: where the parameters are.
#[derive(Clone)]
pub(super) struct Layer {
    pub(super) n_in: usize,
    pub(super) n_out: usize,
    /// Row-major, a row for each input.
    pub(super) weights: Range<usize>,
    pub(super) bias: Range<usize>,
    pub(super) norm: Option<BatchNorm>,
}

impl Network {
    /// A network with random weights and biases of 0.
    pub(super) fn new(job: &Job<'_>, settings: &Settings, n_scores: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
        let columns = || job.n_categories.iter().copied().enumerate();
        let tables = columns().filter(|(_, n_categories)| *n_categories > 0);
        let tables: Vec<Table> = tables
            .map(|(column, n_categories)| {
                let width = match settings.embedding_size {
                    0 => n_categories.div_ceil(2).min(MAX_AUTOMATIC_WIDTH),
                    width => width,
                };
                let n_values = (n_categories + 1) * width;
                let values = (0..n_values).map(|_| uniform(&mut rng, EMBEDDING_BOUND));
                Table {
                    column,
                    width,
                    values: values.collect(),
                }
            })
            .collect();
        let numbers = columns().filter(|(_, n_categories)| *n_categories == 0);
        let mut network = Self {
            numbers: numbers.map(|(column, _)| column).collect(),
            tables,
            layers: Vec::new(),
            values: Vec::new(),
            activation: settings.activation,
            loss: Loss::of(job.task),
        };
        let mut n_in = network.n_inputs();
        for n_out in &settings.hidden {
            network.add_layer((n_in, *n_out), settings.has_batch_norm, &mut rng);
            n_in = *n_out;
        }
        network.add_layer((n_in, n_scores), false, &mut rng);
        network
    }

    /// Weights are uniform with the variance of Glorot and Bengio 2010, which learns faster here than the larger one of He
    /// and others 2015 does, also for functions that are half of a line.
    fn add_layer(&mut self, (n_in, n_out): (usize, usize), has_norm: bool, rng: &mut ChaCha8Rng) {
        let bound = (6.0 / (n_in + n_out) as f32).sqrt();
        let weights = self.add((0..n_in * n_out).map(|_| uniform(rng, bound)));
        let bias = self.add(std::iter::repeat_n(0.0, n_out));
        let norm = has_norm.then(|| {
            let factors = self.add(std::iter::repeat_n(1.0, n_out));
            BatchNorm::new(factors, self.add(std::iter::repeat_n(0.0, n_out)))
        });
        self.layers.push(Layer {
            n_in,
            n_out,
            weights,
            bias,
            norm,
        });
    }

    fn add(&mut self, values: impl Iterator<Item = f32>) -> Range<usize> {
        let start = self.values.len();
        self.values.extend(values);
        start..self.values.len()
    }

    pub(super) fn n_embedded(&self) -> usize {
        self.tables.iter().map(|table| table.width).sum()
    }

    pub(super) fn n_inputs(&self) -> usize {
        self.numbers.len() + self.n_embedded()
    }

    /// What learning needs at most beside the encoded rows: parameters, their moments, best values and gradients (one a
    /// block), the values between layers, and 8 bytes a row.
    fn n_bytes(&self, n_rows: usize, settings: &Settings) -> usize {
        let n_table_values: usize = self.tables.iter().map(|table| table.values.len()).sum();
        let n_parameters = self.values.len() * (5 + settings.n_blocks) + 5 * n_table_values;
        let n_units: usize = self.layers.iter().map(|layer| layer.n_out).sum();
        let n_between = settings.n_blocks * settings.room * (2 * self.n_inputs() + 5 * n_units);
        size_of::<f32>() * (n_parameters + n_between) + 8 * n_rows
    }

    pub(super) fn check_size(&self, job: &Job<'_>, settings: &Settings) -> Result<(), Error> {
        let n_bytes = self.n_bytes(job.design.n_rows, settings);
        if n_bytes <= MAX_BYTES {
            return Ok(());
        }
        Err(Error::Inputs(format!(
            "a network of {} parameters with batches of {} rows needs {} GiB to learn, at most {} GiB are used; lower `hidden` or `batch_size`",
            self.values.len(),
            job.design.n_rows.div_ceil(settings.n_batches),
            n_bytes >> 30,
            MAX_BYTES >> 30
        )))
    }

    pub(super) fn is_finite(&self) -> bool {
        let tables = self.tables.iter().flat_map(|table| &table.values);
        self.values
            .iter()
            .chain(tables)
            .all(|value| value.is_finite())
    }

    /// Texts that training never saw as unknown get the mean of the embeddings of all.
    pub(super) fn fill_unknown(&mut self, job: &Job<'_>) {
        for table in &mut self.tables {
            let places = || {
                let values = job.design.values.iter().skip(table.column);
                values
                    .step_by(job.design.n_columns)
                    .map(|place| *place as usize)
            };
            if places().any(|place| place == 0) {
                continue;
            }
            let mut counts = vec![0.0; table.values.len() / table.width];
            places().for_each(|place| counts[place] += 1.0);
            let mut means = vec![0.0; table.width];
            for (row, count) in table.values.chunks_exact(table.width).zip(&counts) {
                let share = count / job.design.n_rows as f64;
                for (mean, value) in means.iter_mut().zip(row) {
                    *mean += share * f64::from(*value);
                }
            }
            for (value, mean) in table.values.iter_mut().zip(means) {
                *value = mean as f32;
            }
        }
    }

    /// The network in doubles, normalisation folded into weights, the target's scale into the last layer.
    pub(super) fn model(&self, goal: &Goal) -> NeuralModel {
        let mut layers: Vec<Dense> = self.layers.iter().map(|layer| self.dense(layer)).collect();
        if let Some(last) = layers.last_mut() {
            for weight in last.weights.iter_mut().chain(&mut last.bias) {
                *weight *= goal.deviation;
            }
            for bias in &mut last.bias {
                *bias += goal.mean;
            }
        }
        let embeddings = self.tables.iter().map(|table| Embedding {
            column: table.column,
            width: table.width,
            table: doubles(&table.values),
        });
        NeuralModel {
            numbers: self.numbers.clone(),
            embeddings: embeddings.collect(),
            layers,
            activation: self.activation,
        }
    }

    fn dense(&self, layer: &Layer) -> Dense {
        let mut weights = doubles(&self.values[layer.weights.clone()]);
        let mut bias = doubles(&self.values[layer.bias.clone()]);
        if let Some(norm) = &layer.norm {
            norm.fold(&self.values, &mut weights, &mut bias);
        }
        Dense { weights, bias }
    }
}

fn uniform(rng: &mut ChaCha8Rng, bound: f32) -> f32 {
    (rng.random::<f32>() * 2.0 - 1.0) * bound
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}
