//! What a cycle will do, in words.

use everloop_domain::StageName;
use everloop_domain::dataset::SplitBy;
use serde::Serialize;

use crate::duration::show_duration;
use crate::lifecycle::{Approve, Lifecycle, Trainer, Window};

/// The stages of a cycle, each after those that it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The stages.
    pub stages: Vec<PlannedStage>,
}

/// A stage of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedStage {
    /// Which one.
    pub name: StageName,
    /// What must have ended before.
    pub needs: Vec<StageName>,
    /// What it does, for people.
    pub action: String,
}

/// Plans a cycle.
#[must_use]
pub fn plan(lifecycle: &Lifecycle) -> Plan {
    let mut needs = Vec::new();
    let mut stages = Vec::new();
    for name in StageName::ALL {
        stages.push(PlannedStage {
            name: *name,
            needs,
            action: action(*name, lifecycle),
        });
        needs = vec![*name];
    }
    Plan { stages }
}

fn action(stage: StageName, lifecycle: &Lifecycle) -> String {
    match stage {
        StageName::Collect => {
            let names: Vec<&str> = lifecycle
                .sources
                .iter()
                .map(|source| source.name.as_str())
                .collect();
            let n_checks: usize = lifecycle
                .checks
                .iter()
                .map(|checks| {
                    checks.columns.len() + checks.rules.len() + usize::from(checks.rows.is_some())
                })
                .sum();
            let checks = if n_checks == 0 {
                String::new()
            } else {
                format!(", {}", count(n_checks, "check"))
            };
            format!("read {}{checks}", listed(&names))
        }
        StageName::Prepare => {
            let steps = match lifecycle.prepare.len() {
                0 => String::new(),
                n_steps => format!("{}, ", count(n_steps, "step")),
            };
            format!("{steps}split {}", split(lifecycle))
        }
        StageName::Train => match &lifecycle.train.trainer {
            Trainer::BuiltIn(trainer) => format!("fit {trainer} to {}", lifecycle.dataset.target),
            Trainer::Command(command) => format!("run {command}"),
        },
        StageName::Evaluate => {
            let metrics: Vec<&str> = lifecycle
                .evaluate
                .metrics
                .iter()
                .map(String::as_str)
                .collect();
            let gates = match lifecycle.gates.len() {
                0 => String::new(),
                n_gates => format!(", {}", count(n_gates, "gate")),
            };
            format!("measure {}{gates}", listed(&metrics))
        }
        StageName::Deploy => match lifecycle.deploy.approve {
            Approve::Auto => format!("promote {}", lifecycle.deploy.model),
            Approve::Manual => format!("propose {}", lifecycle.deploy.model),
        },
        StageName::Monitor => match lifecycle.monitor.window {
            Window::Time(length) => format!("watch windows of {}", show_duration(length)),
            Window::Predictions(n_predictions) => {
                format!("watch windows of {n_predictions} predictions")
            }
        },
    }
}

fn split(lifecycle: &Lifecycle) -> String {
    let split = &lifecycle.split;
    let percent = |share: f64| (share * 1000.0).round() / 10.0;
    let shares = format!(
        "{}/{}/{} %",
        percent(split.train),
        percent(split.validation),
        percent(split.test)
    );
    match &split.by {
        SplitBy::Time => format!("by time {shares}"),
        SplitBy::Random => format!("at random {shares}"),
        SplitBy::Stratified => format!("stratified {shares}"),
        SplitBy::Group(column) => format!("by groups of {column} {shares}"),
        SplitBy::Column(column) => format!("by the column {column}"),
    }
}

fn count(n_things: usize, thing: &str) -> String {
    if n_things == 1 {
        format!("1 {thing}")
    } else {
        format!("{n_things} {thing}s")
    }
}

/// The first few names.
fn listed(names: &[&str]) -> String {
    match names.len() {
        0..=4 => names.join(", "),
        n_names => format!("{}, {} and {} more", names[0], names[1], n_names - 2),
    }
}
