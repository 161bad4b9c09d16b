//! `everloop repro`.

use std::path::Path;

use anyhow::Result;
use everloop_lifecycle::dvc::{Change, Command, Reason, Value, Verdict};
use everloop_pipelines::{
    Besides, Error, Outcome, Progress, Project, Report, Request, StageReport, Stop,
};
use everloop_versions::{RepoPath, Repository};
use serde_json::{Value as Json, json};

use crate::environment;
use crate::exit::{Exit, Failure};
use crate::output::Format;
use crate::stopping::Stopping;

/// Arguments of `everloop repro`.
#[derive(Clone, Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct Args {
    /// Stages, groups, or files of stages; by default all of `dvc.yaml`.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,

    /// Only tell what would be run.
    #[arg(long)]
    dry: bool,

    /// Run stages that have not changed, too.
    #[arg(long, short)]
    force: bool,

    /// Run the targets and what comes after them, rather than what they need.
    #[arg(long)]
    downstream: bool,

    /// Run only the targets, not what they need.
    #[arg(long, short, conflicts_with = "downstream")]
    single_item: bool,

    /// When a stage fails, run those that do not need it.
    #[arg(long, short)]
    keep_going: bool,

    /// Tell what has changed for a stage, and run nothing.
    #[arg(long, value_name = "STAGE", conflicts_with = "targets")]
    why: Option<String>,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the stages that must run.
pub(crate) async fn run(args: &Args, chosen: Option<&Path>) -> Result<Exit> {
    let dir = std::env::current_dir()?;
    let dir = chosen.map_or(dir.clone(), |chosen| dir.join(chosen));
    let repository = Repository::open(&dir, &environment::dvc_config_files())?
        .with_environment(environment::remote_settings());
    let directory = RepoPath::of(repository.root(), &dir.canonicalize()?)?;
    if let Some(stage) = &args.why {
        let verdicts = Project::open(&repository)?.why(stage, &directory)?;
        tell_why(&verdicts, args.format)?;
        return Ok(Exit::Ok);
    }
    let stop = Stop::default();
    let request = Request {
        targets: args.targets.clone(),
        directory,
        shell: environment::shell(),
        besides: match (args.single_item, args.downstream) {
            (true, _) => None,
            (false, true) => Some(Besides::Downstream),
            (false, false) => Some(Besides::Upstream),
        },
        is_forced: args.force,
        is_dry: args.dry,
        keeps_going: args.keep_going,
        stop: stop.clone(),
    };
    let mut stopping = Stopping::listen()?;
    let work = move || -> Result<Report, Error> {
        let lock = repository.lock()?;
        Project::open(&repository)?.reproduce(lock, &request, &mut tell)
    };
    let mut work = tokio::task::spawn_blocking(work);
    let done = tokio::select! {
        done = &mut work => done,
        () = stopping.asked() => {
            stop.ask();
            work.await
        }
    };
    let report = match done? {
        Err(Error::Stopped) => {
            return Err(Failure::new(Exit::Interrupted, Error::Stopped.to_string()).into());
        }
        report => report?,
    };
    finish(&report, args.format)
}

fn finish(report: &Report, format: Format) -> Result<Exit> {
    if format == Format::Json {
        let rows: Vec<Json> = report.stages.iter().map(stage_json).collect();
        sayln!("{}", serde_json::to_string_pretty(&rows)?);
    }
    let count = |outcome| {
        let stages = report.stages.iter();
        stages.filter(|stage| stage.outcome == outcome).count()
    };
    let counts: Vec<String> = OUTCOMES
        .iter()
        .map(|(outcome, words)| (count(*outcome), words))
        .filter(|(n_stages, _)| *n_stages > 0)
        .map(|(n_stages, words)| format!("{n_stages} {words}"))
        .collect();
    eprintln!("{}", counts.join(", "));
    Ok(match report.failed().next() {
        Some(_) => Exit::StageFailed,
        None => Exit::Ok,
    })
}

const OUTCOMES: [(Outcome, &str); 8] = [
    (Outcome::Ran, "run"),
    (Outcome::Recorded, "recorded"),
    (Outcome::Restored, "restored"),
    (Outcome::UpToDate, "up to date"),
    (Outcome::WouldRun, "would run"),
    (Outcome::MayRun, "may run"),
    (Outcome::Failed, "failed"),
    (Outcome::Skipped, "skipped"),
];

fn words(outcome: Outcome) -> &'static str {
    let mut known = OUTCOMES.iter();
    let found = known.find(|(known, _)| *known == outcome);
    found.map_or("", |(_, words)| words)
}

/// A line for each step on standard error.
fn tell(progress: Progress<'_>) {
    match progress {
        Progress::Stage { stage } => eprintln!("{stage}: running"),
        Progress::Command { line } => eprintln!("> {line}"),
        Progress::Done(stage) => {
            eprintln!("{}: {}", stage.stage, words(stage.outcome));
            if let Some(problem) = &stage.problem {
                eprintln!("error: {problem}");
            }
            if stage.outcome == Outcome::WouldRun {
                for reason in &stage.reasons {
                    eprintln!("  {}", reason_text(reason));
                }
            }
        }
    }
}

fn stage_json(stage: &StageReport) -> Json {
    json!({
        "stage": stage.stage,
        "outcome": words(stage.outcome),
        "reasons": stage.reasons.iter().map(reason_json).collect::<Vec<_>>(),
        "problem": stage.problem,
    })
}

fn tell_why(verdicts: &[(String, Verdict)], format: Format) -> Result<()> {
    if format == Format::Json {
        let rows: Vec<Json> = verdicts
            .iter()
            .map(|(stage, verdict)| {
                let reasons: Vec<Json> = verdict.reasons.iter().map(reason_json).collect();
                json!({"stage": stage, "frozen": verdict.is_frozen, "reasons": reasons})
            })
            .collect();
        sayln!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    for (stage, verdict) in verdicts {
        let state = if verdict.is_up_to_date() {
            "up to date"
        } else {
            "must run"
        };
        sayln!("{stage}: {state}");
        for reason in &verdict.reasons {
            sayln!("  {}", reason_text(reason));
        }
    }
    Ok(())
}

/// What kind of reason it is, what it is about, and both states.
fn parts(reason: &Reason) -> (&'static str, Option<String>, Option<[Json; 2]>) {
    match reason {
        Reason::NeverRun => ("never run", None, None),
        Reason::AlwaysChanged => ("always runs", None, None),
        Reason::Command { before, now } => {
            let states = [command(before), command(now)];
            ("command", None, Some(states))
        }
        Reason::Dependency { path, change } => {
            let states = states(change, |digest| json!(digest));
            ("dependency", Some(path.clone()), Some(states))
        }
        Reason::ParamsFile { path, change } => {
            let states = states(change, |()| json!("there"));
            ("parameters", Some(path.clone()), Some(states))
        }
        Reason::Parameter { path, key, change } => {
            let states = states(change, |value| value.as_ref().map_or(Json::Null, plain));
            ("parameter", Some(format!("{path}:{key}")), Some(states))
        }
        Reason::Output { path, change } => {
            let states = states(change, |digest| json!(digest));
            ("output", Some(path.clone()), Some(states))
        }
        Reason::NotInCache { path } => ("not in cache", Some(path.clone()), None),
    }
}

fn reason_json(reason: &Reason) -> Json {
    let (kind, subject, states) = parts(reason);
    let mut row = json!({"kind": kind, "subject": subject});
    if let Some([before, now]) = states {
        row["before"] = before;
        row["now"] = now;
    }
    row
}

fn reason_text(reason: &Reason) -> String {
    let (kind, subject, states) = parts(reason);
    let subject = subject.map_or(String::new(), |subject| format!(" `{subject}`"));
    let shown = |state: &Json| match state {
        Json::Null => "nothing".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let states = states.map_or(String::new(), |[before, now]| {
        format!(": {} -> {}", shown(&before), shown(&now))
    });
    format!("{kind}{subject}{states}")
}

fn command(command: &Command) -> Json {
    match command {
        Command::One(text) => json!(text),
        Command::Many(texts) => json!(texts),
    }
}

fn states<T>(change: &Change<T>, shown: impl Fn(&T) -> Json) -> [Json; 2] {
    match change {
        Change::Added(now) => [Json::Null, shown(now)],
        Change::Removed(before) => [shown(before), Json::Null],
        Change::Modified { before, now } => [shown(before), shown(now)],
    }
}

/// A value as JSON; what JSON has no numbers or keys for becomes text.
fn plain(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => json!(value),
        Value::Integer(whole) => i64::try_from(*whole).map_or(json!(whole.to_string()), Json::from),
        Value::Number(number) if number.is_finite() => json!(number),
        Value::Number(number) => json!(number.to_string()),
        Value::Time(text) | Value::Text(text) => json!(text),
        Value::List(elements) => elements.iter().map(plain).collect(),
        Value::Map(entries) => {
            let name = |key: &Value| match plain(key) {
                Json::String(text) => text,
                other => other.to_string(),
            };
            let entries = entries.iter();
            Json::Object(
                entries
                    .map(|(key, value)| (name(key), plain(value)))
                    .collect(),
            )
        }
    }
}
