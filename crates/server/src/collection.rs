//! Removing for good what was deleted softly: first the artifacts, then the record, so that what fails can be tried again.

use std::collections::BTreeSet;

use everloop_domain::{ExperimentId, RunId, Timestamp};
use everloop_metastore::{self as metastore, Deleted, Transaction};

use crate::{Error, Parts};

/// What is to be removed.
#[derive(Clone, Debug, Default)]
pub struct Criteria {
    /// Only what was deleted before this moment.
    pub before: Option<Timestamp>,
    /// Only these runs; with none of the three lists given, everything that is deleted.
    pub runs: Vec<RunId>,
    /// Only these experiments, with their runs.
    pub experiments: Vec<ExperimentId>,
    /// Only these logged models.
    pub logged_models: Vec<String>,
    /// Only tell what would be removed.
    pub is_dry: bool,
}

/// What was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Runs.
    pub runs: Vec<RunId>,
    /// Experiments.
    pub experiments: Vec<ExperimentId>,
    /// Logged models.
    pub logged_models: Vec<String>,
    /// Places whose artifacts this program could not remove, with the reason. What they belong to was removed all the same.
    pub left: Vec<(String, String)>,
}

/// Removes what was deleted softly, with its artifacts.
///
/// # Errors
///
/// [`Error::Metastore`] if something that is named is not deleted, or was deleted too late; otherwise fails if metastore or
/// artifacts cannot be written.
pub async fn collect(parts: &Parts, criteria: &Criteria) -> Result<Collected, Error> {
    let wanted = criteria.clone();
    let (runs, models, experiments) = parts.metastore.read(move |tx| find(tx, &wanted)).await?;
    let mut collected = Collected::default();
    for run in runs {
        collected.clear(parts, &run, criteria).await?;
        let id = run.id.clone();
        if !criteria.is_dry {
            let purge = move |tx: &Transaction<'_>| tx.trash().purge_run(&id);
            parts.metastore.write(purge).await?;
        }
        collected.runs.push(run.id);
    }
    for model in models {
        collected.clear(parts, &model, criteria).await?;
        let id = model.id.clone();
        if !criteria.is_dry {
            let purge = move |tx: &Transaction<'_>| tx.trash().purge_logged_model(&id);
            parts.metastore.write(purge).await?;
        }
        collected.logged_models.push(model.id);
    }
    for experiment in experiments {
        let id = experiment.id;
        let runs = parts
            .metastore
            .read(move |tx| tx.trash().runs_of(id))
            .await?;
        // Its own place first: it holds those of most of its runs.
        collected.clear(parts, &experiment, criteria).await?;
        for run in runs {
            let below = format!("{}/", experiment.artifacts.trim_end_matches('/'));
            if !run.artifact_uri.starts_with(&below) {
                let run = Deleted {
                    id: run.id.clone(),
                    artifacts: run.artifact_uri,
                    deleted_at: experiment.deleted_at,
                };
                collected.clear(parts, &run, criteria).await?;
            }
        }
        if !criteria.is_dry {
            let purge = move |tx: &Transaction<'_>| tx.trash().purge_experiment(id);
            parts.metastore.write(purge).await?;
        }
        collected.experiments.push(id);
    }
    Ok(collected)
}

impl Collected {
    /// Removes the artifacts of something, or notes why that cannot be.
    async fn clear<T>(
        &mut self,
        parts: &Parts,
        deleted: &Deleted<T>,
        criteria: &Criteria,
    ) -> Result<(), Error> {
        match parts.places.find(&deleted.artifacts) {
            Err(error) => self
                .left
                .push((deleted.artifacts.clone(), error.to_string())),
            Ok(_) if criteria.is_dry => {}
            Ok(place) => place.remove().await?,
        }
        Ok(())
    }
}

type Found = (
    Vec<Deleted<RunId>>,
    Vec<Deleted<String>>,
    Vec<Deleted<ExperimentId>>,
);

fn find(tx: &Transaction<'_>, criteria: &Criteria) -> Result<Found, metastore::Error> {
    let takes_all = criteria.runs.is_empty()
        && criteria.experiments.is_empty()
        && criteria.logged_models.is_empty();
    let before = criteria.before;
    Ok((
        select("run", tx.trash().runs()?, &criteria.runs, takes_all, before)?,
        select(
            "logged model",
            tx.trash().logged_models()?,
            &criteria.logged_models,
            takes_all,
            before,
        )?,
        select(
            "experiment",
            tx.trash().experiments()?,
            &criteria.experiments,
            takes_all,
            before,
        )?,
    ))
}

/// Those that are wanted; each that is named must be there.
fn select<T: Ord + Clone + std::fmt::Display>(
    what: &str,
    deleted: Vec<Deleted<T>>,
    wanted: &[T],
    takes_all: bool,
    before: Option<Timestamp>,
) -> Result<Vec<Deleted<T>>, metastore::Error> {
    let is_old = |deleted: &Deleted<T>| before.is_none_or(|before| deleted.deleted_at < before);
    let mut missing: BTreeSet<T> = wanted.iter().cloned().collect();
    let mut selected = Vec::new();
    for deleted in deleted {
        let is_named = missing.remove(&deleted.id);
        if is_named && !is_old(&deleted) {
            return Err(metastore::Error::Invalid(format!(
                "{what} `{}` was deleted at {}, which is not that long ago",
                deleted.id, deleted.deleted_at
            )));
        }
        if (takes_all || is_named) && is_old(&deleted) {
            selected.push(deleted);
        }
    }
    match missing.first() {
        Some(id) => Err(metastore::Error::Invalid(format!(
            "there is no deleted {what} `{id}`; only what was deleted before can be removed for good"
        ))),
        None => Ok(selected),
    }
}
