//! The JSON Schema of the lifecycle file, from the table of shapes.

use serde_json::{Map, Value, json};

use crate::shape::{Availability, Choice, Field, Shape};
use crate::shapes::{FILE, VERSION};
use crate::yaml::{Data, Node, read};

/// The JSON Schema (draft 2020-12) of `everloop.yaml`.
///
/// It says the form of the file; what its parts mean together only [`crate::parse`] can tell.
/// Keys that this release refuses are absent, as any unknown key.
#[must_use]
pub fn schema() -> Value {
    let mut root = shape(&FILE);
    if let Some(version) = root.pointer_mut("/properties/version") {
        *version = json!({"description": version["description"], "const": VERSION});
    }
    let mut schema = Map::new();
    schema.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    schema.insert("title".to_owned(), json!("Everloop lifecycle file"));
    if let Value::Object(object) = root {
        schema.extend(object);
    }
    Value::Object(schema)
}

fn shape(of: &Shape) -> Value {
    match of {
        Shape::Map(fields) => map(fields),
        Shape::MapOf {
            shape: value,
            may_be_empty,
            ..
        } => {
            let value = shape(value);
            if *may_be_empty {
                json!({"type": "object", "additionalProperties": value})
            } else {
                json!({"type": "object", "additionalProperties": value, "minProperties": 1})
            }
        }
        Shape::List {
            shape: value,
            may_be_empty,
        } => {
            let value = shape(value);
            if *may_be_empty {
                json!({"type": "array", "items": value})
            } else {
                json!({"type": "array", "items": value, "minItems": 1})
            }
        }
        Shape::AnyOf(alternatives) => {
            json!({"anyOf": alternatives.iter().map(shape).collect::<Vec<_>>()})
        }
        Shape::Choice(choice) => words(choice),
        Shape::Text => json!({"type": "string", "pattern": "\\S"}),
        Shape::Pattern => json!({"type": "string", "format": "regex"}),
        Shape::Written | Shape::Scalar | Shape::Feature | Shape::Condition => {
            json!({"type": ["string", "number", "boolean"]})
        }
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::Integer { min, max } => {
            let mut object = json!({"type": "integer"});
            if *min != i64::MIN {
                object["minimum"] = json!(min);
            }
            if *max != i64::MAX {
                object["maximum"] = json!(max);
            }
            object
        }
        Shape::Number { min, max } if min.is_finite() => {
            json!({"type": "number", "minimum": min, "maximum": max})
        }
        Shape::Number { .. } => json!({"type": "number"}),
        Shape::OpenShare => json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
        Shape::Duration { may_be_zero: true } => {
            json!({"type": "string", "pattern": "^[0-9]+[smhdw]$"})
        }
        Shape::Duration { .. } => json!({"type": "string", "pattern": "^0*[1-9][0-9]*[smhdw]$"}),
        Shape::Size => {
            json!({"type": "string", "pattern": "^0*[1-9][0-9]*([KMGT]iB|[kMGT]B)$", "examples": ["4GiB"]})
        }
        Shape::Percent => json!({"type": "string", "pattern": "^[0-9.]+ *%$"}),
        Shape::Schedule => json!({"type": "string", "examples": ["daily", "weekly", "0 6 * * 1"]}),
        Shape::ModelName => {
            json!({"type": "string", "pattern": "^[^/\\\\:]*[^/\\\\:\\s][^/\\\\:]*$", "maxLength": 255})
        }
        Shape::Character => json!({"type": "string", "minLength": 1, "maxLength": 1}),
    }
}

fn map(fields: &[Field]) -> Value {
    let known = || {
        fields
            .iter()
            .filter(|field| !matches!(field.availability, Availability::Refused(_)))
    };
    let properties: Map<String, Value> = known()
        .map(|field| (field.name.to_owned(), property(field)))
        .collect();
    let mut object =
        json!({"type": "object", "properties": properties, "additionalProperties": false});
    let required: Vec<&str> = known()
        .filter(|field| field.is_required)
        .map(|field| field.name)
        .collect();
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn property(field: &Field) -> Value {
    let mut property = Map::new();
    let doc = match field.availability {
        Availability::Planned(instead) => {
            format!("{} Not carried out in this release: {instead}.", field.doc)
        }
        _ => field.doc.to_owned(),
    };
    property.insert("description".to_owned(), json!(doc));
    if let Some(default) = field.default.and_then(default_value) {
        property.insert("default".to_owned(), default);
    }
    if let Value::Object(form) = shape(field.shape) {
        property.extend(form);
    }
    Value::Object(property)
}

fn words(choice: &Choice) -> Value {
    match choice.words {
        [(only, doc)] => json!({"const": only, "description": doc}),
        words => json!({"enum": words.iter().map(|(word, _)| *word).collect::<Vec<_>>()}),
    }
}

/// A default of the table as JSON.
fn default_value(text: &str) -> Option<Value> {
    read(text, &mut crate::diagnostic::Report::new(text)).map(|node| to_json(&node))
}

/// A tree as JSON.
pub(crate) fn to_json(node: &Node) -> Value {
    match &node.data {
        Data::Scalar(_) => node.value().map_or(Value::Null, |value| json!(value)),
        Data::List(elements) => elements.iter().map(to_json).collect(),
        Data::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), to_json(&entry.value)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

#[cfg(test)]
mod tests;
