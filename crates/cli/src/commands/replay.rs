//! `everloop replay`.

use std::path::Path;

use anyhow::Result;
use everloop_domain::Timestamp;

use crate::exit::Exit;
use crate::output::Format;
use crate::replay::{self, Plan};
use crate::workspace::find_project;

/// Arguments of `everloop replay`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The moment at which the model goes live: it learns from what was known then.
    #[arg(long, value_name = "MOMENT")]
    pub(crate) from: Timestamp,

    /// The end; by default after the last row.
    #[arg(long, value_name = "MOMENT")]
    pub(crate) until: Option<Timestamp>,

    /// Override a setting of the lifecycle file: `--set retrain.cooldown=7d`.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Plays the rows of the dataset as live traffic.
pub(crate) async fn run(args: &Args, project: Option<&Path>) -> Result<Exit> {
    let plan = Plan {
        from: args.from,
        until: args.until,
        set: args.set.clone(),
    };
    let report = replay::run(find_project(project)?, &plan).await?;
    match args.format {
        Format::Text => say!("{report}"),
        Format::Json => sayln!("{}", serde_json::to_string_pretty(&report)?),
    }
    Ok(Exit::Ok)
}
