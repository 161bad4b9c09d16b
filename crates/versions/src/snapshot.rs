//! The data that a version of the repository tracks: what `.dvc` files name, and what stages made.
//!
//! Made of the texts of `.dvc`, `dvc.yaml` and `dvc.lock` files alone, so that a revision of git and the workspace are
//! read by the same words.

use std::collections::BTreeMap;

use everloop_lifecycle::dvc::{Command, Flags, Lock, Pipeline, Stage, Surroundings, parse};

use crate::dvc_file::{DvcFile, Recorded};
use crate::ignore::{self, Ignore};
use crate::imports::Import;
use crate::repository::Repository;
use crate::revision::Revision;
use crate::tracked::is_dvc_file;
use crate::{Error, RepoPath};

const PIPELINE: &str = "dvc.yaml";
const LOCK: &str = "dvc.lock";

/// Data of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The data.
    pub path: RepoPath,
    /// The `.dvc` or `dvc.yaml` file that names it.
    pub file: RepoPath,
    /// Its state; `None` before it was recorded.
    pub recorded: Option<Recorded>,
    /// The remote that it belongs to, if not the default.
    pub remote: Option<String>,
    /// Where it came from.
    pub origin: Lineage,
}

/// Where data came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lineage {
    /// Somebody added it.
    Added,
    /// It was imported.
    Import(Import),
    /// A stage made it.
    Stage {
        /// The name of the stage.
        name: String,
        /// What it ran, line by line.
        commands: Vec<String>,
        /// What it read, by path, with the digests of then.
        deps: Vec<(String, Option<String>)>,
    },
}

/// Reads a file of a version; none if there is none.
type Read<'a> = dyn Fn(&RepoPath) -> Result<Option<Vec<u8>>, Error> + 'a;

impl Repository {
    /// What a revision tracks in the cache, in the order of the paths.
    ///
    /// # Errors
    ///
    /// Fails if git cannot read it, or if one of its files cannot be understood.
    pub fn snapshot(&self, revision: &Revision) -> Result<Vec<Versioned>, Error> {
        let ignore = ignored_in(revision)?;
        let is_hidden = |path: &RepoPath| {
            let above = path.as_str().match_indices('/');
            above
                .into_iter()
                .any(|(end, _)| ignore.leaves_out(&path.as_str()[..end], true))
                || ignore.leaves_out(path.as_str(), false)
        };
        let is_ours = |path: &&RepoPath| {
            (is_dvc_file(path.name()) || path.name() == PIPELINE || path.name() == LOCK)
                && !is_hidden(path)
        };
        let files: Vec<&RepoPath> = revision.files().filter(is_ours).collect();
        let contents = revision.read_all(&files)?;
        let texts = files.into_iter().cloned().zip(contents);
        let texts = texts.filter_map(|(path, content)| Some((path, content?)));
        versioned(&texts.collect(), &|path| revision.read(path))
    }

    /// What the files of the workspace track in the cache, in the order of the paths.
    ///
    /// # Errors
    ///
    /// Fails if one of the files cannot be read or understood.
    pub fn present(&self) -> Result<Vec<Versioned>, Error> {
        let read = |path: &RepoPath| {
            let place = path.under(self.root());
            match crate::whole::read_whole(&place) {
                Ok(content) => Ok(Some(content)),
                Err(error) if crate::scan::is_absent(&error) => Ok(None),
                Err(error) => Err(Error::file("read", &place, error)),
            }
        };
        let tracked = self.tracked()?;
        let data: Vec<RepoPath> = tracked.iter().map(|one| one.path.clone()).collect();
        let mut files: Vec<RepoPath> = tracked.into_iter().map(|one| one.file).collect();
        files.retain(|file| is_dvc_file(file.name()));
        for file in self.pipeline_files(&data)? {
            files.push(file.parent().join(LOCK)?);
            files.push(file);
        }
        let mut texts = BTreeMap::new();
        for file in files {
            if let Some(content) = read(&file)? {
                texts.insert(file, content);
            }
        }
        versioned(&texts, &read)
    }
}

/// What the `.dvcignore` files of a revision leave out.
fn ignored_in(revision: &Revision) -> Result<Ignore, Error> {
    let files = revision.files();
    let files: Vec<&RepoPath> = files.filter(|path| path.name() == ignore::FILE).collect();
    let contents = revision.read_all(&files)?;
    let mut layers: Vec<_> = files
        .iter()
        .map(|path| path.parent())
        .zip(contents)
        .collect();
    // The deeper one is asked first.
    layers.sort_by_key(|(dir, _)| dir.as_str().len());
    let mut ignore = Ignore::default();
    for (dir, content) in layers {
        ignore.add(&dir, &content.unwrap_or_default());
    }
    Ok(ignore)
}

/// The data that files name. `texts` has all `.dvc`, `dvc.yaml` and `dvc.lock` files, `read` finds any other.
pub(crate) fn versioned(
    texts: &BTreeMap<RepoPath, Vec<u8>>,
    read: &Read<'_>,
) -> Result<Vec<Versioned>, Error> {
    let mut found = Vec::new();
    for (file, content) in texts {
        if is_dvc_file(file.name()) {
            of_dvc_file(file, content, &mut found)?;
        } else if file.name() == PIPELINE {
            let lock = file.parent().join(LOCK)?;
            of_pipeline(
                file,
                content,
                texts.get(&lock).map(Vec::as_slice),
                read,
                &mut found,
            )?;
        }
    }
    found.sort_by(|left: &Versioned, right| left.path.cmp(&right.path));
    found.dedup_by(|next, kept| next.path == kept.path);
    Ok(found)
}

fn of_dvc_file(file: &RepoPath, content: &[u8], found: &mut Vec<Versioned>) -> Result<(), Error> {
    let dvc_file = DvcFile::parse(content, file.as_str())?;
    let start = match &dvc_file.wdir {
        Some(wdir) => file.parent().join(wdir)?,
        None => file.parent(),
    };
    let origin = if dvc_file.is_import {
        Import::parse(dvc_file.text()).map_or(Lineage::Added, Lineage::Import)
    } else {
        Lineage::Added
    };
    for out in dvc_file.outs.into_iter().filter(|out| out.is_cached) {
        found.push(Versioned {
            path: start.join(&out.path)?,
            file: file.clone(),
            recorded: out.recorded,
            remote: out.remote,
            origin: origin.clone(),
        });
    }
    Ok(())
}

fn of_pipeline(
    file: &RepoPath,
    content: &[u8],
    lock: Option<&[u8]>,
    read: &Read<'_>,
    found: &mut Vec<Versioned>,
) -> Result<(), Error> {
    let pipeline = pipeline(file, content, read)?;
    let lock = match lock.map(String::from_utf8_lossy) {
        Some(text) if !text.trim().is_empty() => Lock::read(&text).0.ok_or_else(|| {
            Error::form(
                file.parent().join(LOCK).unwrap_or_default(),
                "it is no `dvc.lock` file",
            )
        })?,
        _ => Lock::default(),
    };
    for stage in &pipeline.stages {
        of_stage(file, stage, &lock, found)?;
    }
    Ok(())
}

fn of_stage(
    file: &RepoPath,
    stage: &Stage,
    lock: &Lock,
    found: &mut Vec<Versioned>,
) -> Result<(), Error> {
    let locked = lock.find(&stage.name);
    let cmd = locked.map_or(&stage.cmd, |locked| &locked.cmd);
    let commands = match cmd {
        Command::One(text) => text.lines().map(str::to_owned).collect(),
        Command::Many(texts) => texts.clone(),
    };
    let origin = Lineage::Stage {
        name: stage.name.clone(),
        commands,
        deps: locked.map_or_else(Vec::new, |locked| {
            let deps = locked.deps.iter();
            deps.map(|dep| (stage.place(&dep.path), dep.md5.clone()))
                .collect()
        }),
    };
    for out in stage.outs.iter().filter(|out| out.is_cached) {
        // What lies outside of the repository has no versions here.
        let Ok(path) = RepoPath::default().join(&stage.place(&out.path)) else {
            continue;
        };
        let record = locked.and_then(|locked| locked.outs.iter().find(|one| one.path == out.path));
        let recorded = record.map_or(Ok(None), Recorded::of_lock);
        let recorded =
            recorded.map_err(|problem| Error::form(format!("{file}`'s `{LOCK}"), problem))?;
        found.push(Versioned {
            path,
            file: file.clone(),
            recorded,
            remote: out.remote.clone(),
            origin: origin.clone(),
        });
    }
    Ok(())
}

fn pipeline(file: &RepoPath, content: &[u8], read: &Read<'_>) -> Result<Pipeline, Error> {
    let text = std::str::from_utf8(content)
        .map_err(|error| Error::form(file, format!("it is no UTF-8: {error}")))?;
    let read = |path: &str| -> Result<Option<String>, String> {
        let path = RepoPath::default()
            .join(path)
            .map_err(|error| error.to_string())?;
        let content = read(&path).map_err(|error| error.to_string())?;
        let text = content.map(String::from_utf8).transpose();
        text.map_err(|_| "it is not UTF-8".to_owned())
    };
    let surroundings = Surroundings {
        file: file.as_str(),
        // They change commands, and no path.
        flags: Flags::default(),
        read: &read,
    };
    let parsed = parse(text, surroundings);
    parsed.pipeline.ok_or_else(|| {
        let problems: Vec<String> = parsed
            .diagnostics
            .iter()
            .map(|problem| problem.render(file.as_str(), text).trim().to_owned())
            .collect();
        Error::form(file, problems.join("; "))
    })
}

/// The data that the section `artifacts` of a `dvc.yaml` gives a name; `dir=name` is one of `dir/dvc.yaml`.
pub(crate) fn artifact_path(revision: &Revision, name: &str) -> Result<Option<RepoPath>, Error> {
    let (dir, name) = name.split_once('=').unwrap_or(("", name));
    let dir = RepoPath::default().join(dir)?;
    let file = dir.join(PIPELINE)?;
    let Some(content) = revision.read(&file)? else {
        return Ok(None);
    };
    let pipeline = pipeline(&file, &content, &|path| revision.read(path))?;
    let artifacts = pipeline.artifacts.iter();
    let mut named = artifacts.filter(|(known, _)| known == name);
    let path = named.find_map(|(_, artifact)| artifact.get("path")?.text());
    path.map(|path| dir.join(path)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Result<Vec<Versioned>, Error> {
        let path = |text: &str| RepoPath::default().join(text).unwrap();
        let all: BTreeMap<RepoPath, Vec<u8>> = files
            .iter()
            .map(|(name, text)| (path(name), text.as_bytes().to_vec()))
            .collect();
        let texts = all.iter().filter(|(path, _)| path.name() != "params.yaml");
        let texts = texts
            .map(|(path, text)| (path.clone(), text.clone()))
            .collect();
        versioned(&texts, &|path| Ok(all.get(path).cloned()))
    }

    const MD5: &str = "60b725f10c9c85c70d97880dfe8191b3";

    #[test]
    fn data_of_all_files_is_found_with_its_origin() {
        let add = format!("outs:\n- md5: {MD5}\n  size: 2\n  hash: md5\n  path: a.csv\n");
        let yaml = "stages:\n  make:\n    cmd: run ${x}\n    wdir: w\n    deps: [../a.csv]\n    outs:\n    - b-${x}\n    - kept: {cache: false}\n";
        let lock = format!(
            "schema: '2.0'\nstages:\n  make:\n    cmd: run 7\n    deps:\n    - path: ../a.csv\n      hash: md5\n      md5: {MD5}\n    outs:\n    - path: b-7\n      hash: md5\n      md5: {MD5}.dir\n      nfiles: 3\n"
        );
        let found = of(&[
            ("d/a.csv.dvc", &add),
            ("p/dvc.yaml", yaml),
            ("p/dvc.lock", &lock),
            ("p/params.yaml", "x: 7\n"),
        ])
        .unwrap();
        let paths: Vec<&str> = found.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["d/a.csv", "p/w/b-7"]);
        assert_eq!(found[0].origin, Lineage::Added);
        assert_eq!(found[1].recorded.unwrap().n_files, Some(3));
        let Lineage::Stage {
            name,
            commands,
            deps,
        } = &found[1].origin
        else {
            panic!("{found:?}");
        };
        assert_eq!(
            (name.as_str(), commands.as_slice()),
            ("make", ["run 7".to_owned()].as_slice())
        );
        assert_eq!(deps, &[("p/a.csv".to_owned(), Some(MD5.to_owned()))]);
    }

    #[test]
    fn a_stage_that_never_ran_has_data_without_a_state() {
        let found = of(&[("dvc.yaml", "stages:\n  s:\n    cmd: x\n    outs: [o]\n")]).unwrap();
        assert_eq!((found.len(), found[0].recorded), (1, None));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        for (name, text) in [
            ("dvc.yaml", "stages: ["),
            ("x.dvc", "outs: 1"),
            ("x.dvc", "outs:\n- path: ../x\n"),
        ] {
            let error = of(&[(name, text)]).unwrap_err().to_string();
            assert!(error.contains(name) || error.contains("../x"), "{error}");
        }
    }
}
