//! One file a command.

pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod db;
pub(crate) mod export;
pub(crate) mod gc;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod metrics;
pub(crate) mod model;
pub(crate) mod params;
pub(crate) mod plots;
pub(crate) mod reference;
pub(crate) mod replay;
pub(crate) mod repro;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod server;
pub(crate) mod stage;
pub(crate) mod status;
pub(crate) mod up;

use std::path::Path;

use anyhow::Result;

use crate::args::{Args, Command};
use crate::demo;
use crate::exit::Exit;

/// Runs the command that was asked for.
pub(crate) async fn run(args: Args) -> Result<Exit> {
    let project: Option<&Path> = args.project.as_deref();
    match &args.command {
        Command::Demo(args) => demo::run(args).await,
        Command::Init(args) => init::run(args),
        Command::Check(args) => check::run(args, project).await,
        Command::Run(args) => run::run(args, project).await,
        Command::Status(args) => status::run(args, project).await,
        Command::Up(args) => up::run(args, project).await,
        Command::Replay(args) => replay::run(args, project).await,
        Command::Repro(args) => repro::run(args, project).await,
        // Files and what git tells: nothing to wait for side by side.
        Command::Metrics(command) => tokio::task::block_in_place(|| metrics::run(command, project)),
        Command::Params(command) => tokio::task::block_in_place(|| params::run(command, project)),
        Command::Plots(command) => tokio::task::block_in_place(|| plots::run(command, project)),
        Command::Runs(command) => runs::run(command, project).await,
        Command::Data(command) => data::run(command, project, args.quiet).await,
        Command::Db(command) => db::run(command),
        Command::Export(command) => export::run(command).await,
        Command::Gc(args) => gc::run(args).await,
        Command::Import(command) => import::run(command).await,
        Command::Model(command) => model::run(command, project).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Server(args) => server::run(args).await,
        Command::Schema(args) => schema::run(args),
        Command::Stage(command) => tokio::task::block_in_place(|| stage::run(command, project)),
        Command::Reference(args) => reference::run(args),
    }
}
