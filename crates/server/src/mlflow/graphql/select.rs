//! From GraphQL's values to parameters, and from answers to what was selected of them.

use std::collections::HashMap;

use graphql_parser::query::{
    Definition, Document, FragmentDefinition, Selection, SelectionSet, Value as Literal,
};
use serde_json::{Map, Value, json};

use super::types;
use crate::mlflow::parameters::Parameters;

/// Named parts of selections.
pub(super) struct Fragments<'d>(HashMap<&'d str, &'d FragmentDefinition<'d, String>>);

/// How much a query asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) depth: usize,
    pub(super) n_fields: usize,
    pub(super) n_aliases: usize,
}

/// A fragment that names itself would never end.
const MAX_NESTING: usize = 50;

impl<'d> Fragments<'d> {
    pub(super) fn of(document: &'d Document<'d, String>) -> Self {
        let named = document
            .definitions
            .iter()
            .filter_map(|definition| match definition {
                Definition::Fragment(fragment) => Some((fragment.name.as_str(), fragment)),
                Definition::Operation(_) => None,
            });
        Self(named.collect())
    }

    pub(super) fn size(&self, set: &SelectionSet<'_, String>, depth: usize) -> Size {
        let mut size = Size {
            depth,
            ..Size::default()
        };
        if depth > MAX_NESTING {
            return size;
        }
        for selection in &set.items {
            let inner = match selection {
                Selection::Field(field) => {
                    size.n_fields += 1;
                    size.n_aliases += usize::from(field.alias.is_some());
                    if field.selection_set.items.is_empty() {
                        continue;
                    }
                    self.size(&field.selection_set, depth + 1)
                }
                Selection::InlineFragment(fragment) => {
                    self.size(&fragment.selection_set, depth + 1)
                }
                Selection::FragmentSpread(spread) => {
                    match self.0.get(spread.fragment_name.as_str()) {
                        Some(fragment) => self.size(&fragment.selection_set, depth + 1),
                        None => continue,
                    }
                }
            };
            size.depth = size.depth.max(inner.depth);
            size.n_fields += inner.n_fields;
            size.n_aliases += inner.n_aliases;
        }
        size
    }
}

/// Whether a field is selected somewhere below; what a fragment holds is selected to be sure.
pub(super) fn asks_for(set: &SelectionSet<'_, String>, name: &str) -> bool {
    set.items.iter().any(|selection| match selection {
        Selection::Field(field) => field.name == name || asks_for(&field.selection_set, name),
        Selection::InlineFragment(fragment) => asks_for(&fragment.selection_set, name),
        Selection::FragmentSpread(_) => true,
    })
}

/// What was selected of an answer of a type.
pub(super) fn narrow(
    found: &Value,
    kind: &'static str,
    set: &SelectionSet<'_, String>,
    fragments: &Fragments<'_>,
) -> Value {
    match found {
        Value::Array(list) => list
            .iter()
            .map(|one| narrow(one, kind, set, fragments))
            .collect(),
        Value::Object(_) => {
            let mut shown = Map::new();
            insert(&mut shown, (found, kind), set, fragments, 0);
            Value::Object(shown)
        }
        other => scalar(other),
    }
}

fn insert(
    shown: &mut Map<String, Value>,
    of: (&Value, &'static str),
    set: &SelectionSet<'_, String>,
    fragments: &Fragments<'_>,
    nesting: usize,
) {
    if nesting > MAX_NESTING {
        return;
    }
    for selection in &set.items {
        match selection {
            Selection::Field(field) => {
                let name = field.alias.as_ref().unwrap_or(&field.name);
                let (found, parent) = of;
                let (kind, is_list) = types::of_field(parent, &field.name);
                let inner = match found.get(snake(&field.name)) {
                    Some(inner) if !inner.is_null() => {
                        narrow(inner, kind, &field.selection_set, fragments)
                    }
                    _ if field.name == "__typename" => json!(parent),
                    // Protobuf leaves out what is zero or empty.
                    _ if field.name == "fileSize" => json!("0"),
                    _ if is_list => json!([]),
                    _ => Value::Null,
                };
                shown.insert(name.clone(), inner);
            }
            Selection::InlineFragment(fragment) => {
                insert(shown, of, &fragment.selection_set, fragments, nesting + 1);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.0.get(spread.fragment_name.as_str()) {
                    insert(shown, of, &fragment.selection_set, fragments, nesting + 1);
                }
            }
        }
    }
}

/// Whole numbers have 64 bits, which JavaScript's have not; NaN is nothing.
fn scalar(value: &Value) -> Value {
    match value {
        Value::Number(number) if !number.is_f64() => json!(number.to_string()),
        Value::String(text) if text == "NaN" => Value::Null,
        other => other.clone(),
    }
}

/// The arguments of a field as parameters.
pub(super) fn input(
    arguments: &[(String, Literal<'_, String>)],
    variables: &Parameters,
) -> Map<String, Value> {
    let pairs = arguments.iter();
    pairs
        .map(|(name, literal)| (snake(name), value(literal, variables)))
        .collect()
}

fn value(literal: &Literal<'_, String>, variables: &Parameters) -> Value {
    match literal {
        Literal::Variable(name) => variables.value(name).map_or(Value::Null, renamed),
        Literal::Int(number) => json!(number.as_i64()),
        Literal::Float(number) => json!(number),
        Literal::String(text) | Literal::Enum(text) => json!(text),
        Literal::Boolean(value) => json!(value),
        Literal::Null => Value::Null,
        Literal::List(list) => list.iter().map(|one| value(one, variables)).collect(),
        Literal::Object(fields) => fields
            .iter()
            .map(|(name, literal)| (snake(name), value(literal, variables)))
            .collect(),
    }
}

/// A variable's value with the names of its fields as parameters have them.
fn renamed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (snake(name), renamed(value)))
            .collect(),
        Value::Array(list) => list.iter().map(renamed).collect(),
        other => other.clone(),
    }
}

/// `runId` as `run_id`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use graphql_parser::query::{OperationDefinition, parse_query};

    use super::*;

    #[track_caller]
    fn check(query: &str, found: &Value, expected: &Value) {
        let document: Document<'_, String> = parse_query(query).unwrap();
        let fragments = Fragments::of(&document);
        let set = document
            .definitions
            .iter()
            .find_map(|definition| match definition {
                Definition::Operation(OperationDefinition::SelectionSet(set)) => Some(set),
                _ => None,
            });
        assert_eq!(
            narrow(found, "Query", set.unwrap(), &fragments),
            *expected,
            "{query}"
        );
    }

    #[test]
    fn only_what_is_selected_is_shown() {
        let run = json!({"run": {"run_id": "a", "start_time": 5, "metrics": [{"value": 1.5}, {"value": "NaN"}]}});
        check("{ run { runId } }", &run, &json!({"run": {"runId": "a"}}));
        check(
            "{ r: run { startTime, metrics { value }, none } }",
            &run,
            &json!({"r": {"startTime": "5", "metrics": [{"value": 1.5}, {"value": null}], "none": null}}),
        );
        check(
            "{ run { ...ids } } fragment ids on Run { runId }",
            &run,
            &json!({"run": {"runId": "a"}}),
        );
    }

    #[test]
    fn objects_know_the_names_of_their_types() {
        check(
            "{ mlflowGetRun { run { info { __typename } data { tags { __typename key } metrics { key } } } } }",
            &json!({"mlflow_get_run": {"run": {"info": {}, "data": {"tags": [{"key": "k"}]}}}}),
            &json!({"mlflowGetRun": {"run": {"info": {"__typename": "MlflowRunInfo"},
                "data": {"tags": [{"__typename": "MlflowRunTag", "key": "k"}], "metrics": []}}}}),
        );
    }

    #[test]
    fn a_fragment_that_names_itself_ends() {
        let query = "{ run { ...f } } fragment f on Run { runId ...f }";
        check(
            query,
            &json!({"run": {"run_id": "a"}}),
            &json!({"run": {"runId": "a"}}),
        );
    }

    #[test]
    fn names_change_their_case() {
        assert_eq!(snake("mlflowGetRun"), "mlflow_get_run");
        assert_eq!(snake("key"), "key");
    }
}
