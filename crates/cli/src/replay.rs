//! Plays recorded rows as live traffic in simulated time.
//!
//! The dataset's rows are sent as requests to a server in this process, at the moments that their time
//! column tells; labels follow after their delay; the controller ticks after each window; cycles see only
//! what was known then. The position is noted after each window, so an interrupted replay goes on where
//! it was; a window that is played twice leaves the same ids, which count once.

pub(crate) mod report;
pub(crate) mod rows;
mod traffic;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use everloop_controller::{Controller, Tick};
use everloop_domain::{CycleReason, ManualClock, Timestamp, VersionNumber};
use everloop_engine::{CycleRequest, Project, Runner};
use everloop_lifecycle::Window;
use serde::{Deserialize, Serialize};

use crate::exit::{Exit, Failure};
use crate::stopping::Stopping;
use crate::workspace::{Workspace, tell_progress};
use report::Report;
use rows::Rows;
use traffic::Traffic;

/// The note that holds the position.
const NOTE: &str = "replay";

/// What is to be replayed.
pub(crate) struct Plan {
    /// When the model goes live.
    pub(crate) from: Timestamp,
    /// The end; after the last row if absent.
    pub(crate) until: Option<Timestamp>,
    /// Overrides of the lifecycle file.
    pub(crate) set: Vec<String>,
}

/// How far a replay has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    from: Timestamp,
    /// Everything before this moment has been played.
    played_until: Timestamp,
    first_version: VersionNumber,
}

/// Replays a project, or goes on with an interrupted replay, and reports what it was worth.
pub(crate) async fn run(project: Project, plan: &Plan) -> Result<Report> {
    let mut stopping = Stopping::listen()?;
    let replay = Replay::open(project, plan).await?;
    tokio::select! {
        played = replay.play() => played?,
        () = stopping.asked() => {
            return Err(Failure::new(Exit::Interrupted, "interrupted").hint("the same command goes on from here").into());
        }
    }
    replay.finish().await
}

/// An opened replay: stores, server, controller, rows.
pub(crate) struct Replay {
    workspace: Workspace,
    rows: Rows,
    clock: Arc<ManualClock>,
    controller: Controller,
    server: everloop_server::Running,
    traffic: Traffic,
    until: Timestamp,
    position: Position,
}

impl Replay {
    /// Opens the project, trains the first champion if there is none, and starts the server.
    pub(crate) async fn open(project: Project, plan: &Plan) -> Result<Self> {
        let clock = Arc::new(ManualClock::new(plan.from));
        let workspace = Workspace::open_at(project, &plan.set, Arc::clone(&clock) as _)?;
        let rows = Rows::read(&workspace, plan.from, plan.until).await?;
        let until = plan.until.unwrap_or(rows.end());
        let noted = position(&workspace, plan.from).await?;
        if let Some(noted) = noted {
            clock.set(noted.played_until);
            eprintln!("replay goes on at {}", noted.played_until);
        }
        let server = everloop_server::start(
            workspace.server_parts(),
            &everloop_server::Settings::on_a_free_port(),
        )
        .await?;
        let runner = workspace.runner(Some(server.url()), tell_progress())?;
        let first_version = match noted {
            Some(noted) => noted.first_version,
            None => first_champion(&runner, plan.from).await?,
        };
        let position = noted.unwrap_or(Position {
            from: plan.from,
            played_until: plan.from,
            first_version,
        });
        let controller = Controller::new(runner, true);
        let traffic = Traffic::new(&server.url());
        server.reconcile().await?;
        Ok(Self {
            workspace,
            rows,
            clock,
            controller,
            server,
            traffic,
            until,
            position,
        })
    }

    /// Plays window after window to the end.
    pub(crate) async fn play(&self) -> Result<()> {
        let mut now = self.position.played_until;
        while now < self.until {
            let end = self.window_end(now);
            self.window(now, end).await?;
            now = end;
            self.note(now).await?;
        }
        Ok(())
    }

    /// Stops the server and says what the loop was worth.
    pub(crate) async fn finish(self) -> Result<Report> {
        let report = Report::make(&self.workspace, &self.rows, self.position.first_version).await;
        self.server.stop().await;
        report
    }

    fn window_end(&self, start: Timestamp) -> Timestamp {
        match self.workspace.lifecycle.monitor.window {
            Window::Time(length) => (start + length).min(self.until),
            Window::Predictions(n_rows) => self.rows.time_after(start, n_rows).min(self.until),
        }
    }

    /// One window: its requests in order, the labels that became known, and a look at the signals.
    async fn window(&self, start: Timestamp, end: Timestamp) -> Result<()> {
        let sent = self
            .traffic
            .send(&self.rows, start, end, &self.clock)
            .await?;
        self.clock.set(end);
        let delay = self.label_delay();
        let labelled = self
            .traffic
            .label(&self.rows, start - delay, end - delay)
            .await?;
        self.server.flush().await?;
        let tick = self.controller.tick().await?;
        self.server.reconcile().await?;
        tell(start, end, sent, labelled, &tick);
        Ok(())
    }

    fn label_delay(&self) -> Duration {
        self.workspace
            .lifecycle
            .monitor
            .labels
            .as_ref()
            .map_or(Duration::ZERO, |labels| labels.delay)
    }

    async fn note(&self, played_until: Timestamp) -> Result<()> {
        let text = serde_json::to_string(&Position {
            played_until,
            ..self.position
        })?;
        self.workspace
            .metastore
            .write(move |tx| tx.notes().set(NOTE, &text))
            .await?;
        Ok(())
    }
}

async fn position(workspace: &Workspace, from: Timestamp) -> Result<Option<Position>> {
    let text = workspace.metastore.read(|tx| tx.notes().get(NOTE)).await?;
    let Some(text) = text else { return Ok(None) };
    let noted: Position =
        serde_json::from_str(&text).context("the noted position of the replay is damaged")?;
    if noted.from != from {
        return Err(Failure::new(
            Exit::Conflict,
            format!("a replay from {} was begun in this project", noted.from),
        )
        .hint("go on with that one, or remove `.everloop` to begin anew")
        .into());
    }
    Ok(Some(noted))
}

/// Trains and promotes the model that goes live at `from`.
async fn first_champion(runner: &Runner, from: Timestamp) -> Result<VersionNumber> {
    let request = CycleRequest {
        reason: CycleReason::First,
        why: format!("the replay begins at {from}"),
        until: None,
        as_of: Some(from),
    };
    let report = runner.run_cycle(&request).await?;
    report.champion_version.ok_or_else(|| {
        Failure::new(
            Exit::GateNotPassed,
            format!("the first model was not promoted: {}", report.why),
        )
        .hint("loosen the gates, or begin later")
        .into()
    })
}

/// A line a window: what was sent, what was learnt, what was decided.
fn tell(start: Timestamp, end: Timestamp, sent: usize, labelled: usize, tick: &Tick) {
    let signals: Vec<String> = tick.highlights();
    let shown = if signals.is_empty() {
        String::new()
    } else {
        format!("  {}", signals.join(", "))
    };
    eprintln!(
        "{} .. {}  {sent:>5} requests {labelled:>5} labels{shown}",
        start.day(),
        end.day()
    );
    for line in tick.decisions_text() {
        eprintln!("    {line}");
    }
}
