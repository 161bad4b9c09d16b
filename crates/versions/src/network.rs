//! Work on many objects of a remote at once: more of it than the machine has cores, for it waits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::Error;

/// How many objects of a remote on the network go at once, if nothing else is set. Each holds at most a few MiB in memory.
pub(crate) const N_JOBS: usize = 12;

/// Applies `work` to items on so many threads; the results are in the order of the items. After a failure nothing new is begun.
///
/// # Errors
///
/// Fails with the error of the first item in order that failed.
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    n_jobs: usize,
    work: impl Fn(&T) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let next = AtomicUsize::new(0);
    let has_failed = AtomicBool::new(false);
    let run = || {
        let mut done = Vec::new();
        while !has_failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else {
                break;
            };
            let result = work(item);
            has_failed.fetch_or(result.is_err(), Ordering::Relaxed);
            done.push((index, result));
        }
        done
    };
    let mut done = std::thread::scope(|scope| {
        let n_threads = n_jobs.clamp(1, items.len().max(1));
        let others: Vec<_> = (1..n_threads).map(|_| scope.spawn(run)).collect();
        let mut done = run();
        for other in others {
            match other.join() {
                Ok(results) => done.extend(results),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_new_is_begun_after_a_failure() {
        let items: Vec<u32> = (0..1000).collect();
        assert_eq!(map(&items, 8, |item| Ok(*item)).unwrap(), items);
        let n_begun = AtomicUsize::new(0);
        let failed = map(&items, 4, |item| {
            n_begun.fetch_add(1, Ordering::Relaxed);
            match item {
                3 => Err(Error::form(item, "odd")),
                _ => Ok(()),
            }
        });
        assert!(failed.unwrap_err().to_string().contains("`3`"));
        assert!(n_begun.into_inner() < items.len());
        assert_eq!(map(&[0_u32; 0], 4, |item| Ok(*item)).unwrap().len(), 0);
    }
}
