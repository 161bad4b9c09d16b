//! What happens, told as it happens.
//!
//! Others write to the same store: a cycle in another process, other servers beside this one. So the store itself is
//! followed: while somebody listens, one task looks a few times a second at what has changed and tells all listeners.
//! Of a metric its latest point is told, not each point between two looks.

mod follower;

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use everloop_domain::RunId;
use everloop_metastore::Metastore;
use serde_json::Value;
use tokio::sync::{Notify, broadcast};

use self::follower::Seen;
pub(crate) use self::follower::{metric_data, run_data};

/// How many may listen at once.
const MAX_LISTENERS: usize = 1000;
/// How far a slow listener may fall behind, and how much can be told again.
const MAX_BEHIND: usize = 1024;
/// How often the store is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The kind of the event after which a listener hears nothing more.
pub(crate) const END: &str = "end";

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// Grows with each event of this server.
    pub(crate) id: u64,
    /// `run`, `metric`, `cycle`, `stage`, `signal`, `audit`.
    pub(crate) kind: &'static str,
    /// The run that it is about.
    pub(crate) run: Option<RunId>,
    pub(crate) data: Value,
}

/// All events of a server.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sender: broadcast::Sender<Event>,
    recent: Mutex<VecDeque<Event>>,
    /// Runs that somebody listens to by name; they are followed even if they are old.
    named: Mutex<Vec<RunId>>,
    n_listeners: AtomicUsize,
    last_id: AtomicU64,
    awaited: Notify,
}

/// Somebody who listens; heard no more when dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    events: Events,
    named: Option<RunId>,
    pub(crate) receiver: broadcast::Receiver<Event>,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            inner: Arc::new(Inner {
                sender: broadcast::channel(MAX_BEHIND).0,
                recent: Mutex::default(),
                named: Mutex::default(),
                n_listeners: AtomicUsize::new(0),
                last_id: AtomicU64::new(0),
                awaited: Notify::new(),
            }),
        }
    }
}

impl Events {
    /// Begins to listen, to one run or to all; nothing if too many do.
    pub(crate) fn listen(&self, named: Option<RunId>) -> Option<Listener> {
        let inner = &self.inner;
        if inner.n_listeners.fetch_add(1, Ordering::SeqCst) >= MAX_LISTENERS {
            inner.n_listeners.fetch_sub(1, Ordering::SeqCst);
            return None;
        }
        lock(&inner.named).extend(named.clone());
        let receiver = inner.sender.subscribe();
        inner.awaited.notify_one();
        Some(Listener {
            events: self.clone(),
            named,
            receiver,
        })
    }

    /// The events after one; nothing if they are not known any more.
    pub(crate) fn since(&self, id: u64) -> Option<Vec<Event>> {
        let recent = lock(&self.inner.recent);
        let last = self.inner.last_id.load(Ordering::SeqCst);
        let oldest = recent.front().map_or(last + 1, |event| event.id);
        (id <= last && id + 1 >= oldest).then(|| {
            recent
                .iter()
                .filter(|event| event.id > id)
                .cloned()
                .collect()
        })
    }

    /// Follows a store until the task is aborted.
    pub(crate) async fn follow(self, metastore: Metastore) {
        loop {
            self.inner.awaited.notified().await;
            let mut seen: Option<Seen> = None;
            while self.inner.n_listeners.load(Ordering::SeqCst) > 0 {
                let named: BTreeSet<RunId> = lock(&self.inner.named).iter().cloned().collect();
                let before = seen.take().unwrap_or_default();
                let looked = metastore.read(move |tx| before.look(tx, &named)).await;
                match looked {
                    Ok((now, found)) => {
                        seen = Some(now);
                        for event in found {
                            self.tell(event);
                        }
                    }
                    // The store may be away for a while; then everything is looked at anew.
                    Err(error) => tracing::warn!(error = %error, "cannot follow the metastore"),
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// Ends all listening, so that the server can stop.
    pub(crate) fn close(&self) {
        self.tell(Event {
            id: 0,
            kind: END,
            run: None,
            data: Value::Null,
        });
    }

    fn tell(&self, mut event: Event) {
        let inner = &self.inner;
        let mut recent = lock(&inner.recent);
        event.id = inner.last_id.fetch_add(1, Ordering::SeqCst) + 1;
        if recent.len() >= MAX_BEHIND {
            recent.pop_front();
        }
        recent.push_back(event.clone());
        // Nobody may be left to hear it.
        let _ = inner.sender.send(event);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let inner = &self.events.inner;
        if let Some(run) = &self.named {
            let mut named = lock(&inner.named);
            if let Some(place) = named.iter().position(|other| other == run) {
                named.swap_remove(place);
            }
        }
        inner.n_listeners.fetch_sub(1, Ordering::SeqCst);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: usize) -> Event {
        Event {
            id: 0,
            kind: "run",
            run: None,
            data: serde_json::json!(number),
        }
    }

    #[test]
    fn events_are_told_again_as_long_as_they_are_known() {
        let events = Events::default();
        assert_eq!(events.since(0), Some(Vec::new()));
        (0..5).for_each(|number| events.tell(event(number)));
        let ids = |found: Option<Vec<Event>>| -> Option<Vec<u64>> {
            found.map(|found| found.iter().map(|event| event.id).collect())
        };
        assert_eq!(ids(events.since(3)), Some(vec![4, 5]));
        assert_eq!(ids(events.since(5)), Some(vec![]));
        // Of another server, or of this one before it was started again.
        assert_eq!(ids(events.since(77)), None);
        (0..MAX_BEHIND).for_each(|number| events.tell(event(number)));
        assert_eq!(ids(events.since(4)), None);
        assert_eq!(ids(events.since(5)).map(|ids| ids.len()), Some(MAX_BEHIND));
    }

    #[test]
    fn listeners_are_counted_and_forgotten() {
        let events = Events::default();
        let run = RunId::from_bytes([1; 16]);
        let listeners: Vec<_> = (0..MAX_LISTENERS)
            .map(|_| events.listen(Some(run.clone())).unwrap())
            .collect();
        assert!(events.listen(None).is_none());
        drop(listeners);
        assert!(lock(&events.inner.named).is_empty());
        assert!(events.listen(None).is_some());
    }
}
