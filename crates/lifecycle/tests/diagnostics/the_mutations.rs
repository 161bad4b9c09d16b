//! A full file with parts taken out or replaced is read, or refused at a place within it.

use everloop_lifecycle::{Severity, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Every section, and most keys.
const FULL: &str = include_str!("../files/full.json");

/// The paths of all values below, `version` apart: its number is a matter of meaning.
fn paths(value: &Value, path: &str, all: &mut Vec<String>) {
    let mut add = |key: &str, value: &Value| {
        let path = format!("{path}/{key}");
        if path != "/version" {
            paths(value, &path, all);
            all.push(path);
        }
    };
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| add(key, value)),
        Value::Array(elements) => {
            let elements = elements.iter().enumerate();
            elements.for_each(|(index, value)| add(&index.to_string(), value));
        }
        _ => {}
    }
}

/// Takes the value at the path out, or puts another there.
fn mutate(whole: &mut Value, path: &str, other: Option<&Value>) {
    let (parent, key) = path.rsplit_once('/').unwrap();
    match (whole.pointer_mut(parent), other) {
        (Some(Value::Object(entries)), Some(other)) => {
            entries.insert(key.to_owned(), other.clone());
        }
        (Some(Value::Object(entries)), None) => {
            entries.remove(key);
        }
        (Some(Value::Array(elements)), Some(other)) => {
            elements[key.parse::<usize>().unwrap()] = other.clone();
        }
        (Some(Value::Array(elements)), None) => {
            elements.remove(key.parse::<usize>().unwrap());
        }
        _ => unreachable!("{path}"),
    }
}

fn check(value: &Value) {
    let text = value.to_string();
    let parsed = parse(&text, &[]);
    let errors = parsed.diagnostics.iter();
    let mut errors = errors
        .filter(|it| it.severity == Severity::Error)
        .peekable();
    assert_eq!(
        parsed.lifecycle.is_none(),
        errors.peek().is_some(),
        "{text}"
    );
    for error in errors {
        let span = error.span.clone();
        let is_within = span.is_some_and(|span| text.get(span).is_some());
        assert!(is_within && error.line == 1, "{error:?} {text}");
    }
}

fn others() -> Vec<Option<Value>> {
    let others = [
        json!([]),
        json!({}),
        json!([7]),
        json!(["f1"]),
        json!([["a"]]),
        json!({"low": 1, "high": 2}),
        json!({"choices": [1, "a"]}),
        json!({"gate": "f1 > 0"}),
        json!(0),
        json!(-1),
        json!(7),
        json!(0.5),
        json!(1_000_000_000_001_i64),
        json!(true),
        json!("tomato"),
        json!("f1"),
        json!("7d"),
        json!("0s"),
        json!("10%"),
        json!("a / b"),
    ];
    std::iter::once(None).chain(others.map(Some)).collect()
}

#[test]
fn the_full_file_is_good() {
    let parsed = parse(FULL, &[]);
    assert!(parsed.lifecycle.is_some(), "{:?}", parsed.diagnostics);
}

proptest! {
    #[test]
    fn a_changed_file_is_read_or_refused_at_a_place(
        places in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(others())), 1..4)
    ) {
        let mut value: Value = serde_json::from_str(FULL).unwrap();
        for (place, other) in places {
            let mut all = Vec::new();
            paths(&value, "", &mut all);
            mutate(&mut value, &all[place.index(all.len())], other.as_ref());
        }
        check(&value);
    }
}
