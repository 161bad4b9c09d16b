//! The executor with work that is none.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use everloop_lifecycle::{PlannedStage, Work as Kind};

use super::*;

/// What stages do: `!` fails, `.` is enough, `^` asks to stop; every other passes.
#[derive(Default)]
struct Fake {
    plan: Plan,
    log: Mutex<Vec<String>>,
    n_running: AtomicUsize,
    most_running: AtomicUsize,
    stop: Stop,
}

impl Fake {
    fn name(&self, stage: usize) -> &str {
        &self.plan.stages()[stage].name
    }
}

impl Work for Fake {
    type Done = String;
    type Error = String;

    async fn run(&self, stage: usize) -> Result<Ended<String>, String> {
        let n_running = self.n_running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_running.fetch_max(n_running, Ordering::SeqCst);
        // Later stages end first, if they run at the same time.
        for _ in 0..self.plan.stages().len() - stage {
            tokio::task::yield_now().await;
        }
        self.n_running.fetch_sub(1, Ordering::SeqCst);
        let name = self.name(stage).to_owned();
        match name.chars().last() {
            Some('!') => Err(name),
            Some('.') => Ok(Ended::Enough(name)),
            Some('^') => {
                self.stop.ask();
                Ok(Ended::Done(name))
            }
            _ => Ok(Ended::Done(name)),
        }
    }

    async fn tell(&self, event: Event<'_, String, String>) -> Result<(), String> {
        let words = match event {
            Event::Started { stage } => format!("+{}", self.name(stage)),
            Event::Done { done, .. } => format!("-{done}"),
            Event::Failed { error, .. } => format!("x{error}"),
            Event::Skipped { stage, because } => {
                format!("{}<{}", self.name(stage), self.name(because))
            }
        };
        self.log.lock().unwrap().push(words);
        Ok(())
    }
}

/// A plan written as `name needs~after`, for example `a b c:a,b d~a`.
fn plan(text: &str) -> Plan {
    let mut stages: Vec<PlannedStage> = Vec::new();
    for word in text.split(' ') {
        let (word, after) = word.split_once('~').unwrap_or((word, ""));
        let (name, needs) = word.split_once(':').unwrap_or((word, ""));
        let places = |names: &str| -> Vec<usize> {
            let names = names.split(',').filter(|name| !name.is_empty());
            let place = |name| stages.iter().position(|stage| stage.name == name);
            names.map(|name| place(name).unwrap()).collect()
        };
        stages.push(PlannedStage {
            name: name.to_owned(),
            needs: places(needs),
            after: places(after),
            action: String::new(),
            work: Kind::Member(stages.len()),
        });
    }
    Plan::new(stages).unwrap()
}

async fn run(text: &str, n_jobs: usize, on_failure: OnFailure) -> (Fake, String) {
    let fake = Fake {
        plan: plan(text),
        ..Fake::default()
    };
    let policy = Policy {
        n_jobs,
        on_failure,
        stop: fake.stop.clone(),
    };
    let outcomes = execute(&fake.plan, &policy, &fake).await.unwrap();
    let shown = outcomes.into_iter().map(|outcome| match outcome {
        Outcome::Done(name) => name,
        Outcome::Failed(name) => format!("x{name}"),
        Outcome::Skipped { because } => format!("<{}", fake.name(because)),
        Outcome::NotBegun => "?".to_owned(),
    });
    let shown = shown.collect::<Vec<_>>().join(" ");
    (fake, shown)
}

#[track_caller]
fn check(text: &str, n_jobs: usize, on_failure: OnFailure, log: &str, outcomes: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let (fake, shown) = runtime.unwrap().block_on(run(text, n_jobs, on_failure));
    assert_eq!(fake.log.into_inner().unwrap().join(" "), log);
    assert_eq!(shown, outcomes);
    assert!(fake.most_running.into_inner() <= n_jobs.max(1));
}

#[test]
fn one_job_follows_the_plan() {
    let log = "+a -a +b -b +c -c +d -d";
    check("a b c:a d:b,c", 1, OnFailure::Stop, log, "a b c d");
    check("a b c:a d:b,c", 0, OnFailure::Stop, log, "a b c d");
}

#[test]
fn what_waits_for_nothing_runs_side_by_side() {
    let log = "+a +b -b +c -a -c +d -d";
    check("a b c:b d:a,c", 2, OnFailure::Stop, log, "a b c d");
    let log = "+a +b +c -c -b -a";
    check("a b c", 8, OnFailure::Stop, log, "a b c");
}

#[test]
fn a_failure_ends_the_run_after_those_that_run() {
    let log = "+a +b! xb! -a";
    check("a b! c:a d", 2, OnFailure::Stop, log, "a xb! ? ?");
}

#[test]
fn going_on_skips_what_needs_the_failed() {
    let log = "+a! xa! b<a! d<a! +c -c +e -e";
    check(
        "a! b:a! c~a! d:b e~b",
        1,
        OnFailure::KeepGoing,
        log,
        "xa! <a! c <a! e",
    );
}

#[test]
fn an_ignored_failure_means_nothing() {
    let log = "+a! xa! +b -b";
    check("a! b:a!", 1, OnFailure::Ignore, log, "xa! b");
}

#[test]
fn what_is_enough_is_no_failure() {
    let log = "+a -a +b. -b. c<b. d<b. +e -e";
    check(
        "a b.:a c:b. d:c e:a",
        1,
        OnFailure::Stop,
        log,
        "a b. <b. <b. e",
    );
}

#[test]
fn asked_to_stop_it_begins_nothing() {
    let log = "+a +b^ -b^ -a";
    check("a b^ c d:a", 2, OnFailure::KeepGoing, log, "a b^ ? ?");
}

#[test]
fn long_plans_take_linear_time() {
    let stages = (0..20_000).map(|at: usize| PlannedStage {
        name: at.to_string(),
        needs: at.checked_sub(1).into_iter().collect(),
        after: Vec::new(),
        action: String::new(),
        work: Kind::Member(at),
    });
    let mut schedule = Schedule::new(&Plan::new(stages.collect()).unwrap());
    for at in 0..10_000 {
        assert_eq!(schedule.next(), Some(at));
        assert_eq!(schedule.ended(at, true), []);
    }
    assert_eq!(schedule.next(), Some(10_000));
    assert_eq!(schedule.ended(10_000, false).len(), 9_999);
    assert_eq!(schedule.next(), None);
}
