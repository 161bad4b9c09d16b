//! Places that data is imported from: of this machine, or beyond the network.

use std::path::{Path, PathBuf};

use crate::config::{is_url, lexical};
use crate::dvc_file::Recorded;
use crate::imports::PlaceState;
use crate::md5::Hashing;
use crate::outside::{Led, Outside};
use crate::repository::Repository;
use crate::scan::{Content, Purpose, scan};
use crate::source::Scratch;
use crate::{Error, RepoPath};

/// Where data is imported from that no repository has.
pub(super) enum Place {
    /// A file or directory of this machine.
    Here(PathBuf),
    /// Beyond the network.
    There(Box<Outside>),
}

impl Repository {
    /// Where a place is; a relative one is seen from `from`.
    pub(super) fn place_of(&self, from: &Path, place: &str) -> Result<Place, Error> {
        let path = place.strip_prefix("file://").unwrap_or(place);
        if !is_url(path) {
            return Ok(Place::Here(lexical(&from.join(path))));
        }
        Ok(match Outside::open(self, path)? {
            Led::Here(there) => Place::Here(there),
            Led::There(outside) => Place::There(outside),
        })
    }

    /// The state of the data of a place.
    pub(super) fn look(&self, place: &Place) -> Result<PlaceState, Error> {
        match place {
            Place::Here(there) => {
                let looked = self.scan_at(there, false)?;
                Ok(PlaceState::Content(looked.recorded()))
            }
            Place::There(outside) => outside.look(),
        }
    }

    /// The state of the data of a place and, if it is to be downloaded, of what was kept of it.
    pub(super) fn read_place(
        &self,
        place: &Place,
        is_downloaded: bool,
    ) -> Result<(PlaceState, Option<Recorded>), Error> {
        let (state, recorded) = match place {
            _ if !is_downloaded => return Ok((self.look(place)?, None)),
            Place::Here(there) => {
                let kept = self.scan_at(there, true)?.recorded();
                (PlaceState::Content(kept), kept)
            }
            Place::There(outside) => outside.keep(self.cache())?,
        };
        // Only the source is recorded as executable.
        let is_executable = false;
        Ok((
            state,
            Some(Recorded {
                is_executable,
                ..recorded
            }),
        ))
    }

    /// What is recorded of a place beyond the network, if it has not changed, and if its data is here: nothing is read then.
    pub(super) fn recorded_place(
        &self,
        place: &Place,
        state: Option<&PlaceState>,
        recorded: Option<Recorded>,
    ) -> Result<Option<(PlaceState, Recorded)>, Error> {
        let (Place::There(outside), Some(recorded)) = (place, recorded) else {
            return Ok(None);
        };
        if !self.is_in_cache(&recorded)? {
            return Ok(None);
        }
        let now = outside.look()?;
        Ok(now.is_same(state).then_some((now, recorded)))
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
