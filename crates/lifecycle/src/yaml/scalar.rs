//! Scalars and what they mean under YAML's core schema.

use everloop_domain::Value;

/// A scalar as it stands, quotes and escapes taken away.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
}

/// How a scalar is written: only plain ones can be anything but text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    DoubleQuoted,
    /// In single quotes, or a block after `|` or `>`.
    Other,
}

/// What a scalar means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Resolved {
    Null,
    Value(Value),
}

impl Scalar {
    pub(crate) fn null() -> Self {
        Self {
            text: String::new(),
            style: Style::Plain,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.resolve() == Resolved::Null
    }

    pub(crate) fn resolve(&self) -> Resolved {
        if self.style != Style::Plain {
            return Resolved::Value(Value::Text(self.text.clone()));
        }
        Resolved::Value(match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
            "true" | "True" | "TRUE" => Value::Boolean(true),
            "false" | "False" | "FALSE" => Value::Boolean(false),
            text => match text.strip_prefix('+').unwrap_or(text).parse::<i64>() {
                Ok(whole) => Value::Integer(whole),
                Err(_) => number(text).map_or_else(|| Value::Text(text.to_owned()), Value::Number),
            },
        })
    }

    /// What kind of value it is, for messages.
    pub(crate) fn described(&self) -> String {
        match self.resolve() {
            Resolved::Null => "nothing".to_owned(),
            Resolved::Value(value) => {
                let kind = match value {
                    Value::Boolean(_) => "",
                    Value::Integer(_) | Value::Number(_) => "the number ",
                    Value::Text(_) => "the text ",
                };
                let shown: String = self.text.chars().take(60).collect();
                let rest = if shown.len() < self.text.len() {
                    "…"
                } else {
                    ""
                };
                format!("{kind}`{shown}{rest}`")
            }
        }
    }
}

/// Reads a float. Words such as `inf` and `nan`, which Rust would take, are texts.
fn number(text: &str) -> Option<f64> {
    let is_number = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|number: &f64| is_number && has_digit && number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, style: Style, expected: &str) {
        let scalar = Scalar {
            text: text.into(),
            style,
        };
        assert_eq!(format!("{:?}", scalar.resolve()), expected);
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        check("12", Style::Plain, "Value(Integer(12))");
        check("-1.5e3", Style::Plain, "Value(Number(-1500.0))");
        check("true", Style::Plain, "Value(Boolean(true))");
        check("yes", Style::Plain, "Value(Text(\"yes\"))");
        check("~", Style::Plain, "Null");
        check("nan", Style::Plain, "Value(Text(\"nan\"))");
        check("1d", Style::Plain, "Value(Text(\"1d\"))");
        check("1e999", Style::Plain, "Value(Text(\"1e999\"))");
    }

    #[test]
    fn quotes_make_text() {
        check("12", Style::DoubleQuoted, "Value(Text(\"12\"))");
        check("", Style::Other, "Value(Text(\"\"))");
    }
}
