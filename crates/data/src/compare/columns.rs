//! The columns of two versions: what differs between them, and those that are compared.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, DynComparator, RecordBatch, make_comparator};
use arrow::compute::{SortOptions, cast};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, Rows, SortField};
use everloop_domain::ColumnType;
use serde_json::Value;

use super::cells::cell;
use crate::{Error, canonical};

/// What differs between the columns of two versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnChanges {
    /// Columns of the later version only.
    pub added: Vec<(String, ColumnType)>,
    /// Columns of the earlier version only.
    pub removed: Vec<(String, ColumnType)>,
    /// Columns of another type: before, after.
    pub retyped: Vec<(String, ColumnType, ColumnType)>,
}

/// The columns that both versions have, brought to the same types.
#[derive(Debug)]
pub(super) struct Common<'a> {
    pub(super) changes: ColumnChanges,
    tables: [&'a RecordBatch; 2],
    columns: Vec<Pair>,
}

/// A column of both versions.
#[derive(Debug)]
struct Pair {
    name: String,
    is_key: bool,
    sides: [ArrayRef; 2],
}

impl<'a> Common<'a> {
    /// The columns of the two named versions, with those that make up the key.
    pub(super) fn of(
        versions: [(&str, &'a RecordBatch); 2],
        key: &[String],
    ) -> Result<Self, Error> {
        let [(_, old), (_, new)] = versions;
        for (name, table) in versions {
            key.iter()
                .try_for_each(|column| check_key(name, table, column))?;
        }
        let mut changes = ColumnChanges::default();
        let mut columns = Vec::new();
        for (field, before) in old.schema().fields().iter().zip(old.columns()) {
            let name = field.name();
            let before_type = canonical::column_type(before.data_type());
            let Some(after) = new.column_by_name(name) else {
                changes.removed.push((name.clone(), before_type));
                continue;
            };
            let after_type = canonical::column_type(after.data_type());
            // Without a cell, the type of a column is nobody's statement.
            let has_cells = [before, after].map(|column| column.null_count() < column.len());
            if before_type != after_type && has_cells == [true, true] {
                changes
                    .retyped
                    .push((name.clone(), before_type, after_type));
            }
            let wanted = match has_cells {
                [true, false] => before.data_type().clone(),
                [false, true] => after.data_type().clone(),
                _ => common_type(before.data_type(), after.data_type()),
            };
            columns.push(Pair {
                name: name.clone(),
                is_key: key.contains(name),
                sides: [brought_to(before, &wanted)?, brought_to(after, &wanted)?],
            });
        }
        for (field, after) in new.schema().fields().iter().zip(new.columns()) {
            if old.column_by_name(field.name()).is_none() {
                let column_type = canonical::column_type(after.data_type());
                changes.added.push((field.name().clone(), column_type));
            }
        }
        if columns.is_empty() {
            let [(before, _), (after, _)] = versions;
            return Err(Error::Compare {
                table: after.to_owned(),
                problem: format!("it has no column in common with `{before}`"),
            });
        }
        Ok(Self {
            changes,
            tables: [old, new],
            columns,
        })
    }

    /// The keys of the rows of both, as bytes that are the same when the cells are.
    pub(super) fn keys(&self) -> Result<[Rows; 2], Error> {
        self.encode(|pair| pair.is_key)
    }

    /// All other cells.
    pub(super) fn values(&self) -> Result<[Rows; 2], Error> {
        self.encode(|pair| !pair.is_key)
    }

    /// All cells.
    pub(super) fn all(&self) -> Result<[Rows; 2], Error> {
        self.encode(|_| true)
    }

    fn encode(&self, is_meant: impl Fn(&Pair) -> bool) -> Result<[Rows; 2], Error> {
        let pairs: Vec<&Pair> = self.columns.iter().filter(|pair| is_meant(pair)).collect();
        let types = pairs.iter().map(|pair| pair.sides[0].data_type().clone());
        let converter = RowConverter::new(types.map(SortField::new).collect())?;
        let side = |index: usize| -> Result<Rows, Error> {
            let mut rows = converter.empty_rows(0, 0);
            let columns: Vec<ArrayRef> = pairs
                .iter()
                .map(|pair| Arc::clone(&pair.sides[index]))
                .collect();
            converter.append(&mut rows, &columns)?;
            Ok(rows)
        };
        Ok([side(0)?, side(1)?])
    }

    /// What tells for each column besides the key whether the cells of two rows differ.
    pub(super) fn comparators(&self) -> Result<Vec<(String, DynComparator)>, Error> {
        let columns = self.columns.iter().filter(|pair| !pair.is_key);
        let compare = |pair: &Pair| {
            let [before, after] = &pair.sides;
            let comparator = make_comparator(before, after, SortOptions::default())?;
            Ok((pair.name.clone(), comparator))
        };
        columns.map(compare).collect()
    }

    /// The cells of a column in a row of each version.
    pub(super) fn cells(&self, column: &str, rows: [usize; 2]) -> [Value; 2] {
        let [old, new] = self.tables;
        [cell(old, column, rows[0]), cell(new, column, rows[1])]
    }

    /// The cells of the key in a row of the earlier version.
    pub(super) fn key_cells(&self, row: usize) -> Vec<(String, Value)> {
        let keys = self.columns.iter().filter(|pair| pair.is_key);
        keys.map(|pair| (pair.name.clone(), cell(self.tables[0], &pair.name, row)))
            .collect()
    }
}

fn check_key(version: &str, table: &RecordBatch, column: &str) -> Result<(), Error> {
    if table.column_by_name(column).is_some() {
        return Ok(());
    }
    let schema = table.schema();
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let lowered = column.to_lowercase();
    let distance = |name: &&str| strsim::osa_distance(&lowered, &name.to_lowercase());
    let nearest = names.iter().min_by_key(|name| distance(name));
    let allowed = (column.chars().count() / 3).max(1);
    let hint = match nearest.filter(|name| distance(name) <= allowed) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("there are {}", names.join(", ")),
    };
    Err(Error::Compare {
        table: version.to_owned(),
        problem: format!("it has no column `{column}` for the key; {hint}"),
    })
}

/// The type in which cells of two types are compared.
fn common_type(before: &DataType, after: &DataType) -> DataType {
    let is_number = |found: &DataType| matches!(found, DataType::Int64 | DataType::Float64);
    if before == after {
        before.clone()
    } else if is_number(before) && is_number(after) {
        DataType::Float64
    } else {
        DataType::Utf8
    }
}

fn brought_to(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, Error> {
    if column.data_type() == wanted {
        return Ok(Arc::clone(column));
    }
    Ok(cast(column, wanted)?)
}
