//! The places whose artifacts this program reads and writes.
//!
//! A client may give an experiment or a model any location, so a location is followed only below the places that the
//! operator chose. All others are the clients' own.

use std::path::{Component, Path, PathBuf};

use crate::{Error, StorageKey, Store};

/// What the artifacts of this program are called.
const OWN: &str = "mlflow-artifacts:";

/// The places that the operator chose.
#[derive(Clone, Debug)]
pub struct Places {
    own: Store,
    root: String,
    chosen: Vec<(Root, Store)>,
}

/// What the locations of a place begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Root {
    Dir(PathBuf),
    Url(String),
}

/// Where an artifact location leads: a store, and a key in it; without one, the store's root.
#[derive(Clone, Debug)]
pub struct Place {
    /// The store.
    pub store: Store,
    /// The key.
    pub key: Option<StorageKey>,
}

impl Places {
    /// Opens the place of `mlflow-artifacts:` locations, and the one of new experiments: `mlflow-artifacts:` again, a place of
    /// its own, or one that only clients know (`http://…`).
    ///
    /// # Errors
    ///
    /// [`Error::Place`] if the first is no place that can be opened.
    pub fn open(own: &str, root: &str, settings: &[(String, String)]) -> Result<Self, Error> {
        let store = Store::open(own, settings)?;
        let mut chosen = vec![(Root::of(own), store.clone())];
        let root = root.trim_end_matches('/');
        let is_own = root.starts_with(OWN) || root.starts_with("http");
        if !is_own && Root::of(root) != chosen[0].0 {
            chosen.push((Root::of(root), Store::open(root, settings)?));
        }
        Ok(Self {
            own: store,
            root: root.to_owned(),
            chosen,
        })
    }

    /// One local store, to which all artifacts go.
    #[must_use]
    pub fn of(own: Store) -> Self {
        let dir = own
            .dir()
            .map(|dir| (Root::Dir(dir.to_owned()), own.clone()));
        Self {
            chosen: dir.into_iter().collect(),
            root: OWN.to_owned(),
            own,
        }
    }

    /// The store of `mlflow-artifacts:` locations.
    #[must_use]
    pub fn own(&self) -> &Store {
        &self.own
    }

    /// Where artifacts of new experiments go.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Where a location leads.
    ///
    /// # Errors
    ///
    /// [`Error::Place`] if it is below no place that the operator chose, [`Error::Path`] if it is hostile.
    pub fn find(&self, location: &str) -> Result<Place, Error> {
        // The own place may also be told as the address of the endpoint that leads to it.
        let by_address = || {
            let is_endpoint = self.root.ends_with("/mlflow-artifacts/artifacts");
            location
                .strip_prefix(self.root.as_str())
                .filter(|_| is_endpoint)
        };
        if let Some(path) = location.strip_prefix(OWN).or_else(by_address) {
            return Place::at(&self.own, path);
        }
        for (root, store) in &self.chosen {
            if let Some(path) = root.strip(location) {
                return Place::at(store, &path);
            }
        }
        Err(Error::Place {
            uri: location.to_owned(),
            problem: "it is none of this server's places: ask the client that wrote it",
        })
    }
}

impl Root {
    fn of(uri: &str) -> Self {
        match local_path(uri) {
            Some(path) => Self::Dir(path),
            None => Self::Url(uri.trim_end_matches('/').to_owned()),
        }
    }

    /// The path of a location below it.
    fn strip(&self, location: &str) -> Option<String> {
        match self {
            Self::Dir(dir) => {
                let path = local_path(location)?;
                Some(path.strip_prefix(dir).ok()?.to_str()?.to_owned())
            }
            Self::Url(url) => {
                let rest = location.strip_prefix(url.as_str())?;
                (rest.is_empty() || rest.starts_with('/')).then(|| rest.to_owned())
            }
        }
    }
}

impl Place {
    fn at(store: &Store, path: &str) -> Result<Self, Error> {
        let path = path.trim_start_matches('/');
        let key = (!path.is_empty()).then(|| StorageKey::from_outside(path));
        Ok(Self {
            store: store.clone(),
            key: key.transpose()?,
        })
    }

    /// The key of a path below it.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] if the store cannot have it.
    pub fn join(&self, path: &StorageKey) -> Result<StorageKey, Error> {
        match &self.key {
            None => Ok(path.clone()),
            Some(root) => StorageKey::from_outside(&format!("{root}/{path}")),
        }
    }

    /// Removes all that lies there. The root of a store is left alone.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub async fn remove(&self) -> Result<(), Error> {
        match &self.key {
            None => Ok(()),
            Some(key) => self.store.delete(key).await,
        }
    }
}

/// A local path, or a `file:` URI of this machine, without `.` and `..`; nothing for anything else.
#[must_use]
pub fn local_path(uri: &str) -> Option<PathBuf> {
    let path = match uri.strip_prefix("file:") {
        Some(rest) => rest
            .strip_prefix("//localhost")
            .or_else(|| rest.strip_prefix("//"))
            .unwrap_or(rest),
        None => uri,
    };
    if !path.starts_with('/') || path.contains(['?', '#', '%', '\\']) {
        return None;
    }
    let mut normal = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(dir: &Path, root: &str) -> Places {
        Places::open(dir.join("own").to_str().unwrap(), root, &[]).unwrap()
    }

    #[track_caller]
    fn check(places: &Places, location: &str, key: Option<&str>) {
        let place = places
            .find(location)
            .unwrap_or_else(|error| panic!("{location}: {error}"));
        assert_eq!(
            place.key.as_ref().map(StorageKey::as_str),
            key,
            "{location}"
        );
    }

    #[test]
    fn locations_lead_below_the_chosen_places() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().display();
        let places = places(dir.path(), &format!("file://{here}/shared/"));
        assert_eq!(places.root(), format!("file://{here}/shared"));
        check(
            &places,
            "mlflow-artifacts:/1/r/artifacts",
            Some("1/r/artifacts"),
        );
        check(&places, "mlflow-artifacts:/", None);
        check(&places, &format!("{here}/shared/1/r"), Some("1/r"));
        check(&places, &format!("file://{here}/own/1"), Some("1"));
        check(&places, &format!("{here}/other/../shared/1"), Some("1"));
        let endpoint =
            super::tests::places(dir.path(), "http://h/api/2.0/mlflow-artifacts/artifacts");
        check(
            &endpoint,
            "http://h/api/2.0/mlflow-artifacts/artifacts/1/r",
            Some("1/r"),
        );
    }

    #[test]
    fn other_locations_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().display();
        let places = places(dir.path(), &format!("{here}/shared"));
        for location in [
            "/etc",
            "file:///etc/passwd",
            "s3://bucket/a",
            "http://h/a",
            "relative",
            &format!("{here}/shared-not"),
            &format!("{here}/shared/../secret"),
            &format!("{here}/shared/%2e%2e/secret"),
        ] {
            let error = places.find(location).unwrap_err();
            assert!(matches!(error, Error::Place { .. }), "{location}: {error}");
        }
        for location in [
            "mlflow-artifacts:/../x",
            "mlflow-artifacts:/a/%2e%2e/%2e%2e/x",
        ] {
            let error = places.find(location).unwrap_err();
            assert!(matches!(error, Error::Path { .. }), "{location}: {error}");
        }
    }

    #[test]
    fn nothing_is_made_by_looking() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path(), "mlflow-artifacts:/");
        let own = dir.path().join("own");
        places.find(&format!("{}/1/r", own.display())).unwrap();
        assert_eq!(std::fs::read_dir(own).unwrap().count(), 0);
    }

    #[track_caller]
    fn check_path(uri: &str, expected: Option<&str>) {
        assert_eq!(local_path(uri).as_deref(), expected.map(Path::new), "{uri}");
    }

    #[test]
    fn local_paths_are_made_plain() {
        check_path("/a/./b/../c", Some("/a/c"));
        check_path("/../../etc", Some("/etc"));
        check_path("file:///a/b", Some("/a/b"));
        check_path("file://localhost/a", Some("/a"));
        check_path("file://host/a", None);
        check_path("/a/%2e%2e/b", None);
        check_path("/a?x=/etc", None);
        check_path("s3://bucket/a", None);
        check_path("a/b", None);
    }
}
