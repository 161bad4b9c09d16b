//! The command line as clap sees it. Each command's own arguments stand beside its code.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::{
    check, data, db, export, gc, import, init, metrics, model, params, plots, reference, replay,
    repro, run, runs, schema, serve, server, stage, status, up,
};
use crate::demo;

/// The machine-learning lifecycle as one program: collect, prepare, train, evaluate, deploy, monitor, and
/// round again when the world has moved.
#[derive(Debug, Parser)]
#[command(name = "everloop", version, propagate_version = true)]
pub(crate) struct Args {
    /// The project's directory; by default the nearest one upwards with an `everloop.yaml`.
    #[arg(long, short = 'C', global = true, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,

    /// Tell more on standard error; twice tells all. `EVERLOOP_LOG` chooses by module.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Show no progress of work on data.
    #[arg(long, global = true)]
    pub(crate) quiet: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show everything on generated data: the loop, drift, a retraining, its promotion.
    Demo(demo::Args),
    /// Make a new project.
    Init(init::Args),
    /// Check the lifecycle file: all problems at once.
    Check(check::Args),
    /// Run one cycle, or take up the one that was interrupted.
    Run(run::Args),
    /// Show the cycles and their stages.
    Status(status::Args),
    /// Serve the champion, watch it, and start cycles when they are due.
    Up(up::Args),
    /// Play recorded rows as live traffic in simulated time: what would the loop have done?
    Replay(replay::Args),
    /// Run the stages of `dvc.yaml` that must run, and record them in `dvc.lock`.
    Repro(repro::Args),
    /// List and add stages of `dvc.yaml`.
    #[command(subcommand)]
    Stage(stage::Command),
    /// Show metrics, and compare those of versions.
    #[command(subcommand)]
    Metrics(metrics::Command),
    /// Compare the parameters of versions.
    #[command(subcommand)]
    Params(params::Command),
    /// Draw plots, those of several versions into each other.
    #[command(subcommand)]
    Plots(plots::Command),
    /// List, show and compare runs.
    #[command(subcommand)]
    Runs(runs::Command),
    /// Keep versions of data, and look at tables and their checks.
    #[command(subcommand)]
    Data(data::Command),
    /// List, promote, roll back and apply models.
    #[command(subcommand)]
    Model(model::Command),
    /// Look after the database of tracking and registry.
    #[command(subcommand)]
    Db(db::Command),
    /// Take over what other programs recorded.
    #[command(subcommand)]
    Import(import::Command),
    /// Write what was recorded for other programs.
    #[command(subcommand)]
    Export(export::Command),
    /// Remove for good what was deleted before, with its artifacts.
    Gc(gc::Args),
    /// Serve one model package; needs no project and no database.
    Serve(serve::Args),
    /// Serve tracking and registry to MLflow's clients; needs no project.
    Server(server::Args),
    /// Print the JSON Schema of the lifecycle file.
    Schema(schema::Args),
    /// Write the reference pages of this program.
    #[command(hide = true)]
    Reference(reference::Args),
}
