//! `dvc.lock`: what every stage was run with, and what it made.
//!
//! Both tools write the file, so it is kept byte for byte: stages that do not change keep their
//! lines, with the comments in them; a stage that changes is written as DVC writes it; a new stage
//! comes last.

mod entry;
mod read;
mod refold;

pub use entry::{Command, OtherValue, Recorded, StageLock};

use std::collections::HashMap;

use super::emit;
use super::value::Value;

/// The stages of a `dvc.lock`, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    /// What stands before the first stage.
    head: String,
    stages: Vec<Locked>,
    /// Where each stage stands.
    index: HashMap<String, usize>,
    /// What stands after the last stage.
    tail: String,
    /// Whether all lines have the breaks that DVC makes today.
    is_folded: bool,
}

/// A stage of the file.
#[derive(Clone, Debug, PartialEq)]
struct Locked {
    name: String,
    lock: StageLock,
    /// Its lines in the file, as it is or will be.
    lines: Option<String>,
    /// Where it belongs among those that were put in by [`Lock::set_in_order`].
    rank: Option<usize>,
}

impl Lock {
    fn of(stages: Vec<Locked>) -> Self {
        let mut lock = Self {
            stages,
            ..Self::default()
        };
        lock.find_places(0);
        lock
    }

    /// The stage of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&StageLock> {
        Some(&self.stages[*self.index.get(name)?].lock)
    }

    /// All stages with their names, in the order of the file.
    pub fn stages(&self) -> impl Iterator<Item = (&str, &StageLock)> {
        self.stages
            .iter()
            .map(|stage| (stage.name.as_str(), &stage.lock))
    }

    /// Puts in what a stage was run with: in its place if it has one, else last.
    pub fn set(&mut self, name: &str, lock: StageLock) {
        self.put(name, lock, None);
    }

    /// As [`Self::set`], for stages that end in another order than that in which they would have run one after the other: a
    /// new stage comes before new ones of a higher rank.
    pub fn set_in_order(&mut self, name: &str, lock: StageLock, rank: usize) {
        self.put(name, lock, Some(rank));
    }

    fn put(&mut self, name: &str, lock: StageLock, rank: Option<usize>) {
        let at = self.index.get(name).copied();
        if at.is_some_and(|at| self.stages[at].lock == lock) {
            return;
        }
        if !self.is_folded {
            self.refold();
        }
        let text = Value::Text(name.to_owned());
        let lines = Some(emit::write_map(&[(text, lock.to_value())], 2));
        if let Some(at) = at {
            self.stages[at].lock = lock;
            self.stages[at].lines = lines;
            return;
        }
        let is_later = |stage: &&Locked| rank.is_some() && stage.rank > rank;
        let n_later = self.stages.iter().rev().take_while(is_later).count();
        let at = self.stages.len() - n_later;
        let stage = Locked {
            name: name.to_owned(),
            lock,
            lines,
            rank,
        };
        self.stages.insert(at, stage);
        self.find_places(at);
    }

    /// Takes a stage out. Says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let Some(at) = self.index.remove(name) else {
            return false;
        };
        self.stages.remove(at);
        self.find_places(at);
        true
    }

    /// Notes where the stages from one on stand; of equal names the first counts.
    fn find_places(&mut self, from: usize) {
        for (at, stage) in self.stages.iter().enumerate().skip(from).rev() {
            self.index.insert(stage.name.clone(), at);
        }
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
