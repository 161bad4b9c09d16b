//! Values as JSON, and JSON as Python writes it as values.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::value::Value;

/// Stands before a number that JSON has no form for, while the text is read.
const MARK: &str = "\u{1}number ";

/// Reads JSON with the numbers that Python writes into it: `NaN`, `Infinity`, `-Infinity`.
///
/// # Errors
///
/// Fails with what is wrong, in words, if it is no JSON.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let strict = serde_json::from_str(text);
    let lenient = |error| match marked(text) {
        Cow::Owned(text) => serde_json::from_str(&text),
        Cow::Borrowed(_) => Err(error),
    };
    let read: Result<Json, _> = strict.or_else(lenient);
    read.map(of_json)
        .map_err(|error| format!("not JSON: {error}"))
}

/// The text with Python's numbers as marked texts.
fn marked(text: &str) -> Cow<'_, str> {
    let mut marked = String::new();
    let (mut is_text, mut is_escaped, mut from) = (false, false, 0);
    for (at, c) in text.char_indices() {
        match c {
            _ if at < from => {}
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            'N' | 'I' | '-' if !is_text => {
                let names = ["NaN", "Infinity", "-Infinity"];
                if let Some(name) = names.iter().find(|name| text[at..].starts_with(**name)) {
                    marked.push_str(&text[from..at]);
                    marked.push_str(&json!(format!("{MARK}{name}")).to_string());
                    from = at + name.len();
                }
            }
            _ => {}
        }
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    marked.push_str(&text[from..]);
    Cow::Owned(marked)
}

fn of_json(value: Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Boolean(value),
        Json::Number(number) => match number.as_i128() {
            Some(whole) => Value::Integer(whole),
            None => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => match text.strip_prefix(MARK) {
            Some("NaN") => Value::Number(f64::NAN),
            Some("Infinity") => Value::Number(f64::INFINITY),
            Some("-Infinity") => Value::Number(f64::NEG_INFINITY),
            _ => Value::Text(text),
        },
        Json::Array(elements) => Value::List(elements.into_iter().map(of_json).collect()),
        Json::Object(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| (Value::Text(key), of_json(value)))
                .collect(),
        ),
    }
}

impl Value {
    /// The value as JSON. What JSON has no numbers for becomes a text: `NaN`, `Infinity`, whole
    /// numbers of more than 64 bits.
    #[must_use]
    pub fn json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Boolean(value) => json!(value),
            Self::Integer(whole) => match (i64::try_from(*whole), u64::try_from(*whole)) {
                (Ok(whole), _) => json!(whole),
                (_, Ok(whole)) => json!(whole),
                _ => json!(whole.to_string()),
            },
            Self::Number(number) if number.is_finite() => json!(number),
            Self::Number(number) if number.is_nan() => json!("NaN"),
            Self::Number(number) if *number > 0.0 => json!("Infinity"),
            Self::Number(_) => json!("-Infinity"),
            Self::Time(text) | Self::Text(text) => json!(text),
            Self::List(elements) => elements.iter().map(Self::json).collect(),
            Self::Map(entries) => {
                let entries = entries.iter();
                let entries = entries.map(|(key, value)| (key.json_key(), value.json()));
                Json::Object(entries.collect::<Map<_, _>>())
            }
        }
    }

    /// The value as the key of a JSON object.
    pub(super) fn json_key(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean(value) => value.to_string(),
            other => other.python(),
        }
    }

    /// The value as Python's `repr` writes it, as DVC shows lists.
    #[must_use]
    pub fn repr(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::List(elements) => {
                let elements: Vec<String> = elements.iter().map(Self::repr).collect();
                format!("[{}]", elements.join(", "))
            }
            Self::Map(entries) => {
                let entries = entries.iter();
                let entries: Vec<String> = entries
                    .map(|(key, value)| format!("{}: {}", key.repr(), value.repr()))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
            other => other.python(),
        }
    }
}

/// A text in quotes: single ones, unless only they are in it.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut shown = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if c == quote => {
                shown.push('\\');
                shown.push(c);
            }
            c if u32::from(c) < 0x20 || (0x7f..0xa1).contains(&u32::from(c)) => {
                let _ = write!(shown, "\\x{:02x}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown.push(quote);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_python_are_read() {
        let read = read(r#"{"a": [NaN, -Infinity, 1], "NaN \" -Infinity": "Infinity"}"#).unwrap();
        let Some(Value::List(elements)) = read.get("a") else {
            panic!("{read:?}");
        };
        assert!(matches!(elements[0], Value::Number(number) if number.is_nan()));
        assert_eq!(elements[1], Value::Number(f64::NEG_INFINITY));
        let expected = Value::Text("Infinity".into());
        assert_eq!(read.get("NaN \" -Infinity"), Some(&expected));
        assert_eq!(read.json()["a"], json!(["NaN", "-Infinity", 1]));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "NaNa", "[NaN", "-Infinit", "\"NaN", "{NaN: 1}x"] {
            assert!(super::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_look_as_in_python() {
        let list = read(r#"[1, 2.0, null, true, "a'b", "\"'\u0001é\n", {"k": []}]"#).unwrap();
        let expected = r#"[1, 2.0, None, True, "a'b", '"\'\x01é\n', {'k': []}]"#;
        assert_eq!(list.repr(), expected);
    }
}
