//! Opening, reading and writing.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::connection::Place;
use crate::readers::Readers;
use crate::transaction::Transaction;
use crate::writer::Writer;
use crate::{Error, migrations};

/// What a caller hears whose work was lost with the thread.
const GONE: Error = Error::Stopped("writer stopped before the work was done");

/// The store of everything that must be found again. Cheap to clone; the last clone waits for the work that is queued.
#[derive(Clone)]
pub struct Metastore {
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    // Dropped before the writer, which then is the last to close the file and leaves no journal beside it.
    readers: Readers,
    writer: Writer,
}

impl fmt::Debug for Metastore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metastore")
            .field("place", &self.inner.place)
            .finish_non_exhaustive()
    }
}

impl Metastore {
    /// Opens the file, making it and bringing its schema up to date. Several processes may have it open.
    ///
    /// # Errors
    ///
    /// [`Error::NotAMetastore`] if the file holds something else, [`Error::NewerSchema`] if a newer program wrote it;
    /// [`Error::Open`] or [`Error::Directory`] if it cannot be opened or made.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(|source| Error::Directory {
                path: dir.display().to_string(),
                source,
            })?;
        }
        Self::start(Place::File(path.to_owned()))
    }

    /// A store in memory, gone with its last clone: for tests and trials.
    ///
    /// # Errors
    ///
    /// Fails if memory is short.
    pub fn in_memory() -> Result<Self, Error> {
        Self::start(Place::new_memory())
    }

    fn start(place: Place) -> Result<Self, Error> {
        let mut connection = place.writer()?;
        migrations::run(&mut connection, &place)?;
        let writer = Writer::start(connection);
        Ok(Self {
            inner: Arc::new(Inner {
                readers: Readers::new(place.clone()),
                place,
                writer,
            }),
        })
    }

    /// Runs a closure in a transaction of its own and returns when its effects are durable. If it fails, nothing of
    /// it remains; others that share the commit are not touched.
    ///
    /// # Errors
    ///
    /// The closure's error, or that of the commit.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.inner.writer.submit(work, move |result| {
            // Nobody waits any more: the work is done all the same.
            let _ = sender.send(result);
        })?;
        receiver.await.map_err(|_| GONE)?
    }

    /// [`Metastore::write`] for callers outside of async code.
    ///
    /// # Errors
    ///
    /// The closure's error, or that of the commit.
    pub fn write_blocking<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (sender, receiver) = std::sync::mpsc::channel();
        self.inner.writer.submit(work, move |result| {
            // Nobody waits any more: the work is done all the same.
            let _ = sender.send(result);
        })?;
        receiver.recv().map_err(|_| GONE)?
    }

    /// Runs a closure on a snapshot, beside the writer. A few run at once, others wait; so a closure must not read
    /// again through the store.
    ///
    /// # Errors
    ///
    /// The closure's error, or that of the connection.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.read_blocking(work))
            .await
            .map_err(|_| Error::Stopped("reader panicked"))?
    }

    /// [`Metastore::read`] for callers outside of async code.
    ///
    /// # Errors
    ///
    /// The closure's error, or that of the connection.
    pub fn read_blocking<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.inner.readers.run(work)
    }
}
