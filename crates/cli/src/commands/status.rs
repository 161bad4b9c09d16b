//! `everloop status`.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use everloop_engine::status::{CycleStatus, Status};

use crate::exit::Exit;
use crate::output::{self, Format, number};
use crate::workspace::Workspace;

/// Arguments of `everloop status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many cycles to show, the newest first.
    #[arg(long, default_value_t = 2)]
    pub(crate) cycles: usize,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Shows the cycles of a project.
pub(crate) async fn run(args: &Args, project: Option<&Path>) -> Result<Exit> {
    let workspace = Workspace::open(project, &[])?;
    let status = workspace.status(args.cycles).await?;
    match args.format {
        Format::Text => say!("{}", text(&status)),
        Format::Json => sayln!("{}", serde_json::to_string_pretty(&status)?),
    }
    Ok(Exit::Ok)
}

/// The stage tables, the newest cycle first.
pub(crate) fn text(status: &Status) -> String {
    let mut text = format!("project {}\n", status.project);
    for cycle in &status.cycles {
        text.push('\n');
        text.push_str(&cycle_text(cycle));
    }
    text.push_str(&format!("\nnext: {}\n", status.next));
    text
}

fn cycle_text(cycle: &CycleStatus) -> String {
    let outcome = cycle
        .outcome
        .map_or_else(|| "running".to_owned(), |outcome| outcome.to_string());
    let mut text = format!(
        "cycle {} ({}): {outcome}\n  {}\n",
        cycle.number, cycle.reason, cycle.why
    );
    let rows: Vec<Vec<String>> = cycle
        .stages
        .iter()
        .map(|stage| {
            vec![
                stage.name.to_string(),
                stage.state.to_string(),
                if stage.cached {
                    "yes".to_owned()
                } else {
                    "no".to_owned()
                },
                output::duration(Duration::from_millis(stage.duration_ms)),
                stage.action.clone(),
            ]
        })
        .collect();
    for line in output::table(&["stage", "state", "cached", "duration", "action"], &rows).lines() {
        text.push_str(&format!("  {line}\n"));
    }
    let metrics: Vec<String> = cycle
        .metrics
        .iter()
        .map(|(name, value)| format!("{name} {}", number(*value)))
        .collect();
    if !metrics.is_empty() {
        text.push_str(&format!("  {}\n", metrics.join(", ")));
    }
    for gate in &cycle.gates {
        let verdict = gate.verdict.as_str();
        text.push_str(&format!("  {verdict:<6} {}: {}\n", gate.text, gate.shown));
    }
    if let Some(version) = cycle.champion_version {
        text.push_str(&format!("  champion: version {version}\n"));
    }
    text
}
