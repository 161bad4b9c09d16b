//! One cycle, from its number to its outcome.

use std::path::{Path, PathBuf};

use everloop_domain::{
    CycleNumber, CycleOutcome, CycleReason, RunStatus, StageName, StageState, Timestamp,
    VersionNumber,
};
use everloop_metastore::{Entry, NewCycle};

use super::stages::{Found, Stages, Verdict, stage_name};
use super::{Runner, chain};
use crate::executor::{OnFailure, Outcome, Policy, execute};
use crate::process::Stop;
use crate::stages::Output;
use crate::stages::deploy::{self, Champion, Deployed};
use crate::stages::evaluate::{Evaluation, GateVerdict, REPORT_FILE};
use crate::stages::train::Trained;
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
        found: Found::default(),
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
    let plan = everloop_lifecycle::plan(runner.lifecycle());
    let plan: Vec<(StageName, String)> = plan
        .stages()
        .iter()
        .filter_map(|stage| Some((stage_name(stage)?, stage.action.clone())))
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

/// A cycle that runs.
pub(super) struct Cycle<'a> {
    pub(super) runner: &'a Runner,
    pub(super) number: CycleNumber,
    pub(super) run: CycleRun,
    pub(super) request: &'a CycleRequest,
    /// What its stages have found so far.
    pub(super) found: Found,
}

impl Cycle<'_> {
    /// Runs the plan, and draws the conclusion.
    async fn stages(&self) -> Result<CycleReport, Error> {
        let plan = everloop_lifecycle::plan(self.runner.lifecycle());
        let policy = Policy {
            n_jobs: 1,
            on_failure: OnFailure::Stop,
            stop: Stop::default(),
        };
        let work = Stages { cycle: self, plan };
        let outcomes = execute(&work.plan, &policy, &work).await?;
        let mut skipped = Vec::new();
        for (stage, outcome) in work.plan.stages().iter().zip(outcomes) {
            match outcome {
                Outcome::Failed(error) => return Err(error),
                Outcome::Done(_) => {}
                Outcome::Skipped { .. } | Outcome::NotBegun => skipped.extend(stage_name(stage)),
            }
        }
        match self.last() {
            Some(stage) => self.stopped(stage, skipped).await,
            None => self.conclude(skipped).await,
        }
    }

    /// The stage after which no other is wanted; what is deployed is monitored.
    pub(super) fn last(&self) -> Option<StageName> {
        let is_early = |stage: &StageName| !matches!(stage, StageName::Deploy | StageName::Monitor);
        self.request.until.filter(is_early)
    }

    /// What the numbers mean for the champion.
    pub(super) async fn judge(
        &self,
        trained: &Output<Trained>,
        evaluation: &Evaluation,
        champion: Option<Champion>,
    ) -> Result<Verdict, Error> {
        // The same package can be the champion already: then there is nothing to gate or to deploy, unless
        // this very cycle promoted it and was interrupted right after.
        if let Some(champion) =
            champion.filter(|champion| champion.package == Some(trained.result.package))
        {
            if self.made(&champion).await? {
                return Ok(Verdict::Deploy);
            }
            return Ok(Verdict::IsChampion(champion.version));
        }
        Ok(match evaluation.refusal() {
            Some(gate) => Verdict::Refused(format!("gate `{}` refused: {}", gate.text, gate.shown)),
            None => Verdict::Deploy,
        })
    }

    /// Ends a cycle whose stages ran.
    async fn conclude(&self, skipped: Vec<StageName>) -> Result<CycleReport, Error> {
        let evaluation = &self.found.evaluated()?.result;
        let (outcome, why) = match (self.found.verdict()?, self.found.deployed.get()) {
            (Verdict::IsChampion(version), _) => {
                let why = format!("the candidate is version {version}, the champion");
                self.skip(skipped, &why).await?;
                (CycleOutcome::Healthy, why)
            }
            (Verdict::Refused(why), _) => {
                self.skip(skipped, "the candidate was refused").await?;
                (CycleOutcome::Rejected, why.clone())
            }
            (Verdict::Deploy, Some(Deployed::Promoted(version))) => (
                CycleOutcome::Promoted,
                Self::why_promoted(*version, evaluation),
            ),
            (Verdict::Deploy, Some(Deployed::Waiting(version))) => {
                let model = &self.runner.lifecycle().deploy.model;
                let why = format!(
                    "version {version} passed its gates and waits: `everloop model promote {model} {version}`"
                );
                (CycleOutcome::Healthy, why)
            }
            (Verdict::Deploy, None) => return Err(Found::lacks(StageName::Deploy)),
        };
        let champion = deploy::champion(self.runner).await?;
        let champion = champion.map(|champion| champion.version);
        let is_cached = self.found.is_cached();
        self.end(outcome, why, Some(evaluation), champion, is_cached)
            .await
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

    fn why_promoted(version: VersionNumber, evaluation: &Evaluation) -> String {
        let gates: Vec<&str> = evaluation
            .gates
            .iter()
            .filter(|gate| gate.verdict == GateVerdict::Pass)
            .map(|gate| gate.shown.as_str())
            .collect();
        let warned: Vec<&str> = evaluation
            .warnings()
            .map(|gate| gate.shown.as_str())
            .collect();
        let warned = match warned.as_slice() {
            [] => String::new(),
            all => format!("; warning: {}", all.join("; ")),
        };
        match (gates.is_empty(), &evaluation.champion_problem) {
            (_, Some(problem)) => {
                format!("version {version}; the old champion cannot score these rows: {problem}")
            }
            (true, None) if evaluation.gates.is_empty() => {
                format!("version {version}; no gates are set")
            }
            (true, None) => format!("version {version}{warned}"),
            (false, None) => format!("version {version} passed: {}{warned}", gates.join("; ")),
        }
    }

    /// Copies the package among the run's artifacts: the version's source must outlive the cache.
    pub(super) fn keep_package(&self, package: &Path) -> Result<PathBuf, Error> {
        let kept = self.runner.run_dir(&self.run).join("model");
        if !kept.join("MLmodel").is_file() {
            everloop_artifacts::copy_dir(package, &kept)?;
        }
        Ok(kept)
    }

    async fn skip(&self, stages: Vec<StageName>, why: &str) -> Result<(), Error> {
        let (number, why) = (self.number, why.to_owned());
        self.runner
            .metastore()
            .write(move |tx| {
                for stage in stages {
                    tx.stages().finish(
                        number,
                        stage,
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
    async fn stopped(&self, stage: StageName, later: Vec<StageName>) -> Result<CycleReport, Error> {
        let champion = deploy::champion(self.runner)
            .await?
            .map(|champion| champion.version);
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
        let report = self.runner.run_dir(&self.run).join(REPORT_FILE);
        Ok(CycleReport {
            report: report.is_file().then(|| report.display().to_string()),
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
            tuned: self
                .found
                .trained()
                .ok()
                .and_then(|trained| trained.result.tuned.clone()),
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
