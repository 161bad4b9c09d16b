//! The tree of a YAML document.

use std::time::Duration;

use everloop_domain::Value;
use everloop_domain::expression::Span;

use super::offsets::locate;
use super::scalar::{Resolved, Scalar, Style};
use crate::duration::parse_duration;
use crate::size::parse_size;

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) data: Data,
    pub(crate) span: Span,
    /// The key of the override that the value came from.
    pub(crate) set_by: Option<String>,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_style: Style,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

/// Where a diagnostic points.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) span: Option<Span>,
    pub(crate) set_by: Option<String>,
}

impl Place {
    pub(crate) fn at(span: Span) -> Self {
        Self {
            span: Some(span),
            set_by: None,
        }
    }

    fn new(span: &Span, set_by: Option<&String>) -> Self {
        Self {
            span: set_by.is_none().then(|| span.clone()),
            set_by: set_by.cloned(),
        }
    }
}

impl Entry {
    /// The place of the key.
    pub(crate) fn place(&self) -> Place {
        Place::new(&self.key_span, self.value.set_by.as_ref())
    }
}

impl Node {
    pub(crate) fn new(data: Data, span: Span) -> Self {
        Self {
            data,
            span,
            set_by: None,
        }
    }

    pub(crate) fn place(&self) -> Place {
        Place::new(&self.span, self.set_by.as_ref())
    }

    /// The place of a part of a scalar's content.
    pub(crate) fn place_within(&self, text: &str, part: &Span) -> Place {
        match &self.data {
            Data::Scalar(scalar) if self.set_by.is_none() => {
                Place::at(locate(text, &self.span, &scalar.text, scalar.style, part))
            }
            _ => self.place(),
        }
    }

    /// The place of what stands at the path: of a scalar itself, of a list or map its key. Where
    /// the path ends early, the place of its last part that exists.
    pub(crate) fn place_of(&self, path: &[&str]) -> Place {
        let Some((first, rest)) = path.split_first() else {
            return self.place();
        };
        if let Some(entry) = self.entry(first) {
            let is_short = matches!(entry.value.data, Data::Scalar(_));
            let goes_on = rest
                .first()
                .is_some_and(|next| entry.value.child(next).is_some());
            return if goes_on || (is_short && !entry.value.span.is_empty()) {
                entry.value.place_of(rest)
            } else {
                entry.place()
            };
        }
        match self.child(first) {
            Some(element) => element.place_of(rest),
            None if matches!(self.data, Data::Scalar(_)) => self.place(),
            None => Place::new(&(self.span.start..self.span.start), self.set_by.as_ref()),
        }
    }

    /// The value of a key, or the element of an index.
    fn child(&self, key: &str) -> Option<&Self> {
        match &self.data {
            Data::Map(_) => self.entry(key).map(|entry| &entry.value),
            Data::List(elements) => elements.get(key.parse::<usize>().ok()?),
            Data::Scalar(_) => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.data, Data::Scalar(scalar) if scalar.is_null())
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.data, Data::Map(_))
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        if let Data::Map(entries) = &self.data {
            entries
        } else {
            &[]
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a key; a null counts as absent.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key)
            .map(|entry| &entry.value)
            .filter(|value| !value.is_null())
    }

    /// The value at a path of keys.
    pub(crate) fn find(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    pub(crate) fn elements(&self) -> &[Self] {
        if let Data::List(elements) = &self.data {
            elements
        } else {
            &[]
        }
    }

    /// A scalar as it is written.
    pub(crate) fn written(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(scalar) if !scalar.is_null() => Some(&scalar.text),
            _ => None,
        }
    }

    pub(crate) fn value(&self) -> Option<Value> {
        match &self.data {
            Data::Scalar(scalar) => match scalar.resolve() {
                Resolved::Value(value) => Some(value),
                Resolved::Null => None,
            },
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        matches!(self.value(), Some(Value::Text(_)))
            .then(|| self.written())
            .flatten()
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        if let Some(Value::Boolean(value)) = self.value() {
            Some(value)
        } else {
            None
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        match self.value()? {
            Value::Integer(whole) => Some(whole),
            _ => None,
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self.value()? {
            Value::Integer(whole) => Some(whole as f64),
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn size(&self) -> Option<usize> {
        parse_size(self.written()?).ok()
    }

    pub(crate) fn duration(&self) -> Option<Duration> {
        parse_duration(self.written()?).ok()
    }

    /// The texts of a list.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.elements()
            .iter()
            .filter_map(Self::written)
            .map(str::to_owned)
            .collect()
    }
}
