//! The lifecycle file: text in, plan and diagnostics out.
//!
//! [`parse`] reads `everloop.yaml` and reports everything that is wrong with it at once, each with
//! a code, a place and a way out; [`check_catalog`] adds what can be told only when the columns of
//! the tables are known; [`plan()`] says in words what a cycle will do; [`schema()`] is the JSON
//! Schema for editors.
//!
//! [`dvc`] is the other front end: `dvc.yaml` and `dvc.lock`.
//!
//! The crate is pure: it opens no file, reads no environment and takes no time.
//!
//! Start reading at `shapes`, the table of all keys; the walker, the defaults and the
//! schema are made from it. What keys mean together is checked in `meaning`.

mod catalog;
pub mod codes;
mod decode;
mod diagnostic;
mod duration;
pub mod dvc;
mod evaluate;
mod lifecycle;
mod meaning;
mod metrics;
mod order;
mod overrides;
mod plan;
mod schedule;
mod schema;
mod shape;
mod shapes;
mod size;
mod space;
mod sql;
mod suggestion;
mod walker;
mod yaml;

pub use catalog::{Catalog, check_catalog};
pub use diagnostic::{Diagnostic, Severity};
pub use duration::parse_duration;
pub use evaluate::{
    Bound, Card, Evaluate, Explain, Fairness, IntervalMethod, Intervals, Mitigation, Parity,
    Robustness, ThresholdGoal, WeakSlices,
};
pub use lifecycle::{
    Approve, Columns, Condition, Deploy, DriftSpec, Feature, Gate, Labels, Lifecycle, Monitor,
    Retrain, Train, Trainer, Window,
};
pub use overrides::Override;
pub use plan::{Plan, PlanFault, PlannedStage, Work, plan};
pub use schedule::Schedule;
pub use schema::schema;

use diagnostic::Report;

/// The built-in trainers that a file may name, with the tasks that each does.
pub fn trainer_tasks() -> impl Iterator<Item = (&'static str, &'static [everloop_domain::Task])> {
    meaning::TRAINERS.into_iter()
}

/// The names of the metrics that a file may name for a task, the usual ones first.
pub fn metric_names(task: everloop_domain::Task) -> impl Iterator<Item = &'static str> {
    metrics::suiting(task)
}

/// What a text was read as.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The lifecycle; absent if and only if a diagnostic is an error.
    pub lifecycle: Option<Lifecycle>,
    /// Everything that was noticed, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and checks a lifecycle file. The overrides are applied to it first.
#[must_use]
pub fn parse(text: &str, overrides: &[Override]) -> Parsed {
    let mut report = Report::new(text);
    let lifecycle = read(overrides, &mut report).filter(|_| !report.has_errors());
    Parsed {
        lifecycle,
        diagnostics: report.finish(),
    }
}

/// All codes of diagnostics, each with a line of explanation.
#[must_use]
pub fn codes() -> &'static [(&'static str, &'static str)] {
    codes::ALL
}

fn read(overrides: &[Override], report: &mut Report) -> Option<Lifecycle> {
    let tree = yaml::read(report.text(), report);
    let mut tree = match tree {
        Some(tree) if !tree.is_null() => tree,
        _ if report.has_errors() => return None,
        _ => {
            let problem = report.add(
                codes::MISSING_KEY,
                &yaml::Place::at(0..0),
                "the file is empty",
            );
            problem.hint("`everloop init` writes one to start from");
            return None;
        }
    };
    overrides::apply(overrides, &mut tree, report);
    walker::walk(&shapes::FILE, &tree, report);
    walker::complete(&shapes::FILE, &mut tree);
    meaning::check(&tree, report);
    if report.has_errors() {
        return None;
    }
    decode::lifecycle(&tree)
}
