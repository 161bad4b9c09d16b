//! Bringing data in from other repositories and places, and up to date with them.

use std::collections::HashMap;
use std::path::Path;

use crate::checkout::check_parents;
use crate::config::{lexical, relative};
use crate::dvc_file::{DvcFile, Recorded};
use crate::imports::Import;
use crate::md5::Hashing;
use crate::repository::Repository;
use crate::scan::{Content, Purpose, scan};
use crate::source::{At, Scratch, Source};
use crate::tracked::{Chosen, Origin, is_dvc_file};
use crate::transfer::Transferred;
use crate::whole::write_whole;
use crate::{Error, RepoPath, git};

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
        let scratch = Scratch::new(&self.tmp())?;
        let at = rev.map_or(At::Head, At::Revision);
        let source = Source::open(&seen_from(&[from], place), at, &scratch, self.machine())?;
        let data = RepoPath::default().join(path)?;
        let recorded = if is_downloaded {
            Some(source.keep(&data, self.cache(), &scratch)?)
        } else {
            source.find(&data, self.cache())?;
            None
        };
        let import = Import::Repository {
            url: place.to_owned(),
            path: path.to_owned(),
            rev: rev.map(str::to_owned),
            rev_lock: source.commit().map(str::to_owned),
        };
        self.finish_import(import, out, recorded, is_forced)
    }

    /// Imports a file or directory of this machine to `out`. A relative `place` is seen from `from`.
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
        let there = local(from, place)?;
        let looked = self.look_at(&there)?;
        if is_downloaded {
            self.keep_place(&there)?;
        }
        let path = if Path::new(place).is_absolute() {
            place.to_owned()
        } else {
            relative(&out.parent().under(self.root()), &there)
        };
        let import = Import::Place {
            path,
            recorded: Some(looked),
        };
        let recorded = is_downloaded.then_some(Recorded {
            is_executable: false,
            ..looked
        });
        self.finish_import(import, out, recorded, is_forced)
    }

    /// Brings imported data up to date with its source: of a repository with the newest commit of the recorded revision,
    /// or of another one.
    ///
    /// # Errors
    ///
    /// Fails if a target is no import, or if its source cannot be read.
    pub fn update(
        &self,
        from: &Path,
        target: &RepoPath,
        rev: Option<&str>,
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
        let (import, recorded) = match import {
            Import::Repository {
                url,
                path,
                rev: old,
                ..
            } => {
                let scratch = Scratch::new(&self.tmp())?;
                let rev = rev.map(str::to_owned).or(old);
                let at = rev.as_deref().map_or(At::Head, At::Revision);
                let there = seen_from(&[from, &dir, self.root()], &url);
                let source = Source::open(&there, at, &scratch, self.machine())?;
                let data = RepoPath::default().join(&path)?;
                let recorded = source.keep(&data, self.cache(), &scratch)?;
                let rev_lock = source.commit().map(str::to_owned);
                (
                    Import::Repository {
                        url,
                        path,
                        rev,
                        rev_lock,
                    },
                    recorded,
                )
            }
            Import::Place { path, .. } => {
                let there = local(&dir, &path)?;
                let looked = self.keep_place(&there)?;
                let recorded = Some(looked);
                (
                    Import::Place { path, recorded },
                    Recorded {
                        is_executable: false,
                        ..looked
                    },
                )
            }
        };
        self.finish_import(import, &one.path, Some(recorded), false)
    }

    /// Gets imported data whose objects are not here from where it was imported. What cannot be had is told, not refused.
    pub(crate) fn fetch_imports(&self, chosen: &[Chosen]) -> Result<Transferred, Error> {
        let mut sum = Transferred::default();
        let mut sources: HashMap<(String, String), Source> = HashMap::new();
        let mut scratch = None;
        for Chosen { tracked: one, .. } in chosen {
            let Origin::File(file, _) = &one.origin else {
                continue;
            };
            let (true, Some(recorded)) = (one.is_import(), one.out().recorded) else {
                continue;
            };
            let Some(import) = Import::parse(file.text()) else {
                continue;
            };
            if self.is_in_cache(&recorded)? {
                continue;
            }
            let dir = one.file.parent().under(self.root());
            let got = match import {
                Import::Repository {
                    url,
                    path,
                    rev_lock: Some(rev),
                    ..
                } => {
                    let scratch = match &mut scratch {
                        Some(scratch) => scratch,
                        none => none.insert(Scratch::new(&self.tmp())?),
                    };
                    let there = seen_from(&[&dir, self.root()], &url);
                    self.keep_from(&mut sources, (there, rev), &path, scratch)
                }
                // A remote has it, too, if it was pushed.
                Import::Place { path, .. } => match local(&dir, &path) {
                    Ok(there)
                        if self
                            .look_at(&there)
                            .is_ok_and(|now| now.object == recorded.object) =>
                    {
                        self.keep_place(&there)
                    }
                    _ => continue,
                },
                Import::Repository { .. } => continue,
            };
            match got {
                Ok(got) if got.object == recorded.object => {
                    sum.n_objects += got.n_files.map_or(1, |n_files| n_files as usize + 1);
                    sum.n_bytes += got.size.unwrap_or_default();
                }
                Ok(got) => sum.problems.push((
                    recorded.object,
                    format!(
                        "the source of `{}` has {} in its place",
                        one.path, got.object
                    ),
                )),
                Err(error) => sum.problems.push((recorded.object, error.to_string())),
            }
        }
        Ok(sum)
    }

    fn keep_from(
        &self,
        sources: &mut HashMap<(String, String), Source>,
        (place, rev): (String, String),
        path: &str,
        scratch: &Scratch,
    ) -> Result<Recorded, Error> {
        let key = (place, rev);
        if !sources.contains_key(&key) {
            let source = Source::open(&key.0, At::Revision(&key.1), scratch, self.machine())?;
            sources.insert(key.clone(), source);
        }
        let data = RepoPath::default().join(path)?;
        match sources.get(&key) {
            Some(source) => source.keep(&data, self.cache(), scratch),
            None => Err(Error::NotFound {
                what: format!("`{}` cannot be read", key.0),
            }),
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

    /// Puts imported data into the workspace, and writes its `.dvc` file.
    fn finish_import(
        &self,
        import: Import,
        out: &RepoPath,
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
        let text = import.text(out.name(), recorded.as_ref());
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

    /// The state of a file or directory anywhere on this machine.
    fn look_at(&self, there: &Path) -> Result<Recorded, Error> {
        Ok(self.scan_at(there, false)?.recorded())
    }

    fn keep_place(&self, there: &Path) -> Result<Recorded, Error> {
        Ok(self.scan_at(there, true)?.recorded())
    }

    fn scan_at(&self, there: &Path, is_kept: bool) -> Result<Content, Error> {
        let absent = || Error::NotFound {
            what: format!("`{}` does not exist", there.display()),
        };
        let top = there.parent().ok_or_else(absent)?;
        let path = RepoPath::of(top, there)?;
        // Of other people's files nothing is remembered.
        let scratch = Scratch::new(&self.tmp())?;
        let mut known = crate::known::Known::load(scratch.path());
        // Other people's files get no links to our objects.
        let store = self.cache().with_copies();
        let purpose = if is_kept {
            Purpose::Keep(&store)
        } else {
            Purpose::Compare(Hashing::Plain)
        };
        scan(top, &path, &mut known, purpose)?.ok_or_else(absent)
    }
}

/// The keys of a file with their values: DVC puts those that come later behind the others.
fn lines(text: &str) -> Vec<String> {
    let key = |line: &'_ str| line.trim_start_matches(['-', ' ']).trim_end().to_owned();
    let mut lines: Vec<String> = text.lines().map(key).collect();
    lines.sort_unstable();
    lines
}

/// A place as it is seen from the first of some directories where it exists; a URL stays one.
fn seen_from(dirs: &[&Path], place: &str) -> String {
    if crate::config::is_url(place) {
        return place.to_owned();
    }
    let mut places = dirs.iter().map(|dir| lexical(&dir.join(place)));
    let found = places.find(|place| place.exists());
    found.map_or_else(|| place.to_owned(), |place| place.display().to_string())
}

/// A file or directory of this machine.
fn local(from: &Path, place: &str) -> Result<std::path::PathBuf, Error> {
    let path = place.strip_prefix("file://").unwrap_or(place);
    if crate::config::is_url(path) {
        return Err(Error::form(
            place,
            "only files and directories of this machine can be imported so; download it and `everloop data add` it",
        ));
    }
    Ok(lexical(&from.join(path)))
}
