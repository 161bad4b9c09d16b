//! Work on several threads whose results are taken in the order of the work.

use std::thread::ScopedJoinHandle;

use crate::Error;

/// Makes `of(0)`, `of(1)`, … on so many threads and hands them to `take` in this order, so that sums do not depend on
/// how many threads there are. At most one result a thread is held. An error of `take` ends it.
pub(crate) fn in_order<T: Send>(
    count: usize,
    n_threads: usize,
    of: &(impl Fn(usize) -> T + Sync),
    mut take: impl FnMut(T) -> Result<(), Error>,
) -> Result<(), Error> {
    let n_threads = n_threads.max(1);
    for first in (0..count).step_by(n_threads) {
        let last = count.min(first + n_threads);
        if last - first == 1 {
            take(of(first))?;
            continue;
        }
        let made: Vec<T> = std::thread::scope(|scope| {
            let others: Vec<_> = (first + 1..last)
                .map(|at| scope.spawn(move || of(at)))
                .collect();
            let own = of(first);
            let join = |worker: ScopedJoinHandle<'_, T>| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            std::iter::once(own)
                .chain(others.into_iter().map(join))
                .collect()
        });
        for one in made {
            take(one)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_on_any_number_of_threads() {
        for n_threads in [0, 1, 2, 3, 9] {
            let mut taken = Vec::new();
            in_order(7, n_threads, &|at| at * at, |square| {
                taken.push(square);
                Ok(())
            })
            .unwrap();
            assert_eq!(taken, [0, 1, 4, 9, 16, 25, 36]);
        }
    }

    #[test]
    fn an_error_ends_the_work() {
        let error = in_order(5, 2, &|at| at, |at| {
            if at == 1 {
                return Err(Error::Cancelled { step: at });
            }
            Ok(())
        });
        assert!(matches!(error, Err(Error::Cancelled { step: 1 })));
    }
}
