//! Work on many files at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Error;

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
    // Reading and writing wait for the disk: somewhat more threads than cores.
    let n_threads = (n_cores + 2).min(items.len());
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else {
                return done;
            };
            done.push((index, work(item)));
        }
    };
    let mut done = std::thread::scope(|scope| {
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
    fn results_keep_their_order() {
        let items: Vec<u32> = (0..1000).collect();
        assert_eq!(map(&items, |item| Ok(*item)).unwrap(), items);
        let failed = map(&items, |item| match item {
            7 | 900 => Err(Error::form(item, "odd")),
            _ => Ok(()),
        });
        assert!(failed.unwrap_err().to_string().contains("`7`"));
    }
}
