//! `everloop import`: takes over what other programs recorded.

use std::io::{IsTerminal as _, Write as _};

use anyhow::Result;
use everloop_exchange::{Counts, Importer, Report, Source};
use serde_json::json;

use super::db::Place;
use super::server::ArtifactArgs;
use crate::exit::Exit;
use crate::output::{Format, table};

/// Takes over what other programs recorded.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Take over experiments, runs and models of MLflow; may be repeated, what is here stays as it is.
    Mlflow(Args),
}

/// Arguments of `everloop import mlflow`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A directory `mlruns`, a file `mlflow.db`, `sqlite:///…` or `postgresql://…`.
    source: String,

    #[command(flatten)]
    database: Place,

    #[command(flatten)]
    places: ArtifactArgs,

    /// What becomes of artifacts that are on this machine.
    #[arg(long, value_enum, default_value_t)]
    artifacts: Artifacts,

    /// How to print the report.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What becomes of artifacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Artifacts {
    /// They are copied to the server's own.
    #[default]
    Copy,
    /// They stay where they are.
    Leave,
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> Result<Exit> {
    let Command::Mlflow(args) = command;
    let source = Source::open(&args.source)?;
    let metastore = args.database.open()?;
    let home = std::path::absolute(&args.database.home)?;
    let places = match args.artifacts {
        Artifacts::Copy => Some(args.places.open(&home)?),
        Artifacts::Leave => None,
    };
    let is_terminal = std::io::stderr().is_terminal();
    let importer = Importer {
        metastore: &metastore,
        places: places.as_ref(),
        progress: if is_terminal { draw } else { say_now_and_then },
    };
    let report = importer.run(&source).await;
    if is_terminal {
        eprint!("\r\x1b[K");
    }
    let report = report?;
    match args.format {
        Format::Json => sayln!("{}", to_json(&report)),
        Format::Text => print(&report),
    }
    Ok(if report.problems.is_empty() {
        Exit::Ok
    } else {
        Exit::Incomplete
    })
}

/// A bar on a terminal.
fn draw(n_done: u64, n_all: u64) {
    const WIDTH: u64 = 30;
    let filled = n_done * WIDTH / n_all.max(1);
    let bar: String = (0..WIDTH)
        .map(|place| if place < filled { '█' } else { '░' })
        .collect();
    eprint!("\r{bar} {n_done} of {n_all} runs");
    let _ = std::io::stderr().flush();
}

fn say_now_and_then(n_done: u64, n_all: u64) {
    if n_done == n_all || n_done.is_multiple_of(1000) {
        eprintln!("{n_done} of {n_all} runs");
    }
}

fn kinds(report: &Report) -> [(&'static str, Counts); 5] {
    [
        ("experiments", report.experiments),
        ("runs", report.runs),
        ("logged models", report.logged_models),
        ("registered models", report.models),
        ("versions", report.versions),
    ]
}

fn print(report: &Report) {
    let rows: Vec<Vec<String>> = kinds(report)
        .into_iter()
        .map(|(name, counts)| {
            vec![
                name.to_owned(),
                counts.n_new.to_string(),
                counts.n_known.to_string(),
            ]
        })
        .collect();
    say!("{}", table(&["", "NEW", "HERE ALREADY"], &rows));
    sayln!(
        "{} points of metrics, {} files of artifacts",
        report.n_points,
        report.n_files
    );
    for (what, why) in &report.remarks {
        eprintln!("note: {what}: {why}");
    }
    for (what, why) in &report.problems {
        eprintln!("not taken over: {what}: {why}");
    }
}

fn to_json(report: &Report) -> serde_json::Value {
    let list = |list: &[(String, String)]| -> Vec<_> {
        let list = list.iter();
        list.map(|(what, why)| json!({"what": what, "why": why}))
            .collect()
    };
    let mut shown = json!({
        "points": report.n_points, "files": report.n_files,
        "problems": list(&report.problems), "remarks": list(&report.remarks),
    });
    for (name, counts) in kinds(report) {
        shown[name.replace(' ', "_")] = json!({"new": counts.n_new, "known": counts.n_known});
    }
    shown
}
