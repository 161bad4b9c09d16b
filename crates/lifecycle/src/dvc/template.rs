//! `${...}` in texts: found, read, and replaced by values.

mod flags;

use super::Flags;
use super::context::Context;
use super::value::{Value, float};

/// Why a text cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// What stands between the braces is not a path.
    Syntax(String),
    /// No variable has the path.
    Missing(String),
    /// The variable is of a kind that cannot stand here; both are named.
    Kind(String, &'static str),
    /// With all variables put in it would be longer than any command may be.
    TooLong,
}

/// The longest text that comes of a template, in bytes; Linux takes no longer commands either.
const MAX_BYTES: usize = 1 << 20;

/// A `${...}` in a text.
struct Place<'a> {
    start: usize,
    end: usize,
    inner: &'a str,
}

/// Where a text is used: only commands take maps, as flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// In a command.
    Command,
    /// In another key of a stage.
    Key,
    /// Where whole lists and maps may stand.
    Anything,
}

/// Whether a text refers to variables.
pub(super) fn is_template(text: &str) -> bool {
    !places(text).is_empty()
}

/// Fills in a text: one that is nothing but a variable becomes its value, whatever its kind.
pub(super) fn fill(
    text: &str,
    context: &Context,
    place: Use,
    flags: Flags,
) -> Result<Value, Problem> {
    let places = places(text);
    if let [only] = places.as_slice()
        && only.inner.len() + 3 == text.len()
    {
        let value = context.find(&path(only.inner)?)?;
        let is_allowed = !value.is_composite()
            || place == Use::Anything
            || (place == Use::Command && matches!(value, Value::Map(_)));
        return if is_allowed {
            Ok(value.clone())
        } else {
            Err(Problem::Kind(only.inner.to_owned(), value.kind()))
        };
    }
    let mut filled = String::new();
    let mut at = 0;
    for found in places {
        let value = context.find(&path(found.inner)?)?;
        filled.push_str(&text[at..found.start]);
        match value {
            Value::Map(entries) if place != Use::Key => {
                let shown = flags::shown(entries, flags).map_err(|key| {
                    Problem::Kind(format!("{}.{key}", found.inner), "a list of lists")
                })?;
                filled.push_str(&shown);
            }
            Value::Map(_) | Value::List(_) => {
                return Err(Problem::Kind(found.inner.to_owned(), value.kind()));
            }
            _ => filled.push_str(&shown(value)),
        }
        at = found.end;
        if filled.len() > MAX_BYTES {
            return Err(Problem::TooLong);
        }
    }
    filled.push_str(&text[at..]);
    Ok(Value::Text(filled.replace("\\${", "${")))
}

/// A scalar as it stands in a text: truth values in lower case, all else as Python writes it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Boolean(value) => value.to_string(),
        Value::Number(number) => float(*number),
        _ => value.python(),
    }
}

/// All places of a text, but those after a backslash.
fn places(text: &str) -> Vec<Place<'_>> {
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(found) = text[from..].find("${") {
        let start = from + found;
        let inner = &text[start + 2..];
        let end = inner
            .find(['}', '\n'])
            .filter(|end| inner[*end..].starts_with('}'));
        match end {
            Some(end) if !text[..start].ends_with('\\') => {
                from = start + 2 + end + 1;
                places.push(Place {
                    start,
                    end: from,
                    inner: &inner[..end],
                });
            }
            _ => from = start + 2,
        }
    }
    places
}

/// Reads a path such as `a.b[0].c`.
pub(super) fn path(inner: &str) -> Result<Vec<&str>, Problem> {
    let syntax = || Problem::Syntax(inner.to_owned());
    let is_word = |word: &str| !word.is_empty();
    let first_end = inner.find(['.', '[', ']']).unwrap_or(inner.len());
    let (first, mut rest) = inner.split_at(first_end);
    let mut parts = vec![first.trim()];
    if !is_word(first) {
        return Err(syntax());
    }
    while !rest.trim_start().is_empty() {
        rest = rest.trim_start();
        let (word, after) = if let Some(after) = rest.strip_prefix('.') {
            after.split_at(after.find(['.', '[', ']']).unwrap_or(after.len()))
        } else {
            let after = rest.strip_prefix('[').ok_or_else(syntax)?;
            let (word, after) = after.split_once(']').ok_or_else(syntax)?;
            if word.contains(['.', '[']) {
                return Err(syntax());
            }
            (word, after)
        };
        if !is_word(word) {
            return Err(syntax());
        }
        parts.push(word.trim());
        rest = after;
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_words_and_indices() {
        assert_eq!(path("a.b[0].c"), Ok(vec!["a", "b", "0", "c"]));
        assert_eq!(path(" a . b "), Ok(vec!["a", "b"]));
        for wrong in [
            "", ".", "a.", "a[", "a[]", "a]", "a..b", "a[0]b", "[0]", "a[b.c]",
        ] {
            assert_eq!(path(wrong), Err(Problem::Syntax(wrong.to_owned())));
        }
    }

    #[test]
    fn places_are_found_but_not_escaped_ones() {
        let inner = |text| {
            places(text)
                .iter()
                .map(|place| place.inner)
                .collect::<Vec<_>>()
        };
        assert_eq!(inner("${a} \\${b} ${c.d}${e"), ["a", "c.d"]);
        assert_eq!(inner("${a\n} $ {b} ${}"), [""]);
    }
}
