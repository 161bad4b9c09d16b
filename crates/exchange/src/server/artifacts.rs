//! Artifacts of a server: those that it serves from its own place, and those that it reads for its clients.

use everloop_artifacts::{StorageKey, Store, local_path};
use futures::StreamExt as _;
use serde::Deserialize;

use super::{Server, list};
use crate::Error;
use crate::source::Owner;

/// Where a server serves the artifacts of its own place.
const PROXY: &str = "api/2.0/mlflow-artifacts/artifacts";

/// An entry of a directory.
#[derive(Debug, Deserialize)]
struct Entry {
    path: String,
    #[serde(default)]
    is_dir: bool,
}

/// How artifacts are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way<'i> {
    /// From the server's own place, below this path.
    Served(String),
    /// From wherever the server finds them.
    OfRun(&'i str),
    OfModel(&'i str),
}

impl Server {
    /// Whether a server serves artifacts at a location, or reads them for its clients.
    pub(crate) fn reaches(location: &str) -> bool {
        served(location).is_some() || local_path(location).is_some()
    }

    pub(crate) async fn copy(
        &self,
        owner: Owner<'_>,
        location: &str,
        store: &Store,
        prefix: &str,
    ) -> Result<u64, Error> {
        let way = match (served(location), owner) {
            (Some(root), _) => Way::Served(root.to_owned()),
            (None, Owner::Run(id)) => Way::OfRun(id),
            (None, Owner::LoggedModel(id)) => Way::OfModel(id),
        };
        let mut n_files = 0;
        let mut open = vec![String::new()];
        while let Some(dir) = open.pop() {
            for entry in self.entries(&way, &dir).await? {
                // The same on all ways: the path below the root.
                let name = entry.path.rsplit('/').next().unwrap_or_default();
                let path = format!("{dir}{name}");
                let key = StorageKey::parse(&format!("{prefix}/{path}"))?;
                if entry.is_dir {
                    open.push(format!("{path}/"));
                } else {
                    self.fetch(&way, &path, store, &key).await?;
                    n_files += 1;
                }
            }
        }
        Ok(n_files)
    }

    /// What lies directly in a directory, which is empty or ends in a slash.
    async fn entries(&self, way: &Way<'_>, dir: &str) -> Result<Vec<Entry>, Error> {
        let dir = dir.trim_end_matches('/');
        let (path, fixed, named) = match way {
            Way::Served(root) => {
                let path = format!("{root}/{dir}");
                let path = path.trim_end_matches('/').to_owned();
                (PROXY.to_owned(), None, ("path", path))
            }
            Way::OfRun(id) => {
                let path = "api/2.0/mlflow/artifacts/list".to_owned();
                (path, Some(("run_id", *id)), ("path", dir.to_owned()))
            }
            Way::OfModel(id) => {
                let path = format!("api/2.0/mlflow/logged-models/{id}/artifacts/directories");
                (path, None, ("artifact_directory_path", dir.to_owned()))
            }
        };
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let mut query: Vec<(&str, &str)> = fixed.into_iter().collect();
            query.push((named.0, &named.1));
            query.push(("page_token", &token));
            query.retain(|(_, value)| !value.is_empty());
            let mut answer = self.http.get_at(&path, &query).await?;
            for entry in list(&mut answer, "files") {
                found.push(self.read(entry)?);
            }
            match self.next(&answer, &token)? {
                Some(next) => token = next,
                None => return Ok(found),
            }
        }
    }

    async fn fetch(
        &self,
        way: &Way<'_>,
        path: &str,
        store: &Store,
        key: &StorageKey,
    ) -> Result<(), Error> {
        let answer = match way {
            Way::Served(root) => self.http.open(&format!("{PROXY}/{root}/{path}"), &[]).await,
            Way::OfRun(id) => {
                let query = [("run_id", *id), ("path", path)];
                self.http.open("get-artifact", &query).await
            }
            Way::OfModel(id) => {
                let at = format!("ajax-api/2.0/mlflow/logged-models/{id}/artifacts/files");
                self.http.open(&at, &[("artifact_file_path", path)]).await
            }
        }?;
        let mut broken = None;
        let pieces = answer.bytes_stream().map(|piece| {
            piece.map_err(|source| {
                let words = "the server broke off";
                broken = Some(source);
                words
            })
        });
        let kept = store.put_stream(key, Box::pin(pieces)).await;
        match broken {
            // The next import gets it whole.
            Some(source) => Err(self.http.broken_off(source)),
            None => Ok(kept?),
        }
    }
}

/// The path of a location in the server's own place.
fn served(location: &str) -> Option<&str> {
    let path = match location.strip_prefix("mlflow-artifacts:") {
        Some(rest) => match rest.strip_prefix("//") {
            Some(with_host) => with_host.split_once('/')?.1,
            None => rest,
        },
        None if location.starts_with("http") => location.split_once(&format!("/{PROXY}/"))?.1,
        None => return None,
    };
    Some(path.trim_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_in_the_servers_own_place_are_known() {
        for (location, expected) in [
            ("mlflow-artifacts:/1/r/artifacts", Some("1/r/artifacts")),
            ("mlflow-artifacts://host:5000/1/r/", Some("1/r")),
            (
                "http://h/api/2.0/mlflow-artifacts/artifacts/1/r",
                Some("1/r"),
            ),
            ("http://h/elsewhere", None),
            ("s3://bucket/1/r", None),
            ("/var/mlruns/1/r", None),
        ] {
            assert_eq!(served(location), expected, "{location}");
        }
    }
}
