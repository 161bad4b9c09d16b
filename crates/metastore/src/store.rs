//! Opening, reading and writing.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::connection::Connection;
use crate::identity::OpenFile;
use crate::migrations::Schema;
use crate::place::Place;
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
    schema: Schema,
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

    /// Opens the database of a URI as `SQLAlchemy` writes them, bringing its schema up to date: `sqlite:///relative.db`,
    /// `sqlite:////absolute.db` or `postgresql://user:password@host:5432/database`. Several processes, on several
    /// machines with Postgres, may have it open.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the URI names no such database; otherwise as [`Metastore::open`].
    pub fn connect(uri: &str) -> Result<Self, Error> {
        match Place::parse(uri)? {
            Place::File(path) => Self::open(&path),
            // Connecting waits for the server, which a thread of an async runtime must not.
            place => std::thread::spawn(|| Self::start(place))
                .join()
                .map_err(|_| Error::Stopped("way to the server panicked"))?,
        }
    }

    /// Where it is, for people: without a password.
    #[must_use]
    pub fn shown(&self) -> String {
        self.inner.place.shown()
    }

    /// Its schema: opening brings it up to date.
    #[must_use]
    pub fn schema(&self) -> Schema {
        self.inner.schema
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
        let connection = Connection::writer(&place)?;
        let schema = migrations::run(&connection, &place)?;
        let file = OpenFile::at(&place);
        let writer = Writer::start(connection, place.clone(), file.clone());
        Ok(Self {
            inner: Arc::new(Inner {
                readers: Readers::new(place.clone(), file),
                place,
                schema,
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
