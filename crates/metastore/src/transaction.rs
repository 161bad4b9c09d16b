//! A transaction, and the resources that are reached through it.

use crate::session::Session;
use crate::{
    Audit, Changes, Cycles, Decisions, Deliveries, Experiments, Exports, Imports, Labels,
    LoggedModels, Models, Notes, Runs, Signals, Stages, Traces, Trash, Webhooks,
};

/// A transaction. Reads and writes through it see each other; other transactions see none of it before its end.
#[derive(Debug)]
pub struct Transaction<'c> {
    session: Session<'c>,
}

/// Declares the way to each resource.
macro_rules! resources {
    ($($(#[$doc:meta])* $name:ident: $type:ident,)+) => {
        impl<'c> Transaction<'c> {
            $($(#[$doc])* #[must_use] pub fn $name(&self) -> $type<'c> { $type(self.session) })+
        }
    };
}

resources! {
    /// Experiments.
    experiments: Experiments,
    /// Runs with their parameters, metrics, tags and datasets.
    runs: Runs,
    /// Models that runs have logged (MLflow 3).
    logged_models: LoggedModels,
    /// Traces with their spans and assessments.
    traces: Traces,
    /// Registered models, their versions and aliases.
    models: Models,
    /// What comes from elsewhere.
    imports: Imports,
    /// What goes elsewhere.
    exports: Exports,
    /// What was deleted softly.
    trash: Trash,
    /// What has changed since somebody looked last.
    changes: Changes,
    /// Cycles of the loop.
    cycles: Cycles,
    /// Stages of cycles.
    stages: Stages,
    /// Labels that arrived.
    labels: Labels,
    /// Monitored scores.
    signals: Signals,
    /// Decisions of the controller.
    decisions: Decisions,
    /// The audit log.
    audit: Audit,
    /// Small durable state.
    notes: Notes,
    /// Who is told of what happens in the registry.
    webhooks: Webhooks,
    /// What webhooks are still to be told.
    deliveries: Deliveries,
}

impl<'c> Transaction<'c> {
    pub(crate) fn new(session: Session<'c>) -> Self {
        Self { session }
    }

    #[cfg(test)]
    pub(crate) fn session(&self) -> Session<'c> {
        self.session
    }
}
