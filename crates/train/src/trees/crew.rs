//! Several trees at once, one a thread. Each has its own seed, so what is made does not depend on how many threads there are.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::Error;

/// What a thread says.
enum Word<T> {
    /// It works still.
    Works,
    /// A thing is made.
    Made(usize, T),
}

/// Makes `count` things by their number, at most `n_threads` at a time; gives them in order.
///
/// `tell` hears how many are made, now and then, and may cancel; `make` asks whether it is to stop.
pub(crate) fn together<T: Send>(
    count: usize,
    n_threads: usize,
    make: &(dyn Fn(usize, &mut dyn FnMut() -> bool) -> T + Sync),
    tell: &mut dyn FnMut(usize) -> Result<(), Error>,
) -> Result<Vec<T>, Error> {
    let is_stopped = AtomicBool::new(false);
    let next = AtomicUsize::new(0);
    let (says, said) = mpsc::channel();
    let mut made: Vec<Option<T>> = (0..count).map(|_| None).collect();
    let told = std::thread::scope(|scope| {
        for _ in 0..n_threads.clamp(1, count.max(1)) {
            let says = says.clone();
            let (is_stopped, next) = (&is_stopped, &next);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || is_stopped.load(Ordering::Relaxed) {
                        return;
                    }
                    let mut ask =
                        || says.send(Word::Works).is_err() || is_stopped.load(Ordering::Relaxed);
                    let thing = make(number, &mut ask);
                    if says.send(Word::Made(number, thing)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(says);
        let mut n_made = 0;
        let mut told = Ok(());
        // Ends when every thread is done and has dropped its sender.
        for word in said {
            if let Word::Made(number, thing) = word {
                made[number] = Some(thing);
                n_made += 1;
            }
            if told.is_ok() {
                told = tell(n_made);
                is_stopped.store(told.is_err(), Ordering::Relaxed);
            }
        }
        told
    });
    told.map(|()| made.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_come_in_order() {
        for n_threads in [1, 2, 7] {
            let mut told = Vec::new();
            let made = together(20, n_threads, &|number, _| number * number, &mut |n_made| {
                told.push(n_made);
                Ok(())
            });
            assert!(
                made.unwrap()
                    .into_iter()
                    .eq((0..20).map(|number| number * number))
            );
            assert_eq!(told.last(), Some(&20));
        }
    }

    #[test]
    fn a_listener_stops_what_is_being_made() {
        let make = |_, ask: &mut dyn FnMut() -> bool| while !ask() {};
        let result = together(5, 2, &make, &mut |_| Err(Error::Cancelled { step: 3 }));
        assert!(matches!(result, Err(Error::Cancelled { step: 3 })));
    }
}
