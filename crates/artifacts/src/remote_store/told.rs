//! What a store tells of files without giving their bytes.

use super::{Kind, RemoteStore, persistently};
use crate::Error;

/// What a store tells of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Its size in bytes, where that is told.
    pub size: Option<u64>,
    /// Its `ETag`, as it came.
    pub tag: Option<String>,
    /// The name of its version, where the store has versions.
    pub version: Option<String>,
    /// What a web server says of it: the address that it was led to as `url`, then headers by their names, in the order
    /// `Content-Type`, `Accept-Ranges`, `ETag`, `Content-MD5`, `Digest`, `Last-Modified`.
    pub headers: Vec<(&'static str, String)>,
}

impl RemoteStore {
    /// What is told of a file; none if there is none. A directory is no file.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be asked.
    pub fn told(&self, path: &str) -> Result<Option<Told>, Error> {
        self.runtime
            .block_on(persistently(async || match &self.kind {
                Kind::Bucket(bucket) => bucket.told(path).await,
                Kind::Web(web) => web.told(path).await,
                Kind::Ssh(sftp) => sftp.told(path).await,
            }))
    }

    /// What is told of all files below a directory, by their paths in it and in their order.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read, or has no lists.
    pub fn list_told(&self, dir: &str) -> Result<Vec<(String, Told)>, Error> {
        let mut found = self.runtime.block_on(async {
            match &self.kind {
                Kind::Bucket(bucket) => bucket.list_told(dir).await,
                Kind::Web(web) => Err(web.only_read()),
                Kind::Ssh(sftp) => {
                    let found = persistently(async || sftp.list(dir).await).await?;
                    let told = |size| Told {
                        size: Some(size),
                        ..Told::default()
                    };
                    Ok(found
                        .into_iter()
                        .map(|(path, size)| (path, told(size)))
                        .collect())
                }
            }
        })?;
        found.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(found)
    }
}
