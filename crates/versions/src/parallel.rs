//! Work on many files at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Error;

/// Items that a thread takes at once: few of few items, which may be large files.
const LARGEST_BLOCK: usize = 64;

/// Applies `work` to items on as many threads as the machine has; the results are in the order of the items.
///
/// # Errors
///
/// Fails with the error of the first item in order that failed; the others are still worked on.
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let block = (items.len() / 1024).clamp(1, LARGEST_BLOCK);
    let n_blocks = items.len().div_ceil(block);
    // Reading and writing wait for the disk: somewhat more threads than cores.
    let n_threads = (n_cores + 2).min(n_blocks);
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    let run = || {
        let mut done = Vec::new();
        loop {
            let start = next.fetch_add(1, Ordering::Relaxed) * block;
            if start >= items.len() {
                return done;
            }
            let end = (start + block).min(items.len());
            let mut results = Vec::with_capacity(end - start);
            for (index, item) in items.iter().enumerate().take(end).skip(start) {
                match work(item) {
                    Ok(result) => results.push(result),
                    Err(error) => fail(&failed, index, error),
                }
            }
            done.push((start, results));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..n_threads).map(|_| scope.spawn(run)).collect();
        let mut done = run();
        for other in others {
            match other.join() {
                Ok(blocks) => done.extend(blocks),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    let failed = failed.into_inner();
    if let Some((_, error)) = failed.unwrap_or_else(std::sync::PoisonError::into_inner) {
        return Err(error);
    }
    done.sort_unstable_by_key(|(start, _)| *start);
    let mut results = Vec::with_capacity(items.len());
    for (_, block) in done {
        results.extend(block);
    }
    Ok(results)
}

/// Applies `work` to items where they are, without results: of millions, those would take their share of memory.
///
/// # Errors
///
/// Fails with the error of the first item in order that failed; the others are still worked on.
pub(crate) fn change<T: Send>(
    items: &mut [T],
    work: impl Fn(&mut T) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let block = (items.len() / 1024).clamp(1, LARGEST_BLOCK);
    let n_threads = (n_cores + 2).min(items.len().div_ceil(block));
    let blocks = Mutex::new(items.chunks_mut(block).enumerate());
    let failed: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    let run = || {
        loop {
            let next = blocks
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .next();
            let Some((number, items)) = next else { return };
            for (index, item) in items.iter_mut().enumerate() {
                if let Err(error) = work(item) {
                    fail(&failed, number * block + index, error);
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
    match failed.unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// Remembers the error of the first item.
fn fail(failed: &Mutex<Option<(usize, Error)>>, index: usize, error: Error) {
    let mut failed = failed
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if failed.as_ref().is_none_or(|(first, _)| index < *first) {
        *failed = Some((index, error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order() {
        for n_items in [0, 1, 5, 1000, 100_003] {
            let items: Vec<u32> = (0..n_items).collect();
            assert_eq!(map(&items, |item| Ok(*item)).unwrap(), items);
        }
        let items: Vec<u32> = (0..1000).collect();
        let failed = map(&items, |item| match item {
            7 | 900 => Err(Error::form(item, "odd")),
            _ => Ok(()),
        });
        assert!(failed.unwrap_err().to_string().contains("`7`"));
    }

    #[test]
    fn items_are_changed_once_each() {
        for n_items in [0, 1, 5, 1000, 100_003] {
            let mut items: Vec<u32> = (0..n_items).collect();
            change(&mut items, |item| {
                *item += 1;
                Ok(())
            })
            .unwrap();
            assert!(items.iter().copied().eq(1..=n_items));
        }
        let mut items: Vec<u32> = (0..1000).collect();
        let failed = change(&mut items, |item| match item {
            7 | 900 => Err(Error::form(item, "odd")),
            _ => Ok(()),
        });
        assert!(failed.unwrap_err().to_string().contains("`7`"));
    }
}
