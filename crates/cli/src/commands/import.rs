//! `everloop import`: takes over what other programs recorded.

use anyhow::Result;
use everloop_exchange::{Importer, Login, Source};

use super::db::Place;
use super::server::ArtifactArgs;
use crate::environment::variable;
use crate::exit::Exit;
use crate::output::Format;
use crate::progress;
use crate::transfer::{self, Artifacts};

/// Takes over what other programs recorded.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Take over experiments, runs and models of MLflow; may be repeated, what is here stays as it is.
    Mlflow(Args),
}

/// Arguments of `everloop import mlflow`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A directory `mlruns`, a file `mlflow.db`, `sqlite:///…`, `postgresql://…`, or the `http://…` of a server; a server may
    /// be told a name and password in its address, or in `MLFLOW_TRACKING_USERNAME`, `MLFLOW_TRACKING_PASSWORD` and
    /// `MLFLOW_TRACKING_TOKEN`.
    source: String,

    #[command(flatten)]
    database: Place,

    #[command(flatten)]
    places: ArtifactArgs,

    /// What becomes of artifacts that are on this machine or served by the server.
    #[arg(long, value_enum, default_value_t)]
    artifacts: Artifacts,

    /// How to print the report.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> Result<Exit> {
    let Command::Mlflow(args) = command;
    let source = Source::open(&args.source, login())?;
    let metastore = args.database.open()?;
    let places = args.artifacts.places(&args.places, &args.database.home)?;
    let importer = Importer {
        metastore: &metastore,
        places: places.as_ref(),
        progress: progress::of_runs(),
    };
    let report = importer.run(&source).await;
    progress::end_runs();
    Ok(transfer::tell(&report?, "NEW", args.format))
}

/// What MLflow's client takes from its surroundings.
fn login() -> Login {
    let name = variable("MLFLOW_TRACKING_USERNAME");
    Login {
        user: name.map(|name| (name, variable("MLFLOW_TRACKING_PASSWORD"))),
        token: variable("MLFLOW_TRACKING_TOKEN"),
    }
}
