//! What is to be done: stages that wait for each other, made from `everloop.yaml` or from `dvc.yaml`.

use std::collections::HashSet;
use std::fmt;

use everloop_domain::StageName;
use everloop_domain::dataset::SplitBy;

use crate::duration::show_duration;
use crate::lifecycle::{Approve, Lifecycle, Trainer, Window};

/// Stages without circles: each stands after all that it waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    stages: Vec<PlannedStage>,
}

/// A stage of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStage {
    /// Its name; no other has it.
    pub name: String,
    /// The positions of stages that must have succeeded before.
    pub needs: Vec<usize>,
    /// The positions of stages that must have ended before, in whatever way: they use the same files.
    pub after: Vec<usize>,
    /// What it does, for people.
    pub action: String,
    /// What it does, for the engine.
    pub work: Work,
}

/// What a stage of a plan stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A stage of a cycle.
    Cycle(StageName),
    /// A member of the graph of all `dvc.yaml` and `.dvc` files, by its index there.
    Member(usize),
}

/// Why stages are no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanFault {
    /// A stage would have to wait for itself, for a later one, or for one that is not there.
    Order {
        /// The stage.
        stage: String,
        /// What it waits for.
        position: usize,
    },
    /// Two stages have one name.
    Name {
        /// The name.
        stage: String,
    },
}

impl fmt::Display for PlanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order { stage, position } => write!(
                f,
                "stage `{stage}` waits for number {position}, which does not stand before it"
            ),
            Self::Name { stage } => write!(f, "two stages are named `{stage}`"),
        }
    }
}

impl Plan {
    /// Checks that stages are a plan.
    ///
    /// # Errors
    ///
    /// Fails if a stage waits for one that does not stand before it, or if names are not unique.
    pub fn new(stages: Vec<PlannedStage>) -> Result<Self, PlanFault> {
        let mut names = HashSet::with_capacity(stages.len());
        for (at, stage) in stages.iter().enumerate() {
            if !names.insert(stage.name.as_str()) {
                return Err(PlanFault::Name {
                    stage: stage.name.clone(),
                });
            }
            let mut waits = stage.needs.iter().chain(&stage.after);
            if let Some(position) = waits.find(|position| **position >= at) {
                return Err(PlanFault::Order {
                    stage: stage.name.clone(),
                    position: *position,
                });
            }
        }
        Ok(Self { stages })
    }

    /// Stages whose order and names were checked before.
    pub(crate) fn of_checked(stages: Vec<PlannedStage>) -> Self {
        Self { stages }
    }

    /// The stages, each after those that it waits for.
    #[must_use]
    pub fn stages(&self) -> &[PlannedStage] {
        &self.stages
    }

    /// How many stages may run at the same time, at most: those that stand equally far from the first.
    #[must_use]
    pub fn width(&self) -> usize {
        let mut turns = Vec::with_capacity(self.stages.len());
        let mut widths: Vec<usize> = Vec::new();
        for stage in &self.stages {
            let waits = stage.needs.iter().chain(&stage.after);
            let turn = waits.map(|at| turns[*at] + 1).max().unwrap_or(0);
            turns.push(turn);
            if turn == widths.len() {
                widths.push(0);
            }
            widths[turn] += 1;
        }
        widths.into_iter().max().unwrap_or(0)
    }
}

/// Plans a cycle: one stage after the other.
#[must_use]
pub fn plan(lifecycle: &Lifecycle) -> Plan {
    let stages = StageName::ALL.iter().enumerate();
    let stages = stages.map(|(at, name)| PlannedStage {
        name: name.to_string(),
        needs: at.checked_sub(1).into_iter().collect(),
        after: Vec::new(),
        action: action(*name, lifecycle),
        work: Work::Cycle(*name),
    });
    Plan {
        stages: stages.collect(),
    }
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
            Trainer::BuiltIn(trainer) if lifecycle.train.task.is_supervised() => {
                format!("fit {trainer} to {}", lifecycle.dataset.target)
            }
            Trainer::BuiltIn(trainer) => format!("fit {trainer}"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(name: &str, needs: &[usize]) -> PlannedStage {
        PlannedStage {
            name: name.to_owned(),
            needs: needs.to_vec(),
            after: Vec::new(),
            action: String::new(),
            work: Work::Member(0),
        }
    }

    #[test]
    fn circles_and_equal_names_are_refused() {
        let plan = |stages| Plan::new(stages).map_err(|fault| fault.to_string());
        assert_eq!(
            plan(vec![stage("a", &[]), stage("b", &[1])]).unwrap_err(),
            "stage `b` waits for number 1, which does not stand before it"
        );
        assert_eq!(
            plan(vec![stage("a", &[]), stage("a", &[])]).unwrap_err(),
            "two stages are named `a`"
        );
    }

    #[test]
    fn the_width_is_that_of_the_widest_turn() {
        let stages = vec![
            stage("a", &[]),
            stage("b", &[0]),
            stage("c", &[0]),
            stage("d", &[0, 1]),
        ];
        assert_eq!(Plan::new(stages).unwrap().width(), 2);
        assert_eq!(Plan::default().width(), 0);
    }
}
