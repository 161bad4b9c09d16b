//! Each trial is a run of its own below the run of the cycle, as MLflow nests runs.

use std::collections::BTreeMap;

use everloop_domain::{ParameterValue, RunStatus, Timestamp};
use everloop_metastore::{Metric, NewRun};
use everloop_train::tuning::{Asked, Trial, TrialState};

use super::child_id;
use crate::tracking::CycleRun;
use crate::{Error, Runner};

/// What MLflow finds the parent of a run by.
const PARENT_TAG: &str = "mlflow.parentRunId";
const NUMBER_TAG: &str = "everloop.trial";
const STATE_TAG: &str = "everloop.trial.state";
const PROBLEM_TAG: &str = "everloop.trial.problem";

/// Makes the run of a trial that begins.
pub(super) async fn begin(runner: &Runner, run: &CycleRun, asked: &Asked) -> Result<(), Error> {
    let new = new_run(run, asked.number, runner.clock().now());
    let params = texts(&asked.parameters);
    runner
        .metastore()
        .write(move |tx| {
            if tx.runs().find(&new.id)?.is_none() {
                tx.runs().create(&new)?;
                tx.runs().log_batch(&new.id, &[], &params, &[])?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

/// Records what came of a trial, whether or not its run was made; once only.
pub(super) async fn record(runner: &Runner, run: &CycleRun, trial: &Trial) -> Result<(), Error> {
    let now = runner.clock().now();
    let new = new_run(run, trial.number, now);
    let params = texts(&trial.parameters);
    let metrics = metrics(runner, trial, now);
    let mut tags = vec![(STATE_TAG.to_owned(), trial.state.as_str().to_owned())];
    tags.extend(
        trial
            .problem
            .iter()
            .map(|problem| (PROBLEM_TAG.to_owned(), problem.clone())),
    );
    let status = match trial.state {
        TrialState::Complete => RunStatus::Finished,
        TrialState::Pruned => RunStatus::Killed,
        TrialState::Failed => RunStatus::Failed,
    };
    runner
        .metastore()
        .write(move |tx| {
            match tx.runs().find(&new.id)? {
                // It was recorded before the search was interrupted.
                Some(_) if tx.runs().tags(&new.id)?.contains_key(STATE_TAG) => return Ok(()),
                Some(_) => {}
                None => {
                    tx.runs().create(&new)?;
                    tx.runs().log_batch(&new.id, &[], &params, &[])?;
                }
            }
            tx.runs().log_batch(&new.id, &metrics, &[], &tags)?;
            tx.runs().update(&new.id, Some(status), Some(now), None)?;
            Ok(())
        })
        .await?;
    Ok(())
}

fn new_run(run: &CycleRun, number: usize, now: Timestamp) -> NewRun {
    let id = child_id(run, number);
    let (root, experiment) = (Runner::artifacts_root(), run.experiment);
    NewRun {
        experiment,
        name: Some(format!("trial-{number}")),
        user: None,
        start_time: now,
        artifact_uri: Some(format!("{root}/{experiment}/{id}/artifacts")),
        tags: BTreeMap::from([
            (PARENT_TAG.to_owned(), run.id.to_string()),
            (NUMBER_TAG.to_owned(), number.to_string()),
        ]),
        id,
    }
}

fn texts(parameters: &BTreeMap<String, ParameterValue>) -> Vec<(String, String)> {
    parameters
        .iter()
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect()
}

/// What was seen on the way by its step, and the objectives.
fn metrics(runner: &Runner, trial: &Trial, now: Timestamp) -> Vec<Metric> {
    let point = |key: &str, value: f64, step: i64| Metric {
        key: key.to_owned(),
        value,
        timestamp: now,
        step,
    };
    let curve_name = trial.curve_name.as_deref().unwrap_or("value");
    let seen = trial
        .curve
        .iter()
        .map(|(step, value)| point(curve_name, *value, *step as i64));
    let tune = runner.lifecycle().train.tune.as_ref();
    let objectives = tune.map_or(&[][..], |tune| &tune.objectives);
    let last = trial.curve.last().copied();
    let scores = objectives
        .iter()
        .zip(&trial.values)
        .filter_map(|(objective, value)| {
            let (step, seen) = last
                .filter(|_| objective.metric == curve_name)
                .unwrap_or((0, f64::NAN));
            // What was seen last is the score, unless the trainer went back to an earlier step.
            let is_seen = (seen - value).abs() <= 1e-6 * value.abs();
            (!is_seen).then(|| {
                point(
                    &objective.metric,
                    *value,
                    if seen.is_nan() { 0 } else { step as i64 + 1 },
                )
            })
        });
    seen.chain(scores).collect()
}
