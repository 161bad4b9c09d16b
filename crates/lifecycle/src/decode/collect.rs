//! Reads `sources`, `checks` and `prepare`.

use everloop_domain::ColumnType;
use everloop_domain::dataset::{
    ColumnCheck, ColumnRule, Format, PrepareStep, RowCountCheck, RuleCheck, Severity, Source,
    TableChecks,
};

use super::name;
use crate::yaml::{Entry, Node};

pub(super) fn source(entry: &Entry) -> Option<Source> {
    let node = &entry.value;
    let format = node
        .get("format")
        .and_then(Node::text)
        .and_then(|format| match format {
            "csv" => Some(Format::Csv),
            "json" => Some(Format::Json),
            "parquet" => Some(Format::Parquet),
            "arrow" => Some(Format::Arrow),
            _ => None,
        });
    Some(Source {
        name: entry.key.clone(),
        path: name(node, "path")?,
        format,
        delimiter: node
            .get("delimiter")
            .and_then(Node::text)
            .and_then(|text| text.chars().next()),
        has_header: node.get("header")?.boolean()?,
        null_values: node.get("null_values")?.texts(),
    })
}

pub(super) fn checks(entry: &Entry) -> TableChecks {
    let node = &entry.value;
    TableChecks {
        table: entry.key.clone(),
        columns: node
            .get("columns")
            .map_or(&[][..], Node::entries)
            .iter()
            .flat_map(column_checks)
            .collect(),
        rows: node.get("rows").map(|rows| RowCountCheck {
            min: count(rows, "min"),
            max: count(rows, "max"),
            severity: severity(rows),
        }),
        rules: node
            .get("rules")
            .map_or(&[][..], Node::elements)
            .iter()
            .filter_map(rule)
            .collect(),
    }
}

fn count(node: &Node, key: &str) -> Option<u64> {
    u64::try_from(node.get(key)?.integer()?).ok()
}

fn severity(node: &Node) -> Severity {
    match node.get("severity").and_then(Node::text) {
        Some("warn") => Severity::Warn,
        _ => Severity::Error,
    }
}

/// One check for each key, in the order of the file.
fn column_checks(entry: &Entry) -> Vec<ColumnCheck> {
    let severity = severity(&entry.value);
    let rules = entry
        .value
        .entries()
        .iter()
        .filter_map(|key| column_rule(&key.key, &key.value));
    rules
        .map(|rule| ColumnCheck {
            column: entry.key.clone(),
            rule,
            severity,
        })
        .collect()
}

fn column_rule(key: &str, value: &Node) -> Option<ColumnRule> {
    match key {
        "type" => {
            let name = value.text()?;
            ColumnType::ALL
                .into_iter()
                .find(|column_type| column_type.as_str() == name)
                .map(ColumnRule::Type)
        }
        "required" => value.boolean()?.then_some(ColumnRule::Required),
        "unique" => value.boolean()?.then_some(ColumnRule::Unique),
        "min" => value.number().map(ColumnRule::Min),
        "max" => value.number().map(ColumnRule::Max),
        "in" => Some(ColumnRule::In(
            value.elements().iter().filter_map(Node::value).collect(),
        )),
        "pattern" => value
            .text()
            .map(|pattern| ColumnRule::Pattern(pattern.to_owned())),
        _ => None,
    }
}

fn rule(node: &Node) -> Option<RuleCheck> {
    Some(RuleCheck {
        name: name(node, "name")?,
        sql: name(node, "sql")?,
        severity: severity(node),
    })
}

pub(super) fn step(node: &Node) -> Option<PrepareStep> {
    if let Some(step) = node.get("deduplicate") {
        return Some(PrepareStep::Deduplicate {
            table: name(step, "table")?,
            by: step.get("by")?.texts(),
        });
    }
    Some(PrepareStep::Sql {
        table: name(node, "table")?,
        sql: name(node, "sql")?,
    })
}
