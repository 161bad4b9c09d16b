//! `everloop gc`: removes for good what was deleted softly.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use everloop_domain::{Clock as _, ExperimentId, RunId};
use everloop_server::{Collected, Criteria, Parts, collect};
use serde_json::json;

use super::db::Place;
use super::server::ArtifactArgs;
use crate::environment::SystemClock;
use crate::exit::Exit;
use crate::output::Format;

/// Arguments of `everloop gc`, named as those of `mlflow gc`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: Place,

    #[command(flatten)]
    artifacts: ArtifactArgs,

    /// Only what was deleted longer ago than this: `30d`, `2d8h5m20s`.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    older_than: Option<Duration>,

    /// Only these runs; they must be deleted.
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    run_ids: Vec<RunId>,

    /// Only these experiments, with their runs; they must be deleted.
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    experiment_ids: Vec<u64>,

    /// Only these logged models; they must be deleted.
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    logged_model_ids: Vec<String>,

    /// Only tell what would be removed.
    #[arg(long)]
    dry_run: bool,

    /// How to print what was removed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the command.
pub(crate) async fn run(args: &Args) -> Result<Exit> {
    let home = std::path::absolute(&args.database.home)?;
    let parts = Parts {
        metastore: args.database.open()?,
        places: args.artifacts.open(&home)?,
        clock: Arc::new(SystemClock),
        deployment: None,
    };
    let now = SystemClock.now();
    let criteria = Criteria {
        before: args.older_than.map(|age| now - age),
        runs: args.run_ids.clone(),
        experiments: args
            .experiment_ids
            .iter()
            .copied()
            .map(ExperimentId)
            .collect(),
        logged_models: args.logged_model_ids.clone(),
        is_dry: args.dry_run,
    };
    let collected = collect(&parts, &criteria).await?;
    print(&collected, args);
    Ok(Exit::Ok)
}

fn print(collected: &Collected, args: &Args) {
    let Collected {
        runs,
        experiments,
        logged_models,
        left,
    } = collected;
    if args.format == Format::Json {
        let left: Vec<_> = left
            .iter()
            .map(|(location, why)| json!({"location": location, "why": why}))
            .collect();
        sayln!(
            "{}",
            json!({"dry_run": args.dry_run, "runs": runs, "experiments": experiments, "logged_models": logged_models,
                "artifacts_left": left})
        );
        return;
    }
    let done = if args.dry_run {
        "would be removed"
    } else {
        "removed"
    };
    for id in runs {
        sayln!("run {id} {done}");
    }
    for id in logged_models {
        sayln!("logged model {id} {done}");
    }
    for id in experiments {
        sayln!("experiment {id} {done}, with its runs");
    }
    for (location, why) in left {
        eprintln!("artifacts are left at {location}: {why}");
    }
    let n_things = runs.len() + experiments.len() + logged_models.len();
    eprintln!("{n_things} things {done}");
}

/// A time as MLflow writes it: days, hours, minutes, seconds, each optional.
fn duration(text: &str) -> Result<Duration, String> {
    let refused = || format!("`{text}` is no time; write `30d`, `8h`, `2m4s` or `2d8h5m20s`");
    let mut rest = text;
    let mut seconds = 0.0;
    for (unit, n_seconds) in [('d', 86_400.0), ('h', 3600.0), ('m', 60.0), ('s', 1.0)] {
        if let Some((number, after)) = rest.split_once(unit) {
            let number: f64 = number.parse().map_err(|_| refused())?;
            seconds += number * n_seconds;
            rest = after;
        }
    }
    if text.is_empty() || !rest.is_empty() {
        return Err(refused());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, seconds: f64) {
        assert_eq!(
            duration(text),
            Ok(Duration::from_secs_f64(seconds)),
            "{text}"
        );
    }

    #[test]
    fn times_are_read_as_mlflow_writes_them() {
        check("8h", 28_800.0);
        check("2d8h5m20s", 201_920.0);
        check("2m4s", 124.0);
        check("1.5d", 129_600.0);
        check("0s", 0.0);
    }

    #[test]
    fn other_times_are_refused() {
        for text in ["", "5", "d", "4s2m", "-1d", "1w", "1d 2h", "1e400d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
