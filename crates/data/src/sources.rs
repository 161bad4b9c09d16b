//! Reading sources: files of one format become one table.

mod bytes;
mod cells;
mod csv;
mod json;

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use everloop_domain::dataset::{Format, Source};

use crate::{Error, canonical, read_parquet};

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSummary {
    /// The files, in the order in which their rows follow each other.
    pub files: Vec<PathBuf>,
    /// Rows.
    pub n_rows: u64,
}

/// The files of a source, sorted by name: the file itself, those of a directory, or those that match a pattern.
pub(crate) fn files(base: &Path, source: &Source) -> Result<Vec<PathBuf>, Error> {
    let path = base.join(&source.path);
    let mut found = if path.is_file() {
        vec![path.clone()]
    } else if path.is_dir() {
        entries(&path)?
            .into_iter()
            .filter(|entry| entry.is_file() && format_of(entry).is_some())
            .collect()
    } else if source.path.contains(['*', '?']) {
        matches(base, &source.path)?
    } else {
        Vec::new()
    };
    found.sort();
    found.dedup();
    if found.is_empty() {
        return Err(Error::NoFiles {
            named: source.name.clone(),
            path: source.path.clone(),
            hint: hint(&path),
        });
    }
    Ok(found)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = |source| Error::file("read", dir, source);
    let entries = std::fs::read_dir(dir).map_err(read)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(read)?;
    paths.retain(|path| {
        !path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'))
    });
    Ok(paths)
}

/// The files that match a pattern: `*` and `?` within a part of the path, `**` for any number of parts.
fn matches(base: &Path, pattern: &str) -> Result<Vec<PathBuf>, Error> {
    let start = if pattern.starts_with('/') {
        PathBuf::from("/")
    } else {
        base.to_owned()
    };
    let mut places = vec![start];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for place in &places {
            if part == "**" {
                next.extend(below(place)?);
            } else if part.contains(['*', '?']) {
                let Ok(found) = entries(place) else { continue };
                next.extend(found.into_iter().filter(|path| {
                    path.file_name()
                        .is_some_and(|name| is_match(part.as_bytes(), name.as_encoded_bytes()))
                }));
            } else {
                next.push(place.join(part));
            }
        }
        places = next;
    }
    places.retain(|path| path.is_file());
    Ok(places)
}

/// A directory and all directories below it.
fn below(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut all = vec![dir.to_owned()];
    if dir.is_dir() {
        for entry in entries(dir)?
            .into_iter()
            .filter(|entry| entry.is_dir() && !entry.is_symlink())
        {
            all.extend(below(&entry)?);
        }
    }
    Ok(all)
}

fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            is_match(rest, name)
                || name
                    .split_first()
                    .is_some_and(|(_, name)| is_match(pattern, name))
        }
        (Some((b'?', rest)), Some((_, name))) => is_match(rest, name),
        (Some((expected, rest)), Some((found, name))) => expected == found && is_match(rest, name),
        _ => false,
    }
}

/// Names near a path that is not there.
fn hint(path: &Path) -> String {
    let Some(dir) = path.parent().filter(|dir| dir.is_dir()) else {
        return format!(
            "; the directory `{}` does not exist",
            path.parent().unwrap_or(path).display()
        );
    };
    let mut names: Vec<String> = entries(dir)
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| Some(entry.file_name()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names.truncate(5);
    if names.is_empty() {
        "; its directory is empty".to_owned()
    } else {
        format!("; its directory holds {}", names.join(", "))
    }
}

/// The format that a file's name tells, compressed or not.
fn format_of(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let name = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"))
        .unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "csv" | "tsv" | "txt" => Some(Format::Csv),
        "json" | "jsonl" | "ndjson" => Some(Format::Json),
        "parquet" | "pq" => Some(Format::Parquet),
        "arrow" | "feather" | "ipc" => Some(Format::Arrow),
        _ => None,
    }
}

/// Reads all files of a source as one table.
pub(crate) fn read(source: &Source, files: &[PathBuf]) -> Result<RecordBatch, Error> {
    let Some(format) = source.format.or_else(|| format_of(&files[0])) else {
        let problem =
            "its name does not tell the format; set `format: csv`, `json`, `parquet` or `arrow`";
        return Err(Error::content(&files[0], problem));
    };
    match format {
        Format::Csv => csv::read(source, files),
        Format::Json => json::read(files),
        Format::Parquet => binary(files, &|path| read_parquet(path)),
        Format::Arrow => binary(files, &read_arrow),
    }
}

/// Reads files that carry their types, which must agree.
fn binary(
    files: &[PathBuf],
    read: &dyn Fn(&Path) -> Result<RecordBatch, Error>,
) -> Result<RecordBatch, Error> {
    let batches = files
        .iter()
        .map(|file| read(file))
        .collect::<Result<Vec<_>, _>>()?;
    let schema = batches[0].schema();
    for (file, batch) in files.iter().zip(&batches) {
        if batch.schema() != schema {
            let problem = format!(
                "its columns {} are not those of `{}`: {}",
                names(batch),
                files[0].display(),
                names(&batches[0])
            );
            return Err(Error::content(file, problem));
        }
    }
    Ok(concat_batches(&schema, &batches)?)
}

fn names(batch: &RecordBatch) -> String {
    let schema = batch.schema();
    let names: Vec<String> = schema
        .fields()
        .iter()
        .take(20)
        .map(|field| format!("{} {}", field.name(), field.data_type()))
        .collect();
    format!("({})", names.join(", "))
}

fn read_arrow(path: &Path) -> Result<RecordBatch, Error> {
    let file = std::fs::File::open(path).map_err(|source| Error::file("read", path, source))?;
    let damaged = |source: arrow::error::ArrowError| Error::damaged(path, "Arrow", source);
    let reader = arrow::ipc::reader::FileReader::try_new(file, None).map_err(damaged)?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(damaged)?;
    canonical::batch(&concat_batches(&schema, &batches)?)
}

#[cfg(test)]
mod tests;
