//! A map in a command: `--key value` for each of its entries.

use crate::dvc::value::Value;
use crate::dvc::{Flags, ListFlags};

/// The map as flags of a command line. Entries of maps within it have dotted names.
///
/// # Errors
///
/// Fails with the name of an entry that is a list of lists.
pub(super) fn shown(entries: &[(Value, Value)], flags: Flags) -> Result<String, String> {
    let mut flat = Vec::new();
    flatten(entries, "", &mut flat);
    let mut words: Vec<String> = Vec::new();
    for (key, value) in flat {
        match value {
            Value::Boolean(true) => words.push(format!("--{key}")),
            Value::Boolean(false) if flags.is_negated => words.push(format!("--no-{key}")),
            Value::Boolean(false) => {}
            Value::List(elements) => {
                if elements.iter().any(Value::is_composite) {
                    return Err(key);
                }
                for (index, element) in elements.iter().enumerate() {
                    if index == 0 || flags.lists == ListFlags::Repeated {
                        words.push(format!("--{key}"));
                    }
                    words.push(word(element));
                }
            }
            _ => words.push(format!("--{key} {}", word(value))),
        }
    }
    Ok(words.join(" ").trim_end().to_owned())
}

fn flatten<'a>(entries: &'a [(Value, Value)], prefix: &str, flat: &mut Vec<(String, &'a Value)>) {
    for (key, value) in entries {
        let key = format!("{prefix}{}", key.python());
        match value {
            Value::Map(entries) => flatten(entries, &format!("{key}."), flat),
            _ => flat.push((key, value)),
        }
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(text),
        _ => value.python(),
    }
}

/// A text as a single word of a shell.
fn quoted(text: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(is_safe) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\"'\"'"))
    }
}
