//! What imports and exports show: the report.

use std::path::Path;

use anyhow::Result;
use everloop_artifacts::Places;
use everloop_exchange::{Counts, Report};
use serde_json::json;

use crate::commands::server::ArtifactArgs;
use crate::exit::Exit;
use crate::output::{Format, table};

/// What becomes of artifacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Artifacts {
    /// They are copied.
    #[default]
    Copy,
    /// They stay where they are.
    Leave,
}

impl Artifacts {
    /// The server's places, if artifacts are copied.
    pub(crate) fn places(self, args: &ArtifactArgs, home: &Path) -> Result<Option<Places>> {
        let home = std::path::absolute(home)?;
        match self {
            Self::Copy => Ok(Some(args.open(&home)?)),
            Self::Leave => Ok(None),
        }
    }
}

/// Prints a report; what is new is called so: `NEW`, `WRITTEN`.
pub(crate) fn tell(report: &Report, new: &str, format: Format) -> Exit {
    match format {
        Format::Json => sayln!("{}", to_json(report)),
        Format::Text => print(report, new),
    }
    if report.problems.is_empty() {
        Exit::Ok
    } else {
        Exit::Incomplete
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

fn print(report: &Report, new: &str) {
    let has_known = kinds(report).iter().any(|(_, counts)| counts.n_known > 0);
    let mut head = vec!["", new];
    head.extend(has_known.then_some("HERE ALREADY"));
    let rows: Vec<Vec<String>> = kinds(report)
        .into_iter()
        .map(|(name, counts)| {
            let mut row = vec![name.to_owned(), counts.n_new.to_string()];
            row.extend(has_known.then(|| counts.n_known.to_string()));
            row
        })
        .collect();
    say!("{}", table(&head, &rows));
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
