//! The parameters of trainers: names, ranges, defaults, in one table.

use std::collections::BTreeMap;

use everloop_domain::{Task, Value};

use crate::Error;

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

const DEPTH: ParameterInfo =
    ParameterInfo::integer("depth", 1.0, 30.0, 12.0, "the deepest a tree may grow");
const MIN_LEAF: ParameterInfo = ParameterInfo::integer(
    "min_samples_leaf",
    1.0,
    1e6,
    1.0,
    "the fewest rows of a leaf",
);

const CLASS_WEIGHT: ParameterInfo = ParameterInfo::choice(
    "class_weight",
    &["none", "balanced"],
    "whether rows of rare classes count more, so that all classes count the same; regression has none",
);

const TRAINERS: [TrainerInfo; 5] = [
    TrainerInfo {
        name: "linear",
        doc: "Linear regression with L2 penalty (ridge), solved exactly.",
        regression: true,
        classification: false,
        parameters: &[ParameterInfo::number(
            "l2",
            0.0,
            1e9,
            1e-6,
            "the penalty on squared weights of scaled inputs",
        )],
    },
    TrainerInfo {
        name: "logistic",
        doc: "Logistic regression with L2 penalty; multinomial for more than two classes. Fitted by Newton's method, or L-BFGS for more than two classes.",
        regression: false,
        classification: true,
        parameters: &[
            ParameterInfo::number(
                "l2",
                0.0,
                1e9,
                1.0,
                "the penalty on squared weights of scaled inputs",
            ),
            ParameterInfo::integer("iterations", 1.0, 10_000.0, 100.0, "steps at most"),
            CLASS_WEIGHT,
        ],
    },
    TrainerInfo {
        name: "tree",
        doc: "A decision tree on histograms; missing values go to the better side.",
        regression: true,
        classification: true,
        parameters: &[
            DEPTH,
            ParameterInfo {
                default: 5.0,
                ..MIN_LEAF
            },
            CLASS_WEIGHT,
        ],
    },
    TrainerInfo {
        name: "forest",
        doc: "A random forest: trees on bootstrap samples, each split among a random share of the inputs.",
        regression: true,
        classification: true,
        parameters: &[
            ParameterInfo::integer("trees", 1.0, 5000.0, 100.0, "how many trees"),
            ParameterInfo {
                default: 20.0,
                ..DEPTH
            },
            ParameterInfo {
                default: 2.0,
                ..MIN_LEAF
            },
            ParameterInfo::number(
                "max_features",
                0.0,
                1.0,
                0.0,
                "the share of inputs a split chooses from; 0 means the square root of their number, for regression all",
            ),
            CLASS_WEIGHT,
        ],
    },
    TrainerInfo {
        name: "boosting",
        doc: "Histogram gradient boosting with second-order leaves.",
        regression: true,
        classification: true,
        parameters: &[
            ParameterInfo::integer("trees", 1.0, 10_000.0, 200.0, "how many rounds"),
            ParameterInfo::number(
                "learning_rate",
                1e-4,
                1.0,
                0.1,
                "how much of each tree is added",
            ),
            ParameterInfo {
                default: 6.0,
                ..DEPTH
            },
            ParameterInfo {
                default: 5.0,
                ..MIN_LEAF
            },
            ParameterInfo::number(
                "min_child_weight",
                0.0,
                1e6,
                1e-3,
                "the smallest sum of second derivatives of a leaf",
            ),
            ParameterInfo::number("l2", 0.0, 1e6, 1.0, "the penalty on squared leaf values"),
            ParameterInfo::number(
                "subsample",
                0.01,
                1.0,
                1.0,
                "the share of rows that a tree sees",
            ),
            ParameterInfo::number(
                "columns",
                0.01,
                1.0,
                1.0,
                "the share of inputs that a tree sees",
            ),
            ParameterInfo::integer(
                "early_stopping",
                0.0,
                10_000.0,
                0.0,
                "stop after so many rounds without gain on the validation part; 0 never stops",
            ),
            CLASS_WEIGHT,
        ],
    },
];

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
mod tests {
    use super::*;

    #[track_caller]
    fn check(trainer: &str, name: &str, value: Value, expected: Option<&str>) {
        let given = BTreeMap::from([(name.to_owned(), value)]);
        let found = check_parameters(trainer, Task::Regression, &given);
        assert_eq!(
            found.first().map(|problem| problem.message.as_str()),
            expected
        );
    }

    #[test]
    fn values_are_checked_against_their_range() {
        check("boosting", "trees", Value::Integer(50), None);
        check("boosting", "trees", Value::Number(50.0), None);
        check(
            "boosting",
            "trees",
            Value::Integer(0),
            Some("parameter `trees` is 0, expected integer, 1 to 10000"),
        );
        check(
            "boosting",
            "trees",
            Value::Number(1.5),
            Some("parameter `trees` is 1.5, expected integer, 1 to 10000"),
        );
        check(
            "boosting",
            "l2",
            Value::Text("x".into()),
            Some("parameter `l2` is x, expected number, 0 to 1000000"),
        );
        check(
            "linear",
            "trees",
            Value::Integer(3),
            Some("trainer `linear` has no parameter `trees`"),
        );
        check(
            "logistic",
            "l2",
            Value::Integer(1),
            Some("trainer `logistic` does not suit a regression task"),
        );
    }

    #[test]
    fn words_are_checked_against_the_choices() {
        check(
            "boosting",
            "class_weight",
            Value::Text("balanced".into()),
            None,
        );
        check(
            "boosting",
            "class_weight",
            Value::Text("heavy".into()),
            Some("parameter `class_weight` is heavy, expected none or balanced"),
        );
        check(
            "boosting",
            "class_weight",
            Value::Integer(1),
            Some("parameter `class_weight` is 1, expected none or balanced"),
        );
    }

    #[test]
    fn a_slip_is_met_with_a_suggestion() {
        let help = |name: &str| {
            let given = BTreeMap::from([(name.to_owned(), Value::Integer(1))]);
            check_parameters("forest", Task::Binary, &given)[0]
                .help
                .clone()
                .unwrap()
        };
        assert_eq!(help("tres"), "did you mean `trees`?");
        assert!(help("qq").starts_with("its parameters are trees, depth"));
    }

    #[test]
    fn defaults_lie_in_their_ranges() {
        for parameter in trainers().iter().flat_map(|info| info.parameters) {
            assert!(
                (parameter.min..=parameter.max).contains(&parameter.default),
                "{}",
                parameter.name
            );
        }
    }
}
