//! Parquet files that appear whole, with the same bytes for the same rows.

use std::fs::File;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use everloop_domain::Digest;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

use crate::{Error, canonical};

/// Rows of a row group.
const ROWS_A_GROUP: usize = 131_072;

/// How many rows a file holds, and the digest of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDigest {
    /// Rows.
    pub n_rows: u64,
    /// The digest of the file.
    pub digest: Digest,
}

/// Writes rows to a Parquet file, which is there whole or not at all.
///
/// # Errors
///
/// Fails if the file cannot be written.
pub fn write_parquet(path: &Path, rows: &RecordBatch) -> Result<TableDigest, Error> {
    let failed = |source: parquet::errors::ParquetError| Error::damaged(path, "Parquet", source);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).map_err(failed)?))
        .set_created_by("everloop".to_owned())
        .set_max_row_group_row_count(Some(ROWS_A_GROUP))
        .build();
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties)).map_err(failed)?;
    writer.write(rows).map_err(failed)?;
    writer.close().map_err(failed)?;
    everloop_artifacts::write_atomically(path, &bytes)?;
    Ok(TableDigest {
        n_rows: rows.num_rows() as u64,
        digest: Digest::of(&bytes),
    })
}

/// Reads a Parquet file whole, with canonical types.
///
/// # Errors
///
/// Fails if the file cannot be read or is damaged.
pub fn read_parquet(path: &Path) -> Result<RecordBatch, Error> {
    let file = File::open(path).map_err(|source| Error::file("read", path, source))?;
    let damaged = |source: parquet::errors::ParquetError| Error::damaged(path, "Parquet", source);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damaged)?;
    let schema = builder.schema().clone();
    let batches = builder
        .with_batch_size(65_536)
        .build()
        .map_err(damaged)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| Error::damaged(path, "Parquet", source))?;
    canonical::batch(&concat_batches(&schema, &batches)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    fn rows() -> RecordBatch {
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some(""), None]));
        RecordBatch::try_from_iter_with_nullable(vec![("id", ids, true), ("t t", texts, true)])
            .unwrap()
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let one = write_parquet(&dir.path().join("a.parquet"), &rows()).unwrap();
        let two = write_parquet(&dir.path().join("b.parquet"), &rows()).unwrap();
        assert_eq!(one, two);
        assert_eq!(read_parquet(&dir.path().join("a.parquet")).unwrap(), rows());
    }

    #[test]
    fn a_damaged_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bad.parquet");
        std::fs::write(&path, "PAR1 no").unwrap();
        assert!(
            read_parquet(&path)
                .unwrap_err()
                .to_string()
                .contains("bad.parquet")
        );
        assert!(
            read_parquet(&dir.path().join("none"))
                .unwrap_err()
                .to_string()
                .contains("none")
        );
    }
}
