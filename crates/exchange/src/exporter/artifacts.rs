//! Artifacts from our places to a directory.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use everloop_artifacts::{Place, StorageKey};
use futures::StreamExt as _;

use super::Export;
use crate::Error;

impl Export<'_> {
    /// Copies artifacts to a place in the store, `written`, where they have the location `uri` in the end; gives their location.
    pub(super) async fn take(
        &mut self,
        location: &str,
        written: &str,
        uri: &str,
        what: &str,
    ) -> Result<String, Error> {
        let Some(places) = self.exporter.places else {
            self.n_served += u64::from(location.starts_with("mlflow-artifacts:"));
            return Ok(location.to_owned());
        };
        let Ok(place) = places.find(location) else {
            if !location.is_empty() {
                let why = format!("its artifacts stay at {location}");
                self.report.remark(what, why);
            }
            return Ok(location.to_owned());
        };
        match copy(location, &place, &self.target.path(written)).await {
            Ok(n_files) => {
                self.report.n_files += n_files;
                let location = location.trim_end_matches('/').to_owned();
                let uri = self.target.uri(uri);
                self.moved.insert(location, uri.clone());
                Ok(uri)
            }
            // A file that cannot be read does not keep the run away.
            Err(error) => {
                self.report.spoilt(format!("artifacts of {what}"), error)?;
                Ok(location.to_owned())
            }
        }
    }

    /// Where a location at or below one that was copied is now.
    pub(super) fn now_at(&self, location: &str) -> Option<String> {
        let location = location.trim_end_matches('/');
        let slashes = location.rmatch_indices('/').map(|(end, _)| end);
        [location.len()].into_iter().chain(slashes).find_map(|end| {
            let new = self.moved.get(&location[..end])?;
            Some(format!("{new}{}", &location[end..]))
        })
    }
}

/// Copies all files at a place; gives how many there were.
async fn copy(location: &str, place: &Place, to: &Path) -> Result<u64, Error> {
    let Some(root) = &place.key else {
        return Err(Error::Nonsense {
            path: location.to_owned(),
            problem: "it is the root of a store, with the artifacts of all others".to_owned(),
        });
    };
    let mut n_files = 0;
    let mut open = vec![(root.clone(), to.to_owned())];
    while let Some((key, dir)) = open.pop() {
        for entry in place.store.list(Some(&key)).await? {
            let below = StorageKey::parse(&format!("{key}/{}", entry.name))?;
            let path = dir.join(&entry.name);
            if entry.is_dir {
                open.push((below, path));
            } else {
                fs::create_dir_all(&dir).map_err(|source| Error::write(&dir, source))?;
                fetch(place, &below, &path).await?;
                n_files += 1;
            }
        }
    }
    Ok(n_files)
}

async fn fetch(place: &Place, key: &StorageKey, path: &Path) -> Result<(), Error> {
    let reading = place.store.read(key, None).await?;
    let mut pieces = reading.pieces;
    let failed = |source| Error::write(path, source);
    let mut file = File::create(path).map_err(failed)?;
    while let Some(piece) = pieces.next().await {
        file.write_all(&piece?).map_err(failed)?;
    }
    Ok(())
}
