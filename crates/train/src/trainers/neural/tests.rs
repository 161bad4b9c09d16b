use std::collections::BTreeMap;
use std::ops::ControlFlow;

use everloop_domain::{ParameterValue, Value};

use super::batch_norm::BatchNorm;
use super::block::{Block, Rows};
use super::*;
use crate::Progress;
use crate::encoder::Inputs;
use crate::parameters::Parameters;
use crate::trainers::tests::unseen;

/// Two numbers and a text of three categories, for some rows.
fn design(n_rows: usize) -> Design {
    let row = |row: usize| {
        let x = (row as f64 * 0.7).sin();
        [x, (row % 4) as f64, (row as f64 * 1.3).cos()]
    };
    Design {
        values: (0..n_rows).flat_map(row).collect(),
        n_rows,
        n_columns: 3,
    }
}

/// A job on those rows with parameters.
fn with_job(task: Task, given: &[(&str, Value)], then: impl FnOnce(&mut Job<'_>)) {
    let design = design(40);
    let n_classes = match task {
        Task::Binary => 2,
        Task::Multiclass => 3,
        _ => 0,
    };
    let target: Vec<f64> = (0..design.n_rows)
        .map(|row| match n_classes {
            0 => row as f64 / 10.0,
            n_classes => (row % n_classes) as f64,
        })
        .collect();
    let given: BTreeMap<String, ParameterValue> = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone().into()))
        .collect();
    let mut progress = |_: Progress| ControlFlow::Continue(());
    let (encoder, rows) = unseen();
    let mut job = Job {
        task,
        parameters: Parameters::new("neural", task, &given).unwrap(),
        seed: 3,
        n_threads: 1,
        design: &design,
        inputs: Inputs::new(&encoder, &rows),
        blocks: Vec::new(),
        rows: &rows,
        time: None,
        n_categories: vec![0, 3, 0],
        target: &target,
        n_classes,
        row_weights: (0..design.n_rows)
            .map(|row| 1.0 + (row % 3) as f64)
            .collect(),
        validation: (&design, &target),
        validation_weights: None,
        progress: &mut progress,
    };
    then(&mut job);
}

/// Gradients against differences of the loss of one block.
#[track_caller]
fn check(task: Task, activation: &str, has_batch_norm: bool) {
    let given = [
        ("activation", Value::Text(activation.to_owned())),
        ("batch_norm", Value::Boolean(has_batch_norm)),
        ("hidden", Value::Integer(5)),
    ];
    with_job(task, &given, |job| {
        let settings = Settings::new(job).unwrap();
        let goal = Goal::of(job);
        let mut network = Network::new(job, &settings, goal.n_scores);
        let rows = Rows {
            design: job.design,
            goals: job.target.iter().map(|value| *value as f32).collect(),
            weights: job
                .row_weights
                .iter()
                .map(|weight| *weight as f32)
                .collect(),
        };
        let picked: Vec<u32> = (0..40).collect();
        let mut block = Block::new(&network, &settings, 0);
        block.learn(&network, &rows, &picked, 1.0);
        let (gradient, embedded, places) = (
            block.gradient.clone(),
            block.embedded.clone(),
            block.places.clone(),
        );
        let mut loss = |network: &Network| {
            block.learn(network, &rows, &picked, 1.0);
            block.loss
        };
        let mut compare =
            |found: f32, network: &mut Network, change: &dyn Fn(&mut Network, f32)| {
                change(network, 5e-3);
                let more = loss(network);
                change(network, -1e-2);
                let less = loss(network);
                change(network, 5e-3);
                let slope = (more - less) / 1e-2;
                let difference = (f64::from(found) - slope).abs();
                assert!(
                    difference < 0.02 * slope.abs().max(1.0),
                    "{task} {activation}: {found} {slope}"
                );
            };
        for (at, slope) in gradient.iter().enumerate() {
            compare(*slope, &mut network, &|network, by| {
                network.values[at] += by;
            });
        }
        let width = network.tables[0].width;
        for at in 0..network.tables[0].values.len() {
            let (place, unit) = (at / width, at % width);
            let rows = places.iter().zip(embedded.chunks_exact(width));
            let own = rows.filter(|(own, _)| **own as usize == place);
            let sum = own.map(|(_, values)| values[unit]).sum();
            compare(sum, &mut network, &|network, by| {
                network.tables[0].values[at] += by;
            });
        }
    });
}

#[test]
fn gradients_are_slopes_of_the_loss() {
    for activation in ["tanh", "gelu", "silu"] {
        for task in [Task::Regression, Task::Binary, Task::Multiclass] {
            check(task, activation, false);
        }
        check(Task::Binary, activation, true);
    }
}

#[test]
fn unknown_texts_have_the_mean_embedding_where_training_had_none() {
    with_job(Task::Binary, &[], |job| {
        let settings = Settings::new(job).unwrap();
        let mut network = Network::new(job, &settings, 1);
        let before = network.tables[0].values.clone();
        network.fill_unknown(job);
        // Places 0 to 3 occur: nothing is filled.
        assert_eq!(network.tables[0].values, before);
        let mut known = job.design.clone();
        for place in known.values.iter_mut().skip(1).step_by(3) {
            *place = place.max(1.0);
        }
        let width = network.tables[0].width;
        let job = Job {
            design: &known,
            parameters: job.parameters.clone(),
            n_categories: vec![0, 3, 0],
            row_weights: Vec::new(),
            blocks: Vec::new(),
            progress: &mut |_| ControlFlow::Continue(()),
            ..*job
        };
        network.fill_unknown(&job);
        let values = &network.tables[0].values;
        let expected = 0.5 * values[width] + 0.25 * (values[2 * width] + values[3 * width]);
        assert!((values[0] - expected).abs() < 1e-6);
    });
}

#[test]
fn a_network_beyond_memory_is_refused_with_its_size() {
    with_job(Task::Binary, &[], |job| {
        let mut settings = Settings::new(job).unwrap();
        settings.room = 1 << 28;
        let network = Network::new(job, &settings, 1);
        let error = network.check_size(job, &settings).unwrap_err().to_string();
        assert!(
            error.contains("GiB to learn, at most 8 GiB are used; lower `hidden` or `batch_size`"),
            "{error}"
        );
    });
}

#[test]
fn parameters_lie_one_after_the_other() {
    with_job(
        Task::Binary,
        &[("batch_norm", Value::Boolean(true))],
        |job| {
            let settings = Settings::new(job).unwrap();
            let network = Network::new(job, &settings, 1);
            let mut end = 0;
            for layer in &network.layers {
                assert_eq!(layer.weights.start, end);
                assert_eq!(layer.bias.start, layer.weights.end);
                end = layer.norm.as_ref().map_or(layer.bias.end, BatchNorm::end);
            }
            assert_eq!(end, network.values.len());
        },
    );
}
