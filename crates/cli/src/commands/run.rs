//! `everloop run`.

use std::path::Path;

use anyhow::Result;
use everloop_domain::{CycleOutcome, StageName, Timestamp};
use everloop_engine::{CycleReport, CycleRequest};

use crate::exit::{Exit, Failure};
use crate::output::Format;
use crate::stopping::Stopping;
use crate::workspace::{Tracking, Workspace};

/// Arguments of `everloop run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Stop after this stage: collect, prepare, train, evaluate, deploy or monitor.
    #[arg(long, value_name = "STAGE")]
    pub(crate) until: Option<StageName>,

    /// Use only rows that were known, label included, at this moment (`2011-07-01`).
    #[arg(long, value_name = "MOMENT")]
    pub(crate) as_of: Option<Timestamp>,

    /// Override a setting of the lifecycle file: `--set train.parameters.trees=50`.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Runs one cycle.
pub(crate) async fn run(args: &Args, project: Option<&Path>) -> Result<Exit> {
    let workspace = Workspace::open(project, &args.set)?;
    let tracking = Tracking::for_commands(&workspace).await?;
    let runner = workspace.runner(
        tracking.as_ref().map(Tracking::uri),
        crate::workspace::tell_progress(),
    )?;
    let request = CycleRequest {
        until: args.until,
        as_of: args.as_of,
        ..CycleRequest::manual()
    };
    let mut stopping = Stopping::listen()?;
    let report = tokio::select! {
        report = runner.run_cycle(&request) => Some(report),
        // Commands are ended with the cycle, which the next run takes up.
        () = stopping.asked() => None,
    };
    if let Some(tracking) = tracking {
        tracking.stop().await;
    }
    let report = report.ok_or_else(|| {
        let words = "interrupted; `everloop run` goes on from here".to_owned();
        Failure::new(Exit::Interrupted, words)
    })??;
    match args.format {
        Format::Text => eprint!("{}", text(&report)),
        Format::Json => sayln!("{}", serde_json::to_string_pretty(&report)?),
    }
    Ok(if report.outcome == CycleOutcome::Rejected {
        Exit::GateNotPassed
    } else {
        Exit::Ok
    })
}

/// How a cycle ended, in words.
pub(crate) fn text(report: &CycleReport) -> String {
    let mut text = format!(
        "cycle {}: {}\n  {}\n",
        report.number, report.outcome, report.why
    );
    if let Some(tuned) = &report.tuned {
        text.push_str("  the best parameters, to be pasted into `everloop.yaml`:\n\n");
        for line in tuned.yaml().lines() {
            text.push_str(&format!("    {line}\n"));
        }
        text.push('\n');
    }
    for gate in &report.gates {
        text.push_str(&format!(
            "  {:<6} {}: {}\n",
            gate.verdict.as_str(),
            gate.text,
            gate.shown
        ));
    }
    if let Some(report) = &report.report {
        text.push_str(&format!("  report: {report}\n"));
    }
    text
}
