//! Telling webhooks what they are still to be told.
//!
//! The store is looked at a few times a second, because others write to it, too: a cycle in another process, other servers.
//! A webhook is told one thing after the other, several webhooks are told at once. What fails is tried again after a while,
//! twice as long each time, and holds up what comes later for the same webhook; in the end it is given up, and the log says so.
//! A message may arrive twice (with the same id): if the server dies after it was sent and before that was written down.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use everloop_domain::{Clock, DigestBuilder, Timestamp};
use everloop_metastore::{Delivery, Error, Lease, Metastore};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::courier::{Answered, Courier, Message, Problem, host, uuid};
use super::payload;

/// How often the store is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many webhooks are told at once.
const MAX_AT_ONCE: usize = 10;
/// How long a stopping server waits for answers.
const GRACE: Duration = Duration::from_secs(5);
/// How much longer than a request a webhook is held.
const MARGIN: Duration = Duration::from_secs(10);
/// How long a webhook rests if the store fails.
const REST: Duration = Duration::from_secs(5);
/// How long a webhook waits for the operator.
const WAIT: Duration = Duration::from_mins(1);
/// The longest pause between two attempts, and the longest that a receiver may ask for.
const MAX_PAUSE: Duration = Duration::from_mins(1);
const MAX_ASKED: Duration = Duration::from_hours(1);

/// Tells webhooks until the server stops.
#[derive(Debug)]
pub(crate) struct Teller {
    metastore: Metastore,
    clock: Arc<dyn Clock>,
    courier: Arc<Courier>,
    /// Of this server, and of no other.
    name: String,
}

/// What came of an attempt.
enum Outcome {
    /// It was told, or is given up.
    Settled,
    /// It is to be tried again.
    Postponed(Timestamp),
}

impl Teller {
    pub(crate) fn new(
        metastore: Metastore,
        clock: Arc<dyn Clock>,
        courier: Arc<Courier>,
        name: [u8; 16],
    ) -> Self {
        Self {
            metastore,
            clock,
            courier,
            name: uuid(name),
        }
    }

    /// Tells what is due until the server stops; what was not told then is left to the next start.
    pub(crate) async fn tell(self, mut stopped: watch::Receiver<bool>) {
        let teller = Arc::new(self);
        let mut telling = JoinSet::new();
        let mut busy = HashMap::new();
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                Some(ended) = telling.join_next_with_id() => {
                    let task = ended.map_or_else(|broken| broken.id(), |(task, ())| task);
                    busy.remove(&task);
                    continue;
                }
                _ = stopped.changed() => break,
            }
            for webhook in teller.due().await {
                if busy.len() < MAX_AT_ONCE && !busy.values().any(|other| *other == webhook) {
                    let draining = Arc::clone(&teller).drain(webhook.clone(), stopped.clone());
                    busy.insert(telling.spawn(draining).id(), webhook);
                }
            }
        }
        let answers = async { while telling.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, answers).await.is_err() {
            telling.abort_all();
        }
        teller.release().await;
    }

    async fn due(&self) -> Vec<String> {
        let (name, now) = (self.name.clone(), self.clock.now());
        let looked = self
            .metastore
            .read(move |tx| tx.deliveries().due(&name, now));
        looked.await.unwrap_or_else(|error| {
            // The store may be away for a while.
            tracing::warn!(error = %error, "cannot read what webhooks are to be told");
            Vec::new()
        })
    }

    /// Tells a webhook one thing after the other, as long as something is due.
    async fn drain(self: Arc<Self>, webhook: String, stopped: watch::Receiver<bool>) {
        let mut last = None;
        loop {
            let goes_on = !*stopped.borrow();
            match self.step(&webhook, last.take(), goes_on).await {
                Ok(Some(delivery)) => last = Some((delivery.id, self.attempt(&delivery).await)),
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(webhook, error = %error, "cannot write down what a webhook was told");
                    tokio::time::sleep(REST).await;
                    return;
                }
            }
        }
    }

    /// Writes down what came of the last attempt and takes what is next.
    async fn step(
        &self,
        webhook: &str,
        last: Option<(i64, Outcome)>,
        goes_on: bool,
    ) -> Result<Option<Delivery>, Error> {
        let now = self.clock.now();
        let lease = Lease {
            teller: self.name.clone(),
            until: now + self.courier.settings.timeout + MARGIN,
        };
        let webhook = webhook.to_owned();
        let work = self.metastore.write(move |tx| {
            let deliveries = tx.deliveries();
            match last {
                Some((id, Outcome::Settled)) => deliveries.settle(id)?,
                Some((id, Outcome::Postponed(due_at))) => deliveries.postpone(id, due_at)?,
                None => {}
            }
            if goes_on {
                deliveries.take(&webhook, &lease, now)
            } else {
                Ok(None)
            }
        });
        work.await
    }

    async fn attempt(&self, delivery: &Delivery) -> Outcome {
        let data = payload::data(delivery.event, &delivery.happening);
        let message = Message {
            id: message_id(delivery),
            body: payload::body(delivery.event, &data, delivery.happened_at),
        };
        let now = self.clock.now();
        let webhook = &delivery.webhook;
        let answered = self.courier.send(webhook, &message, now).await;
        let (problem, asked) = match answered {
            Ok(answer) if answer.is_success() => {
                tracing::debug!(webhook = webhook.name, event = %delivery.event, "told a webhook");
                return Outcome::Settled;
            }
            Ok(answer) if answer.is_passing() => (answered_with(&answer), answer.retry_after),
            Ok(answer) => return given_up(delivery, &answered_with(&answer)),
            Err(Problem::Lasting(problem)) => return given_up(delivery, &problem),
            Err(problem @ Problem::Sealed) => {
                tracing::error!(webhook = webhook.name, problem = %problem, "cannot sign for a webhook");
                return Outcome::Postponed(self.clock.now() + WAIT);
            }
            Err(Problem::Passing(problem)) => (problem, None),
        };
        if delivery.n_failed >= self.courier.settings.max_retries {
            return given_up(delivery, &problem);
        }
        let pause = pause(delivery.n_failed, jitter(&message.id), asked);
        tracing::warn!(
            webhook = webhook.name,
            host = host(&webhook.url),
            problem,
            "a webhook is told later"
        );
        Outcome::Postponed(self.clock.now() + pause)
    }

    /// Leaves what this server holds to the others.
    async fn release(&self) {
        let name = self.name.clone();
        let releasing = self
            .metastore
            .write(move |tx| tx.deliveries().release(&name));
        if let Err(error) = releasing.await {
            // The leases end by themselves.
            tracing::warn!(error = %error, "cannot release the webhooks");
        }
    }
}

fn answered_with(answer: &Answered) -> String {
    match answer.status {
        300..400 => format!(
            "the answer is a redirect ({}), which is not followed: let the webhook name the place itself",
            answer.status
        ),
        status => format!("the answer is {status}"),
    }
}

fn given_up(delivery: &Delivery, problem: &str) -> Outcome {
    let webhook = &delivery.webhook;
    tracing::error!(
        webhook = webhook.name,
        host = host(&webhook.url),
        event = %delivery.event,
        problem,
        "a webhook could not be told, and will not be told this any more"
    );
    Outcome::Settled
}

/// The id of a message, the same for each attempt: made from the delivery and the webhook, whose id is random.
fn message_id(delivery: &Delivery) -> String {
    let mut digest = DigestBuilder::new();
    digest.field(&delivery.webhook.id);
    digest.field(delivery.id.to_string());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.finish().as_bytes()[..16]);
    uuid(bytes)
}

/// A part of a second that differs between messages, so that receivers are not met by all at once.
fn jitter(message_id: &str) -> Duration {
    let digits = u64::from_str_radix(&message_id[..4], 16).unwrap_or(0);
    Duration::from_millis(digits % 1000)
}

/// How long a message waits after it failed: 1, 2, 4, … seconds and a little more, or what the receiver asks for if that is longer.
fn pause(n_failed: u64, jitter: Duration, asked: Option<Duration>) -> Duration {
    let doubled = Duration::from_secs(1 << n_failed.min(6));
    let own = doubled.saturating_add(jitter).min(MAX_PAUSE);
    own.max(asked.unwrap_or_default().min(MAX_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_heed_the_receiver() {
        let seconds = |n_failed, asked: Option<u64>| {
            pause(n_failed, Duration::ZERO, asked.map(Duration::from_secs)).as_secs()
        };
        let grown = [0, 1, 2, 5, 6, 7, u64::MAX].map(|n_failed| seconds(n_failed, None));
        assert_eq!(grown, [1, 2, 4, 32, 60, 60, 60]);
        assert_eq!(seconds(0, Some(90)), 90);
        assert_eq!(seconds(2, Some(1)), 4);
        assert_eq!(seconds(0, Some(u64::MAX)), 3600);
        assert_eq!(pause(0, jitter("ffff"), None), Duration::from_millis(1535));
    }
}
