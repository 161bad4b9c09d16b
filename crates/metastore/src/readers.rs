//! Connections for reading, a few of them, each used by one reader at a time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::Error;
use crate::connection::Place;
use crate::transaction::Transaction;

/// How many transactions may read at once; the next one waits.
const MAX_READERS: usize = 8;

pub(crate) struct Readers {
    place: Place,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    n_running: usize,
}

impl Readers {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
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
        let idle = self.state().idle.pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.place.reader()?,
        };
        let transaction = connection.transaction()?;
        let result = work(&Transaction::new(&transaction));
        transaction.finish()?;
        // After a panic or a failure above the connection is closed instead.
        self.state().idle.push(connection);
        result
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
