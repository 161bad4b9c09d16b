//! The one writer: a thread that gathers waiting work into a common commit.
//!
//! A commit waits for the disk; work that arrives meanwhile is gathered, so the more callers there are the more of
//! them share the next one. Each piece runs in a savepoint, so one that fails takes nothing else with it, and callers
//! hear of success only after the commit.
//!
//! Some failures of the machine (a full disk, a lost server) end the whole transaction at once. Then every piece of the
//! group fails: those before it are gone, those after it do not run. A connection that was lost is opened anew for the next
//! group.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::ffi;

use crate::Error;
use crate::connection::Connection;
use crate::error::DatabaseError;
use crate::identity::OpenFile;
use crate::place::Place;
use crate::transaction::Transaction;

/// The most pieces of work in one commit.
const MAX_GROUP: usize = 256;
const GONE: Error = Error::Stopped("writer has stopped");

/// Work in a transaction, or the reason why none could be begun; its result is told after the commit.
type Work = Box<dyn FnOnce(Result<&Connection, Failure>) -> Done + Send>;
/// Tells the caller: with the error of the commit, if that failed.
type Tell = Box<dyn FnOnce(Option<Failure>) + Send>;
/// A failure that all callers of a group share.
type Failure = Arc<DatabaseError>;

/// Work that ran.
struct Done {
    tell: Tell,
    /// What SQLite said, if it failed.
    sql_error: Option<ffi::Error>,
}

pub(crate) struct Writer {
    /// Taken when dropped, so that the thread ends.
    sender: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(connection: Connection, place: Place, file: OpenFile) -> Self {
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new()
            .name("metastore-writer".to_owned())
            .spawn(move || run(connection, &place, &file, &receiver))
            .ok();
        // Without a thread the receiver is gone, and every submission says that the writer stopped.
        Self {
            sender: Some(sender),
            thread,
        }
    }

    /// Queues work; `tell` hears of its result after the commit.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
        tell: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) -> Result<(), Error> {
        let work: Work = Box::new(move |transaction| {
            let result = transaction
                .map_err(Error::Commit)
                .and_then(|connection| undoable(connection, work));
            let sql_error = match &result {
                Err(Error::Sql(DatabaseError::Sqlite(error))) => error.sqlite_error().copied(),
                _ => None,
            };
            let tell = Box::new(move |failure: Option<Failure>| match failure {
                // Whoever failed before the commit hears the own error.
                Some(failure) if result.is_ok() => tell(Err(Error::Commit(failure))),
                _ => tell(result),
            });
            Done { tell, sql_error }
        });
        self.sender
            .as_ref()
            .ok_or(GONE)?
            .send(work)
            .map_err(|_| GONE)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sender = None;
        // Work may hold the last clone of the store; the thread cannot wait for itself.
        let is_own_thread =
            |thread: &JoinHandle<()>| thread.thread().id() == std::thread::current().id();
        if let Some(thread) = self.thread.take()
            && !is_own_thread(&thread)
        {
            // A panic of the thread was told to the callers already.
            let _ = thread.join();
        }
    }
}

fn run(mut connection: Connection, place: &Place, file: &OpenFile, receiver: &Receiver<Work>) {
    while let Ok(first) = receiver.recv() {
        let mut group = vec![first];
        while group.len() < MAX_GROUP
            && let Ok(next) = receiver.try_recv()
        {
            group.push(next);
        }
        match file.check().and_then(|()| begin(&mut connection, place)) {
            Ok(()) => commit(&connection, group),
            Err(error) => {
                let failure = Arc::new(error);
                for work in group {
                    let done = work(Err(Arc::clone(&failure)));
                    (done.tell)(None);
                }
            }
        }
    }
}

/// Begins a transaction, on a new connection if the old one was lost: nothing was done on it yet.
fn begin(connection: &mut Connection, place: &Place) -> Result<(), DatabaseError> {
    match connection.begin_write() {
        Err(_) if connection.is_lost() => {
            *connection = match Connection::writer(place) {
                Ok(connection) => connection,
                Err(Error::Open { source, .. }) => return Err(source),
                Err(_) => return Err(DatabaseError::Ended),
            };
            connection.begin_write()
        }
        result => result,
    }
}

fn commit(connection: &Connection, group: Vec<Work>) {
    let mut tells = Vec::with_capacity(group.len());
    let mut failure: Option<Failure> = None;
    for work in group {
        let done = match &failure {
            None => work(Ok(connection)),
            Some(failure) => work(Err(Arc::clone(failure))),
        };
        tells.push(done.tell);
        if failure.is_none() && !connection.is_in_transaction() {
            failure = Some(Arc::new(ended(done.sql_error)));
        }
    }
    if failure.is_none() {
        failure = connection.commit().err().map(Arc::new);
        if failure.is_some() && connection.is_in_transaction() {
            // What could not be committed is not left open for the next group.
            let _ = connection.rollback();
        }
    }
    for tell in tells {
        tell(failure.clone());
    }
}

/// Why the database ended the transaction: its last error, if it said one.
fn ended(cause: Option<ffi::Error>) -> DatabaseError {
    cause.map_or(DatabaseError::Ended, |cause| {
        let message = "the transaction was rolled back".to_owned();
        rusqlite::Error::SqliteFailure(cause, Some(message)).into()
    })
}

/// Runs work so that nothing of it remains if it fails.
fn undoable<T>(
    connection: &Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    connection.set_mark()?;
    match catch_unwind(AssertUnwindSafe(|| {
        work(&Transaction::new(connection.session()))
    })) {
        Ok(Ok(value)) => {
            connection.keep()?;
            Ok(value)
        }
        Ok(Err(error)) => {
            undo(connection)?;
            Err(error)
        }
        Err(_) => {
            undo(connection)?;
            Err(Error::Stopped("writer went on after the work panicked"))
        }
    }
}

/// Goes back to the mark, unless the transaction with its marks is gone.
fn undo(connection: &Connection) -> Result<(), Error> {
    if connection.is_in_transaction() {
        connection.undo()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
