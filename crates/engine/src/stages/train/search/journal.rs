//! The trials of a search that have ended: a JSON line each, on disk before anything is said of it.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use everloop_train::tuning::Trial;

use crate::Error;

pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the journal, which is made if it does not exist.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(|source| Error::file("create", dir, source))?;
        }
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path);
        Ok(Self {
            file: file.map_err(|source| Error::file("open", path, source))?,
            path: path.to_owned(),
        })
    }

    /// What was kept. A line that a kill has torn is passed over, and what comes after it stands on a line of its own.
    pub(super) fn trials(&mut self) -> Result<Vec<Trial>, Error> {
        let mut bytes = Vec::new();
        self.file
            .read_to_end(&mut bytes)
            .map_err(|source| Error::file("read", &self.path, source))?;
        if bytes.last().is_some_and(|last| *last != b'\n') {
            self.write(b"\n")?;
        }
        let lines = bytes.split(|byte| *byte == b'\n');
        Ok(lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect())
    }

    pub(super) fn add(&mut self, trial: &Trial) -> Result<(), Error> {
        let mut line =
            serde_json::to_vec(trial).map_err(|error| Error::Invalid(error.to_string()))?;
        line.push(b'\n');
        self.write(&line)?;
        self.file
            .sync_data()
            .map_err(|source| Error::file("write", &self.path, source))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file
            .write_all(bytes)
            .map_err(|source| Error::file("write", &self.path, source))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use everloop_train::tuning::TrialState;

    use super::*;

    fn trial(number: usize) -> Trial {
        Trial {
            number,
            parameters: BTreeMap::new(),
            point: vec![Some(0.1), None],
            state: TrialState::Complete,
            values: vec![0.3],
            curve: vec![(1, 0.5)],
            curve_name: None,
            is_curve_maximized: false,
            problem: None,
            seconds: 0.25,
        }
    }

    #[test]
    fn a_torn_line_costs_that_line_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/search.jsonl");
        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(journal.trials().unwrap(), []);
        journal.add(&trial(0)).unwrap();
        journal.add(&trial(1)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 20]).unwrap();
        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(journal.trials().unwrap(), [trial(0)]);
        journal.add(&trial(2)).unwrap();
        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(journal.trials().unwrap(), [trial(0), trial(2)]);
    }
}
