//! Values as Python sees them: those of parameters, of templates and of `dvc.lock`.

use std::fmt::Write as _;

use super::scalar;
use crate::yaml::{Data, Node, Style};

/// A value of a YAML, JSON or TOML file.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: `null`, or an empty place.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number, with infinities and "not a number".
    Number(f64),
    /// A date, or a date with a time, as it is written.
    Time(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A map, in the order of its file. Keys are mostly, but not always, texts.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// The value of a node; plain scalars are read as DVC reads them.
    pub(crate) fn of(node: &Node) -> Self {
        match &node.data {
            Data::Scalar(scalar) => scalar_value(&scalar.text, scalar.style),
            Data::List(elements) => Self::List(elements.iter().map(Self::of).collect()),
            Data::Map(entries) => Self::Map(
                entries
                    .iter()
                    .map(|entry| {
                        let key = scalar_value(&entry.key, entry.key_style);
                        (key, Self::of(&entry.value))
                    })
                    .collect(),
            ),
        }
    }

    /// The value of a key that is a text.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        let found = entries
            .iter()
            .find(|(name, _)| matches!(name, Self::Text(name) if name == key));
        found.map(|(_, value)| value)
    }

    /// The content of a text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is a list or a map.
    #[must_use]
    pub fn is_composite(&self) -> bool {
        matches!(self, Self::List(_) | Self::Map(_))
    }

    /// Whether Python calls both equal: numbers by what they amount to, truth values as 0 and 1,
    /// maps in any order.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(ours), Self::List(theirs)) => {
                let mut pairs = ours.iter().zip(theirs);
                ours.len() == theirs.len() && pairs.all(|(ours, theirs)| ours.equals(theirs))
            }
            (Self::Map(ours), Self::Map(theirs)) => {
                let is_there = |(key, value): &(Self, Self)| {
                    let mut same = theirs.iter().filter(|(name, _)| name.equals(key));
                    same.any(|(_, theirs)| value.equals(theirs))
                };
                ours.len() == theirs.len() && ours.iter().all(is_there)
            }
            _ => match (self.whole(), other.whole()) {
                (Some(ours), Some(theirs)) => ours == theirs,
                _ => self == other,
            },
        }
    }

    /// What it amounts to, if it is a number without a fraction or a truth value.
    fn whole(&self) -> Option<i128> {
        match self {
            Self::Boolean(value) => Some(i128::from(*value)),
            Self::Integer(whole) => Some(*whole),
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 1e30 => {
                Some(*number as i128)
            }
            _ => None,
        }
    }

    /// What kind of value it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean(_) => "a truth value",
            Self::Integer(_) | Self::Number(_) => "a number",
            Self::Time(_) => "a date",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// The value as Python's `str` writes it; only scalars have one form.
    pub(crate) fn python(&self) -> String {
        match self {
            Self::Null => "None".to_owned(),
            Self::Boolean(true) => "True".to_owned(),
            Self::Boolean(false) => "False".to_owned(),
            Self::Integer(whole) => whole.to_string(),
            Self::Number(number) => float(*number),
            Self::Time(text) | Self::Text(text) => text.clone(),
            Self::List(_) | Self::Map(_) => String::new(),
        }
    }
}

fn scalar_value(text: &str, style: Style) -> Value {
    if style == Style::Plain {
        scalar::resolve(text)
    } else {
        Value::Text(text.to_owned())
    }
}

/// A float as Python's `repr` writes it: the shortest digits that read back as the same number,
/// with an exponent below 1e-4 and from 1e16 on.
pub(crate) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if number != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let mut shown = String::new();
    let _ = write!(shown, "{number}");
    if !shown.contains('.') {
        shown.push_str(".0");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_look_as_in_python() {
        let table = [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e16, "1e+16"),
            (123_456_789_012_345.67, "123456789012345.67"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1.5e300, "1.5e+300"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (number, expected) in table {
            assert_eq!(float(number), expected);
        }
    }

    #[test]
    fn numbers_are_equal_by_what_they_amount_to() {
        let one = Value::Integer(1);
        assert!(one.equals(&Value::Number(1.0)) && one.equals(&Value::Boolean(true)));
        assert!(!one.equals(&Value::Text("1".into())) && !one.equals(&Value::Number(1.5)));
        let map = |pairs: [(&str, i128); 2]| {
            let pairs = pairs.map(|(key, value)| (Value::Text(key.into()), Value::Integer(value)));
            Value::Map(pairs.to_vec())
        };
        assert!(map([("a", 1), ("b", 2)]).equals(&map([("b", 2), ("a", 1)])));
        assert!(!map([("a", 1), ("b", 2)]).equals(&map([("b", 1), ("a", 1)])));
    }
}
