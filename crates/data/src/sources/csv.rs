//! Separated values.
//!
//! Header cells are trimmed. An empty cell is missing, and so is each of the source's `null_values`. The types are told
//! by all cells of all files, so a column that turns into text on its last row is text.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use everloop_domain::dataset::Source;

use super::bytes::read_text;
use super::cells::{Builder, Candidates};
use crate::Error;

/// The separators that are looked for, in this order at equal counts.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Reads all files of a source: once to tell the types, once to build the columns.
pub(super) fn read(source: &Source, files: &[PathBuf]) -> Result<RecordBatch, Error> {
    let mut names: Option<Vec<String>> = None;
    let mut candidates = Vec::new();
    for file in files {
        let text = read_text(file)?;
        let table = Table::open(source, file, &text)?;
        if names.is_none() {
            candidates = vec![Candidates::new(); table.names.len()];
        }
        let expected = names.get_or_insert_with(|| table.names.clone());
        if *expected != table.names {
            return Err(different(file, &table.names, &files[0], expected));
        }
        table.each(|cells| {
            for (candidate, cell) in candidates.iter_mut().zip(cells) {
                if let Some(cell) = present(source, cell) {
                    candidate.see(cell, false);
                }
            }
        })?;
    }
    let names = names.unwrap_or_default();
    let mut builders: Vec<Builder> = candidates
        .iter()
        .map(|candidate| Builder::new(candidate.column_type()))
        .collect();
    for file in files {
        let text = read_text(file)?;
        Table::open(source, file, &text)?.each(|cells| {
            for (builder, cell) in builders.iter_mut().zip(cells) {
                builder.push(present(source, cell));
            }
        })?;
    }
    batch(&names, builders)
}

/// Named columns as rows.
pub(super) fn batch(names: &[String], builders: Vec<Builder>) -> Result<RecordBatch, Error> {
    let columns: Vec<_> = builders.into_iter().map(Builder::finish).collect();
    let fields: Vec<Field> = names
        .iter()
        .zip(&columns)
        .map(|(name, column)| Field::new(name, column.data_type().clone(), true))
        .collect();
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns,
    )?)
}

fn present<'a>(source: &Source, cell: &'a str) -> Option<&'a str> {
    let is_missing = cell.is_empty() || source.null_values.iter().any(|null| null == cell.trim());
    (!is_missing).then_some(cell)
}

fn different(file: &Path, found: &[String], first: &Path, expected: &[String]) -> Error {
    let absent: Vec<&str> = expected
        .iter()
        .filter(|name| !found.contains(name))
        .map(String::as_str)
        .collect();
    let extra: Vec<&str> = found
        .iter()
        .filter(|name| !expected.contains(name))
        .map(String::as_str)
        .collect();
    let difference = match (absent.is_empty(), extra.is_empty()) {
        (true, true) => "they are in another order".to_owned(),
        _ => format!("missing: {}; more: {}", list(&absent), list(&extra)),
    };
    Error::content(
        file,
        format!(
            "its columns are not those of `{}`; {difference}",
            first.display()
        ),
    )
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

struct Table<'a> {
    file: &'a Path,
    text: &'a str,
    names: Vec<String>,
    delimiter: u8,
    has_header: bool,
}

impl<'a> Table<'a> {
    fn open(source: &Source, file: &'a Path, text: &'a str) -> Result<Self, Error> {
        let delimiter = match source.delimiter {
            Some(delimiter) => u8::try_from(delimiter).map_err(|_| {
                Error::content(file, format!("the delimiter `{delimiter}` is not one byte"))
            })?,
            None => sniff(text),
        };
        let mut table = Self {
            file,
            text,
            names: Vec::new(),
            delimiter,
            has_header: source.has_header,
        };
        let mut first = csv::StringRecord::new();
        let is_there = table
            .reader()
            .read_record(&mut first)
            .map_err(|error| table.error(&error))?;
        if !is_there {
            let expected = if source.has_header {
                "a header line"
            } else {
                "rows"
            };
            return Err(Error::content(
                file,
                format!("it is empty; {expected} was expected"),
            ));
        }
        table.names = if source.has_header {
            first.iter().map(|name| name.trim().to_owned()).collect()
        } else {
            (1..=first.len())
                .map(|number| format!("column_{number}"))
                .collect()
        };
        table.check_names()?;
        Ok(table)
    }

    fn check_names(&self) -> Result<(), Error> {
        let mut seen = std::collections::BTreeSet::new();
        for (index, name) in self.names.iter().enumerate() {
            if name.is_empty() {
                return Err(self.line(1, format!("column {} has no name", index + 1)));
            }
            if !seen.insert(name) {
                return Err(self.line(1, format!("two columns are named `{name}`")));
            }
        }
        Ok(())
    }

    fn reader(&self) -> csv::Reader<&'a [u8]> {
        csv::ReaderBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(self.text.as_bytes())
    }

    /// Calls `see` with the cells of each row, without the header.
    fn each(&self, mut see: impl FnMut(&csv::StringRecord)) -> Result<(), Error> {
        let mut reader = self.reader();
        let mut record = csv::StringRecord::new();
        let mut is_first = self.has_header;
        while reader
            .read_record(&mut record)
            .map_err(|error| self.error(&error))?
        {
            if std::mem::take(&mut is_first) {
                continue;
            }
            if record.len() != self.names.len() {
                let line = record.position().map_or(0, csv::Position::line);
                let problem = format!(
                    "{} fields, expected {} as in the header",
                    record.len(),
                    self.names.len()
                );
                return Err(self.line(line, problem));
            }
            see(&record);
        }
        Ok(())
    }

    fn line(&self, line: u64, problem: String) -> Error {
        Error::Line {
            file: self.file.display().to_string(),
            line,
            problem,
        }
    }

    fn error(&self, error: &csv::Error) -> Error {
        self.line(
            error.position().map_or(0, csv::Position::line),
            error.to_string(),
        )
    }
}

/// The separator that occurs most often outside of quotes on the first line.
fn sniff(text: &str) -> u8 {
    let mut is_quoted = false;
    let mut counts = [0_usize; 4];
    for byte in text.bytes() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => break,
            _ if is_quoted => {}
            _ => {
                if let Some(index) = DELIMITERS.iter().position(|delimiter| *delimiter == byte) {
                    counts[index] += 1;
                }
            }
        }
    }
    let mut best = 0;
    for (index, count) in counts.iter().enumerate() {
        if *count > counts[best] {
            best = index;
        }
    }
    DELIMITERS[best]
}
