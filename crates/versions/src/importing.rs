//! Bringing data in from other repositories and places, and up to date with them.

mod fetching;
mod places;

use std::path::Path;

use crate::checkout::check_parents;
use crate::config::{is_url, lexical, relative};
use crate::dvc_file::{DvcFile, Recorded};
use crate::imports::Import;
use crate::repository::Repository;
use crate::source::{At, Scratch, Source};
use crate::tracked::is_dvc_file;
use crate::whole::write_whole;
use crate::{Error, RepoPath, git};
use places::Place;

/// What was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The `.dvc` file.
    pub file: RepoPath,
    /// The data.
    pub path: RepoPath,
    /// Where it comes from.
    pub import: Import,
    /// Its state; none if it was not downloaded.
    pub recorded: Option<Recorded>,
    /// Whether the `.dvc` file says something else than before.
    pub is_changed: bool,
}

impl Repository {
    /// Imports data of another repository to `out`. `place` is a directory as seen from `from`, or a URL.
    ///
    /// # Errors
    ///
    /// Fails if the source has no such data, or if something is at `out` and `is_forced` is not set.
    pub fn import(
        &self,
        from: &Path,
        (place, path, rev): (&str, &str, Option<&str>),
        out: &RepoPath,
        (is_forced, is_downloaded): (bool, bool),
    ) -> Result<Imported, Error> {
        self.check_out(out, is_forced)?;
        let there = seen_from(&[from], place);
        let (rev_lock, recorded) = self.read_repository(&there, path, rev, is_downloaded)?;
        let import = Import::Repository {
            url: place.to_owned(),
            path: path.to_owned(),
            rev: rev.map(str::to_owned),
            rev_lock,
        };
        self.finish_import(import, (out, recorded), recorded, is_forced)
    }

    /// Imports a file or directory to `out`: of this machine, where a relative `place` is seen from `from`, or of a URL.
    ///
    /// # Errors
    ///
    /// Fails if nothing is there, or if something is at `out` and `is_forced` is not set.
    pub fn import_place(
        &self,
        from: &Path,
        place: &str,
        out: &RepoPath,
        (is_forced, is_downloaded): (bool, bool),
    ) -> Result<Imported, Error> {
        self.check_out(out, is_forced)?;
        let origin = self.place_of(from, place)?;
        let (state, recorded) = self.read_place(&origin, is_downloaded)?;
        let path = match &origin {
            Place::Here(there) if !is_url(place) && !Path::new(place).is_absolute() => {
                relative(&out.parent().under(self.root()), there)
            }
            _ => place.to_owned(),
        };
        let state = Some(state);
        let import = Import::Place { path, state };
        self.finish_import(import, (out, recorded), recorded, is_forced)
    }

    /// Brings imported data up to date with its source: of a repository with the newest commit of the recorded revision,
    /// or of another one. Without `is_downloaded` only what is recorded of the source changes.
    ///
    /// # Errors
    ///
    /// Fails if a target is no import, or if its source cannot be read.
    pub fn update(
        &self,
        from: &Path,
        target: &RepoPath,
        (rev, is_downloaded): (Option<&str>, bool),
    ) -> Result<Imported, Error> {
        let one = self
            .present()?
            .into_iter()
            .find(|one| one.file == *target || one.path == *target);
        let refused = || Error::NotFound {
            what: format!("`{target}` is no import; `everloop data import` makes one"),
        };
        let one = one.ok_or_else(refused)?;
        let place = one.file.under(self.root());
        let text = std::fs::read(&place).map_err(|error| Error::file("read", &place, error))?;
        let file = DvcFile::parse(&text, one.file.as_str())?;
        let import = Import::parse(file.text()).filter(|_| is_dvc_file(one.file.name()));
        let import = import.ok_or_else(refused)?;
        let name = file.outs.first().map_or("", |out| out.path.as_str());
        if lines(&import.text(name, one.recorded.as_ref())) != lines(file.text()) {
            return Err(Error::form(
                &one.file,
                "it has more than an import writes, which an update would lose; import the data again with `--force`",
            ));
        }
        let dir = one.file.parent().under(self.root());
        let asked = (rev, is_downloaded);
        let (import, recorded, is_same) =
            self.renewed(import, one.recorded, (from, &dir), asked)?;
        if !is_downloaded && is_same && one.recorded.is_some() {
            return self.finish_import(import, (&one.path, one.recorded), one.recorded, false);
        }
        // Of what is not downloaded, DVC's digest of the file is of the content before.
        let seen = if is_downloaded {
            recorded
        } else {
            one.recorded
        };
        self.finish_import(import, (&one.path, seen), recorded, false)
    }

    /// An import as its source is now, the state of what was downloaded, and whether the source is as it was recorded.
    fn renewed(
        &self,
        import: Import,
        recorded: Option<Recorded>,
        (from, dir): (&Path, &Path),
        (rev, is_downloaded): (Option<&str>, bool),
    ) -> Result<(Import, Option<Recorded>, bool), Error> {
        match import {
            Import::Repository {
                url,
                path,
                rev: old,
                rev_lock,
            } => {
                let rev = rev.map(str::to_owned).or(old);
                let there = seen_from(&[from, dir, self.root()], &url);
                let (new_lock, recorded) =
                    self.read_repository(&there, &path, rev.as_deref(), is_downloaded)?;
                let is_same = new_lock == rev_lock;
                let rev_lock = new_lock;
                let import = Import::Repository {
                    url,
                    path,
                    rev,
                    rev_lock,
                };
                Ok((import, recorded, is_same))
            }
            Import::Place { path, state } => {
                let place = self.place_of(dir, &path)?;
                let now = self.recorded_place(&place, state.as_ref(), recorded)?;
                let (now, recorded) = match now {
                    Some((state, recorded)) => (state, Some(recorded)),
                    None => self.read_place(&place, is_downloaded)?,
                };
                let is_same = now.is_same(state.as_ref());
                let state = Some(now);
                Ok((Import::Place { path, state }, recorded, is_same))
            }
        }
    }

    fn check_out(&self, out: &RepoPath, is_forced: bool) -> Result<(), Error> {
        check_parents(self.root(), out)?;
        if out.as_str().is_empty() || is_dvc_file(out.name()) {
            return Err(Error::Path {
                path: out.to_string(),
                problem: "it is a place of data that is needed".to_owned(),
            });
        }
        let file = out.parent().join(&format!("{}.dvc", out.name()))?;
        for place in [out, &file] {
            if place.under(self.root()).symlink_metadata().is_ok() && !is_forced {
                return Err(Error::Conflict {
                    what: format!("`{place}` exists; `--force` replaces it"),
                });
            }
        }
        let tracked = self.tracked()?;
        let other = tracked.iter().find(|one| {
            (out.is_in(&one.path) || one.path.is_in(out)) && (one.path != *out || one.file != file)
        });
        match other {
            Some(one) => Err(Error::Conflict {
                what: format!(
                    "`{}` is tracked by `{}`; remove that file first",
                    one.path, one.file
                ),
            }),
            None => Ok(()),
        }
    }

    /// Puts imported data into the workspace, and writes its `.dvc` file. The digest of the file is made of the state `seen`.
    fn finish_import(
        &self,
        import: Import,
        (out, seen): (&RepoPath, Option<Recorded>),
        recorded: Option<Recorded>,
        is_forced: bool,
    ) -> Result<Imported, Error> {
        if let Some(recorded) = recorded {
            if is_forced {
                self.remove(out)?;
            }
            let mut known = self.known();
            self.restore(out, recorded, &mut known)?;
            known.save();
        }
        let md5 = import.md5(out.name(), seen.as_ref());
        let text = import.text_under(md5, out.name(), recorded.as_ref());
        let file = out.parent().join(&format!("{}.dvc", out.name()))?;
        let place = file.under(self.root());
        let is_changed = std::fs::read(&place).ok().as_deref() != Some(text.as_bytes());
        if is_changed {
            write_whole(&place, text.as_bytes())?;
        }
        git::ignore(self.root(), out)?;
        let ignore = out.parent().join(".gitignore")?;
        self.stage_for_git(&[file.as_str(), ignore.as_str()]);
        Ok(Imported {
            file,
            path: out.clone(),
            import,
            recorded,
            is_changed,
        })
    }

    /// The commit of a repository and, if it is to be downloaded, the state of its data that was kept.
    fn read_repository(
        &self,
        there: &str,
        path: &str,
        rev: Option<&str>,
        is_downloaded: bool,
    ) -> Result<(Option<String>, Option<Recorded>), Error> {
        let scratch = Scratch::new(&self.tmp())?;
        let at = rev.map_or(At::Head, At::Revision);
        let source = Source::open(there, at, &scratch, self.machine())?;
        let data = RepoPath::default().join(path)?;
        let recorded = if is_downloaded {
            Some(source.keep(&data, self.cache(), &scratch)?)
        } else {
            source.find(&data, self.cache())?;
            None
        };
        Ok((source.commit().map(str::to_owned), recorded))
    }
}

/// The keys of a file with their values: DVC puts those that come later behind the others. The digest of the file is left out.
fn lines(text: &str) -> Vec<String> {
    let key = |line: &'_ str| line.trim_start_matches(['-', ' ']).trim_end().to_owned();
    let lines = text.lines().filter(|line| !line.starts_with("md5: "));
    let mut lines: Vec<String> = lines.map(key).collect();
    lines.sort_unstable();
    lines
}

/// A place as it is seen from the first of some directories where it exists; a URL stays one.
fn seen_from(dirs: &[&Path], place: &str) -> String {
    if is_url(place) {
        return place.to_owned();
    }
    let mut places = dirs.iter().map(|dir| lexical(&dir.join(place)));
    let found = places.find(|place| place.exists());
    found.map_or_else(|| place.to_owned(), |place| place.display().to_string())
}
