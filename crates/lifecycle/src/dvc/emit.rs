//! Values to YAML text, byte for byte as `ruamel.yaml` writes them for DVC.
//!
//! `dvc.lock` is kept in git and written by both tools, so every line must break where theirs
//! breaks: at 80 columns, before the word that would cross them, keeping the space before it. What
//! is known of the layout is tested with texts by the thousand that DVC wrote
//! (`tests/golden/dvc/scalars.json`).

mod layout;
mod quoted;
mod style;

use super::scalar::needs_quotes;
use super::value::{Value, float};
use layout::Layout;
use style::Style;

/// The longest key that stands before its colon on one line; ruamel counts a tag with it.
const MAX_KEY_CHARS: usize = 123;

/// Writes a map at an indent of so many spaces, from the start of a line to the end of one.
pub(super) fn write_map(entries: &[(Value, Value)], indent: usize) -> String {
    let mut layout = Layout::default();
    map(&mut layout, entries, indent);
    layout.text.push('\n');
    layout.text
}

fn map(layout: &mut Layout, entries: &[(Value, Value)], indent: usize) {
    for (key, value) in entries {
        layout.go_to(indent);
        let shown = key_text(key);
        let is_simple = is_simple(&shown);
        if is_simple {
            scalar(layout, key, indent + 2, true);
            layout.push(":");
        } else {
            layout.indicator("?");
            scalar(layout, key, indent + 2, false);
            layout.go_to(indent);
            layout.indicator(":");
        }
        match value {
            Value::Map(entries) if !entries.is_empty() => map(layout, entries, indent + 2),
            // The dashes of a list stand below its key.
            Value::List(elements) if !elements.is_empty() && is_simple => {
                list(layout, elements, indent);
            }
            Value::List(elements) if !elements.is_empty() => list(layout, elements, indent + 2),
            _ => scalar(layout, value, indent + 2, false),
        }
    }
}

fn list(layout: &mut Layout, elements: &[Value], indent: usize) {
    for element in elements {
        layout.go_to(indent);
        layout.indicator("-");
        match element {
            Value::Map(entries) if !entries.is_empty() => map(layout, entries, indent + 2),
            Value::List(elements) if !elements.is_empty() => list(layout, elements, indent + 2),
            Value::Null => layout.go_to(indent + 2),
            _ => scalar(layout, element, indent + 2, false),
        }
    }
}

fn key_text(key: &Value) -> String {
    match key {
        Value::Text(text) => text.clone(),
        _ => plain(key),
    }
}

fn is_simple(key: &str) -> bool {
    key.chars().count() < MAX_KEY_CHARS && !key.contains(['\n', '\u{85}', '\u{2028}', '\u{2029}'])
}

/// A scalar or an empty collection, after what stands before it in its line.
fn scalar(layout: &mut Layout, value: &Value, indent: usize, is_key: bool) {
    let Value::Text(text) = value else {
        layout.plain(&plain(value), indent, !is_key);
        return;
    };
    let style = style::choose(text, needs_quotes(text), is_key);
    match style {
        Style::Single => layout.single_quoted(text, indent, !is_key),
        Style::Double => layout.double_quoted(text, indent, !is_key),
        Style::Plain => {
            let before = layout.mark();
            let is_kept = layout.plain(text, indent, !is_key);
            if !is_kept {
                // ruamel breaks the line all the same, and reads another text than it wrote: to DVC
                // such a command has changed whenever it looks.
                layout.go_back(before);
                layout.double_quoted(text, indent, !is_key);
            }
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Boolean(value) => value.to_string(),
        Value::Integer(whole) => whole.to_string(),
        Value::Number(number) if number.is_finite() => float(*number),
        Value::Number(number) if number.is_nan() => ".nan".to_owned(),
        Value::Number(number) if *number > 0.0 => ".inf".to_owned(),
        Value::Number(_) => "-.inf".to_owned(),
        Value::Time(text) | Value::Text(text) => text.clone(),
        Value::Null => String::new(),
        Value::List(_) => "[]".to_owned(),
        Value::Map(_) => "{}".to_owned(),
    }
}

#[cfg(test)]
mod tests;
