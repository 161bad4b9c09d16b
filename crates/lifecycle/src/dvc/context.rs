//! The variables that templates refer to.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::template::Problem;
use super::value::Value;

/// Variables from files, from `vars`, and of the element that a stage is made for.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    variables: Vec<Variable>,
    /// The keys that were taken from each file; none stands for all of them.
    loaded: HashMap<String, Option<Vec<String>>>,
    /// `item` and `key`: these win, and cannot be set.
    element: Vec<(&'static str, Value)>,
    /// What stages have asked for; contexts that were made of each other share it.
    used: Rc<RefCell<Used>>,
}

/// Variables of files that stages use.
#[derive(Debug, Default)]
struct Used {
    is_watched: bool,
    /// By file and path.
    values: BTreeMap<(String, String), Value>,
}

/// A variable and where it comes from.
#[derive(Clone, Debug)]
struct Variable {
    name: String,
    value: Value,
    source: String,
}

/// Why variables cannot be taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    /// The path is set twice; by whom first.
    Redefined { path: String, by: String },
    /// `item` or `key`.
    Reserved(String),
    /// Some keys of a file were taken already, or all of them.
    AlreadyLoaded,
}

impl Context {
    /// Takes in the variables of a map.
    pub(super) fn merge(
        &mut self,
        entries: &[(Value, Value)],
        source: &str,
    ) -> Result<(), Conflict> {
        for (name, value) in entries {
            let Value::Text(name) = name else { continue };
            if self.element.iter().any(|(reserved, _)| reserved == name) {
                return Err(Conflict::Reserved(name.clone()));
            }
            match self.variables.iter_mut().find(|known| known.name == *name) {
                None => self.variables.push(Variable {
                    name: name.clone(),
                    value: value.clone(),
                    source: source.to_owned(),
                }),
                Some(known) => {
                    merge(name, &mut known.value, value).map_err(|path| Conflict::Redefined {
                        path,
                        by: known.source.clone(),
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Notes that keys of a file (or all) are taken. Says whether there is anything to take.
    pub(super) fn load(&mut self, path: &str, keys: Option<&[String]>) -> Result<bool, Conflict> {
        let Some(loaded) = self.loaded.get_mut(path) else {
            self.loaded
                .insert(path.to_owned(), keys.map(<[String]>::to_vec));
            return Ok(true);
        };
        match (loaded, keys) {
            (None, None) => Ok(false),
            (Some(loaded), Some(keys)) if keys.iter().all(|key| !loaded.contains(key)) => {
                loaded.extend(keys.iter().cloned());
                Ok(true)
            }
            _ => Err(Conflict::AlreadyLoaded),
        }
    }

    /// Sets the element that the next stage is made for.
    pub(super) fn set_element(&mut self, element: Vec<(&'static str, Value)>) {
        self.element = element;
    }

    /// The value at a path.
    pub(super) fn find(&self, path: &[&str]) -> Result<&Value, Problem> {
        let missing = || Problem::Missing(path.join("."));
        let (first, rest) = path.split_first().ok_or_else(missing)?;
        let element = self.element.iter().find(|(name, _)| name == first);
        let (root, source) = if let Some((_, value)) = element {
            (value, None)
        } else {
            let found = self.variables.iter().find(|known| known.name == *first);
            let found = found.ok_or_else(missing)?;
            (&found.value, Some(&found.source))
        };
        let value = rest
            .iter()
            .try_fold(root, |value, part| child(value, part))
            .ok_or_else(missing)?;
        if let Some(source) = source.filter(|source| self.loaded.contains_key(*source)) {
            let mut used = self.used.borrow_mut();
            if used.is_watched {
                let place = (source.clone(), path.join("."));
                used.values.insert(place, value.clone());
            }
        }
        Ok(value)
    }

    /// From now on, notes which variables are used, or does so no longer.
    pub(super) fn watch(&self, is_watched: bool) {
        self.used.borrow_mut().is_watched = is_watched;
    }

    /// The variables of files that were used while it was watched: file, path and value.
    pub(super) fn used(&self) -> Vec<(String, String, Value)> {
        let used = self.used.borrow();
        let used = used.values.iter();
        used.map(|((file, path), value)| (file.clone(), path.clone(), value.clone()))
            .collect()
    }

    /// The paths of all variables that have no parts, and the names of the others.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = self
            .element
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        for variable in &self.variables {
            collect(&variable.name, &variable.value, &mut paths);
        }
        paths
    }
}

fn collect(path: &str, value: &Value, paths: &mut Vec<String>) {
    paths.push(path.to_owned());
    if let Value::Map(entries) = value {
        for (key, value) in entries {
            if let Value::Text(key) = key {
                collect(&format!("{path}.{key}"), value, paths);
            }
        }
    }
}

fn child<'a>(value: &'a Value, part: &str) -> Option<&'a Value> {
    match value {
        Value::Map(_) => value.get(part),
        Value::List(elements) => {
            let index: i64 = part.parse().ok()?;
            let index = if index < 0 {
                elements.len() as i64 + index
            } else {
                index
            };
            elements.get(usize::try_from(index).ok()?)
        }
        _ => None,
    }
}

fn merge(path: &str, into: &mut Value, from: &Value) -> Result<(), String> {
    let (Value::Map(into), Value::Map(from)) = (into, from) else {
        return Err(path.to_owned());
    };
    for (key, value) in from {
        match into.iter_mut().find(|(known, _)| known == key) {
            None => into.push((key.clone(), value.clone())),
            Some((_, known)) => merge(&format!("{path}.{}", key.python()), known, value)?,
        }
    }
    Ok(())
}
