//! What a trainer can be told.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Value;

/// The value of a trainer's parameter: a scalar, some of them in order, or one for each of some columns.
///
/// Like [`Value`] it is bare in JSON and YAML: the three are different types there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParameterValue {
    /// `0.1`, `balanced`.
    One(Value),
    /// `[64, 32]`.
    List(Vec<Value>),
    /// `{age: increasing}`.
    Map(BTreeMap<String, Value>),
}

impl From<Value> for ParameterValue {
    fn from(value: Value) -> Self {
        Self::One(value)
    }
}

/// As YAML writes it in one line.
impl fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(value) => value.fmt(f),
            Self::List(values) => {
                let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", texts.join(", "))
            }
            Self::Map(values) => {
                let texts: Vec<String> = values
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}"))
                    .collect();
                write!(f, "{{{}}}", texts.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_bare_and_shown_as_yaml() {
        let check = |json: &str, shown: &str| {
            let value: ParameterValue = serde_json::from_str(json).unwrap();
            assert_eq!(value.to_string(), shown);
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
        };
        check("0.5", "0.5");
        check("[64,32]", "[64, 32]");
        check(
            r#"{"age":"increasing","price":"decreasing"}"#,
            "{age: increasing, price: decreasing}",
        );
    }
}
