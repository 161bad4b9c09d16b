//! `dvc.lock`: what every stage was run with, and what it made.
//!
//! Both tools write the file, so it is kept byte for byte: stages that do not change keep their
//! lines, with the comments in them; a stage that changes is written as DVC writes it; a new stage
//! comes last.

mod entry;
mod read;
mod refold;

pub use entry::{Command, OtherValue, Recorded, StageLock};

use super::emit;
use super::value::Value;

/// The stages of a `dvc.lock`, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    /// What stands before the first stage.
    head: String,
    stages: Vec<Locked>,
    /// What stands after the last stage.
    tail: String,
}

/// A stage of the file.
#[derive(Clone, Debug, PartialEq)]
struct Locked {
    name: String,
    lock: StageLock,
    /// Its lines in the file, as long as it does not change.
    lines: Option<String>,
}

impl Lock {
    /// The stage of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&StageLock> {
        let found = self.stages.iter().find(|stage| stage.name == name);
        found.map(|stage| &stage.lock)
    }

    /// All stages with their names, in the order of the file.
    pub fn stages(&self) -> impl Iterator<Item = (&str, &StageLock)> {
        self.stages
            .iter()
            .map(|stage| (stage.name.as_str(), &stage.lock))
    }

    /// Puts in what a stage was run with: in its place if it has one, else last.
    pub fn set(&mut self, name: &str, lock: StageLock) {
        if self.find(name) != Some(&lock) {
            self.refold();
        }
        match self.stages.iter_mut().find(|stage| stage.name == name) {
            Some(stage) if stage.lock == lock => {}
            Some(stage) => {
                stage.lock = lock;
                stage.lines = None;
            }
            None => self.stages.push(Locked {
                name: name.to_owned(),
                lock,
                lines: None,
            }),
        }
    }

    /// Takes a stage out. Says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let n_before = self.stages.len();
        self.stages.retain(|stage| stage.name != name);
        self.stages.len() < n_before
    }

    /// The text of the file.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = if self.head.is_empty() {
            "schema: '2.0'\nstages:\n".to_owned()
        } else {
            self.head.clone()
        };
        if self.stages.is_empty() {
            text.truncate(text.trim_end().len());
            text.push_str(" {}\n");
        }
        for stage in &self.stages {
            if let Some(lines) = &stage.lines {
                text.push_str(lines);
            } else {
                let name = Value::Text(stage.name.clone());
                text.push_str(&emit::write_map(&[(name, stage.lock.to_value())], 2));
            }
        }
        text.push_str(&self.tail);
        text
    }
}
