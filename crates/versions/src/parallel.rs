//! Work on many items at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Error;

/// How many objects of a remote on the network go at once, if nothing else is set: more than the machine has cores, for they
/// wait. Each holds at most a few MiB in memory.
pub(crate) const ON_NETWORK: usize = 12;

/// Items that a thread takes at once: few of few items, which may be large files.
const LARGEST_BLOCK: usize = 64;

/// How many threads work on files of this machine: somewhat more than it has cores, for reading and writing wait for the disk.
pub(crate) fn on_disk() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from) + 2
}

/// Applies `work` to items on so many threads, without results: of millions, those would take their share of memory. After a
/// failure nothing new is begun.
///
/// # Errors
///
/// Fails with the error of the first item in order that failed.
pub(crate) fn each<T: Sync>(
    items: &[T],
    n_threads: usize,
    work: impl Fn(&T) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let blocks = items.chunks(block_of(items.len()));
    run(blocks, n_threads, work)
}

/// As [`each`], for items that are changed where they are.
///
/// # Errors
///
/// As [`each`].
pub(crate) fn change<T: Send>(
    items: &mut [T],
    n_threads: usize,
    work: impl Fn(&mut T) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let block = block_of(items.len());
    run(items.chunks_mut(block), n_threads, work)
}

/// As [`each`], with small results in the order of the items.
///
/// # Errors
///
/// As [`each`].
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    n_threads: usize,
    work: impl Fn(&T) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let block = block_of(items.len());
    let blocks = items.chunks(block).zip(results.chunks_mut(block));
    let blocks = blocks.map(|(items, results)| items.iter().zip(results));
    run(blocks, n_threads, |(item, result)| {
        *result = Some(work(item)?);
        Ok(())
    })?;
    Ok(results.into_iter().flatten().collect())
}

fn block_of(n_items: usize) -> usize {
    (n_items / 1024).clamp(1, LARGEST_BLOCK)
}

fn run<Block: IntoIterator>(
    blocks: impl ExactSizeIterator<Item = Block> + Send,
    n_threads: usize,
    work: impl Fn(Block::Item) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let n_threads = n_threads.min(blocks.len());
    let blocks = Mutex::new(blocks.enumerate());
    let has_failed = AtomicBool::new(false);
    let failed: Mutex<Option<((usize, usize), Error)>> = Mutex::new(None);
    let run = || {
        loop {
            let next = locked(&blocks).next();
            let Some((number, items)) = next else { return };
            for (index, item) in items.into_iter().enumerate() {
                if has_failed.load(Ordering::Relaxed) {
                    return;
                }
                if let Err(error) = work(item) {
                    has_failed.store(true, Ordering::Relaxed);
                    let mut failed = locked(&failed);
                    let place = (number, index);
                    if failed.as_ref().is_none_or(|(first, _)| place < *first) {
                        *failed = Some((place, error));
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..n_threads {
            scope.spawn(run);
        }
        run();
    });
    let failed = failed.into_inner();
    match failed.unwrap_or_else(PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn results_keep_their_order_and_items_are_changed_once_each() {
        for n_items in [0, 1, 5, 1000, 100_003] {
            for n_threads in [1, 3, 12] {
                let mut items: Vec<u32> = (0..n_items).collect();
                assert_eq!(map(&items, n_threads, |item| Ok(*item)).unwrap(), items);
                let add = |item: &mut u32| {
                    *item += 1;
                    Ok(())
                };
                change(&mut items, n_threads, add).unwrap();
                assert!(items.iter().copied().eq(1..=n_items));
            }
        }
    }

    #[test]
    fn nothing_new_is_begun_after_a_failure() {
        let items: Vec<u32> = (0..1000).collect();
        for n_threads in [1, 4] {
            let n_begun = AtomicUsize::new(0);
            let failed = each(&items, n_threads, |item| {
                n_begun.fetch_add(1, Ordering::Relaxed);
                match item {
                    3 | 900 => Err(Error::form(item, "odd")),
                    _ => Ok(()),
                }
            });
            assert!(failed.unwrap_err().to_string().contains("`3`"));
            assert!(n_begun.into_inner() < items.len());
        }
    }
}
