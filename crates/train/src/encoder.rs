//! Columns to numbers: fitted on the train rows, emitted into the graph with the same numbers.
//!
//! Trees see numbers as they are (missing stays missing) and texts one-hot; linear models see missing numbers replaced
//! by the median beside an indicator, all scaled to mean 0 and deviation 1. A text with more categories than can be
//! one-hot is replaced by the mean of the target. A category that is rare or was never seen is the same as a missing
//! one: all zeros, or the mean over all rows.

use std::collections::BTreeMap;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use everloop_domain::Value;
use everloop_package::Kind;
use everloop_package::graph::{Column, GraphBuilder, Matrix};

use crate::Error;
use crate::table::Feature;

/// Text columns with at most so many categories are one-hot.
const MAX_ONE_HOT: usize = 64;
/// Text columns keep at most so many categories.
const MAX_CATEGORIES: usize = 2_000;
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
    /// The mean target of each category, by groups of equal size of one-hot columns times their means.
    Means {
        categories: Vec<Value>,
        means: Vec<f64>,
        otherwise: f64,
    },
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
                DataType::Utf8 => text_rule(column, target),
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
        let n_bytes = encoder.n_columns() * columns.num_rows() * 8;
        if n_bytes > MAX_MATRIX_BYTES {
            let (n_rows, n_columns) = (columns.num_rows(), encoder.n_columns());
            return Err(Error::Inputs(format!(
                "{n_rows} rows of {n_columns} encoded columns need {} GB, at most {} GB are used; exclude columns or rows",
                n_bytes >> 30,
                MAX_MATRIX_BYTES >> 30
            )));
        }
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
        let mut at = 0;
        for encoded in &self.columns {
            let column = columns
                .column_by_name(&encoded.name)
                .ok_or_else(|| Error::Inputs(format!("there is no column `{}`", encoded.name)))?;
            encoded.rule.fill(column, |row, place, value| {
                values[row * n_columns + at + place] = value;
            });
            at += encoded.rule.width();
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

impl Rule {
    fn width(&self) -> usize {
        match self {
            Self::Raw | Self::Means { .. } => 1,
            Self::Scaled { has_indicator, .. } => 1 + usize::from(*has_indicator),
            Self::OneHot(categories) => categories.len(),
        }
    }

    fn names(&self, name: &str) -> Vec<String> {
        match self {
            Self::Raw
            | Self::Means { .. }
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
            Self::Means {
                categories,
                means,
                otherwise,
            } => {
                let places = places(categories);
                for (row, text) in texts(column).enumerate() {
                    put(
                        row,
                        0,
                        places.get(text).map_or(*otherwise, |place| means[*place]),
                    );
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
            Self::Means {
                categories,
                means,
                otherwise,
            } => {
                let hot = builder.one_hot(column, categories);
                let weights: Vec<f64> = means.iter().map(|mean| mean - otherwise).collect();
                builder.linear(&hot, &weights, &[*otherwise])
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
    if let Some(value) = present.iter().find(|value| value.is_infinite()) {
        return Err(format!("it holds {value}"));
    }
    present.sort_by(f64::total_cmp);
    let (Some(first), Some(last)) = (present.first(), present.last()) else {
        return Err("all its values are missing".to_owned());
    };
    let has_missing = present.len() < values.len();
    if first == last && !has_missing {
        return Err(format!("all its values are {first}"));
    }
    if style == Style::Raw {
        return Ok(Rule::Raw);
    }
    let median = present[present.len() / 2];
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

fn text_rule(column: &ArrayRef, target: &[f64]) -> Result<Rule, String> {
    let mut counts: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for (text, target) in texts(column).zip(target) {
        if !text.is_empty() {
            let entry = counts.entry(text).or_default();
            entry.0 += 1;
            entry.1 += target;
        }
    }
    let n_present: usize = counts.values().map(|(count, _)| count).sum();
    if counts.is_empty() {
        return Err("all its values are missing".to_owned());
    }
    if counts.len() == 1 && n_present == column.len() {
        return Err(format!(
            "all its values are `{}`",
            counts.keys().next().copied().unwrap_or_default()
        ));
    }
    let mut categories: Vec<(&str, (usize, f64))> = counts.into_iter().collect();
    categories.sort_by(|left, right| right.1.0.cmp(&left.1.0).then(left.0.cmp(right.0)));
    if categories.len() <= MAX_ONE_HOT {
        return Ok(Rule::OneHot(
            categories
                .into_iter()
                .map(|(text, _)| Value::Text(text.to_owned()))
                .collect(),
        ));
    }
    categories.truncate(MAX_CATEGORIES);
    let otherwise = target.iter().sum::<f64>() / target.len().max(1) as f64;
    // Means of rare categories are drawn towards the mean of all (smoothing by ten rows).
    let means = categories
        .iter()
        .map(|(_, (count, sum))| (sum + 10.0 * otherwise) / (*count as f64 + 10.0))
        .collect();
    let categories = categories
        .into_iter()
        .map(|(text, _)| Value::Text(text.to_owned()))
        .collect();
    Ok(Rule::Means {
        categories,
        means,
        otherwise,
    })
}

/// A column as numbers; missing is NaN.
fn numbers(column: &ArrayRef) -> Vec<f64> {
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
