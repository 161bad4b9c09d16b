//! Opening, reading and writing.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::transaction::Transaction;
use crate::writer::Writer;
use crate::{Error, migrations};

/// How long a connection waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Idle readers that are kept.
const MAX_IDLE_READERS: usize = 4;

/// The store of everything that must be found again. Cheap to clone.
#[derive(Clone)]
pub struct Metastore {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    writer: Writer,
    readers: Mutex<Vec<Connection>>,
}

impl fmt::Debug for Metastore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metastore")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

impl Metastore {
    /// Opens the file, making it and bringing its schema up to date.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be opened, is no database, or was written by a newer program.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(|source| Error::Directory {
                path: dir.display().to_string(),
                source,
            })?;
        }
        let mut connection = connect(path, OpenFlags::default())?;
        migrations::run(&mut connection, path)?;
        let writer = Writer::start(connection);
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                writer,
                readers: Mutex::default(),
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
        receiver.await.map_err(|_| Error::Stopped)?
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
        receiver.recv().map_err(|_| Error::Stopped)?
    }

    /// Runs a closure on a snapshot, beside the writer.
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
            .map_err(|_| Error::Stopped)?
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
        let idle = self.readers().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => connect(
                &self.inner.path,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?,
        };
        let transaction = connection.transaction()?;
        let result = work(&Transaction::new(&transaction));
        transaction.finish()?;
        let mut readers = self.readers();
        if readers.len() < MAX_IDLE_READERS {
            readers.push(connection);
        }
        result
    }

    fn readers(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.inner
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection with the settings that every connection has.
fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.set_prepared_statement_cache_capacity(256);
        if !flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.pragma_update(None, "synchronous", "full")?;
        }
        Ok(connection)
    };
    open().map_err(|source| Error::Open {
        path: path.display().to_string(),
        source,
    })
}
