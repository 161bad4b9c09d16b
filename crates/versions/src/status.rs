//! How the workspace differs from what is recorded.

use crate::compare::differences;
use crate::known::Known;
use crate::listing::Listing;
use crate::parts::{Parts, files_now};
use crate::repository::Repository;
use crate::scan::{Content, Purpose, scan};
use crate::tracked::{Chosen, Tracked};
use crate::{Error, RepoPath};

/// How data stands to its `.dvc` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it was recorded.
    Unchanged,
    /// Not as it was recorded.
    Modified,
    /// Recorded, and not in the workspace.
    Deleted,
    /// In the workspace, and never recorded.
    New,
}

/// The state of tracked data.
#[derive(Clone, Debug)]
pub struct Status {
    /// What is tracked.
    pub tracked: Tracked,
    /// The data that was looked at: all of it, or a part of a directory.
    pub path: RepoPath,
    /// How it stands.
    pub state: State,
    /// Whether what is recorded is in the cache; of a directory, whether its listing is.
    pub is_in_cache: bool,
    /// Files of a directory that were added, modified and deleted, as far as the cache knows the old ones.
    pub files: [Vec<String>; 3],
}

impl Repository {
    /// The state of the chosen data.
    ///
    /// # Errors
    ///
    /// Fails if a target is not tracked, or if files cannot be read.
    pub fn status(&self, targets: &[RepoPath]) -> Result<Vec<Status>, Error> {
        let mut known = self.known();
        let mut statuses = Vec::new();
        for Chosen { tracked, parts } in self.chosen_parts(targets)? {
            if !parts.is_whole() {
                for part in parts.iter() {
                    statuses.push(self.status_of_part(&tracked, part, &mut known)?);
                }
                continue;
            }
            let now = scan(
                self.root(),
                &tracked.path,
                &mut known,
                Purpose::Compare(tracked.hashing()),
            )?;
            statuses.push(self.compare(tracked, now)?);
        }
        known.save();
        Ok(statuses)
    }

    fn compare(&self, tracked: Tracked, now: Option<Content>) -> Result<Status, Error> {
        let recorded = tracked.out().recorded;
        let state = match (recorded, &now) {
            (_, None) => State::Deleted,
            (None, Some(_)) => State::New,
            (Some(recorded), Some(now))
                if recorded.object == now.object(recorded.object.hashing) =>
            {
                State::Unchanged
            }
            (Some(_), Some(_)) => State::Modified,
        };
        let is_in_cache = match recorded {
            Some(recorded) if tracked.out().is_cached => self.cache().has(recorded.object)?,
            _ => true,
        };
        let mut files = Default::default();
        if let (State::Modified, Some(recorded), Some(now)) = (state, recorded, now)
            && recorded.object.is_dir
            && is_in_cache
        {
            let before = self.cache().listing(recorded.object)?;
            files = differences(before.files(), now.into_parts().0.files());
        }
        Ok(Status {
            path: tracked.path.clone(),
            tracked,
            state,
            is_in_cache,
            files,
        })
    }

    fn status_of_part(
        &self,
        tracked: &Tracked,
        part: &str,
        known: &mut Known,
    ) -> Result<Status, Error> {
        let parts = Parts::of(part);
        let purpose = Purpose::Compare(tracked.hashing());
        let now = files_now(self.root(), (&tracked.path, &parts), known, purpose)?.files;
        let recorded = tracked.out().recorded.filter(|one| one.object.is_dir);
        let before = match recorded {
            Some(recorded) if !self.cache().has(recorded.object)? => {
                return Err(Error::NotFound {
                    what: format!(
                        "the listing of `{0}` is not in the cache, so its parts are not known; `everloop data fetch {0}` gets it",
                        tracked.path
                    ),
                });
            }
            Some(recorded) => parts.pick(self.cache().listing(recorded.object)?),
            None => Listing::default(),
        };
        let (before, now) = (before.files(), now.files());
        let state = match (before.is_empty(), now.is_empty()) {
            (true, true) => return Err(parts.absent_in(&tracked.path)),
            (true, false) => State::New,
            (false, true) => State::Deleted,
            (false, false) if before == now => State::Unchanged,
            (false, false) => State::Modified,
        };
        let files = match state {
            State::Modified => differences(before, now),
            _ => Default::default(),
        };
        Ok(Status {
            path: tracked.path.join(part)?,
            tracked: tracked.clone(),
            state,
            is_in_cache: true,
            files,
        })
    }
}
