//! Sessions over written files, and tables as text.

use std::path::Path;

use arrow::array::{Array as _, RecordBatch};
use arrow::util::display::array_value_to_string;
use everloop_data::{Error, Session, Settings};
use everloop_domain::dataset::Source;

pub(crate) struct Files {
    pub(crate) dir: tempfile::TempDir,
}

impl Files {
    /// A directory with files, each of a name and its content.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        Self { dir }
    }

    pub(crate) fn session(&self) -> Session {
        session(self.dir.path())
    }

    /// A session with the file as table `t`.
    pub(crate) async fn table(&self, name: &str) -> Result<Session, Error> {
        let session = self.session();
        session.register_source(&source("t", name)).await?;
        Ok(session)
    }
}

pub(crate) fn session(dir: &Path) -> Session {
    Session::new(
        dir,
        &Settings {
            memory_bytes: 1 << 26,
        },
    )
}

pub(crate) fn source(table: &str, path: &str) -> Source {
    Source {
        name: table.to_owned(),
        path: path.to_owned(),
        format: None,
        delimiter: None,
        has_header: true,
        null_values: Vec::new(),
    }
}

/// The rows, a line each, cells separated by spaces; a missing value is `-`.
pub(crate) fn show(rows: &RecordBatch) -> Vec<String> {
    let cell = |row: usize, column: &arrow::array::ArrayRef| {
        if column.is_null(row) {
            return "-".to_owned();
        }
        array_value_to_string(column, row).unwrap()
    };
    (0..rows.num_rows())
        .map(|row| {
            let cells: Vec<String> = rows
                .columns()
                .iter()
                .map(|column| cell(row, column))
                .collect();
            cells.join(" ")
        })
        .collect()
}
