//! `everloop export`: what was recorded, for other programs.

use std::path::PathBuf;

use anyhow::Result;
use everloop_exchange::Exporter;

use super::db::Place;
use super::server::ArtifactArgs;
use crate::exit::{Exit, Failure};
use crate::output::Format;
use crate::progress;
use crate::stopping::Stopping;
use crate::transfer::{self, Artifacts};

/// Writes what was recorded for other programs.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Write experiments, runs and models as a file store that MLflow opens.
    Mlflow(Args),
}

/// Arguments of `everloop export mlflow`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory to write; it must not exist or be empty. MLflow 3 opens it where `MLFLOW_ALLOW_FILE_STORE` is `true`.
    dir: PathBuf,

    #[command(flatten)]
    database: Place,

    #[command(flatten)]
    places: ArtifactArgs,

    /// What becomes of artifacts that are in the server's places.
    #[arg(long, value_enum, default_value_t)]
    artifacts: Artifacts,

    /// How to print the report.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> Result<Exit> {
    let Command::Mlflow(args) = command;
    let metastore = args.database.open_existing()?;
    let places = args.artifacts.places(&args.places, &args.database.home)?;
    let exporter = Exporter {
        metastore: &metastore,
        places: places.as_ref(),
        progress: progress::of_runs(),
    };
    let mut stopping = Stopping::listen()?;
    let report = tokio::select! {
        report = exporter.run(&args.dir) => report,
        () = stopping.asked() => {
            progress::end_runs();
            let failure = Failure::new(Exit::Interrupted, "interrupted; nothing is written");
            return Err(failure.into());
        }
    };
    progress::end_runs();
    Ok(transfer::tell(&report?, "WRITTEN", args.format))
}
