//! Two versions of a table, row by row.
//!
//! Rows are matched by the columns of a key, which must tell each row from all others; without a key they are a
//! multiset: a row that was there twice and is there once was removed once. Columns that only one version has are told,
//! and leave the comparison; the order of columns and rows is no difference. Where a column has another type, numbers are
//! compared as numbers and anything else as text.
//!
//! Both tables are in memory at once, and with them the bytes of each row's key and cells.

mod cells;
mod columns;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::row::{Row as Encoded, Rows};
use everloop_domain::dataset::Source;
use serde_json::Value;

use crate::{Error, sources};
pub use columns::ColumnChanges;
use columns::Common;

/// How many keys that several rows have are named.
const N_NAMED: usize = 3;

/// What differs between two versions of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowChanges {
    /// What differs between their columns.
    pub columns: ColumnChanges,
    /// Rows of the earlier version.
    pub n_before: u64,
    /// Rows of the later version.
    pub n_after: u64,
    /// Rows of the later version only.
    pub n_added: u64,
    /// Rows of the earlier version only.
    pub n_removed: u64,
    /// Rows that both have, with other cells; always 0 without a key.
    pub n_changed: u64,
    /// In how many rows each column has another cell, in the order of the columns; those without any are left out.
    pub n_changed_cells: Vec<(String, u64)>,
    /// The first rows that were added, cell by cell.
    pub added: Vec<Vec<(String, Value)>>,
    /// The first rows that were removed.
    pub removed: Vec<Vec<(String, Value)>>,
    /// The first rows that changed.
    pub changed: Vec<ChangedRow>,
}

/// A row that both versions have, with other cells.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedRow {
    /// The cells of its key.
    pub key: Vec<(String, Value)>,
    /// The cells that differ: column, before, after.
    pub cells: Vec<(String, Value, Value)>,
}

/// A version of a table.
#[derive(Clone, Debug)]
pub struct TableVersion {
    /// How people name it.
    pub name: String,
    /// A file, or a directory of files whose rows follow each other; their names tell the format.
    pub path: PathBuf,
}

/// Compares two versions of a table. At most `limit` rows of each kind are given; all are counted.
///
/// # Errors
///
/// Fails if a file cannot be read, a column of the key is absent, or several rows have the same key.
pub fn compare_tables(
    before: &TableVersion,
    after: &TableVersion,
    key: &[String],
    limit: usize,
) -> Result<RowChanges, Error> {
    let (old, new) = (read(before)?, read(after)?);
    let common = Common::of([(&before.name, &old), (&after.name, &new)], key)?;
    let mut changes = RowChanges {
        columns: common.changes.clone(),
        n_before: old.num_rows() as u64,
        n_after: new.num_rows() as u64,
        ..RowChanges::default()
    };
    let (added, removed) = if key.is_empty() {
        let [old_rows, new_rows] = common.all()?;
        (rest(&new_rows, &old_rows), rest(&old_rows, &new_rows))
    } else {
        let [old_keys, new_keys] = common.keys()?;
        let old_places = places(&old_keys, &before.name, &old, key)?;
        let new_places = places(&new_keys, &after.name, &new, key)?;
        changed_rows(&common, &old_keys, &new_places, limit, &mut changes)?;
        (
            absent(&new_keys, &old_places),
            absent(&old_keys, &new_places),
        )
    };
    (changes.n_added, changes.n_removed) = (added.len() as u64, removed.len() as u64);
    changes.added = rows(&new, &added, limit);
    changes.removed = rows(&old, &removed, limit);
    Ok(changes)
}

fn read(version: &TableVersion) -> Result<RecordBatch, Error> {
    let source = Source {
        name: version.name.clone(),
        path: version.path.display().to_string(),
        format: None,
        delimiter: None,
        has_header: true,
        null_values: Vec::new(),
    };
    sources::read(&source, &sources::files(Path::new(""), &source)?)
}

/// The row of each key.
fn places<'a>(
    keys: &'a Rows,
    version: &str,
    table: &RecordBatch,
    key: &[String],
) -> Result<HashMap<Encoded<'a>, usize>, Error> {
    let mut places = HashMap::with_capacity(keys.num_rows());
    let mut n_more = 0_u64;
    let mut named: Vec<usize> = Vec::new();
    for (index, encoded) in keys.iter().enumerate() {
        if let Some(first) = places.insert(encoded, index) {
            n_more += 1;
            if named.len() < N_NAMED {
                named.push(first);
            }
            places.insert(encoded, first);
        }
    }
    if n_more == 0 {
        return Ok(places);
    }
    let mut shown: Vec<String> = named
        .iter()
        .map(|row| {
            let cells = key
                .iter()
                .map(|name| format!("{name}={}", cells::cell(table, name, *row)));
            cells.collect::<Vec<_>>().join(", ")
        })
        .collect();
    shown.dedup();
    Err(Error::Compare {
        table: version.to_owned(),
        problem: format!(
            "the key `{}` does not tell its rows apart: {n_more} rows repeat the key of another one ({}); add a column to the key",
            key.join(", "),
            shown.join("; ")
        ),
    })
}

/// The rows whose key the other version does not have.
fn absent(keys: &Rows, others: &HashMap<Encoded<'_>, usize>) -> Vec<usize> {
    let rows = keys.iter().enumerate();
    let absent = rows.filter(|(_, encoded)| !others.contains_key(encoded));
    absent.map(|(index, _)| index).collect()
}

/// The rows that have no partner in the other version.
fn rest(rows: &Rows, others: &Rows) -> Vec<usize> {
    let mut counts: HashMap<Encoded<'_>, u64> = HashMap::with_capacity(others.num_rows());
    for encoded in others {
        *counts.entry(encoded).or_default() += 1;
    }
    let mut rest = Vec::new();
    for (index, encoded) in rows.iter().enumerate() {
        match counts.get_mut(&encoded) {
            Some(count) if *count > 0 => *count -= 1,
            _ => rest.push(index),
        }
    }
    rest
}

/// Counts the rows of a key that both have with other cells, and shows the first.
fn changed_rows(
    common: &Common<'_>,
    old_keys: &Rows,
    new_places: &HashMap<Encoded<'_>, usize>,
    limit: usize,
    changes: &mut RowChanges,
) -> Result<(), Error> {
    let columns = common.comparators()?;
    if columns.is_empty() {
        // A key alone: no cell can differ.
        return Ok(());
    }
    let [old_cells, new_cells] = common.values()?;
    let mut counts = vec![0_u64; columns.len()];
    for (old_row, encoded) in old_keys.iter().enumerate() {
        let Some(&new_row) = new_places.get(&encoded) else {
            continue;
        };
        if old_cells.row(old_row) == new_cells.row(new_row) {
            continue;
        }
        changes.n_changed += 1;
        let is_shown = changes.changed.len() < limit;
        let mut cells = Vec::new();
        for ((name, compare), count) in columns.iter().zip(&mut counts) {
            if compare(old_row, new_row).is_ne() {
                *count += 1;
                if is_shown {
                    let [before, after] = common.cells(name, [old_row, new_row]);
                    cells.push((name.clone(), before, after));
                }
            }
        }
        if is_shown {
            let key = common.key_cells(old_row);
            changes.changed.push(ChangedRow { key, cells });
        }
    }
    let counted = columns.into_iter().map(|(name, _)| name).zip(counts);
    changes.n_changed_cells = counted.filter(|(_, count)| *count > 0).collect();
    Ok(())
}

fn rows(table: &RecordBatch, rows: &[usize], limit: usize) -> Vec<Vec<(String, Value)>> {
    let schema = table.schema();
    let row = |row: usize| {
        let names = schema.fields().iter().map(|field| field.name());
        names
            .map(|name| (name.clone(), cells::cell(table, name, row)))
            .collect()
    };
    rows.iter().take(limit).map(|index| row(*index)).collect()
}

#[cfg(test)]
mod tests;
