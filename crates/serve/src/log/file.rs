//! The files of the log: written whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::FORMAT_VERSION;
use crate::Error;

/// What an unfinished file's name ends with: no reader takes it for Parquet.
const UNFINISHED: &str = "parquet.tmp";

/// An error of the log.
pub(super) fn failure(
    action: &'static str,
    path: &Path,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::Log {
        action,
        path: path.to_path_buf(),
        source: source.into(),
    }
}

/// Makes the directory and removes what a process that died left half-written.
pub(super) fn sweep(dir: &Path) -> Result<(), Error> {
    fs::create_dir_all(dir).map_err(|error| failure("make", dir, error))?;
    let list = |dir: &Path| -> Result<Vec<PathBuf>, Error> {
        let entries = fs::read_dir(dir).map_err(|error| failure("read", dir, error))?;
        Ok(entries.flatten().map(|entry| entry.path()).collect())
    };
    for model in list(dir)?.iter().filter(|path| path.is_dir()) {
        for day in list(model)?.iter().filter(|path| path.is_dir()) {
            for file in list(day)? {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                if name.ends_with(UNFINISHED) {
                    fs::remove_file(&file).map_err(|error| failure("remove", &file, error))?;
                }
            }
        }
    }
    Ok(())
}

/// Writes a file into a directory, under the first name that is free; returns the next number.
pub(super) fn write(
    dir: &Path,
    first_ms: i64,
    seq: u64,
    table: &RecordBatch,
) -> Result<u64, Error> {
    fs::create_dir_all(dir).map_err(|error| failure("make", dir, error))?;
    let place = |seq: u64| dir.join(format!("{first_ms}-{seq}.parquet"));
    let mut seq = seq;
    while place(seq).exists() {
        seq += 1;
    }
    let path = place(seq);
    let unfinished = path.with_extension(UNFINISHED);
    write_and_rename(&unfinished, &path, table).inspect_err(|_| {
        // It may not be there at all; what stays is swept by the next start.
        let _ = fs::remove_file(&unfinished);
    })?;
    Ok(seq + 1)
}

fn write_and_rename(unfinished: &Path, path: &Path, table: &RecordBatch) -> Result<(), Error> {
    let file =
        fs::File::create(unfinished).map_err(|error| failure("create", unfinished, error))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_key_value_metadata(Some(vec![
            KeyValue::new("everloop.format".to_owned(), "prediction-log".to_owned()),
            KeyValue::new(
                "everloop.format_version".to_owned(),
                FORMAT_VERSION.to_string(),
            ),
        ]))
        .build();
    let unwritable = |error: parquet::errors::ParquetError| match error {
        // The disk's own word says whether it is full.
        parquet::errors::ParquetError::External(source) => failure("write", unfinished, source),
        error => failure("write", unfinished, error),
    };
    let mut writer =
        ArrowWriter::try_new(file, table.schema(), Some(properties)).map_err(unwritable)?;
    writer.write(table).map_err(unwritable)?;
    let file = writer.into_inner().map_err(unwritable)?;
    file.sync_all()
        .map_err(|error| failure("sync", unfinished, error))?;
    fs::rename(unfinished, path).map_err(|error| failure("rename", unfinished, error))
}
