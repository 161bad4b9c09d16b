//! The one writer: a thread that gathers waiting work into a common commit.
//!
//! A commit waits for the disk; work that arrives meanwhile is gathered, so the more callers there are the more of
//! them share the next one. Each piece runs in a savepoint, so one that fails takes nothing else with it, and callers
//! hear of success only after the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};

use crate::Error;
use crate::transaction::Transaction;

/// The most pieces of work in one commit.
const MAX_GROUP: usize = 256;

/// Work in a transaction, or the reason why none could be begun; its result is told after the commit.
type Work = Box<dyn FnOnce(Result<&mut rusqlite::Transaction<'_>, Failure>) -> Tell + Send>;
/// Tells the caller: with the error of the commit, if that failed.
type Tell = Box<dyn FnOnce(Option<Failure>) + Send>;
/// A failure that all callers of a group share.
type Failure = Arc<rusqlite::Error>;

pub(crate) struct Writer {
    /// Taken when dropped, so that the thread ends.
    sender: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> Self {
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new()
            .name("metastore-writer".to_owned())
            .spawn(move || run(connection, &receiver))
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
                .and_then(|transaction| in_savepoint(transaction, work));
            Box::new(move |failure: Option<Failure>| match failure {
                // Whoever failed before the commit hears the own error.
                Some(failure) if result.is_ok() => tell(Err(Error::Commit(failure))),
                _ => tell(result),
            })
        });
        self.sender
            .as_ref()
            .ok_or(Error::Stopped)?
            .send(work)
            .map_err(|_| Error::Stopped)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told to the callers already.
            let _ = thread.join();
        }
    }
}

fn run(mut connection: Connection, receiver: &Receiver<Work>) {
    while let Ok(first) = receiver.recv() {
        let mut group = vec![first];
        while group.len() < MAX_GROUP
            && let Ok(next) = receiver.try_recv()
        {
            group.push(next);
        }
        commit(&mut connection, group);
    }
}

fn commit(connection: &mut Connection, group: Vec<Work>) {
    let mut transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate)
    {
        Ok(transaction) => transaction,
        Err(error) => {
            let failure = Arc::new(error);
            for work in group {
                work(Err(Arc::clone(&failure)))(None);
            }
            return;
        }
    };
    let tells: Vec<Tell> = group
        .into_iter()
        .map(|work| work(Ok(&mut transaction)))
        .collect();
    let failure = transaction.commit().err().map(Arc::new);
    for tell in tells {
        tell(failure.clone());
    }
}

fn in_savepoint<T>(
    transaction: &mut rusqlite::Transaction<'_>,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let savepoint = transaction.savepoint()?;
    match catch_unwind(AssertUnwindSafe(|| work(&Transaction::new(&savepoint)))) {
        Ok(Ok(value)) => {
            savepoint.commit()?;
            Ok(value)
        }
        // Dropping the savepoint rolls it back.
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Error::Stopped),
    }
}
