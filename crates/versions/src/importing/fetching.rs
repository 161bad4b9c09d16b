//! Imported data whose objects are not here, from where it was imported.

use std::collections::HashMap;
use std::path::Path;

use super::places::Place;
use super::seen_from;
use crate::cache::file_id;
use crate::dvc_file::Recorded;
use crate::imports::{Import, PlaceState};
use crate::remote::in_words;
use crate::repository::Repository;
use crate::source::{At, Scratch, Source};
use crate::tracked::Chosen;
use crate::transfer::Transferred;
use crate::{Error, RepoPath};

impl Repository {
    /// Gets imported data whose objects are not here from where it was imported. What cannot be had is told, not refused.
    pub(crate) fn fetch_imports(&self, chosen: &[Chosen]) -> Result<Transferred, Error> {
        let mut sum = Transferred::default();
        let mut sources: HashMap<(String, String), Source> = HashMap::new();
        let mut scratch = None;
        for Chosen { tracked: one, .. } in chosen {
            let Some(import) = self.import_of(one)? else {
                continue;
            };
            let expected = self.recorded_or_fetched(one)?;
            let is_here = expected.map(|expected| self.is_in_cache(&expected));
            if is_here.transpose()? == Some(true) {
                continue;
            }
            let dir = one.file.parent().under(self.root());
            let name = import.md5(&one.out().path, None);
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
                Import::Place { path, state } => {
                    let got = self.fetch_place((&dir, &path), state.as_ref(), one.out().recorded);
                    match got.transpose() {
                        Some(got) => got,
                        // A remote may have it.
                        None => continue,
                    }
                }
                Import::Repository { .. } => continue,
            };
            let recorded = one.out().recorded;
            let object = recorded.map_or_else(|| file_id(name), |recorded| recorded.object);
            match got {
                Ok(got) if recorded.is_none_or(|recorded| recorded.object == got.object) => {
                    sum.n_objects += got.n_files.map_or(1, |n_files| n_files as usize + 1);
                    sum.n_bytes += got.size.unwrap_or_default();
                    if recorded.is_none() {
                        self.note_fetched(name, &got)?;
                    }
                }
                Ok(got) => sum.problems.push((
                    object,
                    format!(
                        "the source of `{}` has {} in its place",
                        one.path, got.object
                    ),
                )),
                Err(error) => sum.problems.push((object, in_words(&error))),
            }
        }
        Ok(sum)
    }

    /// Gets the data of a place as it was recorded. None where a remote should have it.
    fn fetch_place(
        &self,
        (dir, path): (&Path, &str),
        state: Option<&PlaceState>,
        recorded: Option<Recorded>,
    ) -> Result<Option<Recorded>, Error> {
        let place = self.place_of(dir, path);
        if recorded.is_some() {
            // Others are asked over the network only if no remote can be.
            let is_near = matches!(place, Ok(Place::Here(_)));
            if !is_near && self.config().get("core", "remote").is_some() {
                return Ok(None);
            }
            let now = place.and_then(|place| Ok((self.look(&place)?, place)));
            return match now {
                Ok((now, place)) if now.is_same(state) => Ok(self.read_place(&place, true)?.1),
                _ => Ok(None),
            };
        }
        let (now, recorded) = self.read_place(&place?, true)?;
        if state.is_some() && !now.is_same(state) {
            return Err(Error::Conflict {
                what: format!(
                    "`{path}` has changed since it was imported; `everloop data update` takes it as it is now"
                ),
            });
        }
        Ok(recorded)
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
}
