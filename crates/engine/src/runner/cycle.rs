//! One cycle, from its number to its outcome.

use std::path::{Path, PathBuf};

use everloop_domain::{
    CycleNumber, CycleOutcome, CycleReason, Digest, RunStatus, StageName, StageState, Timestamp,
    VersionNumber,
};
use everloop_metastore::{Entry, NewCycle};

use super::{Runner, Told, chain};
use crate::stages::collect::Collected;
use crate::stages::deploy::{self, Champion, Deployed};
use crate::stages::evaluate::{self, Evaluation};
use crate::stages::prepare::Prepared;
use crate::stages::train::Trained;
use crate::stages::{Output, collect, monitor, prepare, train};
use crate::tracking::{self, CycleRun};
use crate::{CycleLock, CycleReport, CycleRequest, Error, Progress};

/// Who writes the audit rows of cycles.
const ACTOR: &str = "engine";

pub(super) async fn run(runner: &Runner, request: &CycleRequest) -> Result<CycleReport, Error> {
    let _lock = CycleLock::take(&runner.project().lock_path())?;
    runner.cache.sweep()?;
    let (number, started) = begin(runner, request).await?;
    let run = tracking::begin(runner, number, started).await?;
    let cycle = Cycle {
        runner,
        number,
        run,
        request,
    };
    match cycle.stages().await {
        Ok(report) => {
            tracking::end(runner, &cycle.run, RunStatus::Finished).await?;
            Ok(report)
        }
        Err(error) => {
            let why = chain(&error);
            let champion = deploy::champion(runner)
                .await?
                .map(|champion| champion.version);
            cycle
                .finish(CycleOutcome::Failed, &why, None, champion)
                .await?;
            tracking::end(runner, &cycle.run, RunStatus::Failed).await?;
            Err(error)
        }
    }
}

/// Takes up the interrupted cycle, or starts a new one.
async fn begin(runner: &Runner, request: &CycleRequest) -> Result<(CycleNumber, Timestamp), Error> {
    let now = runner.clock().now();
    let plan: Vec<(StageName, String)> = everloop_lifecycle::plan(runner.lifecycle())
        .stages
        .into_iter()
        .map(|stage| (stage.name, stage.action))
        .collect();
    let (reason, why) = (request.reason, request.why.clone());
    let (number, started, is_resumed) = runner
        .metastore()
        .write(move |tx| {
            if let Some(cycle) = tx.cycles().find_unfinished()? {
                return Ok((cycle.number, cycle.started_at, true));
            }
            let is_first = tx.cycles().list(1)?.is_empty();
            let reason = if is_first && reason == CycleReason::Manual {
                CycleReason::First
            } else {
                reason
            };
            let number = tx.cycles().start(&NewCycle {
                reason,
                why: why.clone(),
                now,
                run_id: None,
            })?;
            tx.stages().plan(number, &plan)?;
            tx.audit().append(&Entry {
                at: now,
                actor: ACTOR.to_owned(),
                action: "cycle.start".to_owned(),
                subject: format!("cycle {number}"),
                why: format!("{reason}: {why}"),
                details: serde_json::Value::Null,
            })?;
            Ok((number, now, false))
        })
        .await?;
    runner.tell(Progress::Cycle { number, is_resumed });
    Ok((number, started))
}

struct Cycle<'a> {
    runner: &'a Runner,
    number: CycleNumber,
    run: CycleRun,
    request: &'a CycleRequest,
}

impl Cycle<'_> {
    async fn stages(&self) -> Result<CycleReport, Error> {
        let collected = self.collect().await?;
        if self.ends_with(StageName::Collect) {
            return self.stopped(StageName::Collect).await;
        }
        let prepared = self.prepare(&collected).await?;
        if self.ends_with(StageName::Prepare) {
            return self.stopped(StageName::Prepare).await;
        }
        let trained = self.train(&prepared).await?;
        if self.ends_with(StageName::Train) {
            return self.stopped(StageName::Train).await;
        }
        let champion = deploy::champion(self.runner).await?;
        let evaluated = self
            .evaluate(&prepared, &trained, champion.as_ref())
            .await?;
        if self.ends_with(StageName::Evaluate) {
            return self.stopped(StageName::Evaluate).await;
        }
        let is_cached = [
            collected.is_cached,
            prepared.is_cached,
            trained.is_cached,
            evaluated.is_cached,
        ]
        .into_iter()
        .all(|is_cached| is_cached);
        self.decide(&trained, &evaluated, champion, is_cached).await
    }

    fn ends_with(&self, stage: StageName) -> bool {
        self.request.until == Some(stage)
    }

    async fn log_fingerprint<T>(&self, output: &Output<T>) -> Result<(), Error> {
        tracking::log_fingerprint(self.runner, &self.run, output).await
    }

    async fn collect(&self) -> Result<Output<Collected>, Error> {
        let work = async {
            let output = collect::run(self.runner, self.number).await?;
            tracking::log_sources(self.runner, &self.run, &output).await?;
            self.log_fingerprint(&output).await?;
            let n_rows: u64 = output
                .result
                .sources
                .iter()
                .map(|source| source.n_rows)
                .sum();
            let n_warned = output
                .result
                .checks
                .iter()
                .filter(|check| !check.passed())
                .count();
            let action = format!(
                "{n_rows} rows of {} sources, {} checks, {n_warned} warnings",
                output.result.sources.len(),
                output.result.checks.len()
            );
            let told = Told {
                action,
                is_cached: output.is_cached,
            };
            Ok((output, told))
        };
        self.runner
            .stage(self.number, StageName::Collect, work)
            .await
    }

    async fn prepare(&self, collected: &Output<Collected>) -> Result<Output<Prepared>, Error> {
        let work = async {
            let output =
                prepare::run(self.runner, self.number, collected, self.request.as_of).await?;
            tracking::log_data(self.runner, &self.run, &output).await?;
            self.log_fingerprint(&output).await?;
            let split = &output.result.split;
            let action = format!(
                "{} train, {} validation, {} test rows",
                split.train.n_rows, split.validation.n_rows, split.test.n_rows
            );
            let told = Told {
                action,
                is_cached: output.is_cached,
            };
            Ok((output, told))
        };
        self.runner
            .stage(self.number, StageName::Prepare, work)
            .await
    }

    async fn train(&self, prepared: &Output<Prepared>) -> Result<Output<Trained>, Error> {
        let work = async {
            let output = train::run(self.runner, self.number, &self.run.id, prepared).await?;
            tracking::log_training(self.runner, &self.run, &output).await?;
            self.log_fingerprint(&output).await?;
            let action = format!(
                "`{}`, package {}",
                output.result.trainer,
                output.result.package.short()
            );
            let told = Told {
                action,
                is_cached: output.is_cached,
            };
            Ok((output, told))
        };
        self.runner.stage(self.number, StageName::Train, work).await
    }

    async fn evaluate(
        &self,
        prepared: &Output<Prepared>,
        trained: &Output<Trained>,
        champion: Option<&Champion>,
    ) -> Result<Output<Evaluation>, Error> {
        let work = async {
            let output = evaluate::run(self.runner, prepared, trained, champion).await?;
            tracking::log_evaluation(self.runner, &self.run, &output.result).await?;
            self.log_fingerprint(&output).await?;
            let n_passed = output
                .result
                .gates
                .iter()
                .filter(|gate| gate.passed)
                .count();
            let first = self.runner.lifecycle().evaluate.metrics.first();
            let score = first
                .and_then(|name| Some(format!("{name} {:.4}, ", output.result.metrics.get(name)?)));
            let action = format!(
                "{}{n_passed} of {} gates passed",
                score.unwrap_or_default(),
                output.result.gates.len()
            );
            let told = Told {
                action,
                is_cached: output.is_cached,
            };
            Ok((output, told))
        };
        self.runner
            .stage(self.number, StageName::Evaluate, work)
            .await
    }

    /// What the numbers mean for the champion.
    async fn decide(
        &self,
        trained: &Output<Trained>,
        evaluated: &Output<Evaluation>,
        champion: Option<Champion>,
        is_cached: bool,
    ) -> Result<CycleReport, Error> {
        let version = champion.as_ref().map(|champion| champion.version);
        let evaluation = &evaluated.result;
        // The same package can be the champion already: then there is nothing to gate or to deploy, unless
        // this very cycle promoted it and was interrupted right after.
        if let Some(champion) =
            champion.filter(|champion| champion.package == Some(trained.result.package))
        {
            if self.made(&champion).await? {
                return self.deploy(trained, evaluated, is_cached).await;
            }
            let why = format!(
                "the candidate is version {}, the champion",
                champion.version
            );
            self.skip(&[StageName::Deploy, StageName::Monitor], &why)
                .await?;
            return self
                .end(
                    CycleOutcome::Healthy,
                    why,
                    Some(evaluation),
                    version,
                    is_cached,
                )
                .await;
        }
        if let Some(gate) = evaluation.refusal() {
            let why = format!("gate `{}` refused: {}", gate.text, gate.shown);
            self.skip(
                &[StageName::Deploy, StageName::Monitor],
                "the candidate was refused",
            )
            .await?;
            return self
                .end(
                    CycleOutcome::Rejected,
                    why,
                    Some(evaluation),
                    version,
                    is_cached,
                )
                .await;
        }
        self.deploy(trained, evaluated, is_cached).await
    }

    /// Whether this cycle made the champion.
    async fn made(&self, champion: &Champion) -> Result<bool, Error> {
        let model = self.runner.lifecycle().deploy.model.clone();
        let version = champion.version;
        let found = self
            .runner
            .metastore()
            .read(move |tx| tx.models().get_version(&model, version))
            .await?;
        Ok(found.tags.get(deploy::CYCLE_TAG) == Some(&self.number.to_string()))
    }

    async fn deploy(
        &self,
        trained: &Output<Trained>,
        evaluated: &Output<Evaluation>,
        is_cached: bool,
    ) -> Result<CycleReport, Error> {
        let evaluation = &evaluated.result;
        let model = self.runner.lifecycle().deploy.model.clone();
        let work = async {
            let source = self.keep_package(&trained.package_dir())?;
            let package: Digest = trained.result.package;
            let deployed = deploy::run(
                self.runner,
                self.number,
                &self.run.id,
                package,
                &source,
                evaluation,
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
            Ok((
                deployed,
                Told {
                    action,
                    is_cached: false,
                },
            ))
        };
        let deployed = self
            .runner
            .stage(self.number, StageName::Deploy, work)
            .await?;
        let work = async {
            monitor::run(self.runner, &evaluated.dir, &model, deployed.version())?;
            let action = format!("reference of version {} kept", deployed.version());
            Ok((
                (),
                Told {
                    action,
                    is_cached: false,
                },
            ))
        };
        self.runner
            .stage(self.number, StageName::Monitor, work)
            .await?;
        let (outcome, why) = match &deployed {
            Deployed::Promoted(version) => (
                CycleOutcome::Promoted,
                Self::why_promoted(*version, evaluation),
            ),
            Deployed::Waiting(version) => (
                CycleOutcome::Healthy,
                format!(
                    "version {version} passed its gates and waits: `everloop model promote {model} {version}`"
                ),
            ),
        };
        let champion = deploy::champion(self.runner)
            .await?
            .map(|champion| champion.version);
        self.end(outcome, why, Some(evaluation), champion, is_cached)
            .await
    }

    fn why_promoted(version: VersionNumber, evaluation: &Evaluation) -> String {
        let gates: Vec<&str> = evaluation
            .gates
            .iter()
            .map(|gate| gate.shown.as_str())
            .collect();
        match (gates.is_empty(), &evaluation.champion_problem) {
            (_, Some(problem)) => {
                format!("version {version}; the old champion cannot score these rows: {problem}")
            }
            (true, None) => format!("version {version}; no gates are set"),
            (false, None) => format!("version {version} passed: {}", gates.join("; ")),
        }
    }

    /// Copies the package among the run's artifacts: the version's source must outlive the cache.
    fn keep_package(&self, package: &Path) -> Result<PathBuf, Error> {
        let kept = self.runner.run_dir(&self.run).join("model");
        if !kept.join("MLmodel").is_file() {
            everloop_artifacts::copy_dir(package, &kept)?;
        }
        Ok(kept)
    }

    async fn skip(&self, stages: &'static [StageName], why: &str) -> Result<(), Error> {
        let (number, why) = (self.number, why.to_owned());
        self.runner
            .metastore()
            .write(move |tx| {
                for stage in stages {
                    tx.stages().finish(
                        number,
                        *stage,
                        StageState::Skipped,
                        false,
                        0,
                        None,
                        Some(why.clone()),
                    )?;
                }
                Ok(())
            })
            .await?;
        Ok(())
    }

    /// Ends a cycle that was to run to a stage only.
    async fn stopped(&self, stage: StageName) -> Result<CycleReport, Error> {
        let champion = deploy::champion(self.runner)
            .await?
            .map(|champion| champion.version);
        let later: &'static [StageName] = StageName::ALL
            .iter()
            .position(|name| *name == stage)
            .map_or(&[], |position| &StageName::ALL[position + 1..]);
        self.skip(later, &format!("only up to {stage} was asked for"))
            .await?;
        self.end(
            CycleOutcome::Healthy,
            format!("ran up to {stage}, as asked"),
            None,
            champion,
            false,
        )
        .await
    }

    async fn end(
        &self,
        outcome: CycleOutcome,
        why: String,
        evaluation: Option<&Evaluation>,
        champion_version: Option<VersionNumber>,
        is_cached: bool,
    ) -> Result<CycleReport, Error> {
        self.finish(outcome, &why, evaluation, champion_version)
            .await?;
        Ok(CycleReport {
            number: self.number,
            outcome,
            why,
            metrics: evaluation
                .map(|evaluation| evaluation.metrics.clone())
                .unwrap_or_default(),
            champion_version,
            gates: evaluation
                .map(|evaluation| evaluation.gates.clone())
                .unwrap_or_default(),
            is_cached,
        })
    }

    /// Records the outcome and its audit row in one transaction.
    async fn finish(
        &self,
        outcome: CycleOutcome,
        why: &str,
        evaluation: Option<&Evaluation>,
        champion_version: Option<VersionNumber>,
    ) -> Result<(), Error> {
        let (number, why, now) = (self.number, why.to_owned(), self.runner.clock().now());
        let metrics = evaluation
            .map(|evaluation| evaluation.metrics.clone())
            .unwrap_or_default();
        self.runner
            .metastore()
            .write(move |tx| {
                tx.cycles().finish(number, outcome, &why, now, &metrics, champion_version)?;
                tx.audit().append(&Entry {
                    at: now,
                    actor: ACTOR.to_owned(),
                    action: format!("cycle.{outcome}"),
                    subject: format!("cycle {number}"),
                    why: why.clone(),
                    details: serde_json::json!({"metrics": metrics, "champion_version": champion_version}),
                })?;
                Ok(())
            })
            .await?;
        Ok(())
    }
}
