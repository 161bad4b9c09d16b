//! `everloop demo`: the whole loop on generated data, with nothing but the binary.
//!
//! A card issuer's stream is generated ([`stream`]), a first model is trained and goes live, the days after it
//! are replayed as requests, fraudsters change their ways on a known day, and the loop has to notice, retrain,
//! prove the new model better and promote it.

mod cost;
mod project;
mod stream;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use everloop_domain::CycleOutcome;
use everloop_engine::Project;

use crate::commands::up;
use crate::exit::{Exit, Failure};
use crate::replay::{self, Plan};
use crate::workspace::Workspace;
use cost::Cost;
use project::World;

/// Arguments of `everloop demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the project is made, and found again when the demo goes on.
    #[arg(long, default_value = "everloop-demo")]
    pub(crate) dir: PathBuf,

    /// The seed of the generated world.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,

    /// How many days are replayed after the model goes live.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=365))]
    pub(crate) days: u32,

    /// Stop after the replay instead of staying up; leave with 0 only if a retraining was promoted.
    #[arg(long)]
    pub(crate) exit: bool,

    /// The port of the page when the demo stays up; 0 takes a free one.
    #[arg(long, default_value_t = 5000)]
    pub(crate) port: u16,
}

/// Generates, trains, replays, reports, and stays up unless told otherwise.
pub(crate) async fn run(args: &Args) -> Result<Exit> {
    let start = Instant::now();
    let dir = std::path::absolute(&args.dir)?;
    let world = World {
        seed: args.seed,
        n_days: args.days,
    };
    let is_new = project::make(&dir, world)?;
    let goes_on = if is_new { "made" } else { "going on in" };
    eprintln!(
        "{goes_on} `{}`: {} days of card payments, seed {}",
        dir.display(),
        world.days_in_all(),
        world.seed
    );
    eprintln!(
        "the model goes live on {}; fraudsters change their ways on {}\n",
        World::live().day(),
        World::change().day()
    );

    let plan = Plan {
        from: World::live(),
        until: Some(world.end()),
        set: Vec::new(),
    };
    let report = replay::run(Project::new(&dir), &plan).await?;
    let workspace = Workspace::open(Some(&dir), &[])?;
    let cost = Cost::of(&workspace, world).await?;
    sayln!("{report}\n{cost}");
    sayln!("data, models and logs: {}", dir.display());
    eprintln!("took {}", crate::output::duration(start.elapsed()));
    let is_promoted = has_promoted_a_retraining(&workspace).await?;
    if args.exit {
        sayln!(
            "the page: `everloop up -C {}`, then http://127.0.0.1:5000/",
            dir.display()
        );
        return if is_promoted {
            Ok(Exit::Ok)
        } else {
            Err(not_promoted())
        };
    }
    sayln!("the page is on the address below; stop with Ctrl-C");
    let args = up::Args::serving_only(args.port);
    up::run(&args, Some(&dir)).await
}

fn not_promoted() -> anyhow::Error {
    Failure::new(Exit::GateNotPassed, "no retraining was promoted in these days")
        .hint("labels come a week late and the change lies six days in: replay at least 16 days (`--days`)")
        .into()
}

async fn has_promoted_a_retraining(workspace: &Workspace) -> Result<bool> {
    let status = workspace.status(usize::MAX >> 1).await?;
    let n_promoted = status
        .cycles
        .iter()
        .filter(|cycle| cycle.outcome == Some(CycleOutcome::Promoted))
        .count();
    Ok(n_promoted > 1)
}
