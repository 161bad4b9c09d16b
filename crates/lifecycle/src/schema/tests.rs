//! The schema and the walker say the same: a small judge of schemas is run on files that the
//! walker accepts and on files that it refuses.

use super::*;
use crate::codes;
use crate::diagnostic::Report;
use crate::walker::walk;

const DESIGN: &str = include_str!("../../tests/files/design.yaml");

/// Whether a value fits a schema, as far as our schemas go; patterns are left to regex.
fn fits(schema: &Value, value: &Value) -> bool {
    let is_type = |name: &Value| match name.as_str().unwrap_or_default() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        _ => false,
    };
    let check = |(key, rule): (&String, &Value)| match key.as_str() {
        "type" => rule
            .as_array()
            .map_or_else(|| is_type(rule), |names| names.iter().any(is_type)),
        "const" => value == rule,
        "enum" => rule.as_array().is_some_and(|words| words.contains(value)),
        "anyOf" => rule
            .as_array()
            .is_some_and(|schemas| schemas.iter().any(|schema| fits(schema, value))),
        "required" => rule
            .as_array()
            .into_iter()
            .flatten()
            .all(|key| value.get(key.as_str().unwrap()).is_some()),
        "minimum" => value.as_f64() >= rule.as_f64(),
        "maximum" => value.as_f64() <= rule.as_f64(),
        "exclusiveMinimum" => value.as_f64() > rule.as_f64(),
        "exclusiveMaximum" => value.as_f64() < rule.as_f64(),
        "minItems" => value
            .as_array()
            .is_some_and(|elements| !elements.is_empty()),
        "minProperties" => value.as_object().is_some_and(|entries| !entries.is_empty()),
        "items" => value
            .as_array()
            .is_none_or(|elements| elements.iter().all(|element| fits(rule, element))),
        "additionalProperties" => value.as_object().is_none_or(|entries| {
            let known = schema.get("properties");
            let mut others = entries
                .iter()
                .filter(|(key, _)| known.is_none_or(|known| known.get(key).is_none()));
            others.all(|(_, value)| *rule != json!(false) && fits(rule, value))
        }),
        "properties" => value.as_object().is_none_or(|entries| {
            entries
                .iter()
                .all(|(key, value)| rule.get(key).is_none_or(|schema| fits(schema, value)))
        }),
        "pattern" => value.as_str().is_some_and(|text| {
            regex::Regex::new(rule.as_str().unwrap())
                .unwrap()
                .is_match(text)
        }),
        "minLength" => value.as_str().is_some_and(|text| !text.is_empty()),
        "maxLength" => value
            .as_str()
            .is_some_and(|text| text.chars().count() as u64 <= rule.as_u64().unwrap()),
        "$schema" | "title" | "description" | "default" | "examples" | "format" => true,
        other => panic!("the judge does not know `{other}`"),
    };
    schema
        .as_object()
        .is_some_and(|rules| rules.iter().all(check))
}

#[track_caller]
fn check(from: &str, to: &str, is_good: bool) {
    assert!(DESIGN.contains(from), "{from}");
    let text = DESIGN.replacen(from, to, 1);
    let mut report = Report::new(&text);
    let tree = read(&text, &mut report).unwrap();
    walk(&FILE, &tree, &mut report);
    assert_eq!(
        !report.has_errors(),
        is_good,
        "walker: {:?}",
        report.diagnostics
    );
    assert_eq!(fits(&schema(), &to_json(&tree)), is_good, "schema");
}

#[test]
fn walker_and_schema_agree() {
    check("", "", true);
    check("window: 1d", "window: 100", true);
    check("window: 1d", "window: 0", false);
    check("window: 1d", "window: soon", false);
    check("columns: all", "columns: [hr]", true);
    check("columns: all", "columns: some", false);
    check("false_alarm_rate: 0.01", "false_alarm_rate: 1", false);
    check("task: regression", "task: guess", false);
    check("trainer: boosting", "trainer: svm", true);
    check("trainer: boosting", "trainer: oracle", false);
    check("trainer: boosting", "trianer: boosting", false);
    check("target: cnt,", "", true);
    check("train: 0.7", "train: 1.5", false);
    check("train: 0.7", "train: most", false);
    check("{path: data/hour.csv}", "{url: x}", false);
    check("{path: data/hour.csv}", "{path: ''}", false);
    check("min: 0}", "min: '0'}", false);
    check("in: [1, 2, 3, 4]", "in: []", false);
    check("required: true", "required: yes", false);
    check("canary: [10%, 50%]", "canary: [10]", false);
    check("cooldown: 6h", "cooldown: 6 hours", false);
    check("project: bike-demand", "project: a/b", false);
    check(
        "- deduplicate: {table: rides, by: [instant]}",
        "- {}",
        false,
    );
    check("hour_sin: sin(2 * pi() * hr / 24)", "one: 1", true);
}

#[test]
fn every_key_is_described() {
    fn descend(value: &Value) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for (key, property) in properties {
                let doc = property["description"].as_str().unwrap_or_default();
                assert!(doc.ends_with('.') && doc.len() > 10, "{key}: {doc}");
            }
        }
        match value {
            Value::Object(entries) => entries.values().for_each(descend),
            Value::Array(elements) => elements.iter().for_each(descend),
            _ => {}
        }
    }
    descend(&schema());
}

#[test]
fn defaults_fit_their_own_shape() {
    let text = "version: 1\nproject: p\nsources: {t: {path: t.csv}}\ndataset: {table: t, target: y}\n\
                train: {task: binary, trainer: tree}\nmonitor: {labels: {key: id}}\n";
    let mut report = Report::new(text);
    let mut tree = read(text, &mut report).unwrap();
    crate::walker::complete(&FILE, &mut tree);
    walk(&FILE, &tree, &mut report);
    assert_eq!(report.diagnostics, []);
    assert!(fits(&schema(), &to_json(&tree)));
    assert!(tree.find(&["monitor", "drift", "min_effect"]).is_some());
    assert_eq!(codes::ALL.len(), crate::codes().len());
}
