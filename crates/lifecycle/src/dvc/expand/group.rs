//! The elements that a group makes its stages for.

use std::collections::HashMap;

use super::fill;
use crate::codes;
use crate::diagnostic::Report;
use crate::dvc::Flags;
use crate::dvc::context::Context;
use crate::dvc::template::{Use, is_template, shown};
use crate::dvc::value::Value;
use crate::yaml::Node;

/// What follows `@` in the name of a stage, and the variables that are set for it.
pub(super) type Element = (String, Vec<(&'static str, Value)>);

/// The elements of `foreach`: those of a list by their values (by their numbers, if one is a list
/// or map), those of a map by their keys.
pub(super) fn foreach(
    node: &Node,
    context: &Context,
    flags: Flags,
    report: &mut Report,
) -> Vec<Element> {
    let Some(data) = fill(node, context, Use::Anything, flags, report) else {
        return Vec::new();
    };
    let mut found = Elements::default();
    match data {
        Value::Map(entries) => {
            for (key, value) in entries {
                let key = shown(&key);
                let element = vec![("item", value), ("key", Value::Text(key.clone()))];
                found.put(key, element);
            }
        }
        Value::List(elements) => {
            let is_numbered = elements.iter().any(Value::is_composite);
            for (index, value) in elements.into_iter().enumerate() {
                let key = if is_numbered {
                    index.to_string()
                } else {
                    name_of(&value, node, index)
                };
                found.put(key, vec![("item", value)]);
            }
        }
        other => {
            let message = format!(
                "`foreach` takes a list or a map, and this is {}",
                other.kind()
            );
            report.at(codes::GROUP, node, message).hint(
                "`foreach: [a, b]`, `foreach: {a: …, b: …}`, or a variable that is one of them",
            );
        }
    }
    found.list
}

/// The parts of a name, and the values of the axes so far.
type Combination = (Vec<String>, Vec<(Value, Value)>);

/// What an element adds to the name of its stage. DVC writes `True` where the element comes from a
/// variable, and `true` where it stands in the file.
fn name_of(value: &Value, list: &Node, index: usize) -> String {
    let node = list.elements().get(index).unwrap_or(list);
    let is_from_variable = matches!(Value::of(node), Value::Text(text) if is_template(&text));
    if is_from_variable {
        value.python()
    } else {
        shown(value)
    }
}

/// The elements by name. A later one takes the place of an earlier of the same name, as in DVC.
#[derive(Default)]
struct Elements {
    list: Vec<Element>,
    places: HashMap<String, usize>,
}

impl Elements {
    fn put(&mut self, key: String, element: Vec<(&'static str, Value)>) {
        if let Some(place) = self.places.get(&key) {
            self.list[*place].1 = element;
        } else {
            self.places.insert(key.clone(), self.list.len());
            self.list.push((key, element));
        }
    }
}

/// The elements of `matrix`: every combination, the last list running fastest. No more than
/// `room + 1` come back.
pub(super) fn matrix(
    node: &Node,
    context: &Context,
    flags: Flags,
    room: usize,
    report: &mut Report,
) -> Vec<Element> {
    let Some(Value::Map(axes)) = fill(node, context, Use::Anything, flags, report) else {
        return Vec::new();
    };
    let nodes = node.entries();
    let mut combinations: Vec<Combination> = vec![(Vec::new(), Vec::new())];
    for (place, (axis, values)) in axes.into_iter().enumerate() {
        let data = nodes.get(place).map_or(node, |entry| &entry.value);
        // Of a map, the keys are the values.
        let values = match values {
            Value::Map(entries) => Value::List(entries.into_iter().map(|(key, _)| key).collect()),
            other => other,
        };
        let Value::List(values) = values else {
            let message = format!(
                "`{}` takes a list, and this is {}",
                axis.python(),
                values.kind()
            );
            report
                .at(codes::GROUP, node, message)
                .hint("each key of `matrix` has a list of values, or a variable that is one");
            return Vec::new();
        };
        let mut longer = Vec::new();
        for (names, chosen) in &combinations {
            for (index, value) in values.iter().enumerate() {
                if longer.len() > room {
                    break;
                }
                let name = if value.is_composite() {
                    format!("{}{index}", axis.python())
                } else {
                    name_of(value, data, index)
                };
                let names = names.iter().cloned().chain([name]).collect();
                let pair = (axis.clone(), value.clone());
                longer.push((names, chosen.iter().cloned().chain([pair]).collect()));
            }
        }
        combinations = longer;
    }
    let mut found = Elements::default();
    for (names, chosen) in combinations {
        let key = names.join("-");
        let element = vec![
            ("item", Value::Map(chosen)),
            ("key", Value::Text(key.clone())),
        ];
        found.put(key, element);
    }
    found.list
}
