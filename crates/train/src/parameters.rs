//! The parameters of trainers: names, ranges, defaults, in one table, and what is wrong with given ones.

mod table;

use std::collections::BTreeMap;

use everloop_domain::{Task, Value};

use crate::Error;
use table::TRAINERS;

/// A parameter of a trainer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParameterInfo {
    /// Its name.
    pub name: &'static str,
    /// Whether it is a whole number.
    pub is_integer: bool,
    /// The words that it may be, if it is no number; range and default are then places among them.
    pub choices: &'static [&'static str],
    /// The smallest value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// The value if none is given.
    pub default: f64,
    /// What it does.
    pub doc: &'static str,
}

impl ParameterInfo {
    const fn integer(
        name: &'static str,
        min: f64,
        max: f64,
        default: f64,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            is_integer: true,
            choices: &[],
            min,
            max,
            default,
            doc,
        }
    }

    const fn number(
        name: &'static str,
        min: f64,
        max: f64,
        default: f64,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            is_integer: false,
            choices: &[],
            min,
            max,
            default,
            doc,
        }
    }

    const fn choice(
        name: &'static str,
        choices: &'static [&'static str],
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            is_integer: false,
            choices,
            min: 0.0,
            max: (choices.len() - 1) as f64,
            default: 0.0,
            doc,
        }
    }

    /// The type and range in words.
    #[must_use]
    pub fn range_text(&self) -> String {
        if !self.choices.is_empty() {
            return self.choices.join(" or ");
        }
        let kind = if self.is_integer { "integer" } else { "number" };
        format!("{kind}, {} to {}", self.min, self.max)
    }

    /// The value as a number, if it fits.
    fn read(&self, value: &Value) -> Option<f64> {
        let number = match value {
            Value::Text(word) => {
                let place = self.choices.iter().position(|choice| choice == word);
                return place.map(|place| place as f64);
            }
            Value::Integer(value) => *value as f64,
            Value::Number(value) if !self.is_integer || value.fract() == 0.0 => *value,
            Value::Number(_) | Value::Boolean(_) => return None,
        };
        (self.choices.is_empty() && (self.min..=self.max).contains(&number)).then_some(number)
    }

    /// The default in words.
    #[must_use]
    pub fn default_text(&self) -> String {
        let choice = self.choices.get(self.default as usize);
        choice.map_or_else(|| self.default.to_string(), ToString::to_string)
    }
}

/// A trainer and its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainerInfo {
    /// Its name in lifecycle files.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Whether it predicts numbers.
    pub regression: bool,
    /// Whether it predicts classes.
    pub classification: bool,
    /// Its parameters.
    pub parameters: &'static [ParameterInfo],
}

/// All trainers.
#[must_use]
pub fn trainers() -> &'static [TrainerInfo] {
    &TRAINERS
}

/// What is wrong with a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterProblem {
    /// The parameter.
    pub parameter: String,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
}

/// Checks the parameters of a trainer. An unknown trainer has no parameters to check: `lifecycle` refuses it.
#[must_use]
pub fn check_parameters(
    trainer: &str,
    task: Task,
    parameters: &BTreeMap<String, Value>,
) -> Vec<ParameterProblem> {
    let Some(info) = TRAINERS.iter().find(|info| info.name == trainer) else {
        return Vec::new();
    };
    let mut problems: Vec<ParameterProblem> = parameters
        .iter()
        .filter_map(|(name, value)| problem(info, name, value))
        .collect();
    let suits = if task.is_classification() {
        info.classification
    } else {
        info.regression
    };
    if !suits {
        problems.push(ParameterProblem {
            parameter: "trainer".to_owned(),
            message: format!("trainer `{trainer}` does not suit a {task} task"),
            help: None,
        });
    }
    problems
}

fn problem(info: &TrainerInfo, name: &str, value: &Value) -> Option<ParameterProblem> {
    let Some(parameter) = info
        .parameters
        .iter()
        .find(|parameter| parameter.name == name)
    else {
        let names: Vec<&str> = info
            .parameters
            .iter()
            .map(|parameter| parameter.name)
            .collect();
        return Some(ParameterProblem {
            parameter: name.to_owned(),
            message: format!("trainer `{}` has no parameter `{name}`", info.name),
            help: Some(match near(name, &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its parameters are {}", names.join(", ")),
            }),
        });
    };
    let fits = parameter.read(value).is_some();
    (!fits).then(|| ParameterProblem {
        parameter: name.to_owned(),
        message: format!(
            "parameter `{name}` is {value}, expected {}",
            parameter.range_text()
        ),
        help: Some(format!("the default is {}", parameter.default_text())),
    })
}

/// The name that was probably meant.
fn near<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    names
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), *known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, known)| known)
}

/// Parameters with defaults filled in.
#[derive(Clone, Debug)]
pub(crate) struct Parameters(BTreeMap<&'static str, f64>);

impl Parameters {
    /// Checks and completes.
    pub(crate) fn new(
        trainer: &str,
        task: Task,
        given: &BTreeMap<String, Value>,
    ) -> Result<Self, Error> {
        let info = TRAINERS
            .iter()
            .find(|info| info.name == trainer)
            .ok_or_else(|| Error::Trainer {
                name: trainer.to_owned(),
            })?;
        if let Some(problem) = check_parameters(trainer, task, given).into_iter().next() {
            return Err(Error::Parameter {
                name: problem.parameter,
                problem: problem.message,
            });
        }
        let value = |parameter: &ParameterInfo| {
            given
                .get(parameter.name)
                .and_then(|value| parameter.read(value))
                .unwrap_or(parameter.default)
        };
        Ok(Self(
            info.parameters
                .iter()
                .map(|parameter| (parameter.name, value(parameter)))
                .collect(),
        ))
    }

    /// A parameter; 0 if the trainer has none of the name.
    pub(crate) fn number(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Whether classes are to count the same.
    pub(crate) fn is_balanced(&self) -> bool {
        self.number("class_weight") > 0.0
    }

    /// A whole parameter.
    pub(crate) fn integer(&self, name: &str) -> usize {
        self.number(name) as usize
    }
}

#[cfg(test)]
mod tests;
