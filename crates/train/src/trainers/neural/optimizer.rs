//! How parameters follow their gradients.

use super::batch_norm::BatchNorm;
use super::block::Block;
use super::network::Network;
use super::settings::Settings;

/// Of Adam (Kingma and Ba 2015).
const DECAYS: (f32, f32) = (0.9, 0.999);
/// Of Adam.
const EPSILON: f32 = 1e-8;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    /// Adam with decay of weights apart from the gradient (Loshchilov and Hutter 2019).
    AdamW,
    /// Adam; the decay is a part of the gradient, as of an L2 penalty.
    Adam,
    /// Stochastic gradient descent with momentum; the decay is a part of the gradient.
    Sgd { momentum: f32 },
}

pub(super) struct Optimizer {
    rule: Rule,
    weight_decay: f32,
    clip: f64,
    n_steps: i32,
    dense: Moments,
    gradient: Vec<f32>,
    tables: Vec<Touched>,
}

/// The running means of gradients and of their squares.
#[derive(Clone)]
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

/// The gradients of a table of embeddings: only the places that a batch has are changed, and their moments.
struct Touched {
    moments: Moments,
    gradient: Vec<f32>,
    seen: Vec<bool>,
    places: Vec<u32>,
}

impl Moments {
    fn new(n: usize) -> Self {
        Self {
            first: vec![0.0; n],
            second: vec![0.0; n],
        }
    }
}

impl Optimizer {
    pub(super) fn new(network: &Network, settings: &Settings) -> Self {
        let tables = network.tables.iter().map(|table| Touched {
            moments: Moments::new(table.values.len()),
            gradient: vec![0.0; table.values.len()],
            seen: vec![false; table.values.len() / table.width],
            places: Vec::new(),
        });
        Self {
            rule: settings.rule,
            weight_decay: settings.weight_decay,
            clip: settings.clip,
            n_steps: 0,
            dense: Moments::new(network.values.len()),
            gradient: vec![0.0; network.values.len()],
            tables: tables.collect(),
        }
    }

    /// Begins a step without gradients.
    pub(super) fn begin(&mut self) {
        self.gradient.fill(0.0);
    }

    /// Adds the gradients of a block. The order of the blocks decides the last digits.
    pub(super) fn add(&mut self, network: &Network, block: &Block) {
        let pairs = self.gradient.iter_mut().zip(&block.gradient);
        pairs.for_each(|(sum, value)| *sum += value);
        let (n_tables, n_embedded) = (network.tables.len(), network.n_embedded());
        let mut offset = 0;
        for (at, (table, own)) in network.tables.iter().zip(&mut self.tables).enumerate() {
            for row in 0..block.n_rows {
                let place = block.places[row * n_tables + at];
                if !own.seen[place as usize] {
                    own.seen[place as usize] = true;
                    own.places.push(place);
                }
                let start = row * n_embedded + offset;
                let to = &mut own.gradient[place as usize * table.width..];
                let values = &block.embedded[start..start + table.width];
                to.iter_mut()
                    .zip(values)
                    .for_each(|(sum, value)| *sum += value);
            }
            offset += table.width;
        }
    }

    /// Changes the parameters by the gradients that were added.
    pub(super) fn end(&mut self, network: &mut Network, rate: f64) {
        self.n_steps = self.n_steps.saturating_add(1);
        let factor = self.clip_factor(network);
        let mut step = Step::new(self.rule, rate as f32, self.n_steps, factor);
        for layer in &network.layers {
            // Biases and normalisation follow the weights of their layer.
            let end = layer.norm.as_ref().map_or(layer.bias.end, BatchNorm::end);
            let rest = layer.weights.end..end;
            for (range, decay) in [(layer.weights.clone(), self.weight_decay), (rest, 0.0)] {
                step.decay = decay;
                step.update(
                    &mut network.values[range.clone()],
                    &self.gradient[range.clone()],
                    &mut self.dense.first[range.clone()],
                    &mut self.dense.second[range],
                );
            }
        }
        step.decay = 0.0;
        for (table, own) in network.tables.iter_mut().zip(&mut self.tables) {
            for place in own.places.drain(..) {
                let start = place as usize * table.width;
                let range = start..start + table.width;
                step.update(
                    &mut table.values[range.clone()],
                    &own.gradient[range.clone()],
                    &mut own.moments.first[range.clone()],
                    &mut own.moments.second[range.clone()],
                );
                own.gradient[range].fill(0.0);
                own.seen[place as usize] = false;
            }
        }
    }

    /// What gradients are multiplied by, so that their norm is no greater than allowed.
    fn clip_factor(&self, network: &Network) -> f32 {
        if self.clip <= 0.0 {
            return 1.0;
        }
        let square =
            |values: &[f32]| -> f64 { values.iter().map(|value| f64::from(*value).powi(2)).sum() };
        let mut sum = square(&self.gradient);
        for (table, own) in network.tables.iter().zip(&self.tables) {
            for place in &own.places {
                let start = *place as usize * table.width;
                sum += square(&own.gradient[start..start + table.width]);
            }
        }
        (self.clip / sum.sqrt().max(self.clip)) as f32
    }
}

/// A step of the optimizer for some parameters.
struct Step {
    rule: Rule,
    rate: f32,
    /// What undoes that moments begin with 0.
    corrections: (f32, f32),
    factor: f32,
    decay: f32,
}

impl Step {
    fn new(rule: Rule, rate: f32, n_steps: i32, factor: f32) -> Self {
        let correction = |decay: f32| (1.0 / (1.0 - f64::from(decay).powi(n_steps))) as f32;
        Self {
            rule,
            rate,
            corrections: (correction(DECAYS.0), correction(DECAYS.1)),
            factor,
            decay: 0.0,
        }
    }

    fn update(&self, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let all = values.iter_mut().zip(gradient).zip(first).zip(second);
        if let Rule::Sgd { momentum } = self.rule {
            for (((value, gradient), first), _) in all {
                *first = momentum * *first + gradient * self.factor + self.decay * *value;
                *value -= self.rate * *first;
            }
            return;
        }
        let (coupled, apart) = match self.rule {
            Rule::AdamW => (0.0, 1.0 - self.rate * self.decay),
            _ => (self.decay, 1.0),
        };
        for (((value, gradient), first), second) in all {
            let gradient = gradient * self.factor + coupled * *value;
            *first = DECAYS.0 * *first + (1.0 - DECAYS.0) * gradient;
            *second = DECAYS.1 * *second + (1.0 - DECAYS.1) * gradient * gradient;
            let size = (*second * self.corrections.1).sqrt() + EPSILON;
            *value = apart * *value - self.rate * self.corrections.0 * *first / size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two steps from 1 with the gradients 0.5 and 0.25, a rate of 0.1 and a decay of 0.2.
    #[track_caller]
    fn check(rule: Rule, expected: f32) {
        let (mut values, mut first, mut second) = ([1.0], [0.0], [0.0]);
        for (n_steps, gradient) in [(1, 0.5), (2, 0.25)] {
            let mut step = Step::new(rule, 0.1, n_steps, 1.0);
            step.decay = 0.2;
            step.update(&mut values, &[gradient], &mut first, &mut second);
        }
        assert!((values[0] - expected).abs() < 1e-5, "{rule:?}: {values:?}");
    }

    #[test]
    fn steps_are_those_of_the_definitions() {
        // Worked out in doubles by the formulas of the papers.
        check(Rule::AdamW, 0.769_182);
        check(Rule::Adam, 0.803_950);
        check(Rule::Sgd { momentum: 0.9 }, 0.823_4);
    }
}
