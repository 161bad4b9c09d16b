//! A block of rows on its way through the network and back.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::batch_norm::Normalised;
use super::network::Network;
use super::products::{across, backwards, forwards};
use super::settings::Settings;
use crate::encoder::Design;

/// Rows with what is to be learnt of them.
pub(super) struct Rows<'a> {
    pub(super) design: &'a Design,
    /// Scaled values, or classes.
    pub(super) goals: Vec<f32>,
    /// 1 on average; 0 for rows that do not count.
    pub(super) weights: Vec<f32>,
}

/// Room for some rows, and what was found of the last ones.
pub(super) struct Block {
    pub(super) n_rows: usize,
    inputs: Vec<f32>,
    /// The places of texts, row by row.
    pub(super) places: Vec<u32>,
    goals: Vec<f32>,
    weights: Vec<f32>,
    states: Vec<State>,
    /// The gradient of the parameters of all layers.
    pub(super) gradient: Vec<f32>,
    /// The gradient of the embedded inputs, row by row.
    pub(super) embedded: Vec<f32>,
    /// The sum of the losses, and of the weights.
    pub(super) loss: f64,
    pub(super) weight: f64,
    dropout: f32,
    rng: ChaCha8Rng,
    draws: Vec<u8>,
}

/// The values of a layer's units, row by row.
struct State {
    outputs: Vec<f32>,
    /// The slopes of the activation, times what dropout makes of them; before it, what the activation is of.
    slopes: Vec<f32>,
    /// The gradient of the units before their activation.
    delta: Vec<f32>,
    normalised: Normalised,
}

impl Block {
    /// Blocks with different places draw different numbers.
    pub(super) fn new(network: &Network, settings: &Settings, place: usize) -> Self {
        let room = settings.room;
        let last = network.layers.len() - 1;
        let states = network.layers.iter().enumerate().map(|(at, layer)| {
            let n = room * layer.n_out;
            State {
                outputs: vec![0.0; n],
                slopes: vec![0.0; if at == last { 0 } else { n }],
                delta: vec![0.0; n],
                normalised: if layer.norm.is_some() {
                    Normalised::new(room, layer.n_out)
                } else {
                    Normalised::default()
                },
            }
        });
        let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
        rng.set_stream(place as u64 + 1);
        Self {
            n_rows: 0,
            inputs: vec![0.0; room * network.n_inputs()],
            places: vec![0; room * network.tables.len()],
            goals: vec![0.0; room],
            weights: vec![0.0; room],
            states: states.collect(),
            gradient: vec![0.0; network.values.len()],
            embedded: vec![0.0; room * network.n_embedded()],
            loss: 0.0,
            weight: 0.0,
            dropout: settings.dropout,
            rng,
            draws: Vec::new(),
        }
    }

    /// Finds the loss of rows and its gradient; the losses of a batch are multiplied by `factor`.
    pub(super) fn learn(
        &mut self,
        network: &Network,
        rows: &Rows<'_>,
        picked: &[u32],
        factor: f32,
    ) {
        self.load(network, rows, picked.iter().map(|row| *row as usize));
        if self.n_rows == 0 {
            self.gradient.fill(0.0);
            return;
        }
        self.forwards(network, true);
        self.find_loss(network, factor);
        for at in (0..network.layers.len()).rev() {
            self.backwards(network, at);
        }
    }

    /// Finds the loss of rows.
    pub(super) fn look(
        &mut self,
        network: &Network,
        rows: &Rows<'_>,
        picked: std::ops::Range<usize>,
    ) {
        self.load(network, rows, picked);
        if self.n_rows > 0 {
            self.forwards(network, false);
            self.find_loss(network, 1.0);
        }
    }

    /// What the layers' normalisation found.
    pub(super) fn normalised(&self, layer: usize) -> &Normalised {
        &self.states[layer].normalised
    }

    fn load(
        &mut self,
        network: &Network,
        rows: &Rows<'_>,
        picked: impl ExactSizeIterator<Item = usize>,
    ) {
        (self.loss, self.weight, self.n_rows) = (0.0, 0.0, picked.len());
        let (n_columns, n_inputs) = (rows.design.n_columns, network.n_inputs());
        let has_numbers_only = network.tables.is_empty();
        for (at, row) in picked.enumerate() {
            let values = &rows.design.values[row * n_columns..(row + 1) * n_columns];
            let inputs = &mut self.inputs[at * n_inputs..(at + 1) * n_inputs];
            self.goals[at] = rows.goals[row];
            self.weights[at] = rows.weights[row];
            if has_numbers_only {
                let pairs = inputs.iter_mut().zip(values);
                pairs.for_each(|(input, value)| *input = *value as f32);
                continue;
            }
            let (numbers, mut embedded) = inputs.split_at_mut(network.numbers.len());
            for (input, column) in numbers.iter_mut().zip(&network.numbers) {
                *input = values[*column] as f32;
            }
            let places = &mut self.places[at * network.tables.len()..];
            for (table, place) in network.tables.iter().zip(places) {
                *place = values[table.column] as u32;
                let start = *place as usize * table.width;
                let (own, rest) = embedded.split_at_mut(table.width);
                own.copy_from_slice(&table.values[start..start + table.width]);
                embedded = rest;
            }
        }
    }

    fn forwards(&mut self, network: &Network, is_learning: bool) {
        let last = network.layers.len() - 1;
        for (at, layer) in network.layers.iter().enumerate() {
            let (before, here) = self.states.split_at_mut(at);
            let inputs = before.last().map_or(&self.inputs, |state| &state.outputs);
            let inputs = &inputs[..self.n_rows * layer.n_in];
            let State {
                outputs,
                slopes,
                normalised,
                ..
            } = &mut here[0];
            let outputs = &mut outputs[..self.n_rows * layer.n_out];
            let shape = [self.n_rows, layer.n_in, layer.n_out];
            let (weights, bias) = (
                &network.values[layer.weights.clone()],
                &network.values[layer.bias.clone()],
            );
            if at == last {
                forwards(outputs, inputs, weights, shape);
                add_to_rows(outputs, bias);
                continue;
            }
            let slopes = &mut slopes[..self.n_rows * layer.n_out];
            forwards(slopes, inputs, weights, shape);
            add_to_rows(slopes, bias);
            match &layer.norm {
                Some(norm) if is_learning => norm.learn(&network.values, slopes, normalised),
                Some(norm) => norm.apply(&network.values, slopes),
                None => {}
            }
            network.activation.apply(slopes, outputs);
            if is_learning && self.dropout > 0.0 {
                self.draws.resize(2 * outputs.len(), 0);
                self.rng.fill_bytes(&mut self.draws);
                drop_some(self.dropout, &self.draws, outputs, slopes);
            }
        }
    }

    /// The loss of the last layer's scores, and its gradient in their place.
    fn find_loss(&mut self, network: &Network, factor: f32) {
        let Some(State { outputs, delta, .. }) = self.states.last_mut() else {
            return;
        };
        let n = outputs.len() / self.goals.len() * self.n_rows;
        delta[..n].copy_from_slice(&outputs[..n]);
        let (goals, weights) = (&self.goals[..self.n_rows], &self.weights[..self.n_rows]);
        self.loss = network.loss.derive(&mut delta[..n], goals, weights, factor);
        self.weight = weights.iter().map(|weight| f64::from(*weight)).sum();
    }

    /// From the gradient of a layer's units to those of its parameters and of the units before.
    fn backwards(&mut self, network: &Network, at: usize) {
        let (layer, n_rows) = (&network.layers[at], self.n_rows);
        let (before, here) = self.states.split_at_mut(at);
        let delta = &here[0].delta[..n_rows * layer.n_out];
        let inputs = before.last().map_or(&self.inputs, |state| &state.outputs);
        across(
            &mut self.gradient[layer.weights.clone()],
            &inputs[..n_rows * layer.n_in],
            delta,
            [n_rows, layer.n_in, layer.n_out],
        );
        let bias = &mut self.gradient[layer.bias.clone()];
        bias.fill(0.0);
        for row in delta.chunks_exact(layer.n_out) {
            bias.iter_mut()
                .zip(row)
                .for_each(|(sum, value)| *sum += value);
        }
        let weights = &network.values[layer.weights.clone()];
        let Some(previous) = before.last_mut() else {
            let n_embedded = network.n_embedded();
            if n_embedded > 0 {
                let weights = &weights[network.numbers.len() * layer.n_out..];
                let embedded = &mut self.embedded[..n_rows * n_embedded];
                backwards(embedded, delta, weights, [n_rows, layer.n_out, n_embedded]);
            }
            return;
        };
        let to = &mut previous.delta[..n_rows * layer.n_in];
        backwards(to, delta, weights, [n_rows, layer.n_out, layer.n_in]);
        let slopes = to.iter_mut().zip(&previous.slopes);
        slopes.for_each(|(value, slope)| *value *= slope);
        if let Some(norm) = &network.layers[at - 1].norm {
            norm.derive(
                &network.values,
                to,
                &previous.normalised,
                &mut self.gradient,
            );
        }
    }
}

fn add_to_rows(rows: &mut [f32], bias: &[f32]) {
    for row in rows.chunks_exact_mut(bias.len()) {
        row.iter_mut()
            .zip(bias)
            .for_each(|(value, bias)| *value += bias);
    }
}

/// Leaves units out at random and enlarges the others, so that sums stay the same on average; two random bytes a unit.
fn drop_some(share: f32, draws: &[u8], outputs: &mut [f32], slopes: &mut [f32]) {
    let least = (share * 65_536.0) as u32;
    let factor = 65_536.0 / (65_536 - least) as f32;
    let (draws, _) = draws.as_chunks::<2>();
    for ((draw, output), slope) in draws.iter().zip(outputs).zip(slopes) {
        let is_kept = u32::from(u16::from_le_bytes(*draw)) >= least;
        let factor = if is_kept { factor } else { 0.0 };
        *output *= factor;
        *slope *= factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropout_keeps_the_sum_on_average() {
        let mut draws = vec![0; 20_000];
        ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut draws);
        let (mut outputs, mut slopes) = (vec![1.0; 10_000], vec![2.0; 10_000]);
        drop_some(0.25, &draws, &mut outputs, &mut slopes);
        let n_dropped = outputs.iter().filter(|output| **output == 0.0).count();
        assert!((2300..2700).contains(&n_dropped), "{n_dropped}");
        let sum: f32 = outputs.iter().sum();
        assert!((sum - 10_000.0).abs() < 300.0, "{sum}");
        let mut pairs = outputs.iter().zip(&slopes);
        assert!(pairs.all(|(output, slope)| 2.0 * output == *slope));
    }
}
