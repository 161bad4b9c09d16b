//! Files of parameters: YAML, JSON, TOML and Python to values.

use super::pipeline::ParamsFile;
use super::value::Value;
use super::{json, python};
use crate::diagnostic::Report;
use crate::yaml::{Dialect, read_as};

/// Reads a file of parameters; what it is written in is told by its name, YAML by default.
///
/// # Errors
///
/// Fails with what is wrong, in words, if the text is not of that kind.
pub fn read_params(path: &str, text: &str) -> Result<Value, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let extension = path.rsplit_once('.').map(|(_, extension)| extension);
    match extension {
        Some("json") => json::read(text),
        Some("toml") => toml::from_str(text)
            .map(|table| of_toml(toml::Value::Table(table)))
            .map_err(|error| format!("not TOML: {}", error.message())),
        Some("py") => python::read(text).map_err(|problem| format!("not Python: {problem}")),
        _ => yaml(text),
    }
}

fn yaml(text: &str) -> Result<Value, String> {
    let mut report = Report::new(text);
    let tree = read_as(Dialect::Dvc, text, &mut report);
    match report.finish().into_iter().next() {
        Some(problem) => Err(format!("{} (line {})", problem.message, problem.line)),
        // An empty file has no parameters.
        None => Ok(tree.map_or(Value::Null, |tree| Value::of(&tree))).map(|value| {
            if value == Value::Null {
                Value::Map(Vec::new())
            } else {
                value
            }
        }),
    }
}

fn of_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::Text(text),
        toml::Value::Integer(whole) => Value::Integer(i128::from(whole)),
        toml::Value::Float(number) => Value::Number(number),
        toml::Value::Boolean(value) => Value::Boolean(value),
        toml::Value::Datetime(time) => Value::Time(time.to_string()),
        toml::Value::Array(elements) => Value::List(elements.into_iter().map(of_toml).collect()),
        toml::Value::Table(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| (Value::Text(key), of_toml(value)))
                .collect(),
        ),
    }
}

impl Value {
    /// The parameter at a path of keys and indices, as in `train.layers.0`.
    #[must_use]
    pub fn parameter(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |value, part| match value {
            Self::Map(entries) => {
                let found = entries.iter().find(|(key, _)| key.python() == part);
                found.map(|(_, value)| value)
            }
            Self::List(elements) => elements.get(part.parse::<usize>().ok()?),
            _ => None,
        })
    }
}

impl ParamsFile {
    /// The parameters with their values, as a lock records them.
    ///
    /// # Errors
    ///
    /// Fails with the names of those that are not there.
    pub fn values(&self, params: &Value) -> Result<Vec<(String, Value)>, Vec<String>> {
        if let (true, Value::Map(entries)) = (self.keys.is_empty(), params) {
            let entries = entries.iter();
            return Ok(entries
                .map(|(key, value)| (key.python(), value.clone()))
                .collect());
        }
        let (mut values, mut absent) = (Vec::new(), Vec::new());
        for key in &self.keys {
            match params.parameter(key) {
                Some(value) => values.push((key.clone(), value.clone())),
                None => absent.push(key.clone()),
            }
        }
        if absent.is_empty() {
            Ok(values)
        } else {
            Err(absent)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_in_every_kind_of_file() {
        for (path, text) in [
            ("p.yaml", "a: {b: [1, 2.5]}"),
            ("p", "a: {b: [1, 2.5]}"),
            ("p.json", r#"{"a": {"b": [1, 2.5]}}"#),
            ("p.toml", "[a]\nb = [1, 2.5]"),
            ("p.py", "class a:\n    b = (1, 2.5)"),
        ] {
            let params = read_params(path, text).unwrap();
            assert_eq!(
                params.parameter("a.b.1"),
                Some(&Value::Number(2.5)),
                "{path}"
            );
            assert_eq!(params.parameter("a.c"), None);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(
            read_params("p.json", "{")
                .unwrap_err()
                .starts_with("not JSON")
        );
        assert!(
            read_params("p.toml", "=")
                .unwrap_err()
                .starts_with("not TOML")
        );
        assert!(
            read_params("p.yaml", "a: [")
                .unwrap_err()
                .starts_with("not YAML")
        );
        assert!(
            read_params("p.py", "a = (")
                .unwrap_err()
                .starts_with("not Python")
        );
    }
}
