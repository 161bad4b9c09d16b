//! The threads that learn from the blocks of a batch.

use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::Scope;

use super::block::{Block, Rows};
use super::network::Network;

/// What all threads see.
pub(super) struct Shared<'a> {
    network: RwLock<Network>,
    /// The train rows in the order of the epoch.
    order: RwLock<Vec<u32>>,
    pub(super) blocks: Vec<Mutex<Block>>,
    pub(super) train: Rows<'a>,
    pub(super) validation: Rows<'a>,
}

/// What is to be done with some rows.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// Losses and gradients of rows in the order of the epoch.
    Learn(Range<usize>),
    /// Losses of validation rows.
    Look(Range<usize>),
}

impl<'a> Shared<'a> {
    pub(super) fn new(
        network: Network,
        blocks: Vec<Block>,
        train: Rows<'a>,
        validation: Rows<'a>,
    ) -> Self {
        Self {
            network: RwLock::new(network),
            order: RwLock::new((0..train.design.n_rows as u32).collect()),
            blocks: blocks.into_iter().map(Mutex::new).collect(),
            train,
            validation,
        }
    }

    pub(super) fn network(&self) -> RwLockReadGuard<'_, Network> {
        self.network.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn network_mut(&self) -> RwLockWriteGuard<'_, Network> {
        self.network.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn order_mut(&self) -> RwLockWriteGuard<'_, Vec<u32>> {
        self.order.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn block(&self, at: usize) -> MutexGuard<'_, Block> {
        self.blocks[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of one of the blocks among those of a batch: as many as in the others, or one more or less.
    fn part(&self, rows: &Range<usize>, at: usize) -> Range<usize> {
        let n_blocks = self.blocks.len();
        let start = |at: usize| rows.start + rows.len() * at / n_blocks;
        start(at)..start(at + 1)
    }

    /// Does the share of a thread.
    fn work(&self, work: &Work, thread: usize, n_threads: usize) {
        let network = self.network();
        for at in (thread..self.blocks.len()).step_by(n_threads) {
            let mut block = self.block(at);
            match work {
                Work::Learn(rows) => {
                    let order = self.order.read().unwrap_or_else(PoisonError::into_inner);
                    let factor = 1.0 / rows.len() as f32;
                    let picked = &order[self.part(rows, at)];
                    block.learn(&network, &self.train, picked, factor);
                }
                Work::Look(rows) => {
                    block.look(&network, &self.validation, self.part(rows, at));
                }
            }
        }
    }
}

/// Helpers that wait for work; they end when the team is dropped.
pub(super) struct Team<'scope> {
    shared: &'scope Shared<'scope>,
    helpers: Vec<(Sender<Work>, Receiver<()>)>,
}

impl<'scope> Team<'scope> {
    pub(super) fn new(
        scope: &'scope Scope<'scope, '_>,
        shared: &'scope Shared<'scope>,
        n_threads: usize,
    ) -> Self {
        let helpers = (1..n_threads).map(|thread| {
            let (give, take) = channel::<Work>();
            let (tell, told) = channel();
            scope.spawn(move || {
                for work in take {
                    shared.work(&work, thread, n_threads);
                    if tell.send(()).is_err() {
                        break;
                    }
                }
            });
            (give, told)
        });
        Self {
            shared,
            helpers: helpers.collect(),
        }
    }

    /// Does some work on all threads and waits for its end. A helper that is gone has panicked, which ends the scope.
    pub(super) fn run(&self, work: &Work) {
        for (give, _) in &self.helpers {
            let _ = give.send(work.clone());
        }
        self.shared.work(work, 0, self.helpers.len() + 1);
        for (_, told) in &self.helpers {
            let _ = told.recv();
        }
    }
}
