//! Columns to numbers: fitted on the train rows, emitted into the graph with the same numbers.
//!
//! Trees see numbers as they are (missing stays missing) and texts one-hot; linear models see missing numbers replaced
//! by the median beside an indicator, all scaled to mean 0 and deviation 1. Of a text with many categories linear models
//! see the most frequent ones, trees see one number: the place of the category when ordered by the mean of the target. A
//! category that is rare or was never seen is the same as a missing one: all zeros, or NaN.

use std::collections::BTreeMap;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use everloop_domain::Value;
use everloop_package::Kind;
use everloop_package::graph::{Column, GraphBuilder, Matrix};

use crate::Error;
use crate::table::Feature;

/// Trees see texts with at most so many categories one-hot.
const MAX_ONE_HOT: usize = 64;
/// Linear models see so many categories at most.
const MAX_LINEAR_ONE_HOT: usize = 256;
/// Trees see so many ordered categories at most.
const MAX_ORDERED: usize = 2_000;
/// Where not all categories are kept, a category needs so many rows.
const MIN_ROWS: usize = 5;
/// The mean of a category is drawn towards the mean of all as if it had so many more rows like these.
const SMOOTHING: f64 = 10.0;
/// Rows that are encoded at once.
const ENCODED_ROWS: usize = 4096;
/// The largest matrix, in bytes.
const MAX_MATRIX_BYTES: usize = 8 << 30;

/// What a model needs of its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Trees.
    Raw,
    /// Linear models.
    Scaled,
}

/// A fitted encoding.
#[derive(Clone, Debug)]
pub(crate) struct Encoder {
    columns: Vec<Encoded>,
    /// What people should know.
    pub(crate) notes: Vec<String>,
}

#[derive(Clone, Debug)]
struct Encoded {
    name: String,
    rule: Rule,
}

#[derive(Clone, Debug)]
enum Rule {
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
}

/// Rows of numbers, row by row.
#[derive(Clone, Debug)]
pub(crate) struct Design {
    pub(crate) values: Vec<f64>,
    pub(crate) n_rows: usize,
    pub(crate) n_columns: usize,
}

impl Encoder {
    /// Looks at the train rows. `target` orders categories.
    pub(crate) fn fit(style: Style, columns: &RecordBatch, target: &[f64]) -> Result<Self, Error> {
        let mut encoder = Self {
            columns: Vec::new(),
            notes: Vec::new(),
        };
        for (field, column) in columns.schema().fields().iter().zip(columns.columns()) {
            let name = field.name();
            let rule = match column.data_type() {
                DataType::Utf8 => text_rule(style, name, column, target, &mut encoder.notes),
                _ => number_rule(style, &numbers(column)),
            };
            match rule {
                Ok(rule) => encoder.columns.push(Encoded {
                    name: name.clone(),
                    rule,
                }),
                Err(why) => encoder
                    .notes
                    .push(format!("column `{name}` is left out: {why}")),
            }
        }
        check_size(columns.num_rows(), encoder.n_columns())?;
        if encoder.columns.is_empty() {
            return Err(Error::Inputs("no column is left to learn from".to_owned()));
        }
        Ok(encoder)
    }

    /// How many numbers a row becomes.
    pub(crate) fn n_columns(&self) -> usize {
        self.columns.iter().map(|column| column.rule.width()).sum()
    }

    /// The names of the numbers.
    pub(crate) fn names(&self) -> Vec<String> {
        self.columns
            .iter()
            .flat_map(|column| column.rule.names(&column.name))
            .collect()
    }

    /// Encodes rows.
    pub(crate) fn encode(&self, columns: &RecordBatch) -> Result<Design, Error> {
        let (n_rows, n_columns) = (columns.num_rows(), self.n_columns());
        let mut values = vec![0.0; n_rows * n_columns];
        let found = self.columns.iter().map(|encoded| {
            let column = columns.column_by_name(&encoded.name);
            column.ok_or_else(|| Error::Inputs(format!("there is no column `{}`", encoded.name)))
        });
        let found = found.collect::<Result<Vec<_>, _>>()?;
        // Some rows after the other: all columns of a row are written while it is in the cache.
        let blocks = values.chunks_mut((ENCODED_ROWS * n_columns).max(1));
        for (values, first) in blocks.zip((0..).step_by(ENCODED_ROWS)) {
            let n_rows = values.len() / n_columns;
            let mut at = 0;
            for (encoded, column) in self.columns.iter().zip(&found) {
                let column = column.slice(first, n_rows);
                encoded.rule.fill(&column, |row, place, value| {
                    values[row * n_columns + at + place] = value;
                });
                at += encoded.rule.width();
            }
        }
        Ok(Design {
            values,
            n_rows,
            n_columns,
        })
    }

    /// The same, as nodes of the graph.
    pub(crate) fn emit(
        &self,
        builder: &mut GraphBuilder,
        features: &[Feature],
    ) -> Result<Matrix, Error> {
        let mut parts = Vec::with_capacity(self.columns.len());
        for encoded in &self.columns {
            let feature = features
                .iter()
                .find(|feature| feature.name == encoded.name)
                .ok_or_else(|| Error::Inputs(format!("there is no column `{}`", encoded.name)))?;
            parts.push(encoded.rule.emit(builder, &feature.column));
        }
        Ok(builder.concat(&parts))
    }
}

fn check_size(n_rows: usize, n_columns: usize) -> Result<(), Error> {
    let n_bytes = n_rows * n_columns * size_of::<f64>();
    if n_bytes <= MAX_MATRIX_BYTES {
        return Ok(());
    }
    Err(Error::Inputs(format!(
        "{n_rows} rows of {n_columns} encoded columns need {} GiB, at most {} GiB are used; exclude columns or rows",
        n_bytes >> 30,
        MAX_MATRIX_BYTES >> 30
    )))
}

impl Rule {
    fn width(&self) -> usize {
        match self {
            Self::Raw | Self::Ordered(_) => 1,
            Self::Scaled { has_indicator, .. } => 1 + usize::from(*has_indicator),
            Self::OneHot(categories) => categories.len(),
        }
    }

    fn names(&self, name: &str) -> Vec<String> {
        match self {
            Self::Raw
            | Self::Ordered(_)
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

    fn fill(&self, column: &ArrayRef, mut put: impl FnMut(usize, usize, f64)) {
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
        }
    }

    fn emit(&self, builder: &mut GraphBuilder, column: &Column) -> Matrix {
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

fn places(categories: &[Value]) -> BTreeMap<&str, usize> {
    let texts = categories.iter().filter_map(|category| match category {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts
        .enumerate()
        .map(|(place, text)| (text, place))
        .collect()
}

fn number_rule(style: Style, values: &[f64]) -> Result<Rule, String> {
    let mut present: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| !value.is_nan())
        .collect();
    let infinite = present.iter().find(|value| value.is_infinite());
    if let (Style::Scaled, Some(value)) = (style, infinite) {
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
        has_indicator: has_missing,
    })
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

fn text_rule(
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
        Style::Raw => (MAX_ONE_HOT, MAX_ORDERED),
        Style::Scaled => (MAX_LINEAR_ONE_HOT, MAX_LINEAR_ONE_HOT),
    };
    if n_found <= max_one_hot {
        return Ok(Rule::OneHot(texts(found)));
    }
    found.retain(|(_, count, _)| *count >= MIN_ROWS);
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
    let overall = target.iter().sum::<f64>() / target.len() as f64;
    let mean = |count: usize, sum: f64| (sum + SMOOTHING * overall) / (count as f64 + SMOOTHING);
    found.sort_by(|left, right| mean(left.1, left.2).total_cmp(&mean(right.1, right.2)));
    Ok(Rule::Ordered(texts(found)))
}

/// A column as numbers; missing is NaN.
fn numbers(column: &ArrayRef) -> Vec<f64> {
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
fn texts(column: &ArrayRef) -> impl Iterator<Item = &str> {
    let array = column.as_string::<i32>();
    (0..array.len()).map(move |row| {
        if array.is_null(row) {
            ""
        } else {
            array.value(row)
        }
    })
}

#[cfg(test)]
mod tests;
