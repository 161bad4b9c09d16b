//! Checks a tree against the table of shapes, and reports everything that does not fit.

mod scalars;

use everloop_domain::expression::Span;

use crate::codes;
use crate::diagnostic::{Diagnostic, Report, has_errors};
use crate::shape::{Availability, Field, Shape};
use crate::suggestion;
use crate::yaml::{Data, Entry, Node, Place, Style, read};

/// Where the walk is: the path of keys, and where the value as a whole is named.
struct At<'a> {
    path: String,
    /// The key of a list or map; their own extent is too large to point at.
    key: &'a Place,
}

impl At<'_> {
    fn name(&self) -> String {
        if self.path.is_empty() {
            "the file".to_owned()
        } else {
            format!("`{}`", self.path)
        }
    }

    fn below(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

/// Checks the whole tree.
pub(crate) fn walk(shape: &Shape, root: &Node, report: &mut Report) {
    let start = root.span.start..root.span.start;
    check(
        shape,
        root,
        &At {
            path: String::new(),
            key: &Place::at(start),
        },
        report,
    );
}

fn check(shape: &Shape, node: &Node, at: &At, report: &mut Report) {
    let takes_scalar = !matches!(
        shape,
        Shape::Map(_) | Shape::MapOf { .. } | Shape::List { .. }
    );
    match (shape, &node.data) {
        (Shape::AnyOf(shapes), _) => any_of(shapes, shape, node, at, report),
        (Shape::Map(fields), Data::Map(entries)) => map(fields, entries, at, report),
        (
            Shape::MapOf {
                name,
                shape,
                may_be_empty,
            },
            Data::Map(entries),
        ) => {
            if entries.is_empty() && !may_be_empty {
                let message = format!("{} must name at least one {name}", at.name());
                report.add(codes::MISSING_KEY, at.key, message);
            }
            for entry in entries {
                named(name, shape, entry, at, report);
            }
        }
        (
            Shape::List {
                shape,
                may_be_empty,
            },
            Data::List(elements),
        ) => {
            if elements.is_empty() && !may_be_empty {
                report.add(
                    codes::MISSING_KEY,
                    at.key,
                    format!("{} must not be empty", at.name()),
                );
            }
            for (index, element) in elements.iter().enumerate() {
                let at = At {
                    path: at.below(&index.to_string()),
                    key: &start_of(element),
                };
                check(shape, element, &at, report);
            }
        }
        (_, Data::Scalar(scalar)) if takes_scalar => {
            scalars::check(shape, node, scalar, &at.path, at.key, report);
        }
        _ => wrong_type(shape, node, at, report),
    }
}

/// Checks an entry of a map whose keys are names.
fn named(name: &str, shape: &Shape, entry: &Entry, at: &At, report: &mut Report) {
    let place = entry.place();
    if entry.key.trim().is_empty() {
        report.add(
            codes::INVALID_VALUE,
            &place,
            format!("a {name} must have a name"),
        );
    }
    check(
        shape,
        &entry.value,
        &At {
            path: at.below(&entry.key),
            key: &place,
        },
        report,
    );
}

/// The start of a list or map, which is too large to point at; a scalar as it is.
fn start_of(node: &Node) -> Place {
    let mut place = node.place();
    if !matches!(node.data, Data::Scalar(_)) {
        place.span = place.span.map(|Span { start, .. }| start..start);
    }
    place
}

fn wrong_type(shape: &Shape, node: &Node, at: &At, report: &mut Report) {
    let (found, place) = match &node.data {
        Data::Scalar(scalar) if scalar.is_null() => ("nothing".to_owned(), at.key.clone()),
        Data::Scalar(scalar) => (scalar.described(), node.place()),
        Data::List(_) => ("a list".to_owned(), at.key.clone()),
        Data::Map(_) => ("a map".to_owned(), at.key.clone()),
    };
    let message = format!("{} must be {}, found {found}", at.name(), shape.described());
    report.add(codes::WRONG_TYPE, &place, message);
}

fn map(fields: &'static [Field], entries: &[Entry], at: &At, report: &mut Report) {
    for entry in entries {
        match fields.iter().find(|field| field.name == entry.key) {
            Some(field) => known_key(field, entry, at, report),
            None => unknown_key(fields, entry, at, report),
        }
    }
    let unknown = entries.iter().map(|entry| entry.key.as_str());
    let unknown = unknown.filter(|key| !fields.iter().any(|field| field.name == *key));
    // A key that was meant and misspelt is reported once, where it stands.
    let meant: Vec<&str> = unknown
        .filter_map(|key| suggestion::nearest(key, names(fields)))
        .collect();
    let is_refused = |field: &Field| matches!(field.availability, Availability::Refused(_));
    let mut refused = fields.iter().filter(|field| is_refused(field));
    if refused.any(|field| entries.iter().any(|entry| entry.key == field.name)) {
        return;
    }
    for field in fields
        .iter()
        .filter(|field| field.is_required && !meant.contains(&field.name))
    {
        missing_key(field, entries, at, report);
    }
}

fn known_key(field: &Field, entry: &Entry, at: &At, report: &mut Report) {
    let path = at.below(&entry.key);
    let place = entry.place();
    match field.availability {
        Availability::Available => {}
        Availability::Planned(way_out) => {
            let message = format!("`{path}` is checked, but this release does not carry it out");
            report
                .add(codes::NOT_CARRIED_OUT, &place, message)
                .hint(way_out);
        }
        Availability::Refused(way_out) => {
            let message = format!("`{path}` cannot be read in this release");
            report
                .add(codes::UNSUPPORTED_SOURCE, &place, message)
                .hint(way_out);
            return;
        }
    }
    // A key with nothing behind it counts as absent: people comment values out.
    if !entry.value.is_null() {
        check(field.shape, &entry.value, &At { path, key: &place }, report);
    }
}

fn missing_key(field: &Field, entries: &[Entry], at: &At, report: &mut Report) {
    match entries.iter().find(|entry| entry.key == field.name) {
        Some(entry) if !entry.value.is_null() => {}
        Some(entry) => {
            let (path, wanted) = (at.below(field.name), field.shape.described());
            let message = format!("`{path}` must be {wanted}, found nothing");
            report.add(codes::MISSING_KEY, &entry.place(), message);
        }
        None => {
            let message = format!("{} lacks the key `{}`", at.name(), field.name);
            let hint = format!("`{}`: {}", field.name, lower(field.doc));
            report.add(codes::MISSING_KEY, at.key, message).hint(hint);
        }
    }
}

fn unknown_key(fields: &'static [Field], entry: &Entry, at: &At, report: &mut Report) {
    let message = format!("unknown key `{}` in {}", entry.key, at.name());
    let what = format!("the keys of {} are", at.name());
    let hint = suggestion::hint(&entry.key, &what, names(fields));
    report.add(codes::UNKNOWN_KEY, &entry.place(), message).help = hint;
}

/// The keys that may be suggested.
fn names(fields: &'static [Field]) -> impl Iterator<Item = &'static str> + Clone {
    let known = fields
        .iter()
        .filter(|field| !matches!(field.availability, Availability::Refused(_)));
    known.map(|field| field.name)
}

/// A sentence as the rest of another.
fn lower(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    let mut letters = sentence.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_lowercase)
        .collect();
    first + letters.as_str()
}

/// Checks the alternative that is meant: the one that fits, else the one that is most like it.
fn any_of(shapes: &[Shape], whole: &Shape, node: &Node, at: &At, report: &mut Report) {
    match meant(shapes, node) {
        Some(shape) => check(shape, node, at, report),
        None => wrong_type(whole, node, at, report),
    }
}

/// The alternative that the value is meant to be.
fn meant<'a>(shapes: &'a [Shape], node: &Node) -> Option<&'a Shape> {
    let trial = |shape: &Shape| {
        let mut trial = Report::new("");
        walk(shape, node, &mut trial);
        trial.diagnostics
    };
    if let Some(shape) = shapes.iter().find(|shape| !has_errors(&trial(shape))) {
        return Some(shape);
    }
    // A number or a duration out of range is one all the same.
    let is_out_of_range = |problem: &Diagnostic| problem.code == codes::OUT_OF_RANGE;
    if let Some(shape) = shapes
        .iter()
        .find(|shape| trial(shape).iter().all(is_out_of_range))
    {
        return Some(shape);
    }
    let is_kind = |shape: &&Shape| match node.data {
        Data::Map(_) => matches!(shape, Shape::Map(_) | Shape::MapOf { .. }),
        Data::List(_) => matches!(shape, Shape::List { .. }),
        Data::Scalar(_) => !matches!(
            shape,
            Shape::Map(_) | Shape::MapOf { .. } | Shape::List { .. }
        ),
    };
    let of_kind: Vec<&Shape> = shapes.iter().filter(is_kind).collect();
    match (of_kind.as_slice(), &node.data) {
        ([only], Data::Map(_) | Data::List(_))
        | ([only @ (Shape::Condition | Shape::Choice(_))], Data::Scalar(_)) => Some(only),
        // A map is meant by its keys; if it has none of them, the last alternative is asked for.
        ([.., last], Data::Map(entries)) => {
            let n_known = |shape: &Shape| match shape {
                Shape::Map(fields) => entries
                    .iter()
                    .filter(|entry| fields.iter().any(|field| field.name == entry.key))
                    .count(),
                _ => 0,
            };
            let best = of_kind.iter().max_by_key(|shape| n_known(shape));
            Some(best.map_or(*last, |best| *best))
        }
        _ => None,
    }
}

/// Puts the defaults of the table where keys are absent.
pub(crate) fn complete(shape: &'static Shape, node: &mut Node) {
    let start = node.span.start;
    match (shape, &mut node.data) {
        (Shape::Map(fields), Data::Map(entries)) => {
            entries.retain(|entry| !entry.value.is_null());
            for field in *fields {
                let is_given = entries.iter().any(|entry| entry.key == field.name);
                if let (false, Some(default)) = (is_given, field.default)
                    && let Some(mut value) = read(default, &mut Report::new(default))
                {
                    value.span = start..start;
                    entries.push(Entry {
                        key_style: Style::Plain,
                        key: field.name.to_owned(),
                        key_span: start..start,
                        value,
                    });
                }
            }
            for entry in entries {
                if let Some(field) = fields.iter().find(|field| field.name == entry.key) {
                    complete(field.shape, &mut entry.value);
                }
            }
        }
        (Shape::MapOf { shape, .. }, Data::Map(entries)) => {
            for entry in entries {
                complete(shape, &mut entry.value);
            }
        }
        (Shape::List { shape, .. }, Data::List(elements)) => {
            for element in elements {
                complete(shape, element);
            }
        }
        (Shape::AnyOf(shapes), _) => {
            if let Some(shape) = meant(shapes, node) {
                complete(shape, node);
            }
        }
        _ => {}
    }
}
