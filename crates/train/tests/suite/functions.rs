//! Functions to search, those of the golden numbers of Optuna; all are to become small.

use std::collections::BTreeMap;
use std::f64::consts::{E, PI};

use everloop_domain::search::{Condition, Dimension, Domain};
use everloop_domain::{ParameterValue, Value};

/// A function and what is searched.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) space: Vec<Dimension>,
    pub(crate) value: fn(&BTreeMap<String, ParameterValue>) -> f64,
}

pub(crate) fn all() -> Vec<Function> {
    let cube = |count: usize, low: f64, high: f64| -> Vec<Dimension> {
        (0..count)
            .map(|at| range(&format!("x{at}"), (low, high), false, false))
            .collect()
    };
    vec![
        Function {
            name: "branin",
            space: vec![
                range("x", (-5.0, 10.0), false, false),
                range("y", (0.0, 15.0), false, false),
            ],
            value: branin,
        },
        Function {
            name: "hartmann6",
            space: cube(6, 0.0, 1.0),
            value: hartmann6,
        },
        Function {
            name: "rosenbrock5",
            space: cube(5, -2.0, 2.0),
            value: rosenbrock5,
        },
        Function {
            name: "ackley5",
            space: cube(5, -10.0, 15.0),
            value: ackley5,
        },
        Function {
            name: "mixed",
            space: mixed_space(),
            value: mixed,
        },
    ]
}

pub(crate) fn range(id: &str, (low, high): (f64, f64), is_log: bool, is_whole: bool) -> Dimension {
    Dimension {
        id: id.to_owned(),
        parameter: id.to_owned(),
        domain: Domain::Range {
            low,
            high,
            step: None,
            is_log,
            is_whole,
        },
        when: Vec::new(),
    }
}

fn choices(id: &str, values: Vec<Value>) -> Dimension {
    Dimension {
        domain: Domain::Choices(values.into_iter().map(ParameterValue::from).collect()),
        ..range(id, (0.0, 1.0), false, false)
    }
}

/// Conditional, categorical, whole and logarithmic.
fn mixed_space() -> Vec<Dimension> {
    let when = |choice: usize, dimension: Dimension| Dimension {
        when: vec![Condition {
            dimension: 1,
            choices: vec![choice],
        }],
        ..dimension
    };
    let words = ["a", "b", "c"]
        .map(|word| Value::Text(word.to_owned()))
        .to_vec();
    vec![
        range("lr", (1e-6, 1.0), true, false),
        choices("algo", words),
        when(0, range("width", (8.0, 512.0), true, true)),
        when(1, range("depth", (1.0, 20.0), false, true)),
        when(
            2,
            choices("flag", vec![Value::Boolean(true), Value::Boolean(false)]),
        ),
    ]
}

pub(crate) fn number(parameters: &BTreeMap<String, ParameterValue>, name: &str) -> f64 {
    match parameters.get(name) {
        Some(ParameterValue::One(value)) => value.as_f64().unwrap_or(f64::NAN),
        _ => f64::NAN,
    }
}

fn vector(parameters: &BTreeMap<String, ParameterValue>) -> Vec<f64> {
    (0..parameters.len())
        .map(|at| number(parameters, &format!("x{at}")))
        .collect()
}

fn branin(parameters: &BTreeMap<String, ParameterValue>) -> f64 {
    let (x, y) = (number(parameters, "x"), number(parameters, "y"));
    let (b, c, t) = (5.1 / (4.0 * PI * PI), 5.0 / PI, 1.0 / (8.0 * PI));
    (y - b * x * x + c * x - 6.0).powi(2) + 10.0 * (1.0 - t) * x.cos() + 10.0
}

fn hartmann6(parameters: &BTreeMap<String, ParameterValue>) -> f64 {
    const HEIGHTS: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const WIDTHS: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const CENTRES: [[f64; 6]; 4] = [
        [1312.0, 1696.0, 5569.0, 124.0, 8283.0, 5886.0],
        [2329.0, 4135.0, 8307.0, 3736.0, 1004.0, 9991.0],
        [2348.0, 1451.0, 3522.0, 2883.0, 3047.0, 6650.0],
        [4047.0, 8828.0, 8732.0, 5743.0, 1091.0, 381.0],
    ];
    let x = vector(parameters);
    let peak = |at: usize| -> f64 {
        let terms = (0..6).map(|k| WIDTHS[at][k] * (x[k] - 1e-4 * CENTRES[at][k]).powi(2));
        HEIGHTS[at] * (-terms.sum::<f64>()).exp()
    };
    -(0..4).map(peak).sum::<f64>()
}

fn rosenbrock5(parameters: &BTreeMap<String, ParameterValue>) -> f64 {
    let x = vector(parameters);
    x.windows(2)
        .map(|two| 100.0 * (two[1] - two[0] * two[0]).powi(2) + (1.0 - two[0]).powi(2))
        .sum()
}

fn ackley5(parameters: &BTreeMap<String, ParameterValue>) -> f64 {
    let x = vector(parameters);
    let count = x.len() as f64;
    let square = x.iter().map(|x| x * x).sum::<f64>() / count;
    let waves = x.iter().map(|x| (2.0 * PI * x).cos()).sum::<f64>() / count;
    -20.0 * (-0.2 * square.sqrt()).exp() - waves.exp() + 20.0 + E
}

/// Its optimum is 0, with `algo` b, `lr` 1e-3 and `depth` 7.
fn mixed(parameters: &BTreeMap<String, ParameterValue>) -> f64 {
    let rate = number(parameters, "lr").log10();
    match parameters["algo"].to_string().as_str() {
        "a" => {
            0.5 + (rate + 2.0).powi(2) * 0.3 + (number(parameters, "width") - 64.0).powi(2) / 4096.0
        }
        "b" => (rate + 3.0).powi(2) * 0.3 + ((number(parameters, "depth") - 7.0) / 5.0).powi(2),
        _ => {
            let is_set = parameters["flag"].to_string() == "true";
            1.0 + 0.05 * (rate + 1.0).abs() + if is_set { 0.2 } else { 0.0 }
        }
    }
}
