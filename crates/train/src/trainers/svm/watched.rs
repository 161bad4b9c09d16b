//! Long problems on several threads, with word of how far they are.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::ScopedJoinHandle;

use super::machine::Watch;
use crate::Error;

/// Makes `of` of each number on so many threads. What threads tell their watch goes to `tell`; when that fails, they
/// are told to stop.
pub(super) fn watched<T: Send>(
    range: Range<usize>,
    n_threads: usize,
    of: &(impl Fn(usize, Watch<'_>) -> T + Sync),
    tell: &mut dyn FnMut(u64, f64) -> Result<(), Error>,
) -> Result<Vec<T>, Error> {
    let n_threads = n_threads.max(1);
    let mut made = Vec::with_capacity(range.len());
    for first in range.clone().step_by(n_threads) {
        let is_stopped = AtomicBool::new(false);
        let (words, heard) = mpsc::channel();
        let mut told = Ok(());
        std::thread::scope(|scope| {
            let is_stopped = &is_stopped;
            let workers: Vec<_> = (first..range.end.min(first + n_threads))
                .map(|at| {
                    let words = words.clone();
                    let mut watch = move |steps: u64, objective: f64| {
                        words.send((steps, objective)).is_err()
                            || is_stopped.load(Ordering::Relaxed)
                    };
                    scope.spawn(move || of(at, &mut watch))
                })
                .collect();
            drop(words);
            // Ends when every thread is done and has dropped its sender.
            for (steps, objective) in heard {
                if told.is_ok() {
                    told = tell(steps, objective);
                    is_stopped.store(told.is_err(), Ordering::Relaxed);
                }
            }
            let join = |worker: ScopedJoinHandle<'_, T>| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            made.extend(workers.into_iter().map(join));
        });
        told?;
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_and_words_are_heard() {
        let mut heard = 0;
        let of = |at: usize, watch: Watch<'_>| {
            watch(at as u64, 0.0);
            at
        };
        let made = watched(0..5, 2, &of, &mut |_, _| {
            heard += 1;
            Ok(())
        });
        assert_eq!(made.unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(heard, 5);
    }

    #[test]
    fn threads_stop_when_nobody_listens() {
        let of = |_: usize, watch: Watch<'_>| {
            let mut steps = 0;
            while !watch(steps, 0.0) {
                steps += 1;
            }
        };
        let stopped = watched(0..2, 2, &of, &mut |step, _| {
            if step > 10 {
                Err(Error::Cancelled { step: 10 })
            } else {
                Ok(())
            }
        });
        assert!(stopped.is_err());
    }
}
