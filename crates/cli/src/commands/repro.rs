//! `everloop repro`.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use everloop_engine::pipelines::{
    Besides, Error, Outcome, Progress, Project, Report, Request, StageReport,
};
use everloop_engine::{OnFailure, Stop};
use everloop_lifecycle::dvc::{Change, Command, Reason, Value, Verdict};
use everloop_versions::{RepoPath, Repository};
use serde_json::{Value as Json, json};

use crate::environment;
use crate::exit::{Exit, Failure};
use crate::output::Format;
use crate::stopping::Stopping;
use graph::Form;
use progress::Display;

mod graph;
mod progress;

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

    /// How many stages may run at the same time; by default as many as there are cores.
    #[arg(long, short, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// Only tell what would be run.
    #[arg(long)]
    dry: bool,

    /// Run stages that have not changed, too.
    #[arg(long, short)]
    force: bool,

    /// Run the targets and what comes after them, rather than what they need.
    #[arg(long)]
    downstream: bool,

    /// Run what needs a stage that ran, even if that made the same again.
    #[arg(long)]
    force_downstream: bool,

    /// Run only the targets, not what they need.
    #[arg(long, short, conflicts_with = "downstream")]
    single_item: bool,

    /// Run all that hangs together with the targets.
    #[arg(long, short, conflicts_with_all = ["downstream", "single_item"])]
    pipeline: bool,

    /// Run the stages of all files of the repository.
    #[arg(long, short = 'P', conflicts_with_all = ["downstream", "single_item", "pipeline"])]
    all_pipelines: bool,

    /// Targets that are directories stand for all stages in them.
    #[arg(long, short = 'R')]
    recursive: bool,

    /// Names of stages are patterns: `train-*`.
    #[arg(long)]
    glob: bool,

    /// When a stage fails, run those that do not need it.
    #[arg(long, short)]
    keep_going: bool,

    /// When a stage fails, go on as if it had not.
    #[arg(long, conflicts_with = "keep_going")]
    ignore_errors: bool,

    /// Fetch data that is not here from its remote.
    #[arg(long)]
    pull: bool,

    /// Data that is not here is no reason to run a stage, if nothing else has changed.
    #[arg(long)]
    allow_missing: bool,

    /// Record what was made, and keep it with a later `everloop data commit`.
    #[arg(long)]
    no_commit: bool,

    /// Run stages even if they were once run with the same.
    #[arg(long)]
    no_run_cache: bool,

    /// End a command that takes longer: `90s`, `10m`, `2h`.
    #[arg(long, value_name = "DURATION", value_parser = everloop_lifecycle::parse_duration)]
    timeout: Option<Duration>,

    /// Tell what has changed for a stage, and run nothing.
    #[arg(long, value_name = "STAGE", conflicts_with = "targets")]
    why: Option<String>,

    /// Draw the stages, and run nothing.
    #[arg(long, value_enum, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "text", conflicts_with = "why")]
    graph: Option<Form>,

    /// Draw files and directories, too.
    #[arg(long, requires = "graph")]
    outs: bool,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the stages that must run.
pub(crate) async fn run(args: &Args, chosen: Option<&Path>) -> Result<Exit> {
    let dir = std::env::current_dir()?;
    let dir = chosen.map_or(dir.clone(), |chosen| dir.join(chosen));
    let repository = Repository::open(&dir, &environment::machine())?;
    let directory = RepoPath::of(repository.root(), &dir.canonicalize()?)?;
    if let Some(stage) = &args.why {
        let verdicts = Project::open(&repository)?.why(stage, &directory)?;
        tell_why(&verdicts, args.format)?;
        return Ok(Exit::Ok);
    }
    if let Some(form) = args.graph {
        let form = if args.format == Format::Json {
            Form::Json
        } else {
            form
        };
        let request = args.request(directory);
        let drawn = graph::draw(&Project::open(&repository)?, &request, form, args.outs)?;
        say!("{drawn}");
        return Ok(Exit::Ok);
    }
    let display = Display::new(args.jobs() > 1);
    let request = Request {
        tells_words: display.is_live(),
        ..args.request(directory)
    };
    let mut stopping = Stopping::listen()?;
    let lock = repository.lock()?;
    let project = Project::open(&repository)?;
    let tell = |progress: Progress<'_>| display.tell(&progress);
    let work = project.reproduce(lock, &request, &tell);
    tokio::pin!(work);
    let done = tokio::select! {
        done = &mut work => done,
        () = stopping.asked() => {
            request.stop.ask();
            work.await
        }
    };
    display.end();
    let report = match done {
        Err(Error::Stopped) => {
            return Err(Failure::new(Exit::Interrupted, Error::Stopped.to_string()).into());
        }
        report => report?,
    };
    finish(args, &report)
}

impl Args {
    fn jobs(&self) -> usize {
        self.jobs.map_or_else(environment::n_threads, usize::from)
    }

    fn request(&self, directory: RepoPath) -> Request {
        Request {
            targets: self.targets.clone(),
            directory,
            is_recursive: self.recursive,
            is_glob: self.glob,
            besides: if self.all_pipelines {
                Besides::All
            } else if self.pipeline {
                Besides::Pipeline
            } else if self.single_item {
                Besides::Nothing
            } else if self.downstream {
                Besides::Downstream
            } else {
                Besides::Upstream
            },
            shell: environment::shell(),
            n_jobs: self.jobs(),
            tells_words: false,
            is_forced: self.force,
            forces_downstream: self.force_downstream,
            is_dry: self.dry,
            on_failure: match (self.keep_going, self.ignore_errors) {
                (true, _) => OnFailure::KeepGoing,
                (false, true) => OnFailure::Ignore,
                (false, false) => OnFailure::Stop,
            },
            allows_missing: self.allow_missing,
            fetches_missing: self.pull,
            defers_keeping: self.no_commit,
            ignores_run_cache: self.no_run_cache,
            limit: self.timeout,
            stop: Stop::default(),
        }
    }
}

fn finish(args: &Args, report: &Report) -> Result<Exit> {
    if args.format == Format::Json {
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
    for note in &report.notes {
        eprintln!("note: {note}");
    }
    eprintln!("{}", counts.join(", "));
    Ok(match report.failed().next() {
        Some(_) if !args.ignore_errors => Exit::StageFailed,
        _ => Exit::Ok,
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

fn stage_json(stage: &StageReport) -> Json {
    json!({
        "stage": stage.stage,
        "outcome": words(stage.outcome),
        "reasons": stage.reasons.iter().map(reason_json).collect::<Vec<_>>(),
        "problem": stage.problem,
        "duration_ms": stage.duration.as_millis() as u64,
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
