//! Bytes under keys.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use http::Method;
use object_store::aws::AmazonS3;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{ObjectStore, ObjectStoreExt as _};

use crate::files::sync_dir;
use crate::places::local_path;
use crate::{Error, StorageKey, remote};

/// A store of artifacts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    /// Below which all keys are.
    prefix: Path,
    /// The directory, if the store is local.
    root: Option<PathBuf>,
    /// Who makes addresses that need no credentials, if the store can.
    signer: Option<Arc<dyn Signer>>,
    /// The store, if it speaks S3's protocol.
    s3: Option<Arc<AmazonS3>>,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its path, relative to the directory that was listed.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Its size in bytes; 0 for directories.
    pub size_bytes: u64,
}

impl Store {
    /// A store in a local directory, which is made if it does not exist.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be made.
    pub fn local(dir: &FilePath) -> Result<Self, Error> {
        std::fs::create_dir_all(dir).map_err(|source| Error::file("create", dir, source))?;
        let objects = LocalFileSystem::new_with_prefix(dir)
            .map_err(|source| Error::Store {
                path: dir.display().to_string(),
                source,
            })?
            .with_automatic_cleanup(true);
        Ok(Self {
            objects: Arc::new(objects),
            prefix: Path::default(),
            root: Some(dir.to_owned()),
            signer: None,
            s3: None,
        })
    }

    /// The store of a location: a directory, a `file:` URI, or a bucket (`s3://`, `gs://`, `az://`, `wasbs://`, `abfss://`) with
    /// a path in it. Settings have the names of the providers' environment variables.
    ///
    /// # Errors
    ///
    /// [`Error::Place`] if the location is none of these; fails if a directory cannot be made.
    pub fn open(location: &str, settings: &[(String, String)]) -> Result<Self, Error> {
        if let Some(dir) = local_path(location) {
            return Self::local(&dir);
        }
        let remote = remote::open(location, settings)?;
        Ok(Self {
            objects: remote.objects,
            prefix: remote.prefix,
            root: None,
            signer: Some(remote.signer),
            s3: remote.s3,
        })
    }

    /// The directory, if the store is local.
    #[must_use]
    pub fn dir(&self) -> Option<&FilePath> {
        self.root.as_deref()
    }

    /// An address at which anybody can get an artifact for a time; nothing if the store has no such, or none for this name.
    ///
    /// # Errors
    ///
    /// Fails if there are no credentials to sign with.
    pub async fn signed_url(
        &self,
        key: &StorageKey,
        lifetime: Duration,
    ) -> Result<Option<String>, Error> {
        self.signed(Method::GET, key, lifetime).await
    }

    /// An address to which anybody can put an artifact for a time; nothing if the store has no such, or wants more than a
    /// plain `PUT`.
    ///
    /// # Errors
    ///
    /// Fails if there are no credentials to sign with.
    pub async fn signed_upload_url(
        &self,
        key: &StorageKey,
        lifetime: Duration,
    ) -> Result<Option<String>, Error> {
        match &self.s3 {
            None => Ok(None),
            Some(_) => self.signed(Method::PUT, key, lifetime).await,
        }
    }

    async fn signed(
        &self,
        method: Method,
        key: &StorageKey,
        lifetime: Duration,
    ) -> Result<Option<String>, Error> {
        let Some(signer) = &self.signer else {
            return Ok(None);
        };
        let signed = signer.signed_url(method, &self.path(key)?, lifetime).await;
        let url = signed.map_err(|source| failed(key, source))?;
        // Azure checks a signature (`sig`) of the plain name; `object_store` signs the encoded one.
        let is_of_azure = url.query_pairs().any(|(name, _)| name == "sig");
        let is_wrong = is_of_azure && url.path().contains('%');
        Ok((!is_wrong).then(|| url.to_string()))
    }

    /// The store's own form of a key: the very same text, so that files on disk have the names of their keys.
    pub(crate) fn path(&self, key: &StorageKey) -> Result<Path, Error> {
        let path = match self.prefix.as_ref() {
            "" => Path::parse(key.as_str()),
            prefix => Path::parse(format!("{prefix}/{key}")),
        };
        path.map_err(|_| Error::Path {
            path: key.to_string(),
            problem: "the store cannot have it",
        })
    }

    /// The file or directory of a key, if the store is local. Nothing need be there.
    #[must_use]
    pub fn local_path(&self, key: &StorageKey) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join(key.as_str()))
    }

    /// Keeps bytes; readers see the old ones or the new ones, never a part. On disk when it returns.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub async fn put(&self, key: &StorageKey, bytes: Bytes) -> Result<(), Error> {
        self.objects
            .put(&self.path(key)?, bytes.into())
            .await
            .map_err(|source| failed(key, source))?;
        self.sync(key).await
    }

    /// Makes sure that what was written under a key survives a power cut.
    pub(crate) async fn sync(&self, key: &StorageKey) -> Result<(), Error> {
        match self.local_path(key) {
            None => Ok(()),
            Some(file) => sync(file).await,
        }
    }

    pub(crate) fn s3(&self) -> Option<&Arc<AmazonS3>> {
        self.s3.as_ref()
    }

    pub(crate) fn objects(&self) -> &dyn ObjectStore {
        self.objects.as_ref()
    }

    /// Whether there are bytes under a key.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub async fn exists(&self, key: &StorageKey) -> Result<bool, Error> {
        match self.objects.head(&self.path(key)?).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(failed(key, source)),
        }
    }

    /// The bytes under a key.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there are none.
    pub async fn get(&self, key: &StorageKey) -> Result<Bytes, Error> {
        let found = self
            .objects
            .get(&self.path(key)?)
            .await
            .map_err(|source| failed(key, source))?;
        found.bytes().await.map_err(|source| failed(key, source))
    }

    /// Removes the artifact of a key, or all below it; removing what is not there changes nothing.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub async fn delete(&self, key: &StorageKey) -> Result<(), Error> {
        let below: Vec<Path> = self
            .objects
            .list(Some(&self.path(key)?))
            .map_ok(|meta| meta.location)
            .try_collect()
            .await
            .map_err(|source| failed(key, source))?;
        for location in below.into_iter().chain([self.path(key)?]) {
            match self.objects.delete(&location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(failed(key, source)),
            }
        }
        Ok(())
    }

    /// What lies directly below a key, or at the root; empty if nothing does.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub async fn list(&self, key: Option<&StorageKey>) -> Result<Vec<Listed>, Error> {
        let prefix = match key {
            Some(key) => self.path(key)?,
            None => self.prefix.clone(),
        };
        let shown = key.map_or("", StorageKey::as_str);
        let found = self
            .objects
            .list_with_delimiter(Some(&prefix))
            .await
            .map_err(|source| Error::Store {
                path: shown.to_owned(),
                source,
            })?;
        let name = |location: &Path| location.filename().unwrap_or_default().to_owned();
        let mut entries: Vec<Listed> = found
            .common_prefixes
            .iter()
            .map(|location| Listed {
                name: name(location),
                is_dir: true,
                size_bytes: 0,
            })
            .collect();
        entries.extend(found.objects.iter().map(|meta| Listed {
            name: name(&meta.location),
            is_dir: false,
            size_bytes: meta.size,
        }));
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    /// All artifacts, with their sizes.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub async fn size_bytes(&self) -> Result<u64, Error> {
        let sizes = self
            .objects
            .list(Some(&self.prefix))
            .map(|meta| meta.map(|meta| meta.size));
        sizes
            .try_fold(0, |sum, size| async move { Ok(sum + size) })
            .await
            .map_err(|source| Error::Store {
                path: String::new(),
                source,
            })
    }
}

/// Waits until a file is on disk.
async fn sync(file: PathBuf) -> Result<(), Error> {
    let work = move || {
        let opened = std::fs::File::open(&file).and_then(|opened| opened.sync_all());
        opened.map_err(|source| Error::file("sync", &file, source))?;
        sync_dir(file.parent().unwrap_or(FilePath::new(".")));
        Ok(())
    };
    // Only the end of the process stops the thread.
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Error::file("sync", FilePath::new("artifact"), error.into())))
}

pub(crate) fn failed(key: &StorageKey, source: object_store::Error) -> Error {
    Error::store(key.to_string(), source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> StorageKey {
        StorageKey::parse(text).unwrap()
    }

    #[tokio::test]
    async fn what_is_put_can_be_got_listed_and_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::local(dir.path()).unwrap();
        store
            .put(&key("1/r/a b.txt"), Bytes::from_static(b"one"))
            .await
            .unwrap();
        store
            .put(&key("1/r/dir/ä.bin"), Bytes::from_static(b"twelve"))
            .await
            .unwrap();
        assert_eq!(
            store.get(&key("1/r/a b.txt")).await.unwrap(),
            Bytes::from_static(b"one")
        );
        let listed = store.list(Some(&key("1/r"))).await.unwrap();
        let shown: Vec<_> = listed
            .iter()
            .map(|entry| (entry.name.as_str(), entry.is_dir, entry.size_bytes))
            .collect();
        assert_eq!(shown, [("a b.txt", false, 3), ("dir", true, 0)]);
        assert_eq!(store.size_bytes().await.unwrap(), 9);
        store.delete(&key("1/r")).await.unwrap();
        store.delete(&key("1/r")).await.unwrap();
        assert!(store.list(Some(&key("1/r"))).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_is_absent_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::local(dir.path()).unwrap();
        let error = store.get(&key("1/none")).await.unwrap_err();
        assert_eq!(error.to_string(), "no such artifact: `1/none`");
    }

    #[tokio::test]
    async fn overwriting_replaces_the_whole() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::local(dir.path()).unwrap();
        store
            .put(&key("x"), Bytes::from_static(b"long text"))
            .await
            .unwrap();
        store
            .put(&key("x"), Bytes::from_static(b"s"))
            .await
            .unwrap();
        assert_eq!(
            store.get(&key("x")).await.unwrap(),
            Bytes::from_static(b"s")
        );
    }

    #[tokio::test]
    async fn files_have_the_names_of_their_keys() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::local(dir.path()).unwrap();
        for name in ["a b", "100%25", "a#b", "ä?*~^{}[]|<>\"`", "x.tar.gz"] {
            let key = key(&format!("dir/{name}"));
            assert!(!store.exists(&key).await.unwrap());
            store.put(&key, Bytes::from_static(b"x")).await.unwrap();
            assert!(store.exists(&key).await.unwrap());
            assert!(dir.path().join("dir").join(name).is_file(), "{name}");
            assert_eq!(
                store.local_path(&key),
                Some(dir.path().join("dir").join(name))
            );
            let listed = store.list(Some(&super::tests::key("dir"))).await.unwrap();
            assert_eq!(listed[0].name, name);
            store.delete(&key).await.unwrap();
            assert!(!store.exists(&key).await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_directory_is_no_artifact() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::local(dir.path()).unwrap();
        store
            .put(&key("dir/a"), Bytes::from_static(b"x"))
            .await
            .unwrap();
        assert!(!store.exists(&key("dir")).await.unwrap());
        let error = store.get(&key("dir")).await.unwrap_err();
        assert_eq!(
            error.kind(),
            everloop_domain::ErrorKind::NotFound,
            "{error:?}"
        );
        assert!(store.put(&key("dir/a/b"), Bytes::new()).await.is_err());
    }
}
