//! Names and texts of DVC's run cache: what a stage made of what.
//!
//! The key of a run is a digest of what goes in and of the paths that come out; its value is one of everything, so that a
//! stage that is not deterministic has several values for a key. Both are of JSON as Python writes it.

use everloop_domain::Digest;

use super::emit;
use super::lock::{Lock, StageLock};
use super::value::{Value, float};

/// What DVC leaves out of digests, wherever it stands.
const LEFT_OUT: [&str; 2] = ["size", "nfiles"];

impl StageLock {
    /// The name of the directory with all runs of the same command on the same data.
    #[must_use]
    pub fn run_key(&self) -> String {
        let Value::Map(mut entries) = self.to_value() else {
            return String::new();
        };
        let outs = self.sorted_outs();
        let paths = outs.map(|out| Value::Text(out.path.clone())).collect();
        let outs = Value::List(paths);
        let is_outs = |key: &Value| matches!(key, Value::Text(key) if key == "outs");
        entries.retain(|(key, _)| !is_outs(key));
        entries.push((Value::Text("outs".to_owned()), outs));
        digest(&Value::Map(entries))
    }

    /// The name of a run in that directory.
    #[must_use]
    pub fn run_value(&self) -> String {
        digest(&self.to_value())
    }

    /// The text of a run.
    #[must_use]
    pub fn run_text(&self) -> String {
        match self.to_value() {
            Value::Map(entries) => emit::write_map(&entries, 0),
            _ => String::new(),
        }
    }

    /// Reads the text of a run; nothing comes back if it is damaged.
    #[must_use]
    pub fn read_run(text: &str) -> Option<Self> {
        let mut whole = "schema: '2.0'\nstages:\n  run:\n".to_owned();
        for line in text.lines() {
            whole.push_str("    ");
            whole.push_str(line);
            whole.push('\n');
        }
        let (lock, _) = Lock::read(&whole);
        lock?.find("run").cloned()
    }
}

fn digest(value: &Value) -> String {
    let mut text = String::new();
    json(value, &mut text);
    Digest::of(text).hex()
}

/// Writes a value as Python's `json.dumps` does with sorted keys.
fn json(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Boolean(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Integer(whole) => text.push_str(&whole.to_string()),
        Value::Number(number) if number.is_nan() => text.push_str("NaN"),
        Value::Number(number) if number.is_infinite() => {
            text.push_str(if *number > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            });
        }
        Value::Number(number) => text.push_str(&float(*number)),
        Value::Time(words) | Value::Text(words) => quoted(words, text),
        Value::List(elements) => {
            text.push('[');
            for (at, element) in elements.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { ", " });
                json(element, text);
            }
            text.push(']');
        }
        Value::Map(entries) => {
            let key = |key: &Value| match key {
                Value::Text(key) | Value::Time(key) => key.clone(),
                key => {
                    let mut text = String::new();
                    json(key, &mut text);
                    text
                }
            };
            let mut entries: Vec<(String, &Value)> = entries
                .iter()
                .map(|(name, value)| (key(name), value))
                .collect();
            entries.retain(|(key, _)| !LEFT_OUT.contains(&key.as_str()));
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            text.push('{');
            for (at, (key, value)) in entries.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { ", " });
                quoted(key, text);
                text.push_str(": ");
                json(value, text);
            }
            text.push('}');
        }
    }
}

fn quoted(words: &str, text: &mut String) {
    text.push('"');
    for char in words.chars() {
        match char {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(char),
            char => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_that_of_python() {
        let text = |text: &str| Value::Text(text.to_owned());
        let value = Value::Map(vec![
            (text("b\u{7f}é😀\n"), Value::Number(1e-8)),
            (text("size"), Value::Null),
            (
                text("a"),
                Value::List(vec![Value::Boolean(true), Value::Integer(-3), Value::Null]),
            ),
        ]);
        let mut shown = String::new();
        json(&value, &mut shown);
        let expected = r#"{"a": [true, -3, null], "b\u007f\u00e9\ud83d\ude00\n": 1e-08}"#;
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_run_is_read_as_it_was_written() {
        let text = "cmd:\n- a\n- \"b\\nc\"\ndeps:\n- path: x\n  hash: md5\n  md5: 401b30e3b8b5d629635a5c613cdb7919\n  size: 2\nparams:\n  params.yaml:\n    lr: 0.1\nouts:\n- path: y\n  hash: md5\n  md5: 401b30e3b8b5d629635a5c613cdb7919\n  size: 2\n";
        let run = StageLock::read_run(text).unwrap();
        assert_eq!(run.run_text(), text);
        assert_eq!(StageLock::read_run("cmd: [\n"), None);
        assert_eq!(StageLock::read_run("x: 1\n"), None);
    }
}
