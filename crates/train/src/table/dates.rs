//! What models see of days and moments: parts that are numbers, computed in the graph.

use everloop_package::graph::{Column, GraphBuilder};

use super::Feature;
use crate::{Error, FitRequest};

/// The days since 1970 under the column's own name, then month, weekday and, of a moment, the hour.
pub(super) fn parts(
    builder: &mut GraphBuilder,
    name: &str,
    column: &Column,
    is_day: bool,
) -> Vec<Feature> {
    let mut parts = vec![
        (name.to_owned(), builder.days(column)),
        (format!("{name} month"), builder.month(column)),
        (format!("{name} weekday"), builder.weekday(column)),
    ];
    if !is_day {
        parts.push((format!("{name} hour"), builder.hour(column)));
    }
    let parts = parts.into_iter();
    parts
        .map(|(name, column)| Feature { name, column })
        .collect()
}

/// Refuses columns and features that are named like a part.
pub(super) fn check_names(request: &FitRequest<'_>, features: &[Feature]) -> Result<(), Error> {
    let mut seen = std::collections::BTreeSet::new();
    let computed = request.features.iter().map(|(name, _)| name);
    let mut names = features.iter().map(|feature| &feature.name).chain(computed);
    match names.find(|name| !seen.insert(*name)) {
        Some(name) => Err(Error::Inputs(format!(
            "`{name}` is the name of a part of a date and of another input: rename that"
        ))),
        None => Ok(()),
    }
}
