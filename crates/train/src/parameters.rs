//! The parameters of trainers: names, ranges, defaults, and what is wrong with given ones.
//!
//! Each trainer lists its own in its file; the checks, the defaults and the reference of the documents come from there.

mod read;

use std::collections::BTreeMap;

use everloop_domain::{ParameterValue, Task};

use crate::Error;
use crate::trainers::{ALL, find};
use read::Read;

/// What the value of a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterKind {
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// One of some words; range and default are places among them.
    Choice(&'static [&'static str]),
    /// Whole numbers in order, each in the range.
    Integers {
        /// How many there may be.
        max_count: usize,
        /// Those if none are given.
        default: &'static [usize],
    },
    /// One of some words for each of some columns; none if nothing is given.
    ByColumn(&'static [&'static str]),
}

/// A parameter of a trainer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParameterInfo {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: ParameterKind,
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
    pub(crate) const CLASS_WEIGHT: Self = Self::choice(
        "class_weight",
        &["none", "balanced"],
        "whether rows of rare classes count more, so that all classes count the same; regression has none",
    );

    pub(crate) const fn integer(
        name: &'static str,
        (min, max): (f64, f64),
        default: f64,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            kind: ParameterKind::Integer,
            min,
            max,
            default,
            doc,
        }
    }

    pub(crate) const fn number(
        name: &'static str,
        (min, max): (f64, f64),
        default: f64,
        doc: &'static str,
    ) -> Self {
        Self {
            kind: ParameterKind::Number,
            ..Self::integer(name, (min, max), default, doc)
        }
    }

    /// One of some words; the first is the default.
    pub(crate) const fn choice(
        name: &'static str,
        choices: &'static [&'static str],
        doc: &'static str,
    ) -> Self {
        Self {
            kind: ParameterKind::Choice(choices),
            ..Self::integer(name, (0.0, (choices.len() - 1) as f64), 0.0, doc)
        }
    }

    /// The type and range in words.
    #[must_use]
    pub fn range_text(&self) -> String {
        let (min, max) = (self.min, self.max);
        match self.kind {
            ParameterKind::Integer => format!("integer, {min} to {max}"),
            ParameterKind::Number => format!("number, {min} to {max}"),
            ParameterKind::Choice(words) => words.join(" or "),
            ParameterKind::Integers { max_count, .. } => {
                format!("list of 1 to {max_count} integers, {min} to {max}")
            }
            ParameterKind::ByColumn(words) => {
                format!("{} for each of some columns", words.join(" or "))
            }
        }
    }

    /// The default in words.
    #[must_use]
    pub fn default_text(&self) -> String {
        match self.kind {
            ParameterKind::Integer | ParameterKind::Number => self.default.to_string(),
            ParameterKind::Choice(words) => words[self.default as usize].to_owned(),
            ParameterKind::Integers { default, .. } => format!("{default:?}"),
            ParameterKind::ByColumn(_) => "none".to_owned(),
        }
    }
}

/// A trainer and its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainerInfo {
    /// Its name in lifecycle files.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// What it can predict.
    pub tasks: &'static [Task],
    /// Its parameters.
    pub parameters: &'static [ParameterInfo],
}

/// All trainers.
pub fn trainers() -> impl Iterator<Item = &'static TrainerInfo> {
    ALL.iter().map(|trainer| &trainer.info)
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
    parameters: &BTreeMap<String, ParameterValue>,
) -> Vec<ParameterProblem> {
    let Some(info) = find(trainer).map(|known| &known.info) else {
        return Vec::new();
    };
    let mut problems: Vec<ParameterProblem> = parameters
        .iter()
        .filter_map(|(name, value)| problem(info, name, value))
        .collect();
    if !info.tasks.contains(&task) {
        problems.push(ParameterProblem {
            parameter: "trainer".to_owned(),
            message: format!("trainer `{trainer}` does not suit a {task} task"),
            help: None,
        });
    }
    problems
}

fn problem(info: &TrainerInfo, name: &str, value: &ParameterValue) -> Option<ParameterProblem> {
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
    let fits = Read::new(parameter, value).is_some();
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
pub(crate) struct Parameters(BTreeMap<&'static str, Read>);

impl Parameters {
    /// Checks and completes.
    pub(crate) fn new(
        trainer: &str,
        task: Task,
        given: &BTreeMap<String, ParameterValue>,
    ) -> Result<Self, Error> {
        let info = &find(trainer)
            .ok_or_else(|| Error::Trainer {
                name: trainer.to_owned(),
            })?
            .info;
        if let Some(problem) = check_parameters(trainer, task, given).into_iter().next() {
            return Err(Error::Parameter {
                name: problem.parameter,
                problem: problem.message,
            });
        }
        let value = |parameter: &ParameterInfo| {
            given
                .get(parameter.name)
                .and_then(|value| Read::new(parameter, value))
                .unwrap_or_else(|| Read::default_of(parameter))
        };
        Ok(Self(
            info.parameters
                .iter()
                .map(|parameter| (parameter.name, value(parameter)))
                .collect(),
        ))
    }

    /// A number, or the place of a word among the choices; 0 if the trainer has no parameter of the name.
    pub(crate) fn number(&self, name: &str) -> f64 {
        match self.0.get(name) {
            Some(Read::Number(value)) => *value,
            _ => 0.0,
        }
    }

    /// Whole numbers in order; none if the trainer has no such parameter.
    pub(crate) fn integers(&self, name: &str) -> &[usize] {
        match self.0.get(name) {
            Some(Read::Integers(values)) => values,
            _ => &[],
        }
    }

    /// The places of words among the choices, by column.
    pub(crate) fn by_column(&self, name: &str) -> impl Iterator<Item = (&str, usize)> {
        let values = match self.0.get(name) {
            Some(Read::ByColumn(values)) => Some(values),
            _ => None,
        };
        let pairs = values.into_iter().flatten();
        pairs.map(|(column, place)| (column.as_str(), *place))
    }

    /// Whether classes are to count the same.
    pub(crate) fn is_balanced(&self) -> bool {
        self.number(ParameterInfo::CLASS_WEIGHT.name) > 0.0
    }

    /// A whole parameter.
    pub(crate) fn integer(&self, name: &str) -> usize {
        self.number(name) as usize
    }
}

#[cfg(test)]
mod tests;
