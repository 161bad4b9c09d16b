//! JSON lines: an object a line.
//!
//! Columns are all keys in the order in which they first occur; a key that a line lacks is missing there. Nested values
//! are kept as their JSON text.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use serde_json::{Map, Value};

use super::bytes::read_text;
use super::cells::{Builder, Candidates};
use super::csv::batch;
use crate::Error;

pub(super) fn read(files: &[PathBuf]) -> Result<RecordBatch, Error> {
    let mut names: Vec<String> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut candidates: Vec<Candidates> = Vec::new();
    for file in files {
        let text = read_text(file)?;
        let mut n_lines = 0;
        each(file, &text, |object| {
            n_lines += 1;
            for (name, value) in object {
                let place = *places.entry(name.clone()).or_insert_with(|| {
                    names.push(name.clone());
                    candidates.push(Candidates::new());
                    names.len() - 1
                });
                if let Some(cell) = cell(value) {
                    candidates[place].see(&cell, value.is_string());
                }
            }
        })?;
        if n_lines == 0 {
            return Err(Error::content(
                file,
                "it is empty; a JSON object a line was expected",
            ));
        }
    }
    let mut builders: Vec<Builder> = candidates
        .iter()
        .map(|candidate| Builder::new(candidate.column_type()))
        .collect();
    for file in files {
        let text = read_text(file)?;
        each(file, &text, |object| {
            for (name, builder) in names.iter().zip(&mut builders) {
                builder.push(object.get(name).and_then(cell).as_deref());
            }
        })?;
    }
    batch(&names, builders)
}

fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn each(file: &Path, text: &str, mut see: impl FnMut(&Map<String, Value>)) -> Result<(), Error> {
    for (index, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let problem = match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(object)) => {
                see(&object);
                continue;
            }
            Ok(_) => "a JSON object was expected".to_owned(),
            Err(error) => format!("not a JSON object: {error}"),
        };
        return Err(Error::Line {
            file: file.display().to_string(),
            line: index as u64 + 1,
            problem,
        });
    }
    Ok(())
}
