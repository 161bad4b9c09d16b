//! Given values of parameters, read.

use std::collections::BTreeMap;

use everloop_domain::{ParameterValue, Value};

use super::{ParameterInfo, ParameterKind};

/// A value that fits its parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Read {
    /// A number, or the place of a word among the choices.
    Number(f64),
    Integers(Vec<usize>),
    /// The places of words among the choices, by column.
    ByColumn(BTreeMap<String, usize>),
}

impl Read {
    /// The value, if it fits.
    pub(super) fn new(parameter: &ParameterInfo, value: &ParameterValue) -> Option<Self> {
        match (parameter.kind, value) {
            (ParameterKind::Integer | ParameterKind::Number, ParameterValue::One(value)) => {
                number(parameter, value).map(Self::Number)
            }
            (ParameterKind::Choice(words), ParameterValue::One(value)) => {
                word(words, value).map(|place| Self::Number(place as f64))
            }
            (ParameterKind::Integers { max_count, .. }, ParameterValue::List(values)) => {
                let read = values.iter().map(|value| number(parameter, value));
                let read: Option<Vec<usize>> = read.map(|one| Some(one? as usize)).collect();
                read.filter(|read| (1..=max_count).contains(&read.len()))
                    .map(Self::Integers)
            }
            // `hidden: 64` is `hidden: [64]`.
            (ParameterKind::Integers { .. }, ParameterValue::One(value)) => {
                number(parameter, value).map(|one| Self::Integers(vec![one as usize]))
            }
            (ParameterKind::ByColumn(words), ParameterValue::Map(values)) => values
                .iter()
                .map(|(column, value)| Some((column.clone(), word(words, value)?)))
                .collect::<Option<_>>()
                .map(Self::ByColumn),
            _ => None,
        }
    }

    pub(super) fn default_of(parameter: &ParameterInfo) -> Self {
        match parameter.kind {
            ParameterKind::Integer | ParameterKind::Number | ParameterKind::Choice(_) => {
                Self::Number(parameter.default)
            }
            ParameterKind::Integers { default, .. } => Self::Integers(default.to_vec()),
            ParameterKind::ByColumn(_) => Self::ByColumn(BTreeMap::new()),
        }
    }
}

fn number(parameter: &ParameterInfo, value: &Value) -> Option<f64> {
    let number = match value {
        Value::Integer(value) => *value as f64,
        Value::Number(value) if parameter.kind == ParameterKind::Number || value.fract() == 0.0 => {
            *value
        }
        _ => return None,
    };
    (parameter.min..=parameter.max)
        .contains(&number)
        .then_some(number)
}

fn word(words: &[&str], value: &Value) -> Option<usize> {
    let value = match value {
        Value::Text(value) => value.as_str(),
        // `batch_norm: true` is `batch_norm: "true"`.
        Value::Boolean(true) => "true",
        Value::Boolean(false) => "false",
        _ => return None,
    };
    words.iter().position(|word| *word == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIDDEN: ParameterInfo = ParameterInfo {
        kind: ParameterKind::Integers {
            max_count: 2,
            default: &[64],
        },
        ..ParameterInfo::integer("hidden", (1.0, 100.0), 0.0, "")
    };
    const MONOTONE: ParameterInfo = ParameterInfo {
        kind: ParameterKind::ByColumn(&["increasing", "decreasing"]),
        ..ParameterInfo::integer("monotone", (0.0, 1.0), 0.0, "")
    };

    fn read(parameter: &ParameterInfo, json: &str) -> Option<Read> {
        Read::new(parameter, &serde_json::from_str(json).unwrap())
    }

    #[test]
    fn lists_are_read_whole_or_not_at_all() {
        assert_eq!(read(&HIDDEN, "[3, 4]"), Some(Read::Integers(vec![3, 4])));
        assert_eq!(read(&HIDDEN, "3"), Some(Read::Integers(vec![3])));
        for wrong in ["[]", "[1, 2, 3]", "[0]", "[1.5]", "[\"x\"]", "{\"x\": 1}"] {
            assert_eq!(read(&HIDDEN, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn columns_have_words() {
        assert_eq!(
            read(&MONOTONE, "{\"age\": \"decreasing\"}"),
            Some(Read::ByColumn(BTreeMap::from([("age".to_owned(), 1)])))
        );
        for wrong in ["{\"age\": \"up\"}", "{\"age\": 1}", "\"increasing\""] {
            assert_eq!(read(&MONOTONE, wrong), None, "{wrong}");
        }
    }
}
