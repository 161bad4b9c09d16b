//! Connections for reading, a few of them, each used by one reader at a time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::Error;
use crate::connection::Connection;
use crate::identity::OpenFile;
use crate::place::Place;
use crate::transaction::Transaction;

/// How many transactions may read at once; the next one waits.
const MAX_READERS: usize = 8;

pub(crate) struct Readers {
    place: Place,
    file: OpenFile,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    n_running: usize,
}

impl Readers {
    pub(crate) fn new(place: Place, file: OpenFile) -> Self {
        Self {
            place,
            file,
            state: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// Runs work on a snapshot.
    pub(crate) fn run<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _permit = self.permit();
        let connection = self.begin()?;
        let result = work(&Transaction::new(connection.session()));
        connection.commit()?;
        // After a panic or a failure above the connection is closed instead.
        self.state().idle.push(connection);
        result
    }

    /// A connection with a transaction; idle ones that were lost meanwhile are left behind.
    fn begin(&self) -> Result<Connection, Error> {
        self.file.check()?;
        loop {
            let idle = self.state().idle.pop();
            let is_new = idle.is_none();
            let connection = match idle {
                Some(connection) => connection,
                None => Connection::reader(&self.place)?,
            };
            match connection.begin_read() {
                Ok(()) => return Ok(connection),
                Err(_) if !is_new && connection.is_lost() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn permit(&self) -> Permit<'_> {
        let mut state = self
            .freed
            .wait_while(self.state(), |state| state.n_running >= MAX_READERS)
            .unwrap_or_else(PoisonError::into_inner);
        state.n_running += 1;
        Permit(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to read; given back when dropped, also by a panic.
struct Permit<'r>(&'r Readers);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.state().n_running -= 1;
        self.0.freed.notify_one();
    }
}
