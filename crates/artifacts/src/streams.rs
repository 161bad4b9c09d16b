//! Large artifacts: written and read in pieces, so that memory stays flat.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStoreExt as _, WriteMultipart};

use crate::store::failed;
use crate::{Error, StorageKey, Store};

/// The size of a piece that goes to the store.
const PIECE_BYTES: usize = 8 << 20;
/// How much is read from a file at once.
const READ_BYTES: usize = 512 << 10;
/// How many pieces are on their way at once.
const N_PIECES: usize = 2;

/// Which bytes of an artifact are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// From one place until before another.
    Between(Range<u64>),
    /// From a place to the end.
    From(u64),
    /// So many at the end.
    Last(u64),
}

/// An artifact on its way.
pub struct Reading<S> {
    /// The size of the whole artifact in bytes.
    pub size_bytes: u64,
    /// Which of its bytes come.
    pub range: Range<u64>,
    /// The bytes, piece by piece.
    pub pieces: S,
}

impl Store {
    /// Keeps a stream of bytes; readers see all of them or none. On disk when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::BrokenOff`] if the stream fails; otherwise fails if the store cannot be written.
    pub async fn put_stream<S, E>(&self, key: &StorageKey, mut stream: S) -> Result<(), Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut first = Vec::new();
        loop {
            match stream.next().await {
                Some(piece) => first.push(piece.map_err(|source| broken_off(key, source))?),
                // All of it fits into one piece.
                None => return self.put(key, first.concat().into()).await,
            }
            if first.iter().map(Bytes::len).sum::<usize>() >= PIECE_BYTES {
                break;
            }
        }
        let store = |source| failed(key, source);
        let upload = self
            .objects()
            .put_multipart(&self.path(key)?)
            .await
            .map_err(store)?;
        let mut writing = WriteMultipart::new_with_chunk_size(upload, PIECE_BYTES);
        for piece in first {
            writing.put(piece);
        }
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(piece) => writing.put(piece),
                Err(source) => {
                    writing.abort().await.map_err(store)?;
                    return Err(broken_off(key, source));
                }
            }
            if let Err(source) = writing.wait_for_capacity(N_PIECES).await {
                // The store may be away; then it forgets the parts by its own rules.
                let _ = writing.abort().await;
                return Err(store(source));
            }
        }
        writing.finish().await.map_err(store)?;
        self.sync(key).await
    }

    /// Opens an artifact, or a part of it, for reading piece by piece.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, [`Error::Range`] if it has no such part.
    pub async fn read(
        &self,
        key: &StorageKey,
        part: Option<Part>,
    ) -> Result<Reading<BoxStream<'static, Result<Bytes, Error>>>, Error> {
        if let Some(part) = &part {
            let start = match part {
                Part::Between(range) => range.start,
                Part::From(start) => *start,
                Part::Last(_) => 0,
            };
            // Asked beforehand: stores say in many ways that they have no such range.
            let meta = self.objects().head(&self.path(key)?).await;
            if start >= meta.map_err(|source| failed(key, source))?.size {
                return Err(Error::Range {
                    path: key.to_string(),
                });
            }
        }
        let range = part.map(|part| match part {
            Part::Between(range) => GetRange::Bounded(range),
            Part::From(start) => GetRange::Offset(start),
            Part::Last(count) => GetRange::Suffix(count),
        });
        let options = GetOptions {
            range,
            ..GetOptions::default()
        };
        let found = self.objects().get_opts(&self.path(key)?, options).await;
        let found = found.map_err(|source| failed(key, source))?;
        let owned = key.clone();
        let (size_bytes, range) = (found.meta.size, found.range.clone());
        let pieces = match found.payload {
            GetResultPayload::File(file, path) => of_file(file, path, range.clone()).boxed(),
            GetResultPayload::Stream(stream) => stream
                .map(move |piece| piece.map_err(|source| failed(&owned, source)))
                .boxed(),
        };
        Ok(Reading {
            size_bytes,
            range,
            pieces,
        })
    }
}

/// Bytes of a file in large pieces: those of `object_store` are so small that a copy costs more than the disk.
fn of_file(
    file: File,
    path: PathBuf,
    range: Range<u64>,
) -> impl Stream<Item = Result<Bytes, Error>> {
    let file = Arc::new(file);
    futures::stream::try_unfold(range.start, move |start| {
        let (file, path, end) = (Arc::clone(&file), path.clone(), range.end);
        async move {
            if start >= end {
                return Ok(None);
            }
            let read = tokio::task::spawn_blocking(move || {
                let n_bytes = READ_BYTES.min((end - start) as usize);
                let mut bytes = vec![0; n_bytes];
                file.read_exact_at(&mut bytes, start).map(|()| bytes)
            });
            let bytes = read.await.unwrap_or_else(|error| Err(error.into()));
            let bytes = bytes.map_err(|source| Error::file("read", &path, source))?;
            let next = start + bytes.len() as u64;
            Ok(Some((Bytes::from(bytes), next)))
        }
    })
}

fn broken_off(
    key: &StorageKey,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::BrokenOff {
        path: key.to_string(),
        source: source.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> StorageKey {
        StorageKey::parse("dir/large").unwrap()
    }

    /// So many pieces of a megabyte, each of its own number; then an error, if one is wanted.
    fn pieces(count: u8, fails: bool) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Unpin {
        let pieces = (0..count).map(|number| Ok(Bytes::from(vec![number; 1 << 20])));
        let failure = fails.then(|| Err(std::io::Error::other("gone")));
        futures::stream::iter(pieces.chain(failure))
    }

    async fn read(store: &Store, part: Option<Part>) -> Vec<u8> {
        let reading = store.read(&key(), part).await.unwrap();
        let n_bytes = reading.range.end - reading.range.start;
        let pieces: Vec<Bytes> = reading.pieces.map(Result::unwrap).collect().await;
        let bytes = pieces.concat();
        assert_eq!(bytes.len() as u64, n_bytes);
        bytes
    }

    #[tokio::test]
    async fn small_and_large_streams_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::local(dir.path()).unwrap();
        for count in [0, 1, 9, 30] {
            store
                .put_stream(&key(), pieces(count, false))
                .await
                .unwrap();
            let bytes = read(&store, None).await;
            assert_eq!(bytes.len(), usize::from(count) << 20);
            let expected = (0..count).flat_map(|number| vec![number; 1 << 20]);
            assert!(bytes.into_iter().eq(expected), "{count}");
        }
    }

    #[tokio::test]
    async fn a_stream_that_breaks_off_leaves_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::local(dir.path()).unwrap();
        store.put(&key(), Bytes::from_static(b"old")).await.unwrap();
        for count in [1, 20] {
            let error = store
                .put_stream(&key(), pieces(count, true))
                .await
                .unwrap_err();
            assert!(matches!(error, Error::BrokenOff { .. }), "{error:?}");
            assert_eq!(read(&store, None).await, b"old");
        }
        let entries = std::fs::read_dir(dir.path().join("dir")).unwrap();
        assert_eq!(entries.count(), 1, "no part is left beside it");
    }

    #[tokio::test]
    async fn parts_are_read_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::local(dir.path()).unwrap();
        store
            .put(&key(), Bytes::from_static(b"0123456789"))
            .await
            .unwrap();
        assert_eq!(read(&store, Some(Part::Between(2..5))).await, b"234");
        assert_eq!(read(&store, Some(Part::Between(8..50))).await, b"89");
        assert_eq!(read(&store, Some(Part::From(7))).await, b"789");
        assert_eq!(read(&store, Some(Part::Last(1))).await, b"9");
        let beyond = store
            .read(&key(), Some(Part::From(10)))
            .await
            .err()
            .unwrap();
        assert!(matches!(beyond, Error::Range { .. }), "{beyond:?}");
        let absent = StorageKey::parse("none").unwrap();
        let absent = store
            .read(&absent, Some(Part::From(0)))
            .await
            .err()
            .unwrap();
        assert!(matches!(absent, Error::NotFound { .. }), "{absent:?}");
    }
}
