//! What has been done, on its way into `dvc.lock` and `.gitignore`.
//!
//! A stage that took its time is written down at once. Where many end within moments, the writing would take longer than the
//! stages and grow with their square: so it takes at most a tenth of the time, and the rest is written together soon after.
//! New stages and entries stand in the order of the plan, whatever the order in which they ended.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use everloop_lifecycle::dvc::{Lock, StageLock};
use everloop_versions::{Ignoring, RepoPath, write_whole};

use super::project::{Stamp, lock_path};
use super::{Error, Project};

/// How many times as long as a writing took nothing is written.
const PAUSE: u32 = 10;

/// What is known of all `dvc.lock`, and what is to be written.
#[derive(Debug)]
pub(super) struct Journal<'a> {
    project: &'a Project<'a>,
    locks: HashMap<String, Known>,
    ignoring: Ignoring<'a>,
    is_pending: bool,
    written: Instant,
    cost: Duration,
}

/// A `dvc.lock`.
#[derive(Debug, Default)]
struct Known {
    lock: Lock,
    /// Of the file when it was read or written; absent if there was none.
    stamp: Option<Stamp>,
    /// What is not in the file yet.
    pending: Vec<(String, StageLock, usize)>,
}

impl<'a> Journal<'a> {
    /// A journal for stages that make these paths, each at its rank.
    pub(super) fn new(project: &'a Project<'a>, paths: Vec<RepoPath>) -> Self {
        Self {
            project,
            locks: HashMap::new(),
            ignoring: project.repository.ignoring(paths),
            is_pending: false,
            written: Instant::now(),
            cost: Duration::ZERO,
        }
    }

    /// The lock beside a `dvc.yaml`. Others may have worked while a command ran, so the file is looked at.
    pub(super) fn lock(&mut self, file: &str) -> Result<&Lock, Error> {
        let stamp = Stamp::of(self.project.repository, &lock_path(file));
        let is_known = self
            .locks
            .get(file)
            .is_some_and(|known| known.stamp == stamp);
        if !is_known {
            let (mut lock, _) = self.project.read_lock(file)?;
            let pending = self.locks.remove(file).unwrap_or_default().pending;
            for (name, stage, rank) in &pending {
                lock.set_in_order(name, stage.clone(), *rank);
            }
            let known = Known {
                lock,
                stamp,
                pending,
            };
            self.locks.insert(file.to_owned(), known);
        }
        Ok(&self.locks.entry(file.to_owned()).or_default().lock)
    }

    /// Notes what a stage was run with.
    pub(super) fn note(
        &mut self,
        file: &str,
        name: &str,
        stage: StageLock,
        rank: usize,
    ) -> Result<(), Error> {
        if self.lock(file)?.find(name) == Some(&stage) {
            return Ok(());
        }
        let known = self.locks.entry(file.to_owned()).or_default();
        known.lock.set_in_order(name, stage.clone(), rank);
        known.pending.push((name.to_owned(), stage, rank));
        self.is_pending = true;
        Ok(())
    }

    /// Has git ignore a path.
    pub(super) fn ignore(&mut self, path: &RepoPath, rank: usize) -> Result<(), Error> {
        self.ignoring.add(path, rank)?;
        self.is_pending = true;
        Ok(())
    }

    /// Writes everything if an entry is to stand below one of these paths: it is a part of what is there.
    pub(super) fn settle(&mut self, paths: &[RepoPath]) -> Result<(), Error> {
        if paths.iter().any(|path| self.ignoring.is_pending_in(path)) {
            self.flush()?;
        }
        Ok(())
    }

    /// Whether something is to be written now.
    pub(super) fn is_due(&self) -> bool {
        self.is_pending && self.written.elapsed() >= self.cost * PAUSE
    }

    /// Writes everything.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        if !self.is_pending {
            return Ok(());
        }
        let began = Instant::now();
        let repository = self.project.repository;
        let mut written: Vec<String> = Vec::new();
        for path in self.ignoring.flush()? {
            written.push(path.as_str().to_owned());
        }
        let files: Vec<String> = self.locks.keys().cloned().collect();
        for file in files {
            if self
                .locks
                .get(&file)
                .is_some_and(|known| known.pending.is_empty())
            {
                continue;
            }
            let text = self.lock(&file)?.write();
            let path = lock_path(&file);
            let place = RepoPath::default().join(&path)?;
            write_whole(&place.under(repository.root()), text.as_bytes())?;
            let known = self.locks.entry(file).or_default();
            known.stamp = Stamp::of(repository, &path);
            known.pending.clear();
            written.push(path);
        }
        if !written.is_empty() {
            let paths: Vec<&str> = written.iter().map(String::as_str).collect();
            repository.stage_for_git(&paths);
        }
        self.is_pending = false;
        self.written = Instant::now();
        self.cost = began.elapsed();
        Ok(())
    }
}
