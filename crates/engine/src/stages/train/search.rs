//! `train.tune`: trials under way at the same time, each a child run, kept in a journal from which a killed search goes on.

mod children;
mod command;
mod fitting;
mod journal;
mod summary;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use everloop_domain::CycleNumber;
use everloop_domain::search::Search;
use everloop_lifecycle::{Lifecycle, Trainer};
use everloop_train::tuning::{Asked, Outcome, Study, Trial, typed};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::Prepared;
use crate::stages::Output;
use crate::tracking::CycleRun;
use crate::{Error, Progress, Runner};
use fitting::Fitting;
use journal::Journal;

pub use summary::Tuned;

/// The search of a lifecycle, its ranges of the trainer's types; nothing if there is none.
pub(super) fn of(lifecycle: &Lifecycle) -> Option<Search> {
    let tune = lifecycle.train.tune.as_ref()?;
    Some(typed(tune, built_in(&lifecycle.train.trainer)))
}

fn built_in(trainer: &Trainer) -> Option<&str> {
    match trainer {
        Trainer::BuiltIn(name) => Some(name),
        Trainer::Command(_) => None,
    }
}

/// What a search works with.
pub(super) struct Place<'a> {
    pub(super) runner: &'a Runner,
    pub(super) cycle: CycleNumber,
    pub(super) run: &'a CycleRun,
    pub(super) prepared: &'a Output<Prepared>,
    /// Where trials that have ended are kept until the stage has ended.
    pub(super) journal: PathBuf,
    /// Where commands may leave models.
    pub(super) dir: &'a Path,
}

/// How a trial is carried out.
enum Way {
    /// By a built-in trainer, on another thread.
    Fit(Box<Fitting>),
    /// By the command of `run`.
    Command(String),
}

/// Searches, and gives what was found; beside it lie `tuning.json` and `tuning.html`.
pub(super) async fn run(place: &Place<'_>, search: Search) -> Result<Tuned, Error> {
    let runner = place.runner;
    let way = match &runner.lifecycle().train.trainer {
        Trainer::BuiltIn(name) => Way::Fit(Box::new(Fitting::new(
            runner,
            name,
            place.prepared,
            &search,
        )?)),
        Trainer::Command(line) => Way::Command(line.clone()),
    };
    let mut study = Study::new(search)?;
    let mut journal = Journal::open(&place.journal)?;
    for trial in journal.trials()? {
        study.restore(trial);
    }
    for trial in study.trials() {
        children::record(runner, place.run, trial).await?;
    }
    carry_out(place, &way, &mut study, &mut journal).await?;
    summary::of(place, &study)
}

/// Runs trials until there are enough of them, or it is late.
async fn carry_out(
    place: &Place<'_>,
    way: &Way,
    study: &mut Study,
    journal: &mut Journal,
) -> Result<(), Error> {
    let runner = place.runner;
    let n_threads = runner.n_threads().max(1);
    let width = study.search().parallel.clamp(1, n_threads);
    let used: f64 = study.trials().map(|trial| trial.seconds).sum();
    let used = Duration::try_from_secs_f64(used / width as f64).unwrap_or_default();
    let (began, limit) = (Instant::now(), study.search().timeout);
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < width {
            let has_any = study.trials().next().is_some() || !under_way.is_empty();
            if has_any && limit.is_some_and(|limit| began.elapsed() + used >= limit) {
                break;
            }
            let Some(asked) = study.ask() else { break };
            children::begin(runner, place.run, &asked).await?;
            under_way.push(one(place, way, asked, n_threads / width));
        }
        let Some((number, outcome)) = under_way.next().await else {
            return Ok(());
        };
        let best = study.best().map(|best| best.number);
        let Some(trial) = study.tell(number, outcome) else {
            continue;
        };
        journal.add(trial)?;
        children::record(runner, place.run, trial).await?;
        let trial = trial.clone();
        let is_best = study.best().map(|best| best.number) != best;
        runner.tell(Progress::Trial {
            done: study.trials().count(),
            total: study.n_trials(),
            text: summary::line(study.search(), &trial),
            is_best,
        });
    }
}

/// Carries a trial out.
async fn one(place: &Place<'_>, way: &Way, asked: Asked, n_threads: usize) -> (usize, Outcome) {
    let (number, began) = (asked.number, Instant::now());
    let outcome = match way {
        Way::Fit(fitting) => {
            let fitting = fitting.as_ref().clone();
            let work = tokio::task::spawn_blocking(move || fitting.score(asked, n_threads.max(1)));
            work.await
                .unwrap_or_else(|_| failed("the trainer stopped unexpectedly"))
        }
        Way::Command(line) => command::score(place, line, &asked).await,
    };
    let seconds = began.elapsed().as_secs_f64();
    (number, Outcome { seconds, ..outcome })
}

fn failed(problem: impl Into<String>) -> Outcome {
    Outcome {
        problem: Some(problem.into()),
        ..Outcome::default()
    }
}

/// The run of a trial: a function of the parent and the number, so that a resumed search finds it again.
fn child_id(run: &CycleRun, number: usize) -> everloop_domain::RunId {
    let digest = everloop_domain::Digest::of(format!("{}\ntrial {number}", run.id));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    everloop_domain::RunId::from_bytes(bytes)
}

/// The first problem of trials that failed.
fn first_problem<'a>(mut trials: impl Iterator<Item = &'a Trial>) -> Option<&'a str> {
    trials.find_map(|trial| trial.problem.as_deref())
}
