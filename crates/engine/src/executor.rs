//! Runs the stages of a plan: those that wait for nothing side by side, each as soon as what it needs is done.
//!
//! It is the executor of both front ends. What a stage does is the business of a [`Work`]: for `everloop.yaml` the typed
//! stages of a cycle, with database and cache; for `dvc.yaml` commands, with `dvc.lock`. Which stage comes next is decided
//! by `Schedule`, which is pure; with one job it is the order of the plan.

mod schedule;

use std::future::Future;
use std::time::{Duration, Instant};

use everloop_lifecycle::Plan;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use crate::process::Stop;
use schedule::Schedule;

/// How a plan is run.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// How many stages may run at the same time.
    pub(crate) n_jobs: usize,
    /// What a failure means for the others.
    pub(crate) on_failure: OnFailure,
    /// Ends the run from elsewhere: no further stage is begun.
    pub(crate) stop: Stop,
}

/// What the failure of a stage means for the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// No further stage is begun.
    #[default]
    Stop,
    /// Stages that need it are skipped.
    KeepGoing,
    /// Nothing.
    Ignore,
}

/// What the stages of a plan do. Stages are given by their position in the plan.
pub(crate) trait Work: Sync {
    /// What a stage has to say when it is done.
    type Done: Send;
    /// Why a stage fails.
    type Error: Send;

    /// Does what a stage does.
    fn run(
        &self,
        stage: usize,
    ) -> impl Future<Output = Result<Ended<Self::Done>, Self::Error>> + Send;

    /// Is told what happens. An error ends the run at once.
    fn tell(
        &self,
        event: Event<'_, Self::Done, Self::Error>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// How a stage ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended<D> {
    /// What needs it may begin.
    Done(D),
    /// What needs it has nothing to do and is skipped.
    Enough(D),
}

/// What happens to a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event<'a, D, E> {
    /// It begins.
    Started {
        /// Which one.
        stage: usize,
    },
    /// It is done.
    Done {
        /// Which one.
        stage: usize,
        /// What it says.
        done: &'a D,
        /// How long it took.
        duration: Duration,
    },
    /// It failed.
    Failed {
        /// Which one.
        stage: usize,
        /// Why.
        error: &'a E,
        /// How long it took.
        duration: Duration,
    },
    /// It does not begin.
    Skipped {
        /// Which one.
        stage: usize,
        /// The stage that failed, or that was enough.
        because: usize,
    },
}

/// What became of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome<D, E> {
    /// It is done.
    Done(D),
    /// It failed.
    Failed(E),
    /// It was skipped.
    Skipped {
        /// The stage that failed, or that was enough.
        because: usize,
    },
    /// The run ended before it began.
    NotBegun,
}

/// Runs a plan. The outcomes are in the order of the plan, whatever the order in which stages ended.
///
/// # Errors
///
/// Fails only if the work could not be told of an event; a stage that fails is an outcome.
pub(crate) async fn execute<W: Work>(
    plan: &Plan,
    policy: &Policy,
    work: &W,
) -> Result<Vec<Outcome<W::Done, W::Error>>, W::Error> {
    let mut schedule = Schedule::new(plan);
    let mut outcomes: Vec<_> = plan.stages().iter().map(|_| Outcome::NotBegun).collect();
    let mut running = FuturesUnordered::new();
    let mut is_over = false;
    loop {
        while running.len() < policy.n_jobs.max(1) && !is_over && !policy.stop.is_asked() {
            let Some(stage) = schedule.next() else {
                break;
            };
            running.push(one(work, stage));
        }
        let Some(ended) = running.next().await else {
            return Ok(outcomes);
        };
        let (stage, result, duration) = ended?;
        let is_passed = match &result {
            Ok(Ended::Done(done) | Ended::Enough(done)) => {
                let event = Event::Done {
                    stage,
                    done,
                    duration,
                };
                work.tell(event).await?;
                matches!(&result, Ok(Ended::Done(_)))
            }
            Err(error) => {
                let event = Event::Failed {
                    stage,
                    error,
                    duration,
                };
                work.tell(event).await?;
                is_over |= policy.on_failure == OnFailure::Stop;
                policy.on_failure == OnFailure::Ignore
            }
        };
        let is_failed = result.is_err();
        outcomes[stage] = match result {
            Ok(Ended::Done(done) | Ended::Enough(done)) => Outcome::Done(done),
            Err(error) => Outcome::Failed(error),
        };
        if is_failed && is_over {
            continue;
        }
        for (stage, because) in schedule.ended(stage, is_passed) {
            work.tell(Event::Skipped { stage, because }).await?;
            outcomes[stage] = Outcome::Skipped { because };
        }
    }
}

type OneEnded<D, E> = Result<(usize, Result<Ended<D>, E>, Duration), E>;

async fn one<W: Work>(work: &W, stage: usize) -> OneEnded<W::Done, W::Error> {
    work.tell(Event::Started { stage }).await?;
    let began = Instant::now();
    let result = work.run(stage).await;
    Ok((stage, result, began.elapsed()))
}

#[cfg(test)]
mod tests;
