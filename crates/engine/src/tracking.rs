//! Every cycle is a run: data digests, code, parameters, environment, metrics and artifacts.

use std::collections::BTreeMap;

use everloop_domain::search::TRAINER;
use everloop_domain::{CycleNumber, Digest, ExperimentId, RunId, RunStatus, Timestamp};
use everloop_metastore::{DatasetInput, Metric, NewRun};

use crate::provenance::{Provenance, environment};
use crate::stages::collect::Collected;
use crate::stages::deploy::PACKAGE_TAG;
use crate::stages::evaluate::gates::interval_bounds;
use crate::stages::evaluate::{Evaluation, PAGES};
use crate::stages::prepare::Prepared;
use crate::stages::train::{Trained, Tuned};
use crate::stages::{Output, blocking};
use crate::{Error, Runner, inputs, origin};

/// The tags of a run whose parameters were searched: the best ones as JSON, the number of the trial, the run whose children
/// the trials are.
const BEST_PARAMETERS_TAG: &str = "everloop.best_parameters";
const BEST_TRIAL_TAG: &str = "everloop.best_trial";
const SEARCH_RUN_TAG: &str = "everloop.search_run";
/// The tag of a run that holds the gates of its candidate with their numbers, as JSON.
pub(crate) const GATES_TAG: &str = "everloop.gates";

/// The run of a cycle.
#[derive(Clone, Debug)]
pub(crate) struct CycleRun {
    pub(crate) id: RunId,
    pub(crate) experiment: ExperimentId,
}

/// The id of a cycle's run: a function of the project and the cycle, so a resumed cycle finds it again.
pub(crate) fn run_id(runner: &Runner, cycle: CycleNumber, started: Timestamp) -> RunId {
    let dir = runner.project().dir().display();
    let digest = Digest::of(format!(
        "{dir}\n{}\n{cycle}\n{}",
        runner.lifecycle().project,
        started.as_millis()
    ));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    RunId::from_bytes(bytes)
}

/// Finds or makes the run of a cycle, with code and environment as tags and the parameters of the trainer.
pub(crate) async fn begin(
    runner: &Runner,
    cycle: CycleNumber,
    started: Timestamp,
) -> Result<CycleRun, Error> {
    let id = run_id(runner, cycle, started);
    let project = runner.lifecycle().project.clone();
    let provenance = Provenance::of(runner.project().dir());
    let mut tags = provenance.tags();
    tags.extend(environment(runner.n_threads()));
    tags.insert("everloop.cycle".to_owned(), cycle.to_string());
    let params = parameters(runner);
    let root = Runner::artifacts_root();
    let run = {
        let id = id.clone();
        runner
            .metastore()
            .write(move |tx| {
                let experiment = match tx.experiments().find_by_name(&project)? {
                    Some(experiment) => experiment.id,
                    None => tx.experiments().create(&project, None, started)?,
                };
                if tx.runs().find(&id)?.is_none() {
                    tx.runs().create(&NewRun {
                        id: id.clone(),
                        experiment,
                        name: Some(format!("cycle-{cycle}")),
                        user: None,
                        start_time: started,
                        artifact_uri: Some(format!("{root}/{experiment}/{id}/artifacts")),
                        tags,
                    })?;
                    for (name, value) in &params {
                        tx.runs().log_param(&id, name, value)?;
                    }
                }
                tx.cycles().set_run(cycle, &id)?;
                Ok(CycleRun { id, experiment })
            })
            .await?
    };
    if !provenance.diff.is_empty() {
        runner
            .put_artifact(&run, "git.diff", provenance.diff.as_bytes())
            .await?;
    }
    let lifecycle_text = std::fs::read(runner.project().lifecycle_file()).unwrap_or_default();
    runner
        .put_artifact(&run, "everloop.yaml", &lifecycle_text)
        .await?;
    Ok(run)
}

/// The parameters that are known before anything is trained: those that are searched are not.
fn parameters(runner: &Runner) -> BTreeMap<String, String> {
    let train = &runner.lifecycle().train;
    let tune = train.tune.as_ref();
    let is_searched = |name: &str| {
        tune.is_some_and(|tune| {
            tune.space
                .iter()
                .any(|dimension| dimension.parameter == name)
        })
    };
    let trainer = match &train.trainer {
        everloop_lifecycle::Trainer::BuiltIn(name) => name.clone(),
        everloop_lifecycle::Trainer::Command(line) => line.clone(),
    };
    let mut params: BTreeMap<String, String> = train
        .parameters
        .iter()
        .filter(|(name, _)| !is_searched(name))
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect();
    if !is_searched(TRAINER) {
        params.insert("everloop.trainer".to_owned(), trainer);
    }
    params.insert("everloop.task".to_owned(), train.task.to_string());
    params.insert("everloop.seed".to_owned(), train.seed.to_string());
    params
}

/// Names the sources that the run has read, and the versions of their files.
pub(crate) async fn log_sources(
    runner: &Runner,
    run: &CycleRun,
    collected: &Output<Collected>,
) -> Result<(), Error> {
    let sources = collected.result.sources.iter();
    let tags: Vec<(String, String)> = sources
        .flat_map(|one| origin::source_tags(&one.name, &one.digest.to_string(), one.n_rows))
        .collect();
    set_tags(runner, run, tags).await?;
    let reader = runner.clone();
    let files = blocking(move || Ok(inputs::of_sources(&reader))).await?;
    let id = run.id.clone();
    runner
        .metastore()
        .write(move |tx| {
            let mut files = files.iter();
            files.try_for_each(|file| tx.runs().log_dataset(&id, file))
        })
        .await?;
    Ok(())
}

/// Names what the result of a stage depends on, and keeps it whole among the artifacts.
pub(crate) async fn log_fingerprint<T>(
    runner: &Runner,
    run: &CycleRun,
    output: &Output<T>,
) -> Result<(), Error> {
    let fingerprint = &output.fingerprint;
    let (tag, path) = (
        origin::fingerprint_tag(fingerprint.stage),
        format!("fingerprints/{}.json", fingerprint.stage),
    );
    set_tags(runner, run, vec![(tag, fingerprint.digest().to_string())]).await?;
    runner
        .put_artifact(run, &path, fingerprint.to_json().as_bytes())
        .await
}

async fn set_tags(
    runner: &Runner,
    run: &CycleRun,
    tags: Vec<(String, String)>,
) -> Result<(), Error> {
    let id = run.id.clone();
    runner
        .metastore()
        .write(move |tx| {
            let mut tags = tags.iter();
            tags.try_for_each(|(key, value)| tx.runs().set_tag(&id, key, value))
        })
        .await?;
    Ok(())
}

/// Names the data that the run has seen.
pub(crate) async fn log_data(
    runner: &Runner,
    run: &CycleRun,
    prepared: &Output<Prepared>,
) -> Result<(), Error> {
    let split = &prepared.result.split;
    let mut tags = Vec::new();
    for (name, part) in [
        ("train", &split.train),
        ("validation", &split.validation),
        ("test", &split.test),
    ] {
        tags.extend(origin::part_tags(
            name,
            &part.digest.to_string(),
            part.n_rows,
        ));
    }
    let table = runner.lifecycle().dataset.table.clone();
    let digest = split.train.digest.short();
    let id = run.id.clone();
    let profile = serde_json::json!({"num_rows": split.train.n_rows}).to_string();
    runner
        .metastore()
        .write(move |tx| {
            for (key, value) in &tags {
                tx.runs().set_tag(&id, key, value)?;
            }
            let dataset = everloop_metastore::Dataset {
                source: format!("{{\"table\": \"{table}\"}}"),
                name: table,
                digest,
                source_type: "local".to_owned(),
                schema: None,
                profile: Some(profile),
            };
            tx.runs()
                .log_dataset(&id, &DatasetInput::in_context(dataset, "train"))
        })
        .await?;
    Ok(())
}

/// Logs learning curves, notes and importances of training.
pub(crate) async fn log_training(
    runner: &Runner,
    run: &CycleRun,
    trained: &Output<Trained>,
) -> Result<(), Error> {
    let now = runner.clock().now();
    let curves: Vec<Metric> = trained
        .result
        .curves
        .iter()
        .flat_map(|(name, values)| {
            values
                .iter()
                .enumerate()
                .map(move |(step, value)| (name, step, *value))
        })
        .map(|(name, step, value)| Metric {
            key: name.clone(),
            value,
            timestamp: now,
            step: step as i64,
        })
        .collect();
    let id = run.id.clone();
    let package = trained.result.package.to_string();
    runner
        .metastore()
        .write(move |tx| {
            tx.runs().log_metrics(&id, &curves)?;
            tx.runs().set_tag(&id, PACKAGE_TAG, &package)
        })
        .await?;
    if let Some(tuned) = &trained.result.tuned {
        log_search(runner, run, trained, tuned).await?;
    }
    let report = serde_json::to_vec_pretty(&trained.result).unwrap_or_default();
    runner.put_artifact(run, "training.json", &report).await
}

/// Logs what a search has found: the best parameters, its report, and where its trials are.
async fn log_search(
    runner: &Runner,
    run: &CycleRun,
    trained: &Output<Trained>,
    tuned: &Tuned,
) -> Result<(), Error> {
    let mut params: BTreeMap<String, String> = tuned
        .parameters
        .iter()
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect();
    params.extend(
        tuned
            .trainer
            .iter()
            .map(|trainer| ("everloop.trainer".to_owned(), trainer.clone())),
    );
    let tags = [
        (
            BEST_PARAMETERS_TAG,
            serde_json::to_string(&tuned.parameters).unwrap_or_default(),
        ),
        (BEST_TRIAL_TAG, tuned.best_trial.to_string()),
        (SEARCH_RUN_TAG, tuned.run.to_string()),
    ];
    let id = run.id.clone();
    runner
        .metastore()
        .write(move |tx| {
            // A run that was taken up again with another lifecycle file keeps its parameters; the tags tell the latest.
            let known = tx.runs().params(&id)?;
            for (name, value) in params.iter().filter(|(name, _)| !known.contains_key(*name)) {
                tx.runs().log_param(&id, name, value)?;
            }
            let mut tags = tags.iter();
            tags.try_for_each(|(key, value)| tx.runs().set_tag(&id, key, value))
        })
        .await?;
    for name in ["tuning.json", "tuning.html", "best_parameters.yaml"] {
        let path = trained.dir.join(name);
        let bytes = std::fs::read(&path).map_err(|source| Error::file("read", &path, source))?;
        runner.put_artifact(run, name, &bytes).await?;
    }
    Ok(())
}

/// Logs the scores and the evaluation.
pub(crate) async fn log_evaluation(
    runner: &Runner,
    run: &CycleRun,
    evaluated: &Output<Evaluation>,
) -> Result<(), Error> {
    let evaluation = &evaluated.result;
    let now = runner.clock().now();
    let own = evaluation
        .metrics
        .iter()
        .map(|(name, value)| (name.clone(), *value));
    let champion = evaluation
        .champion
        .iter()
        .flatten()
        .map(|(name, value)| (format!("champion.{name}"), *value));
    let paired = evaluation.comparison.iter();
    let paired = paired.map(|it| (format!("champion.p_value.{}", it.metric), it.p_value));
    let metrics: Vec<Metric> = own
        .chain(interval_bounds(&evaluation.intervals))
        .chain(champion)
        .chain(evaluation.naive.named())
        .chain(paired)
        .chain(importances(evaluation))
        .map(|(key, value)| Metric {
            key,
            value,
            timestamp: now,
            step: 0,
        })
        .collect();
    let id = run.id.clone();
    let gates = serde_json::to_string(&evaluation.gates).unwrap_or_default();
    runner
        .metastore()
        .write(move |tx| {
            tx.runs().log_metrics(&id, &metrics)?;
            tx.runs().set_tag(&id, GATES_TAG, &gates)
        })
        .await?;
    for page in PAGES {
        let path = evaluated.dir.join(page);
        let bytes = std::fs::read(&path).map_err(|source| Error::file("read", &path, source))?;
        runner.put_artifact(run, page, &bytes).await?;
    }
    let report = serde_json::to_vec_pretty(evaluation).unwrap_or_default();
    runner.put_artifact(run, "evaluation.json", &report).await
}

/// The permutation importances whose columns can be named in a metric.
fn importances(evaluation: &Evaluation) -> impl Iterator<Item = (String, f64)> + '_ {
    let is_plain = |name: &str| {
        name.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "_-. /".contains(letter))
    };
    let all = evaluation.permutation_importances.iter();
    all.filter(move |(name, ..)| is_plain(name))
        .map(|(name, mean, _)| (format!("permutation_importance.{name}"), *mean))
}

/// Ends the run.
pub(crate) async fn end(runner: &Runner, run: &CycleRun, status: RunStatus) -> Result<(), Error> {
    let now = runner.clock().now();
    let id = run.id.clone();
    runner
        .metastore()
        .write(move |tx| tx.runs().update(&id, Some(status), Some(now), None))
        .await?;
    Ok(())
}
