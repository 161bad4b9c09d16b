//! Recording what is in the workspace.

use std::fs;

use crate::dvc_file::{DvcFile, Recorded};
use crate::known::Known;
use crate::listing::Listing;
use crate::md5::Hashing;
use crate::parts::{Parts, files_now};
use crate::recording::{CachedData, Recording};
use crate::repository::Repository;
use crate::scan::{Purpose, scan};
use crate::tracked::{Chosen, Origin, Tracked, is_dvc_file};
use crate::{Error, RepoPath, git, stages};

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The data.
    pub path: RepoPath,
    /// The `.dvc` or `dvc.lock` file.
    pub file: RepoPath,
    /// Its state.
    pub recorded: Recorded,
    /// Whether the file says something else than before.
    pub is_changed: bool,
}

impl Repository {
    /// Tracks files and directories: keeps their content and writes `.dvc` files beside them. A part of a tracked directory
    /// is recorded in the file of that. Either all targets are recorded or none, also if the machine stops half-way.
    ///
    /// # Errors
    ///
    /// Fails if a target is absent, is git's or a stage's, or overlaps with what is tracked, or if files cannot be written.
    pub fn add(&self, targets: &[RepoPath]) -> Result<Vec<Added>, Error> {
        let tracked = self.tracked()?;
        let mut wanted: Vec<(&RepoPath, Option<Chosen>)> = Vec::new();
        for target in targets {
            let above = tracked.iter().find(|one| target.is_in(&one.path));
            self.check_target(target, above, &tracked)?;
            let path = above.map_or(target, |one| &one.path);
            let chosen = above.map(|one| Chosen {
                tracked: one.clone(),
                parts: match target.as_str().strip_prefix(one.path.as_str()) {
                    None | Some("") => Parts::default(),
                    Some(below) => Parts::of(below.trim_start_matches('/')),
                },
            });
            let earlier = wanted.iter_mut().find(|(other, _)| *other == path);
            match (earlier, chosen) {
                (None, chosen) => wanted.push((path, chosen)),
                (Some((_, Some(earlier))), Some(chosen)) => earlier.parts.join(chosen.parts),
                (Some(_), _) => {}
            }
        }
        check_apart(&wanted)?;
        let mut known = self.known();
        let mut recording = Recording::default();
        for (path, chosen) in wanted {
            let is_there = match &chosen {
                Some(chosen) => self.record(chosen, &mut known, &mut recording)?,
                None => self.record_new(path, &mut known, &mut recording)?,
            };
            if !is_there {
                return Err(Error::NotFound {
                    what: format!("`{path}` does not exist"),
                });
            }
        }
        let added = self.write(recording)?;
        known.save();
        Ok(added)
    }

    /// Records tracked data as it is now, and what stages made, with all that they were made of. Data that is absent stays
    /// as it was recorded.
    ///
    /// # Errors
    ///
    /// Fails if a target is not tracked or comes from elsewhere, or if files cannot be written.
    pub fn commit(&self, targets: &[RepoPath]) -> Result<Vec<Added>, Error> {
        let mut known = self.known();
        let mut recording = Recording::default();
        let mut of_stages: Vec<Tracked> = Vec::new();
        for chosen in self.chosen_parts(targets)? {
            if matches!(chosen.tracked.origin, Origin::Stage(_)) {
                let address = chosen.tracked.address();
                if !of_stages.iter().any(|one| one.address() == address) {
                    of_stages.push(chosen.tracked);
                }
            } else if chosen.tracked.out().is_cached {
                self.record(&chosen, &mut known, &mut recording)?;
            }
        }
        for one in of_stages {
            if let Origin::Stage(stage) = &one.origin {
                let is_named = !targets.is_empty();
                self.record_stage((&one.file, stage), is_named, &mut known, &mut recording)?;
            }
        }
        let added = self.write(recording)?;
        known.save();
        Ok(added)
    }

    /// Records data that nothing tracks yet; whether it is there.
    fn record_new(
        &self,
        path: &RepoPath,
        known: &mut Known,
        recording: &mut Recording,
    ) -> Result<bool, Error> {
        let Some(content) = scan(self.root(), path, known, Purpose::Keep(self.cache()))? else {
            return Ok(false);
        };
        let recorded = content.recorded();
        let file = path.parent().join(&format!("{}.dvc", path.name()))?;
        let text = DvcFile::new_text(path.name(), &recorded);
        recording.set(self.root(), &file, Some(text.into_bytes()))?;
        recording.keep(CachedData::of(path, content));
        recording.added.push(Added {
            path: path.clone(),
            file,
            recorded,
            is_changed: true,
        });
        Ok(true)
    }

    /// Records data of a `.dvc` file; whether it is there.
    fn record(
        &self,
        chosen: &Chosen,
        known: &mut Known,
        recording: &mut Recording,
    ) -> Result<bool, Error> {
        let one = &chosen.tracked;
        let Origin::File(_, index) = &one.origin else {
            return Ok(true);
        };
        if chosen.parts.is_whole() && self.is_as_dvc_2_left_it(one, known)? {
            return Ok(true);
        }
        let Some((recorded, kept)) = self.look_and_keep(chosen, known)? else {
            return Ok(false);
        };
        let before = one.out().recorded;
        let is_same = before.map(|before| before.object) == Some(recorded.object);
        if one.is_import() && !is_same {
            return Err(imported(one));
        }
        let is_changed = before != Some(recorded);
        if is_changed {
            // Another out of the same file may have changed its text.
            let text = recording.text(self.root(), &one.file)?.unwrap_or_default();
            let dvc_file = DvcFile::parse(&text, one.file.as_str())?;
            let text = dvc_file.with(*index, &recorded, one.file.as_str())?;
            recording.set(self.root(), &one.file, Some(text.into_bytes()))?;
        }
        recording.keep(kept);
        recording.added.push(Added {
            path: one.path.clone(),
            file: one.file.clone(),
            recorded,
            is_changed,
        });
        Ok(true)
    }

    /// The state of data with what is meant of it kept in the cache; none if it is not there.
    fn look_and_keep(
        &self,
        chosen: &Chosen,
        known: &mut Known,
    ) -> Result<Option<(Recorded, CachedData)>, Error> {
        let (path, parts) = (&chosen.tracked.path, &chosen.parts);
        let keep = Purpose::Keep(self.cache());
        if parts.is_whole() {
            let content = scan(self.root(), path, known, keep)?;
            return Ok(content.map(|content| (content.recorded(), CachedData::of(path, content))));
        }
        let before = chosen.tracked.out().recorded;
        let listed = match before {
            Some(before) if before.object.is_dir => {
                if !self.cache().has(before.object)? {
                    return Err(Error::NotFound {
                        what: format!(
                            "the listing of `{path}` is not in the cache; `everloop data fetch {path}` gets it, and then parts of it can be recorded"
                        ),
                    });
                }
                self.cache().listing(before.object)?.into_files()
            }
            _ => Vec::new(),
        };
        let now = files_now(self.root(), (path, parts), known, keep)?;
        let (gone, mut files): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|(file, _)| parts.has(file));
        if gone.is_empty() && now.files.files().is_empty() {
            return Err(parts.absent_in(path));
        }
        files.extend_from_slice(now.files.files());
        let listing = Listing::new(files);
        let object = self.cache().keep_listing(&listing)?;
        let size = match before {
            Some(before) if before.object == object => before.size,
            // As with DVC: only what is added is counted, for the rest is not looked at.
            Some(before) if gone.is_empty() => match before.size.filter(|size| *size > 0) {
                Some(size) => Some(size + self.size_of(path, &now.files)?),
                None => None,
            },
            _ => None,
        };
        let recorded = Recorded {
            object,
            size,
            n_files: Some(listing.files().len() as u64),
            is_executable: false,
        };
        Ok(Some((recorded, CachedData::parts(path, now.loose))))
    }

    fn size_of(&self, path: &RepoPath, files: &Listing) -> Result<u64, Error> {
        let place = path.under(self.root());
        let sizes = files.files().iter().map(|(file, _)| {
            let file = place.join(file);
            let metadata = fs::metadata(&file);
            Ok(metadata
                .map_err(|error| Error::file("read", &file, error))?
                .len())
        });
        sizes.sum()
    }

    /// A record of DVC 2 stays one as long as it is right.
    fn is_as_dvc_2_left_it(&self, one: &Tracked, known: &mut Known) -> Result<bool, Error> {
        let hashing = one.hashing();
        if hashing == Hashing::Plain {
            return Ok(false);
        }
        let now = scan(self.root(), &one.path, known, Purpose::Compare(hashing))?;
        let recorded = one.out().recorded.map(|recorded| recorded.object);
        Ok(now.map(|now| now.object(hashing)) == recorded)
    }

    fn check_target(
        &self,
        target: &RepoPath,
        above: Option<&Tracked>,
        tracked: &[Tracked],
    ) -> Result<(), Error> {
        let conflict = |what: String| Err(Error::Conflict { what });
        if target.as_str().is_empty() {
            return conflict(
                "the whole repository cannot be data of itself; name a part".to_owned(),
            );
        }
        if let Some(above) = above {
            return check_again(target, above);
        }
        let is_file_of_dvc = is_dvc_file(target.name())
            || target.name() == stages::FILE
            || target.name() == "dvc.lock";
        if is_file_of_dvc && target.under(self.root()).is_file() {
            return conflict(format!("`{target}` is a file of DVC, and not data"));
        }
        if let Some(one) = tracked.iter().find(|one| one.path.is_in(target)) {
            return conflict(format!(
                "`{}` in `{target}` is tracked by `{}`; remove that first",
                one.path,
                one.address()
            ));
        }
        let file = target.parent().join(&format!("{}.dvc", target.name()))?;
        if file.under(self.root()).exists() {
            return conflict(format!("`{file}` exists, and tracks something else"));
        }
        if !git::is_used(self.root()) {
            return Ok(());
        }
        if git::tracks(self.root(), target) {
            return conflict(format!(
                "git has `{target}`; take it out with `git rm -r --cached '{target}'`"
            ));
        }
        Ok(())
    }
}

/// Whether what is tracked already may be recorded again.
fn check_again(target: &RepoPath, above: &Tracked) -> Result<(), Error> {
    let conflict = |what: String| Err(Error::Conflict { what });
    if let Some(stage) = above.stage() {
        return conflict(format!(
            "`{target}` is an output of stage `{stage}`; run that, or `everloop data commit {}` records what is there",
            above.path
        ));
    }
    if above.is_import() {
        return Err(imported(above));
    }
    if !above.out().is_cached {
        return conflict(format!("`{target}` is git's, as `{}` says", above.file));
    }
    let is_file = above.out().recorded.is_some_and(|one| !one.object.is_dir);
    if *target != above.path && is_file {
        return conflict(format!(
            "`{}` is tracked as a file by `{}`; `everloop data commit {}` makes it a directory",
            above.path, above.file, above.path
        ));
    }
    Ok(())
}

/// No target may lie in another one.
fn check_apart(wanted: &[(&RepoPath, Option<Chosen>)]) -> Result<(), Error> {
    for (path, _) in wanted {
        let mut others = wanted.iter().filter(|(other, _)| other != path);
        if let Some((above, _)) = others.find(|(other, _)| path.is_in(other)) {
            return Err(Error::Conflict {
                what: format!("`{path}` is a part of `{above}`; name one of the two"),
            });
        }
    }
    Ok(())
}

fn imported(one: &Tracked) -> Error {
    Error::Conflict {
        what: format!(
            "`{}` is imported by `{}`; only its source may change it",
            one.path, one.file
        ),
    }
}
