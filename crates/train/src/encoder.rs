//! Columns to numbers: fitted on the train rows, emitted into the graph with the same numbers.
//!
//! Trees see numbers as they are (missing stays missing) and texts one-hot; linear models see missing numbers replaced
//! by the median beside an indicator, all scaled to mean 0 and deviation 1. Of a text with many categories linear models
//! see the most frequent ones, trees see one number: the place of the category when ordered by the mean of the target.
//! Neural networks see numbers scaled and of every text the place of its category among the most frequent ones. A
//! category that is rare or was never seen is the same as a missing one: all zeros, NaN, or place 0. Days and moments come
//! here as numbers: the parts that `table/dates.rs` takes of them. Rows all count the same here, as they do in
//! scikit-learn's pipelines: its imputers and encoders take no weights, its scaler none by default.

mod inputs;
mod rule;

use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use everloop_package::graph::{GraphBuilder, Matrix};

use self::rule::{Rule, number_rule, numbers, text_rule};
use crate::Error;
use crate::table::Feature;

pub(crate) use inputs::Inputs;

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

#[cfg(test)]
mod tests;
