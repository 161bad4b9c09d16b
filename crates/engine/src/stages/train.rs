//! Train: a built-in trainer or a command makes a model package.

mod built_in;
mod command;
pub(crate) mod decide;
mod search;
mod usage;

use std::collections::BTreeMap;
use std::path::PathBuf;

use everloop_domain::{CycleNumber, Digest, StageName, Task};
use everloop_lifecycle::Trainer;
use serde::{Deserialize, Serialize};

use self::decide::Decided;
use self::usage::Usage;
use super::prepare::Prepared;
use super::{Output, cached};
use crate::tracking::CycleRun;
use crate::{Error, Fingerprint, Runner};

pub use search::Tuned;

const VERSION: u32 = 2;

/// What training made; the package is the directory `model`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Trained {
    /// The digest of the package.
    pub(crate) package: Digest,
    /// The trainer, or the command.
    pub(crate) trainer: String,
    /// How much each input matters, greatest first.
    pub(crate) importances: Vec<(String, f64)>,
    /// What the trainer wants people to know.
    pub(crate) notes: Vec<String>,
    /// Scores by step, by name.
    pub(crate) curves: BTreeMap<String, Vec<f64>>,
    /// The greatest difference between the trainer's and the graph's predictions.
    pub(crate) parity: Option<f64>,
    /// What the search for parameters has found, if there was one; its files lie beside the package.
    #[serde(default)]
    pub(crate) tuned: Option<Tuned>,
    /// How long fitting took, and the most memory that the program held meanwhile (on Linux).
    #[serde(default)]
    pub(crate) usage: Option<Usage>,
    /// What was decided about thresholds and differences between groups.
    #[serde(default)]
    pub(crate) decided: Vec<Decided>,
}

impl Trained {
    /// What training cost, by the names that gates use.
    pub(crate) fn costs(&self) -> BTreeMap<String, f64> {
        let usage = self.usage.as_ref();
        let seconds = usage.map(|usage| ("train_seconds".to_owned(), usage.seconds));
        let memory =
            usage.and_then(|usage| Some(("peak_memory_mb".to_owned(), usage.peak_memory_mb?)));
        seconds.into_iter().chain(memory).collect()
    }
}

impl Output<Trained> {
    /// The package directory.
    pub(crate) fn package_dir(&self) -> std::path::PathBuf {
        self.dir.join("model")
    }
}

pub(crate) async fn run(
    runner: &Runner,
    cycle: CycleNumber,
    run: &CycleRun,
    prepared: &Output<Prepared>,
) -> Result<Output<Trained>, Error> {
    let lifecycle = runner.lifecycle();
    let train = &lifecycle.train;
    let mut fingerprint = Fingerprint::new(StageName::Train, VERSION)
        .parameter("task", &train.task)
        .parameter("parameters", &train.parameters)
        .parameter("seed", &train.seed)
        .parameter("dataset", &lifecycle.dataset)
        .parameter("features", &feature_texts(runner))
        .input("train", prepared.result.split.train.digest)
        .input("validation", prepared.result.split.validation.digest);
    let search = search::of(lifecycle);
    if let Some(search) = &search {
        fingerprint = fingerprint.parameter("tune", search);
    }
    let evaluate = &lifecycle.evaluate;
    if let Some(goal) = &evaluate.threshold {
        fingerprint = fingerprint.parameter("threshold", goal);
    }
    if let Some(fairness) = evaluate
        .fairness
        .as_ref()
        .filter(|it| it.mitigate.is_some())
    {
        let mitigation = (&fairness.groups, fairness.mitigate);
        fingerprint = fingerprint.parameter("mitigate", &mitigation);
    }
    match &train.trainer {
        Trainer::BuiltIn(name) => fingerprint = fingerprint.parameter("trainer", name),
        Trainer::Command(line) => {
            fingerprint = fingerprint.environment("command", line);
            let deps: Vec<_> = command::dependencies(runner);
            for (path, digest) in deps.iter().zip(runner.digests_of(&deps)?) {
                fingerprint = fingerprint.input(&path.display().to_string(), digest);
            }
        }
    }
    let journal = runner.project().search_path(&fingerprint.digest());
    let output = cached(runner, &fingerprint, async |dir: PathBuf| {
        let place = search::Place {
            runner,
            cycle,
            run,
            prepared,
            journal: journal.clone(),
            dir: &dir,
        };
        let tuned = match search {
            Some(search) => Some(search::run(&place, search).await?),
            None => None,
        };
        let trained = fit(&place, tuned.as_ref()).await?;
        Ok(Trained { tuned, ..trained })
    })
    .await?;
    // What the trials found is in the result now.
    match std::fs::remove_file(&journal) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("remove", &journal, source))
        }
        _ => Ok(output),
    }
}

/// Trains once: with the best parameters of the search, or with those of the lifecycle.
async fn fit(place: &search::Place<'_>, tuned: Option<&Tuned>) -> Result<Trained, Error> {
    let (runner, prepared, dir) = (place.runner, place.prepared, place.dir.to_owned());
    let train = &runner.lifecycle().train;
    let parameters = tuned.map_or(&train.parameters, |tuned| &tuned.parameters);
    match &train.trainer {
        Trainer::BuiltIn(name) => {
            let name = tuned
                .and_then(|tuned| tuned.trainer.as_ref())
                .unwrap_or(name);
            built_in::train(runner, name, parameters.clone(), prepared, dir).await
        }
        Trainer::Command(line) => {
            command::train(
                runner,
                line,
                place.cycle,
                &place.run.id,
                prepared,
                parameters,
                dir,
            )
            .await
        }
    }
}

fn feature_texts(runner: &Runner) -> Vec<(String, String)> {
    let features = &runner.lifecycle().features;
    features
        .iter()
        .map(|feature| (feature.name.clone(), feature.text.clone()))
        .collect()
}

/// What a package says of its origin. It holds no time and no run, so equal fingerprints give equal bytes.
pub(crate) fn metadata(
    runner: &Runner,
    trainer: &str,
    prepared: &Output<Prepared>,
) -> BTreeMap<String, String> {
    let lifecycle = runner.lifecycle();
    BTreeMap::from([
        ("project".to_owned(), lifecycle.project.clone()),
        ("trainer".to_owned(), trainer.to_owned()),
        ("task".to_owned(), task_name(lifecycle.train.task)),
        (
            "train_data".to_owned(),
            prepared.result.split.train.digest.to_string(),
        ),
        (
            "validation_data".to_owned(),
            prepared.result.split.validation.digest.to_string(),
        ),
    ])
}

fn task_name(task: Task) -> String {
    task.as_str().to_owned()
}
