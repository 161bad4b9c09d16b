//! Columns to numbers: fitted on the train rows, emitted into the graph with the same numbers.
//!
//! Trees see numbers as they are (missing stays missing) and texts one-hot; linear models see missing numbers replaced
//! by the median beside an indicator, all scaled to mean 0 and deviation 1. Of a text with many categories linear models
//! see the most frequent ones, trees see one number: the place of the category when ordered by the mean of the target.
//! Neural networks see numbers scaled and of every text the place of its category among the most frequent ones. A
//! category that is rare or was never seen is the same as a missing one: all zeros, NaN, or place 0.

mod inputs;

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use everloop_domain::Value;
use everloop_package::Kind;
use everloop_package::graph::{Column, GraphBuilder, Matrix};

use crate::Error;
use crate::table::Feature;

pub(crate) use inputs::Inputs;

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
/// Rows that are encoded at once.
const ENCODED_ROWS: usize = 4096;
/// The largest matrix, in bytes.
const MAX_MATRIX_BYTES: usize = 8 << 30;

/// What a model needs of its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Trees.
    Raw,
    /// Trees that take their train rows as [`Inputs`]: the matrix of train rows has no values.
    Binned,
    /// Linear models.
    Scaled,
    /// Neural networks: numbers scaled, texts by place.
    Embedded,
    /// Scaled, with an indicator wherever a value may be missing; booleans stay 0 and 1.
    Marked,
}

/// Encoded columns that belong together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block {
    pub(crate) columns: Range<usize>,
    pub(crate) kind: BlockKind,
}

/// What a block is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum BlockKind {
    /// A number; a missing one is `fill`, and the second column says so if there is one.
    Number { fill: f64, is_marked: bool },
    /// A boolean, likewise.
    Flag { fill: f64, is_marked: bool },
    /// A text: a column for each category, at most one of them 1.
    Categories,
}

impl Block {
    /// Whether a column says that the value is missing.
    pub(crate) fn is_marked(&self) -> bool {
        match self.kind {
            BlockKind::Number { is_marked, .. } | BlockKind::Flag { is_marked, .. } => is_marked,
            BlockKind::Categories => false,
        }
    }
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
    is_boolean: bool,
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
    /// The place of a category, counted from 1; 0 for others.
    Place(Vec<Value>),
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
        let style = if style == Style::Binned {
            Style::Raw
        } else {
            style
        };
        for (field, column) in columns.schema().fields().iter().zip(columns.columns()) {
            let name = field.name();
            let rule = match column.data_type() {
                DataType::Utf8 => text_rule(style, name, column, target, &mut encoder.notes),
                data_type => number_rule(style, data_type, &numbers(column)),
            };
            match rule {
                Ok(rule) => encoder.columns.push(Encoded {
                    name: name.clone(),
                    rule,
                    is_boolean: *column.data_type() == DataType::Boolean,
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

    /// How many categories each number may be the place of; 0 for others.
    pub(crate) fn n_categories(&self) -> Vec<usize> {
        let counts = self.columns.iter().flat_map(|column| match &column.rule {
            Rule::Place(categories) => vec![categories.len()],
            rule => vec![0; rule.width()],
        });
        counts.collect()
    }

    /// What the numbers of a row are made of, in order.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut first = 0;
        let mut block = |encoded: &Encoded| {
            let columns = first..first + encoded.rule.width();
            first = columns.end;
            Block {
                columns,
                kind: encoded.kind(),
            }
        };
        self.columns.iter().map(&mut block).collect()
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

    /// The shape of encoded rows without their values.
    pub(crate) fn shape(&self, n_rows: usize) -> Design {
        Design {
            values: Vec::new(),
            n_rows,
            n_columns: self.n_columns(),
        }
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

impl Encoded {
    fn kind(&self) -> BlockKind {
        let (fill, is_marked) = match self.rule {
            Rule::OneHot(_) => return BlockKind::Categories,
            Rule::Scaled {
                median,
                offset,
                factor,
                has_indicator,
            } => ((median - offset) * factor, has_indicator),
            Rule::Raw | Rule::Ordered(_) | Rule::Place(_) => (f64::NAN, false),
        };
        if self.is_boolean {
            BlockKind::Flag { fill, is_marked }
        } else {
            BlockKind::Number { fill, is_marked }
        }
    }
}

impl Rule {
    fn width(&self) -> usize {
        match self {
            Self::Raw | Self::Ordered(_) | Self::Place(_) => 1,
            Self::Scaled { has_indicator, .. } => 1 + usize::from(*has_indicator),
            Self::OneHot(categories) => categories.len(),
        }
    }

    fn names(&self, name: &str) -> Vec<String> {
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
            Self::Place(categories) => {
                let places = places(categories);
                for (row, text) in texts(column).enumerate() {
                    let place = places.get(text);
                    put(row, 0, place.map_or(0.0, |place| (*place + 1) as f64));
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

fn number_rule(style: Style, data_type: &DataType, values: &[f64]) -> Result<Rule, String> {
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
