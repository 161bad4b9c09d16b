//! How a column becomes numbers: found on the train rows, carried out here and in the graph.

use std::collections::BTreeMap;

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use everloop_domain::Value;
use everloop_package::Kind;
use everloop_package::graph::{Column, GraphBuilder, Matrix};

use super::Style;

/// Trees see texts with at most so many categories one-hot.
const MAX_ONE_HOT: usize = 64;
/// Linear models see so many categories at most.
const MAX_LINEAR_ONE_HOT: usize = 256;
/// Trees see so many ordered categories at most.
const MAX_ORDERED: usize = 2_000;
/// Neural networks see so many categories at most.
const MAX_EMBEDDED: usize = 10_000;
/// Where not all categories are kept, a category needs so many rows.
const MIN_ROWS: usize = 5;
/// The mean of a category is drawn towards the mean of all as if it had so many more rows like these.
const SMOOTHING: f64 = 10.0;
/// How a column becomes numbers.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    Raw,
    Scaled {
        median: f64,
        offset: f64,
        factor: f64,
        has_indicator: bool,
    },
    OneHot(Vec<Value>),
    /// The place of a category, NaN for others.
    Ordered(Vec<Value>),
    /// The place of a category, counted from 1; 0 for others.
    Place(Vec<Value>),
}

impl Rule {
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Raw | Self::Ordered(_) | Self::Place(_) => 1,
            Self::Scaled { has_indicator, .. } => 1 + usize::from(*has_indicator),
            Self::OneHot(categories) => categories.len(),
        }
    }

    pub(super) fn names(&self, name: &str) -> Vec<String> {
        match self {
            Self::Raw
            | Self::Ordered(_)
            | Self::Place(_)
            | Self::Scaled {
                has_indicator: false,
                ..
            } => vec![name.to_owned()],
            Self::Scaled { .. } => vec![name.to_owned(), format!("{name} is missing")],
            Self::OneHot(categories) => categories
                .iter()
                .map(|category| format!("{name} = {category}"))
                .collect(),
        }
    }

    pub(super) fn fill(&self, column: &ArrayRef, mut put: impl FnMut(usize, usize, f64)) {
        match self {
            Self::Raw => numbers(column)
                .into_iter()
                .enumerate()
                .for_each(|(row, value)| put(row, 0, value)),
            Self::Scaled {
                median,
                offset,
                factor,
                has_indicator,
            } => {
                for (row, value) in numbers(column).into_iter().enumerate() {
                    let present = if value.is_nan() { *median } else { value };
                    put(row, 0, (present - offset) * factor);
                    if *has_indicator {
                        put(row, 1, f64::from(u8::from(value.is_nan())));
                    }
                }
            }
            Self::OneHot(categories) => {
                let places = places(categories);
                for (row, text) in texts(column).enumerate() {
                    if let Some(place) = places.get(text) {
                        put(row, *place, 1.0);
                    }
                }
            }
            Self::Ordered(categories) => {
                let places = places(categories);
                for (row, text) in texts(column).enumerate() {
                    let place = places.get(text);
                    put(row, 0, place.map_or(f64::NAN, |place| *place as f64));
                }
            }
            Self::Place(categories) => {
                let places = places(categories);
                for (row, text) in texts(column).enumerate() {
                    let place = places.get(text);
                    put(row, 0, place.map_or(0.0, |place| (*place + 1) as f64));
                }
            }
        }
    }

    pub(super) fn emit(&self, builder: &mut GraphBuilder, column: &Column) -> Matrix {
        match self {
            Self::Raw => {
                let number = as_number(builder, column);
                builder.column_matrix(&[number])
            }
            Self::Scaled {
                median,
                offset,
                factor,
                has_indicator,
            } => {
                let number = as_number(builder, column);
                let present = builder.impute(&number, *median);
                let mut columns = vec![builder.scale(&present, *offset, *factor)];
                if *has_indicator {
                    let missing = builder.is_missing(&number);
                    columns.push(builder.number(&missing));
                }
                builder.column_matrix(&columns)
            }
            Self::OneHot(categories) => builder.one_hot(column, categories),
            Self::Ordered(categories) => {
                let place = builder.ordinal(column, categories);
                builder.column_matrix(&[place])
            }
            Self::Place(categories) => {
                let place = builder.ordinal(column, categories);
                let known = builder.impute(&place, -1.0);
                let counted = builder.scale(&known, -1.0, 1.0);
                builder.column_matrix(&[counted])
            }
        }
    }
}

fn as_number(builder: &mut GraphBuilder, column: &Column) -> Column {
    if column.kind() == Kind::Number {
        column.clone()
    } else {
        builder.number(column)
    }
}

pub(super) fn places(categories: &[Value]) -> BTreeMap<&str, usize> {
    let texts = categories.iter().filter_map(|category| match category {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts
        .enumerate()
        .map(|(place, text)| (text, place))
        .collect()
}

pub(super) fn number_rule(
    style: Style,
    data_type: &DataType,
    values: &[f64],
) -> Result<Rule, String> {
    if style == Style::Raw && differs(values) {
        return Ok(Rule::Raw);
    }
    let mut present: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| !value.is_nan())
        .collect();
    let infinite = present.iter().find(|value| value.is_infinite());
    if let (Style::Scaled | Style::Marked | Style::Embedded, Some(value)) = (style, infinite) {
        return Err(format!("it holds {value}"));
    }
    let Some(first) = present.first().copied() else {
        return Err("all its values are missing".to_owned());
    };
    let has_missing = present.len() < values.len();
    if !has_missing && present.iter().all(|value| *value == first) {
        return Err(format!("all its values are {first}"));
    }
    if style == Style::Raw {
        return Ok(Rule::Raw);
    }
    let middle = present.len() / 2;
    let median = *present.select_nth_unstable_by(middle, f64::total_cmp).1;
    let is_marked = style == Style::Marked;
    if is_marked && *data_type == DataType::Boolean {
        return Ok(Rule::Scaled {
            median,
            offset: 0.0,
            factor: 1.0,
            has_indicator: has_missing,
        });
    }
    // Whole numbers are never missing where none of the train rows misses them.
    let may_miss = is_marked && *data_type == DataType::Float64;
    let filled = values
        .iter()
        .map(|value| if value.is_nan() { median } else { *value });
    let count = values.len() as f64;
    let mean = filled.clone().sum::<f64>() / count;
    let deviation = (filled.map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    let factor = if deviation > 0.0 {
        1.0 / deviation
    } else {
        1.0
    };
    Ok(Rule::Scaled {
        median,
        offset: mean,
        factor,
        has_indicator: has_missing || may_miss,
    })
}

/// Whether two numbers are there that differ, or one beside a missing one.
fn differs(values: &[f64]) -> bool {
    let Some(first) = values.iter().find(|value| !value.is_nan()) else {
        return false;
    };
    values.iter().any(|value| value != first)
}

/// How often each category occurs, and the sum of the target over its rows; the most frequent first.
fn categories<'a>(column: &'a ArrayRef, target: &[f64]) -> Vec<(&'a str, usize, f64)> {
    let mut counts: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for (text, target) in texts(column)
        .zip(target)
        .filter(|(text, _)| !text.is_empty())
    {
        let entry = counts.entry(text).or_default();
        entry.0 += 1;
        entry.1 += target;
    }
    let mut categories: Vec<_> = counts
        .into_iter()
        .map(|(text, (count, sum))| (text, count, sum))
        .collect();
    categories.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(right.0)));
    categories
}

pub(super) fn text_rule(
    style: Style,
    name: &str,
    column: &ArrayRef,
    target: &[f64],
    notes: &mut Vec<String>,
) -> Result<Rule, String> {
    let mut found = categories(column, target);
    let n_found = found.len();
    let Some((first, count, _)) = found.first() else {
        return Err("all its values are missing".to_owned());
    };
    if n_found == 1 && *count == column.len() {
        return Err(format!("all its values are `{first}`"));
    }
    let texts = |found: Vec<(&str, usize, f64)>| -> Vec<Value> {
        let texts = found.into_iter().map(|(text, _, _)| text.to_owned());
        texts.map(Value::Text).collect()
    };
    let (max_one_hot, max_kept) = match style {
        Style::Raw | Style::Binned => (MAX_ONE_HOT, MAX_ORDERED),
        Style::Embedded => (0, MAX_EMBEDDED),
        Style::Scaled | Style::Marked => (MAX_LINEAR_ONE_HOT, MAX_LINEAR_ONE_HOT),
    };
    if n_found <= max_one_hot {
        return Ok(Rule::OneHot(texts(found)));
    }
    if style != Style::Embedded || n_found > MAX_ONE_HOT {
        found.retain(|(_, count, _)| *count >= MIN_ROWS);
    }
    found.truncate(max_kept);
    if found.is_empty() {
        return Err(format!(
            "it has {n_found} categories, none of them in {MIN_ROWS} rows or more"
        ));
    }
    if found.len() < n_found {
        notes.push(format!(
            "column `{name}` has {n_found} categories: the {} most frequent are kept, the others count as unknown",
            found.len()
        ));
    }
    if found.len() <= max_one_hot {
        return Ok(Rule::OneHot(texts(found)));
    }
    if style == Style::Embedded {
        return Ok(Rule::Place(texts(found)));
    }
    let overall = target.iter().sum::<f64>() / target.len() as f64;
    let mean = |count: usize, sum: f64| (sum + SMOOTHING * overall) / (count as f64 + SMOOTHING);
    found.sort_by(|left, right| mean(left.1, left.2).total_cmp(&mean(right.1, right.2)));
    Ok(Rule::Ordered(texts(found)))
}

/// A column as numbers; missing is NaN.
pub(super) fn numbers(column: &ArrayRef) -> Vec<f64> {
    if let (Some(array), 0) = (
        column.as_primitive_opt::<Float64Type>(),
        column.null_count(),
    ) {
        return array.values().to_vec();
    }
    let value: Box<dyn Fn(usize) -> f64> = match column.data_type() {
        DataType::Int64 => {
            let array = column.as_primitive::<Int64Type>();
            Box::new(|row| array.value(row) as f64)
        }
        DataType::Boolean => {
            let array = column.as_boolean();
            Box::new(|row| f64::from(u8::from(array.value(row))))
        }
        DataType::Float64 => {
            let array = column.as_primitive::<Float64Type>();
            Box::new(|row| array.value(row))
        }
        _ => Box::new(|_| f64::NAN),
    };
    (0..column.len())
        .map(|row| {
            if column.is_null(row) {
                f64::NAN
            } else {
                value(row)
            }
        })
        .collect()
}

/// A column of texts; missing is empty.
pub(super) fn texts(column: &ArrayRef) -> impl Iterator<Item = &str> {
    let array = column.as_string::<i32>();
    (0..array.len()).map(move |row| {
        if array.is_null(row) {
            ""
        } else {
            array.value(row)
        }
    })
}
