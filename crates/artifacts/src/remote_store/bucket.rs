//! Files in buckets of S3, Google Cloud Storage and Azure.
//!
//! `object_store` tries requests again by itself; what it cannot mend is a body that breaks off. A small file is one request,
//! as DVC sends it; a large one is sent in parts that become one file when the last has come.

use std::fs::File;
use std::io::Read as _;
use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt as _, WriteMultipart,
};
use tokio::sync::Semaphore;

use super::{Fault, Sink, Told, broken_off, pass_on};
use crate::{Error, remote};

/// Up to this size a file is sent in one request.
const PIECE_BYTES: u64 = 8 << 20;
/// Stores take at most 10,000 parts.
const MAX_PARTS: u64 = 9_000;
/// How many parts of a file are on their way at once.
const N_PARTS: usize = 3;
/// How many files are sent in parts at once: each of them takes memory for its parts.
const N_LARGE: usize = 3;
/// How long a request may take; a piece must get through a slow line.
const TIMEOUT: (&str, &str) = ("timeout", "300 seconds");

/// A bucket, and the place in it.
#[derive(Debug)]
pub(super) struct Bucket {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    large: Semaphore,
}

impl Bucket {
    pub(super) fn open(url: &str, settings: &[(String, String)]) -> Result<Self, Error> {
        let (name, value) = TIMEOUT;
        let mut all = vec![(name.to_owned(), value.to_owned())];
        all.extend_from_slice(settings);
        let remote = remote::open(url, &all)?;
        Ok(Self {
            objects: remote.objects,
            prefix: remote.prefix,
            large: Semaphore::new(N_LARGE),
        })
    }

    fn path(&self, path: &str) -> Result<Path, Fault> {
        let whole = match (self.prefix.as_ref(), path) {
            ("", path) => path.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, path) => format!("{prefix}/{path}"),
        };
        Path::parse(&whole).map_err(|_| {
            Fault::lasting(Error::Path {
                path: whole,
                problem: "the store cannot have it",
            })
        })
    }

    pub(super) async fn size(&self, path: &str) -> Result<Option<u64>, Fault> {
        let told = self.told(path).await?;
        Ok(told.and_then(|told| told.size))
    }

    pub(super) async fn told(&self, path: &str) -> Result<Option<Told>, Fault> {
        match self.objects.head(&self.path(path)?).await {
            Ok(meta) => Ok(Some(told_of(meta))),
            Err(source) => match failed(path, source) {
                Fault {
                    error: Error::NotFound { .. },
                    ..
                } => Ok(None),
                fault => Err(fault),
            },
        }
    }

    pub(super) async fn list(
        &self,
        dir: &str,
        each: &mut dyn FnMut(&str, u64) -> bool,
    ) -> Result<(), Error> {
        let mut each = |path: &str, meta: ObjectMeta| each(path, meta.size);
        self.list_metas(dir, &mut each).await
    }

    pub(super) async fn list_told(&self, dir: &str) -> Result<Vec<(String, Told)>, Error> {
        let mut found = Vec::new();
        let mut each = |path: &str, meta| {
            found.push((path.to_owned(), told_of(meta)));
            true
        };
        self.list_metas(dir, &mut each).await?;
        Ok(found)
    }

    async fn list_metas(
        &self,
        dir: &str,
        each: &mut dyn FnMut(&str, ObjectMeta) -> bool,
    ) -> Result<(), Error> {
        let place = self.path(dir).map_err(|fault| fault.error)?;
        let mut found = self.objects.list(Some(&place));
        let failed = |source| failed(dir, source).error;
        while let Some(meta) = found.try_next().await.map_err(failed)? {
            let location = meta.location.clone();
            let below = location.as_ref().strip_prefix(place.as_ref());
            let below = match place.as_ref() {
                "" => below,
                _ => below.and_then(|below| below.strip_prefix('/')),
            };
            let Some(below) = below else {
                continue;
            };
            if !each(below, meta) {
                break;
            }
        }
        Ok(())
    }

    pub(super) async fn read_on(
        &self,
        path: &str,
        n_got: &mut u64,
        sink: Sink<'_>,
    ) -> Result<(), Fault> {
        let options = GetOptions {
            range: (*n_got > 0).then_some(GetRange::Offset(*n_got)),
            ..GetOptions::default()
        };
        let found = self.objects.get_opts(&self.path(path)?, options).await;
        let found = found.map_err(|source| failed(path, source))?;
        let size = found.meta.size;
        let mut pieces = found.into_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|source| Fault::passing(path, source))?;
            pass_on(path, &piece, n_got, sink)?;
        }
        if *n_got < size {
            return Err(broken_off(path, *n_got, size));
        }
        Ok(())
    }

    pub(super) async fn put_bytes(&self, path: &str, bytes: Bytes) -> Result<(), Fault> {
        let put = self.objects.put(&self.path(path)?, bytes.into()).await;
        put.map(drop).map_err(|source| failed(path, source))
    }

    pub(super) async fn put(&self, path: &str, file: &FilePath) -> Result<(), Fault> {
        let read = |source| Fault::lasting(Error::file("read", file, source));
        let mut opened = File::open(file).map_err(read)?;
        let size = opened.metadata().map_err(read)?.len();
        if size <= PIECE_BYTES {
            let mut bytes = Vec::with_capacity(size as usize);
            opened.read_to_end(&mut bytes).map_err(read)?;
            return self.put_bytes(path, bytes.into()).await;
        }
        // The semaphore is never closed: an error is impossible, and would only mean more memory.
        let _turn = self.large.acquire().await.ok();
        let n_piece = PIECE_BYTES.max(size / MAX_PARTS + 1) as usize;
        let upload = self.objects.put_multipart(&self.path(path)?).await;
        let upload = upload.map_err(|source| failed(path, source))?;
        let mut writing = WriteMultipart::new_with_chunk_size(upload, n_piece);
        let mut buffer = vec![0; 1 << 20];
        loop {
            let n_read = match opened.read(&mut buffer) {
                Ok(0) => break,
                Ok(n_read) => n_read,
                Err(error) => {
                    // Its parts are nobody's; if they cannot be removed, the store does it by its own rules.
                    let _ = writing.abort().await;
                    return Err(read(error));
                }
            };
            writing.write(&buffer[..n_read]);
            if let Err(source) = writing.wait_for_capacity(N_PARTS).await {
                let _ = writing.abort().await;
                return Err(failed(path, source));
            }
        }
        writing
            .finish()
            .await
            .map(drop)
            .map_err(|source| failed(path, source))
    }

    pub(super) async fn delete(&self, path: &str) -> Result<(), Fault> {
        match self.objects.delete(&self.path(path)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(failed(path, source)),
        }
    }
}

fn told_of(meta: ObjectMeta) -> Told {
    Told {
        size: Some(meta.size),
        tag: meta.e_tag,
        version: meta.version,
        ..Told::default()
    }
}

/// A request failed for good: `object_store` has tried it again as often as it is worth.
fn failed(path: &str, source: object_store::Error) -> Fault {
    Fault::lasting(Error::store(path.to_owned(), source))
}
