//! Stages and data that stay as they are whatever they depend on (`dvc freeze`), and new stages (`dvc stage add`).

use std::collections::BTreeSet;

use everloop_lifecycle::dvc::{Fault, Graph, NewStage, Pipeline, Surroundings, parse};

use crate::recording::Recording;
use crate::repository::Repository;
use crate::stage_text::{saying_frozen, with_frozen, with_stage};
use crate::tracked::is_dvc_file;
use crate::{Error, RepoPath, stages};

impl Repository {
    /// Freezes stages and `.dvc` files, or ends that, and tells which files changed: all of them or none. Targets are seen from
    /// `dir`: `train`, `sub/dvc.yaml:train`, `data.csv.dvc`.
    ///
    /// # Errors
    ///
    /// Fails if there is no such stage or file, or if it cannot be changed line by line.
    pub fn freeze(
        &self,
        dir: &RepoPath,
        targets: &[String],
        is_frozen: bool,
    ) -> Result<Vec<RepoPath>, Error> {
        let mut recording = Recording::default();
        let mut changed = BTreeSet::new();
        for target in targets {
            let (file, stage) = match target.rsplit_once(':') {
                Some((file, stage)) => (dir.join(file)?, Some(stage)),
                None if is_dvc_file(target) => (dir.join(target)?, None),
                None => (dir.join(stages::FILE)?, Some(target.as_str())),
            };
            let text = self.text_of(&recording, &file)?;
            let after = match stage {
                Some(stage) => self.stage_frozen(&file, stage, &text, is_frozen)?,
                None => file_frozen(&text, is_frozen),
            };
            if after != text {
                recording.set(self.root(), &file, Some(after.into_bytes()))?;
                changed.insert(file);
            }
        }
        self.write(recording)?;
        Ok(changed.into_iter().collect())
    }

    /// Adds a stage to the `dvc.yaml` of a directory, or with `is_forced` replaces the one of its name. What it makes for the
    /// cache is ignored by git from now on.
    ///
    /// # Errors
    ///
    /// Fails if there is one, if it would make what somebody else makes or tracks, or if it is no stage.
    pub fn add_stage(
        &self,
        dir: &RepoPath,
        new: &NewStage,
        is_forced: bool,
    ) -> Result<RepoPath, Error> {
        // DVC takes no others, and reads `:` and `@` in targets as signs of its own.
        let is_sign = |c: char| c.is_ascii_punctuation() && !['_', '-'].contains(&c);
        if new.name.is_empty() || new.name.contains(is_sign) {
            let problem = "names of stages have no signs but `_` and `-`";
            return Err(Error::form(&new.name, problem));
        }
        let file = dir.join(stages::FILE)?;
        let mut recording = Recording::default();
        let before = recording.text(self.root(), &file)?.unwrap_or_default();
        let before = utf8(&file, before)?;
        let known = self.pipeline_of(&file, &before)?;
        if known.find(&new.name).is_some() && !is_forced {
            return Err(Error::Conflict {
                what: format!("`{file}` has a stage `{}`; `--force` replaces it", new.name),
            });
        }
        let after = with_stage(&before, &new.name, &new.text());
        let after = after.ok_or_else(|| no_lines(&file, "stages"))?;
        let pipeline = self.pipeline_of(&file, &after)?;
        let refused = || Error::form(&new.name, "it is no name or form of a stage");
        let stage = pipeline.find(&new.name).ok_or_else(refused)?;
        let is_same = |name: &str| known.find(name) == pipeline.find(name);
        if !known
            .stages
            .iter()
            .all(|one| one.name == new.name || is_same(&one.name))
        {
            return Err(no_lines(&file, "stages"));
        }
        let tracked = self.tracked()?;
        for out in &stage.outs {
            let path = RepoPath::default().join(&stage.place(&out.path))?;
            let is_other = |one: &&crate::Tracked| {
                (one.path.is_in(&path) || path.is_in(&one.path))
                    && (one.file != file || one.stage_name() != Some(new.name.as_str()))
            };
            if let Some(one) = tracked.iter().find(is_other) {
                return Err(Error::Conflict {
                    what: format!("`{path}` and `{}` of `{}` overlap", one.path, one.address()),
                });
            }
        }
        self.check_circles(&file, &pipeline)?;
        recording.set(self.root(), &file, Some(after.into_bytes()))?;
        // In the order in which they were named.
        for out in new.outs.iter().filter(|out| out.is_cached) {
            let path = RepoPath::default().join(&stage.place(&out.path))?;
            // Where there is no directory yet, that is done when the stage runs.
            if path.parent().under(self.root()).is_dir() {
                recording.ignore(self.root(), &path)?;
            }
        }
        self.write(recording)?;
        Ok(file)
    }

    /// Whether the stages of a file, as it is to be, need each other in a circle with those of all files.
    fn check_circles(&self, file: &RepoPath, pipeline: &Pipeline) -> Result<(), Error> {
        let mut pipelines = vec![pipeline.clone()];
        for other in self.pipeline_files(&[])? {
            // What is wrong with another file is told by those who run it.
            let parsed = self.parse_pipeline(&other).ok();
            let parsed = parsed.and_then(|(parsed, _)| parsed.pipeline);
            pipelines.extend(parsed.filter(|_| other != *file));
        }
        let faults = Graph::of(&pipelines.iter().collect::<Vec<_>>()).err();
        let is_circle = |fault: &Fault| matches!(fault, Fault::Circle { .. });
        match faults.unwrap_or_default().into_iter().find(is_circle) {
            Some(fault) => Err(Error::Conflict {
                what: fault.to_string(),
            }),
            None => Ok(()),
        }
    }

    fn stage_frozen(
        &self,
        file: &RepoPath,
        name: &str,
        text: &str,
        is_frozen: bool,
    ) -> Result<String, Error> {
        let before = self.pipeline_of(file, text)?;
        let Some(stage) = before.find(name) else {
            let is_group = before
                .stages
                .iter()
                .any(|one| one.group.as_deref() == Some(name));
            let words = if is_group || name.contains('@') {
                "is one of many that are made of one; freeze it in the file"
            } else {
                "is no stage"
            };
            return Err(Error::NotFound {
                what: format!("`{name}` of `{file}` {words}"),
            });
        };
        if stage.is_frozen == is_frozen {
            return Ok(text.to_owned());
        }
        let after = with_frozen(text, name, is_frozen).ok_or_else(|| no_lines(file, name))?;
        let mut expected = before.clone();
        for one in expected.stages.iter_mut().filter(|one| one.name == name) {
            one.is_frozen = is_frozen;
        }
        if self.pipeline_of(file, &after)? == expected {
            Ok(after)
        } else {
            Err(no_lines(file, name))
        }
    }

    fn text_of(&self, recording: &Recording, file: &RepoPath) -> Result<String, Error> {
        let absent = || Error::NotFound {
            what: format!("there is no `{file}`"),
        };
        utf8(file, recording.text(self.root(), file)?.ok_or_else(absent)?)
    }

    fn pipeline_of(&self, file: &RepoPath, text: &str) -> Result<Pipeline, Error> {
        let read = |path: &str| self.read_text(path);
        let surroundings = Surroundings {
            file: file.as_str(),
            flags: self.flags(),
            read: &read,
        };
        let parsed = parse(text, surroundings);
        let problem = || Error::form(file, stages::first(&parsed.diagnostics));
        parsed.pipeline.clone().ok_or_else(problem)
    }
}

fn utf8(file: &RepoPath, bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| Error::form(file, "it is no UTF-8"))
}

fn no_lines(file: &RepoPath, name: &str) -> Error {
    Error::form(
        file,
        format!("`{name}` does not stand in lines of its own there; change the file by hand"),
    )
}

/// A `.dvc` file that is frozen, or not any more; DVC 2 said `locked`.
fn file_frozen(text: &str, is_frozen: bool) -> String {
    let is_said = |line: &str| line.starts_with("frozen:") || line.starts_with("locked:");
    let changed = |line: &str| match is_said(line) {
        true if is_frozen && says_yes(line) => line.to_owned(),
        true => saying_frozen(line, is_frozen),
        false => line.to_owned(),
    };
    let mut after: String = text.split_inclusive('\n').map(changed).collect();
    if is_frozen && !text.lines().any(is_said) {
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        if !after.ends_with('\n') {
            after.push_str(end);
        }
        after.push_str("frozen: true");
        after.push_str(end);
    }
    after
}

/// Whether the value of a line is `true`.
fn says_yes(line: &str) -> bool {
    let value = line.split_once(':').map_or("", |(_, value)| value);
    let value = value.split(" #").next().unwrap_or_default().trim();
    value.eq_ignore_ascii_case("true")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use everloop_lifecycle::dvc::NewOut;

    use super::*;
    use crate::Machine;

    #[test]
    fn files_are_frozen_once() {
        let text = "outs:\n- path: x\n";
        let frozen = file_frozen(text, true);
        assert_eq!(frozen, "outs:\n- path: x\nfrozen: true\n");
        assert_eq!(file_frozen(&frozen, true), frozen);
        assert_eq!(file_frozen(&frozen, false), text);
        assert_eq!(file_frozen("locked: true\nouts: []\n", false), "outs: []\n");
        assert_eq!(file_frozen("outs: []", true), "outs: []\nfrozen: true\n");
        let said = "frozen: true # the source moved\nouts: []\n";
        assert_eq!(file_frozen(said, true), said);
        let thawed = "# the source moved\nouts: []\n";
        assert_eq!(file_frozen(said, false), thawed);
        let again = file_frozen("frozen: false  # not yet\r\nouts: []\r\n", true);
        assert_eq!(again, "frozen: true  # not yet\r\nouts: []\r\n");
    }

    #[test]
    fn stages_are_added_frozen_and_refused() {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository::init(dir.path(), &Machine::default()).unwrap();
        let top = RepoPath::default();
        let mut new = NewStage {
            name: "one".to_owned(),
            commands: vec!["cp a b".to_owned()],
            deps: vec!["a".to_owned()],
            outs: vec![NewOut {
                path: "b".to_owned(),
                list: "outs",
                is_cached: true,
                is_persistent: false,
            }],
            ..NewStage::default()
        };
        repository.add_stage(&top, &new, false).unwrap();
        let text = || fs::read_to_string(dir.path().join("dvc.yaml")).unwrap();
        let written = "stages:\n  one:\n    cmd: cp a b\n    deps:\n    - a\n    outs:\n    - b\n";
        assert_eq!(text(), written);
        let error = repository.add_stage(&top, &new, false).unwrap_err();
        assert!(error.to_string().contains("`--force` replaces it"));
        repository.add_stage(&top, &new, true).unwrap();
        assert_eq!(text(), written);
        new.name = "two".to_owned();
        let error = repository.add_stage(&top, &new, false).unwrap_err();
        assert!(
            error.to_string().contains("is made by the stages"),
            "{error}"
        );
        new.deps = vec!["b".to_owned()];
        new.outs[0].path = "a".to_owned();
        let error = repository.add_stage(&top, &new, false).unwrap_err();
        assert!(error.to_string().contains("one -> two"), "{error}");
        assert_eq!(text(), written);

        let one = ["one".to_owned()];
        assert_eq!(repository.freeze(&top, &one, true).unwrap().len(), 1);
        assert_eq!(text(), format!("{written}    frozen: true\n"));
        assert!(repository.freeze(&top, &one, true).unwrap().is_empty());
        repository.freeze(&top, &one, false).unwrap();
        assert_eq!(text(), written);
        let both = ["one".to_owned(), "none".to_owned()];
        assert!(repository.freeze(&top, &both, true).is_err());
        assert_eq!(text(), written, "all of them or none");
    }
}
