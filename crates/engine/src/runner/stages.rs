//! What the stages of a cycle do, for the executor.

use std::sync::OnceLock;
use std::time::Duration;

use everloop_domain::{StageName, StageState, VersionNumber};
use everloop_lifecycle::{Plan, PlannedStage, Trainer, Work as Kind};

use super::cycle::Cycle;
use super::{Told, chain};
use crate::executor::{Ended, Event, Work};
use crate::stages::collect::{self, Collected};
use crate::stages::deploy::{self, Deployed};
use crate::stages::evaluate::{self, Evaluation};
use crate::stages::prepare::{self, Prepared};
use crate::stages::train::{self, Trained};
use crate::stages::{Output, monitor};
use crate::{Error, Progress, tracking};

/// What the stages of a cycle have found so far.
#[derive(Default)]
pub(super) struct Found {
    collected: OnceLock<Output<Collected>>,
    prepared: OnceLock<Output<Prepared>>,
    trained: OnceLock<Output<Trained>>,
    evaluated: OnceLock<Output<Evaluation>>,
    verdict: OnceLock<Verdict>,
    pub(super) deployed: OnceLock<Deployed>,
}

/// What becomes of a candidate.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// It is deployed.
    Deploy,
    /// It is this version already, which is the champion.
    IsChampion(VersionNumber),
    /// A gate refused it, with its numbers.
    Refused(String),
}

impl Found {
    fn collected(&self) -> Result<&Output<Collected>, Error> {
        let found = self.collected.get();
        found.ok_or_else(|| Self::lacks(StageName::Collect))
    }

    fn prepared(&self) -> Result<&Output<Prepared>, Error> {
        let found = self.prepared.get();
        found.ok_or_else(|| Self::lacks(StageName::Prepare))
    }

    pub(super) fn trained(&self) -> Result<&Output<Trained>, Error> {
        let found = self.trained.get();
        found.ok_or_else(|| Self::lacks(StageName::Train))
    }

    pub(super) fn evaluated(&self) -> Result<&Output<Evaluation>, Error> {
        let found = self.evaluated.get();
        found.ok_or_else(|| Self::lacks(StageName::Evaluate))
    }

    pub(super) fn verdict(&self) -> Result<&Verdict, Error> {
        let found = self.verdict.get();
        found.ok_or_else(|| Self::lacks(StageName::Evaluate))
    }

    /// The error of a stage that needs another one, which did not run.
    pub(super) fn lacks(stage: StageName) -> Error {
        Error::Invalid(format!("stage `{stage}` has found nothing"))
    }

    /// Whether everything that can be cached was.
    pub(super) fn is_cached(&self) -> bool {
        let is_cached = [
            self.collected.get().map(|output| output.is_cached),
            self.prepared.get().map(|output| output.is_cached),
            self.trained.get().map(|output| output.is_cached),
            self.evaluated.get().map(|output| output.is_cached),
        ];
        is_cached.iter().all(|is_cached| *is_cached == Some(true))
    }
}

/// The stage of a cycle that a stage of a plan is.
pub(super) fn stage_name(stage: &PlannedStage) -> Option<StageName> {
    match stage.work {
        Kind::Cycle(name) => Some(name),
        Kind::Member(_) => None,
    }
}

/// The stages of a cycle as the work of its plan.
pub(super) struct Stages<'a> {
    pub(super) cycle: &'a Cycle<'a>,
    pub(super) plan: Plan,
}

impl Work for Stages<'_> {
    type Done = Told;
    type Error = Error;

    async fn run(&self, stage: usize) -> Result<Ended<Told>, Error> {
        let (cycle, stage) = (self.cycle, self.name(stage)?);
        let told = cycle.stage(stage).await.map_err(|source| Error::Stage {
            cycle: cycle.number,
            stage,
            source: Box::new(source),
        })?;
        let verdict = cycle.found.verdict.get();
        let is_enough = cycle.last() == Some(stage)
            || (stage == StageName::Evaluate && !matches!(verdict, Some(Verdict::Deploy)));
        Ok(if is_enough {
            Ended::Enough(told)
        } else {
            Ended::Done(told)
        })
    }

    async fn tell(&self, event: Event<'_, Told, Error>) -> Result<(), Error> {
        match event {
            Event::Started { stage } => self.begin(self.name(stage)?).await,
            Event::Done {
                stage,
                done,
                duration,
            } => {
                let stage = self.name(stage)?;
                self.cycle.runner.tell(Progress::Ended {
                    stage,
                    action: done.action.clone(),
                    is_cached: done.is_cached,
                    duration_ms: duration.as_millis() as u64,
                });
                self.finish(stage, Ok(done), duration).await
            }
            Event::Failed {
                stage,
                error,
                duration,
            } => {
                let why = match error {
                    Error::Stage { source, .. } => chain(source),
                    error => chain(error),
                };
                self.finish(self.name(stage)?, Err(why), duration).await
            }
            // Why is told when the cycle ends.
            Event::Skipped { .. } => Ok(()),
        }
    }
}

impl Stages<'_> {
    fn name(&self, stage: usize) -> Result<StageName, Error> {
        let planned = &self.plan.stages()[stage];
        stage_name(planned)
            .ok_or_else(|| Error::Invalid(format!("`{}` is no stage of a cycle", planned.name)))
    }

    /// Records that a stage runs, before it does anything.
    async fn begin(&self, stage: StageName) -> Result<(), Error> {
        let (runner, number) = (self.cycle.runner, self.cycle.number);
        runner.tell(Progress::Began(stage));
        let now = runner.clock().now();
        let store = runner.metastore();
        store
            .write(move |tx| tx.stages().begin(number, stage, now))
            .await?;
        Ok(())
    }

    /// Records what came of a stage.
    async fn finish(
        &self,
        stage: StageName,
        result: Result<&Told, String>,
        duration: Duration,
    ) -> Result<(), Error> {
        let (state, is_cached, action, why) = match result {
            Ok(told) => (
                StageState::Done,
                told.is_cached,
                Some(told.action.clone()),
                None,
            ),
            Err(why) => (StageState::Failed, false, None, Some(why)),
        };
        let (number, duration_ms) = (self.cycle.number, duration.as_millis() as u64);
        let store = self.cycle.runner.metastore();
        store
            .write(move |tx| {
                tx.stages()
                    .finish(number, stage, state, is_cached, duration_ms, why, action)
            })
            .await?;
        Ok(())
    }
}

impl Cycle<'_> {
    async fn stage(&self, stage: StageName) -> Result<Told, Error> {
        match stage {
            StageName::Collect => self.collect().await,
            StageName::Prepare => self.prepare().await,
            StageName::Train => self.train().await,
            StageName::Evaluate => self.evaluate().await,
            StageName::Deploy => self.deploy().await,
            StageName::Monitor => self.monitor(),
        }
    }

    async fn log_fingerprint<T>(&self, output: &Output<T>) -> Result<(), Error> {
        tracking::log_fingerprint(self.runner, &self.run, output).await
    }

    async fn collect(&self) -> Result<Told, Error> {
        let output = collect::run(self.runner, self.number).await?;
        tracking::log_sources(self.runner, &self.run, &output).await?;
        self.log_fingerprint(&output).await?;
        let result = &output.result;
        let n_rows: u64 = result.sources.iter().map(|source| source.n_rows).sum();
        let failed = result.checks.iter().filter(|check| !check.passed());
        let action = format!(
            "{n_rows} rows of {} sources, {} checks, {} warnings",
            result.sources.len(),
            result.checks.len(),
            failed.count()
        );
        let is_cached = output.is_cached;
        self.found.collected.get_or_init(|| output);
        Ok(Told { action, is_cached })
    }

    async fn prepare(&self) -> Result<Told, Error> {
        let collected = self.found.collected()?;
        let output = prepare::run(self.runner, self.number, collected, self.request.as_of).await?;
        tracking::log_data(self.runner, &self.run, &output).await?;
        self.log_fingerprint(&output).await?;
        let split = &output.result.split;
        let action = format!(
            "{} train, {} validation, {} test rows",
            split.train.n_rows, split.validation.n_rows, split.test.n_rows
        );
        let is_cached = output.is_cached;
        self.found.prepared.get_or_init(|| output);
        Ok(Told { action, is_cached })
    }

    async fn train(&self) -> Result<Told, Error> {
        let prepared = self.found.prepared()?;
        let output = train::run(self.runner, self.number, &self.run, prepared).await?;
        tracking::log_training(self.runner, &self.run, &output).await?;
        self.log_fingerprint(&output).await?;
        let result = &output.result;
        let tuned = result
            .tuned
            .as_ref()
            .map(|tuned| format!(", {}", tuned.words()));
        let mut action = format!(
            "`{}`, package {}{}",
            result.trainer,
            result.package.short(),
            tuned.unwrap_or_default()
        );
        let is_command = matches!(self.runner.lifecycle().train.trainer, Trainer::Command(_));
        if let Some(note) = output.result.notes.last().filter(|_| is_command) {
            // Whether Python serves the model is what people want to know.
            action = format!("{action}: {note}");
        }
        let is_cached = output.is_cached;
        self.found.trained.get_or_init(|| output);
        Ok(Told { action, is_cached })
    }

    async fn evaluate(&self) -> Result<Told, Error> {
        let (prepared, trained) = (self.found.prepared()?, self.found.trained()?);
        let champion = deploy::champion(self.runner).await?;
        let output = evaluate::run(self.runner, prepared, trained, champion.as_ref()).await?;
        tracking::log_evaluation(self.runner, &self.run, &output).await?;
        self.log_fingerprint(&output).await?;
        let result = &output.result;
        let n_warnings = result.warnings().count();
        let n_passed = result.gates.iter().filter(|gate| gate.passed).count() - n_warnings;
        let warnings = match n_warnings {
            0 => String::new(),
            1 => ", 1 warning".to_owned(),
            n => format!(", {n} warnings"),
        };
        let first = self.runner.lifecycle().evaluate.metrics.first();
        let score = first.and_then(|name| {
            let value = *result.metrics.get(name)?;
            let naive = result.naive.comparison(name, value);
            let naive = naive.map(|naive| format!("{naive}, ")).unwrap_or_default();
            Some(format!("{name} {value:.4}, {naive}"))
        });
        let action = format!(
            "{}{n_passed} of {} gates passed{warnings}",
            score.unwrap_or_default(),
            result.gates.len()
        );
        let verdict = self.judge(trained, result, champion).await?;
        self.found.verdict.get_or_init(|| verdict);
        let is_cached = output.is_cached;
        self.found.evaluated.get_or_init(|| output);
        Ok(Told { action, is_cached })
    }

    async fn deploy(&self) -> Result<Told, Error> {
        let (trained, evaluated) = (self.found.trained()?, self.found.evaluated()?);
        let model = &self.runner.lifecycle().deploy.model;
        let source = self.keep_package(&trained.package_dir())?;
        let deployed = deploy::run(
            self.runner,
            self.number,
            &self.run.id,
            trained.result.package,
            &source,
            &evaluated.result,
        )
        .await?;
        let action = match &deployed {
            Deployed::Promoted(version) => {
                format!("version {version} is the champion of `{model}`")
            }
            Deployed::Waiting(version) => {
                format!("version {version} of `{model}` waits for approval")
            }
        };
        self.found.deployed.get_or_init(|| deployed);
        Ok(Told::fresh(action))
    }

    fn monitor(&self) -> Result<Told, Error> {
        let deployed = self.found.deployed.get();
        let version = deployed
            .ok_or_else(|| Found::lacks(StageName::Deploy))?
            .version();
        let model = &self.runner.lifecycle().deploy.model;
        monitor::run(self.runner, &self.found.evaluated()?.dir, model, version)?;
        Ok(Told::fresh(format!("reference of version {version} kept")))
    }
}
