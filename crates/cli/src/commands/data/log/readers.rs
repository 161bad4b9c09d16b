//! Which runs read which versions of data.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::Result;
use everloop_metastore::Reading;
use everloop_versions::{DataChange, Logged, RepoPath, Repository};
use serde_json::{Value, json};

use crate::environment;
use crate::workspace::find_project;

/// What runs read, as far as the project's database knows.
pub(super) struct Readers {
    readings: Vec<Reading>,
}

/// A version that runs read, though no commit has it.
pub(super) struct Uncommitted<'r> {
    pub(super) path: &'r str,
    pub(super) md5: &'r str,
    pub(super) readers: Vec<&'r Reading>,
}

impl Readers {
    /// Asks the database of the project that is here; where there is none, nothing was read.
    pub(super) async fn load(chosen: Option<&Path>, paths: &[RepoPath]) -> Result<Self> {
        let none = Self {
            readings: Vec::new(),
        };
        let Ok(project) = find_project(chosen) else {
            return Ok(none);
        };
        if !environment::has_metastore(&project.metastore_path()) {
            return Ok(none);
        }
        let store = environment::metastore(&project.metastore_path())?;
        let mut asked: Vec<String> = paths.iter().map(ToString::to_string).collect();
        if asked.is_empty() {
            asked.push(String::new());
        }
        let readings = store
            .read(move |tx| {
                let found = asked.iter().map(|path| tx.runs().readings(path));
                found.collect::<Result<Vec<_>, _>>()
            })
            .await?;
        Ok(Self {
            readings: readings.into_iter().flatten().collect(),
        })
    }

    /// The runs that read the new version of changed data, or a file of it, the latest first.
    pub(super) fn of<'r>(
        &'r self,
        change: &DataChange,
        repository: &Repository,
    ) -> Vec<&'r Reading> {
        let Some(after) = change.after else {
            return Vec::new();
        };
        let path = change.path.as_str();
        if !after.object.is_dir {
            let md5 = after.object.to_string();
            let is_read = |one: &&Reading| one.name == path && one.digest == md5;
            return self.readings.iter().filter(is_read).collect();
        }
        let below = format!("{path}/");
        let mut inside = self.readings.iter().filter_map(|one| {
            let file = one.name.strip_prefix(&below)?;
            Some((file, one))
        });
        let Some(first) = inside.next() else {
            return Vec::new();
        };
        // Without its listing it cannot be told what was in it.
        let Ok(listing) = repository.cache().listing(after.object) else {
            return Vec::new();
        };
        let files = listing.files().iter();
        let files: HashMap<&str, String> = files
            .map(|(file, md5)| (file.as_str(), md5.to_string()))
            .collect();
        let is_read = |(file, one): &(&str, &Reading)| files.get(file) == Some(&one.digest);
        let found = std::iter::once(first).chain(inside).filter(is_read);
        found.map(|(_, one)| one).collect()
    }

    /// What was read of data that is or was tracked, though no change that is logged has it.
    pub(super) fn uncommitted<'r>(
        &'r self,
        logged: &[Logged],
        tracked: &[RepoPath],
        repository: &Repository,
    ) -> Vec<Uncommitted<'r>> {
        let changes = || logged.iter().flat_map(|one| &one.changes);
        let mut told: Vec<&Reading> = Vec::new();
        for change in changes() {
            told.extend(self.of(change, repository));
        }
        let is_data = |one: &Reading| {
            let known = tracked.iter().chain(changes().map(|change| &change.path));
            let below = |path: &RepoPath| {
                let rest = one.name.strip_prefix(path.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            known.into_iter().any(below)
        };
        let mut found: BTreeMap<(&str, &str), Vec<&Reading>> = BTreeMap::new();
        for one in self.readings.iter().filter(|one| is_data(one)) {
            if !told.contains(&one) {
                let version = (one.name.as_str(), one.digest.as_str());
                found.entry(version).or_default().push(one);
            }
        }
        let found = found.into_iter();
        found
            .map(|((path, md5), readers)| Uncommitted { path, md5, readers })
            .collect()
    }
}

/// Runs for programs, each with the files that it read.
pub(super) fn runs_json(readers: &[&Reading]) -> Value {
    let rows = by_run(readers).into_iter().map(|(run, files)| {
        json!({
            "id": run.run,
            "name": run.run_name,
            "start_time": run.start_time.to_string(),
            "files": files,
        })
    });
    rows.collect()
}

/// Runs for people, a line each.
pub(super) fn run_lines(readers: &[&Reading]) -> Vec<String> {
    let lines = by_run(readers).into_iter().map(|(run, files)| {
        let which = match files.as_slice() {
            [_] => String::new(),
            files => format!(", {} files of it", files.len()),
        };
        let (id, name, start) = (&run.run.as_str()[..8], &run.run_name, run.start_time);
        format!("read by run {id} ({name}, {start}){which}")
    });
    lines.collect()
}

/// The readings of each run, in their order.
fn by_run<'r>(readers: &[&'r Reading]) -> Vec<(&'r Reading, Vec<&'r str>)> {
    let mut runs: Vec<(&Reading, Vec<&str>)> = Vec::new();
    for one in readers {
        match runs.iter_mut().find(|(run, _)| run.run == one.run) {
            Some((_, files)) => files.push(&one.name),
            None => runs.push((one, vec![&one.name])),
        }
    }
    runs
}
