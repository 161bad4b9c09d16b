//! Metrics and parameters of two versions of a project, side by side.
//!
//! Values have paths of keys with dots between them; a list is a value as a whole. All of it is what
//! DVC makes of the same files.

use std::collections::BTreeMap;

use super::json;
use super::value::Value;

/// A value that is not the same in both versions, or is asked for though it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The keys, with dots between them; empty where the file is a value by itself.
    pub path: String,
    /// As it was; nothing if it was not there.
    pub before: Option<Value>,
    /// As it is.
    pub now: Option<Value>,
    /// By how much a number has changed.
    pub change: Option<Value>,
}

/// The metrics of a file: its numbers, truth values and texts. All else is left out.
#[must_use]
pub fn metrics(file: &Value) -> Value {
    let is_false = |value: &Value| match value {
        Value::Text(text) => text.is_empty(),
        Value::Boolean(value) => !value,
        Value::Number(number) => *number == 0.0,
        Value::Integer(whole) => *whole == 0,
        _ => false,
    };
    match metrics_within(file) {
        Some(value) if !is_false(&value) => value,
        _ => Value::Map(Vec::new()),
    }
}

fn metrics_within(value: &Value) -> Option<Value> {
    match value {
        Value::Integer(_) | Value::Number(_) | Value::Boolean(_) | Value::Text(_) => {
            Some(value.clone())
        }
        Value::Map(entries) => {
            let kept = entries.iter().filter_map(|(key, value)| {
                let value = metrics_within(value)?;
                let is_empty = matches!(&value, Value::Map(entries) if entries.is_empty());
                (!is_empty).then(|| (key.clone(), value))
            });
            Some(Value::Map(kept.collect()))
        }
        Value::Null | Value::Time(_) | Value::List(_) => None,
    }
}

/// The parameters of a file: those that are named, or all without any.
#[must_use]
pub fn params(file: &Value, keys: &[String]) -> Value {
    if keys.is_empty() {
        return file.clone();
    }
    let mut found: Vec<(Value, Value)> = Vec::new();
    for key in keys {
        if let Some(value) = file.parameter(key) {
            put_below(&mut found, key, value);
        }
    }
    Value::Map(found)
}

/// Puts a value in at a path of keys.
fn put_below(entries: &mut Vec<(Value, Value)>, path: &str, value: &Value) {
    let (first, rest) = match path.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    let key = Value::Text(first.to_owned());
    let at = entries.iter().position(|(known, _)| *known == key);
    let at = at.unwrap_or_else(|| {
        entries.push((key, Value::Map(Vec::new())));
        entries.len() - 1
    });
    match (rest, &mut entries[at].1) {
        (Some(rest), Value::Map(inner)) => put_below(inner, rest, value),
        (_, known) => *known = value.clone(),
    }
}

/// The values of a file by path. Empty maps have none.
#[must_use]
pub fn flatten(file: &Value) -> BTreeMap<String, Value> {
    let mut flat = BTreeMap::new();
    match file {
        Value::Map(entries) => flatten_map(entries, None, &mut flat),
        other => {
            flat.insert(String::new(), other.clone());
        }
    }
    flat
}

fn flatten_map(
    entries: &[(Value, Value)],
    above: Option<&str>,
    flat: &mut BTreeMap<String, Value>,
) {
    for (key, value) in entries {
        let path = match above {
            Some(above) => format!("{above}.{}", key.python()),
            None => key.json_key(),
        };
        match value {
            Value::Map(entries) => flatten_map(entries, Some(&path), flat),
            Value::List(_) => {
                flat.insert(path, Value::Text(value.repr()));
            }
            other => {
                flat.insert(path, other.clone());
            }
        }
    }
}

/// What differs between a file as it was and as it is; none of the two stands for no such file.
/// With `is_all`, what does not differ comes, too.
#[must_use]
pub fn differences(before: Option<&Value>, now: Option<&Value>, is_all: bool) -> Vec<Difference> {
    let empty = Value::Map(Vec::new());
    let whole = |value: Option<&Value>| value.map(parsed);
    let (before, now) = (whole(before), whole(now));
    let is_map = |value: &Option<Value>| matches!(value, Some(Value::Map(_)));
    if !is_map(&before) && !is_map(&now) {
        let difference = compare(String::new(), before, now, is_all);
        return difference.into_iter().collect();
    }
    let (before, now) = (before.as_ref(), now.as_ref());
    let (old, new) = (
        flatten(before.unwrap_or(&empty)),
        flatten(now.unwrap_or(&empty)),
    );
    let paths: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differences = paths.into_iter().filter_map(|path| {
        let (before, now) = (old.get(path).cloned(), new.get(path).cloned());
        compare(path.clone(), before, now, is_all)
    });
    differences.collect()
}

/// A file that is a text may be JSON, as DVC takes it.
fn parsed(file: &Value) -> Value {
    match file {
        Value::Text(text) => json::read(text).unwrap_or_else(|_| file.clone()),
        other => other.clone(),
    }
}

fn compare(
    path: String,
    before: Option<Value>,
    now: Option<Value>,
    is_all: bool,
) -> Option<Difference> {
    if let (Some(Value::List(old)), Some(Value::List(new))) = (&before, &now)
        && let ([old], [new]) = (old.as_slice(), new.as_slice())
    {
        return compare(path, Some(old.clone()), Some(new.clone()), is_all);
    }
    let (old, new) = (
        before.as_ref().unwrap_or(&Value::Null),
        now.as_ref().unwrap_or(&Value::Null),
    );
    if !is_all && old.equals(new) {
        return None;
    }
    let change = change(old, new);
    Some(Difference {
        path,
        before,
        now,
        change,
    })
}

/// By how much a number has changed; truth values count as 0 and 1.
fn change(before: &Value, now: &Value) -> Option<Value> {
    let whole = |value: &Value| match value {
        Value::Boolean(value) => Some(i128::from(*value)),
        Value::Integer(whole) => Some(*whole),
        _ => None,
    };
    if let (Some(before), Some(now)) = (whole(before), whole(now)) {
        return now.checked_sub(before).map(Value::Integer);
    }
    Some(Value::Number(number(now)? - number(before)?))
}

/// What a value amounts to, if it is a number or a truth value.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Boolean(value) => Some(f64::from(u8::from(*value))),
        Value::Integer(whole) => Some(*whole as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dvc::read_params;

    fn yaml(text: &str) -> Option<Value> {
        (!text.is_empty()).then(|| read_params("p.yaml", text).unwrap())
    }

    /// The differences of two files, one a line.
    #[track_caller]
    fn check(before: &str, now: &str, is_all: bool, expected: &[&str]) {
        let found = differences(yaml(before).as_ref(), yaml(now).as_ref(), is_all);
        let shown = |value: Option<Value>| value.map_or("-".to_owned(), |value| value.repr());
        let found: Vec<String> = found
            .into_iter()
            .map(|one| {
                let values = [one.before, one.now, one.change].map(shown);
                format!("{}: {}", one.path, values.join(" "))
            })
            .collect();
        assert_eq!(found, expected, "{before} {now}");
    }

    #[test]
    fn values_differ_by_path() {
        check(
            "{a: {b: 1, c: x}, d: [1, x]}",
            "{a: {b: 3, c: x}, d: [1, y]}",
            false,
            &["a.b: 1 3 2", "d: \"[1, 'x']\" \"[1, 'y']\" -"],
        );
        check("{a: 1}", "", false, &["a: 1 - -"]);
        check("", "{a: {}, b: null, c: 0.5}", false, &["c: - 0.5 -"]);
        check("{a: 1, b: true}", "{a: 1.0, b: 1}", false, &[]);
        check("{a: false}", "{a: true}", false, &["a: False True 1"]);
        check("{a: .nan}", "{a: .nan}", false, &["a: nan nan nan"]);
        check("{a: 1}", "{a: 1}", true, &["a: 1 1 0"]);
        check("{1: {2: x}}", "{1: {2: y}}", false, &["1.2: 'x' 'y' -"]);
    }

    #[test]
    fn files_may_be_values_by_themselves() {
        check("1.5", "2", false, &[": 1.5 2 0.5"]);
        check("'1'", "'3'", false, &[": 1 3 2"]);
        check("[1]", "[4]", false, &[": 1 4 3"]);
        check("[1, 2]", "[1, 2]", false, &[]);
        check("a", "{b: 1}", false, &[": 'a' - -", "b: - 1 -"]);
    }

    #[test]
    fn metrics_are_numbers_and_texts() {
        let file = yaml("{a: 1, b: [1], c: {d: null, e: {}}, f: {g: x, h: 2020-01-01}, i: 0}");
        let kept = metrics(&file.unwrap());
        assert_eq!(kept.repr(), "{'a': 1, 'f': {'g': 'x'}, 'i': 0}");
        assert_eq!(metrics(&yaml("[1]").unwrap()).repr(), "{}");
        assert_eq!(metrics(&Value::Integer(0)).repr(), "{}");
    }

    #[test]
    fn parameters_are_those_that_are_named() {
        let file = yaml("{a: {b: 1, c: 2, d: 3}, e: 4}").unwrap();
        let keys = ["a.b", "e", "a.c", "nothing"].map(str::to_owned);
        assert_eq!(
            params(&file, &keys).repr(),
            "{'a': {'b': 1, 'c': 2}, 'e': 4}"
        );
        assert_eq!(params(&file, &[]), file);
    }
}
