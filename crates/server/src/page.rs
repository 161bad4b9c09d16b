//! The page at `/`: the loop and its cycles, rendered here, without scripts.

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use everloop_domain::{ModelName, StageName, StageState, VersionNumber};
use everloop_engine::status::{CycleStatus, Status};
use everloop_metastore::Signal;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::error::ApiError;
use crate::state::LoopState;

const STYLE: &str = include_str!("page/style.css");
const N_CYCLES: usize = 25;
const N_SIGNALS: usize = 200;
/// What is measured besides the scores.
const BESIDES: [&str; 5] = [
    "latency_p99_ms",
    "n_rows",
    "package_mb",
    "peak_memory_mb",
    "train_seconds",
];

/// The route.
pub(crate) fn router(at: &str) -> Router<LoopState> {
    Router::new().route(at, get(show))
}

/// The page of a server that only tracks: how to reach it.
pub(crate) fn tracking_only(at: &str) -> Router {
    Router::new().route(at, get(|| async { Html(welcome().into_string()) }))
}

fn welcome() -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "Everloop tracking" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { h1 { "Everloop tracking" } p { "MLflow's clients can log here." } }
                main {
                    section {
                        h2 { "Connect" }
                        pre { "import mlflow\nmlflow.set_tracking_uri(\"http://<this address>\")" }
                    }
                }
            }
        }
    }
}

async fn show(State(state): State<LoopState>) -> Result<Html<String>, ApiError> {
    let status = Status::load(state.metastore(), &state.deployment.project, N_CYCLES).await?;
    let model = state.deployment.model.clone();
    let signals = {
        let model = model.clone();
        state
            .metastore()
            .read(move |tx| tx.signals().list(&model, N_SIGNALS))
            .await?
    };
    let served = state.serving.models().version(&model);
    Ok(Html(page(&status, &signals, &model, served).into_string()))
}

fn page(
    status: &Status,
    signals: &[Signal],
    model: &ModelName,
    served: Option<VersionNumber>,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content="5";
                title { (status.project) " · Everloop" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (status.project) }
                    p {
                        @match served {
                            Some(version) => { "serving " strong { (model) } ", version " strong { (version) } }
                            None => { "no model is served yet" }
                        }
                        " · " (status.next)
                    }
                }
                main {
                    (diagram(status.cycles.first()))
                    (gates(status.cycles.first()))
                    (cycles(&status.cycles))
                    (latest(signals))
                }
            }
        }
    }
}

/// The six stages with the state of the last cycle.
fn diagram(cycle: Option<&CycleStatus>) -> Markup {
    let stage = |name: StageName| {
        cycle.and_then(|cycle| cycle.stages.iter().find(|stage| stage.name == name))
    };
    html! {
        section aria-label="The loop" {
            ol class="loop" {
                @for name in StageName::ALL {
                    @let found = stage(*name);
                    @let state = found.map_or(StageState::Pending, |stage| stage.state);
                    li class=(state.as_str()) {
                        strong { (name) }
                        span class="state" { (state) @if found.is_some_and(|stage| stage.cached) { ", cached" } }
                        @if let Some(stage) = found {
                            span { (stage.action) }
                            span class="time" { (stage.duration_ms) " ms" }
                        }
                    }
                }
            }
        }
    }
}

/// The gates of the last cycle with their numbers, and where its report is.
fn gates(cycle: Option<&CycleStatus>) -> Markup {
    let Some(cycle) = cycle.filter(|cycle| !cycle.gates.is_empty()) else {
        return html! {};
    };
    html! {
        section {
            h2 { "Gates of cycle " (cycle.number) }
            @if let Some(run) = &cycle.run_id {
                p {
                    a href=(format!("/get-artifact?run_id={run}&path=evaluation.html")) { "Report" } " and "
                    a href=(format!("/get-artifact?run_id={run}&path=model_card.html")) { "model card" } " as files."
                }
            }
            table {
                thead { tr { th { "outcome" } th { "gate" } th { "numbers" } } }
                tbody {
                    @for gate in &cycle.gates {
                        tr {
                            td { span class={ "badge " (gate.verdict.as_str()) } { (gate.verdict.as_str()) } }
                            td { code { (gate.text) } }
                            td { (gate.shown) }
                        }
                    }
                }
            }
        }
    }
}

fn cycles(cycles: &[CycleStatus]) -> Markup {
    html! {
        section {
            h2 { "Cycles" }
            @if cycles.is_empty() { p { "There is no cycle yet." } }
            @else {
                table {
                    thead { tr { th { "cycle" } th { "reason" } th { "outcome" } th { "champion" } th { "scores" } th { "why" } th { "started" } } }
                    tbody {
                        @for cycle in cycles {
                            @let outcome = cycle.outcome.map_or("running", |outcome| outcome.as_str());
                            tr {
                                td { (cycle.number) }
                                td { (cycle.reason) }
                                td { span class={ "badge " (outcome) } { (outcome) } }
                                td { @if let Some(version) = cycle.champion_version { "v" (version) } }
                                td class="scores" {
                                    @for (name, value) in cycle.metrics.iter().filter(|(name, _)| !BESIDES.contains(&name.as_str())).take(4) { span { (name) " " (format!("{value:.4}")) } }
                                }
                                td { (cycle.why) }
                                td class="time" { (cycle.started_at) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The newest signal of each name.
fn latest(signals: &[Signal]) -> Markup {
    let mut seen = std::collections::BTreeSet::new();
    let newest: Vec<&Signal> = signals
        .iter()
        .filter(|signal| seen.insert(signal.name.as_str()))
        .collect();
    html! {
        section {
            h2 { "Signals" }
            @if newest.is_empty() { p { "No window has closed yet." } }
            @else {
                table {
                    thead { tr { th { "signal" } th { "value" } th { "verdict" } th { "version" } th { "window" } } }
                    tbody {
                        @for signal in newest {
                            tr {
                                td { (signal.name) }
                                td { @match signal.value { Some(value) => { (format!("{value:.4}")) } None => { "unknown" } } }
                                td { span class={ "badge " (signal.verdict) } { (signal.verdict) } }
                                td { "v" (signal.version) }
                                td class="time" { (signal.window_start) " .. " (signal.window_end) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use everloop_domain::{CycleNumber, CycleOutcome, CycleReason};
    use everloop_engine::status::StageStatus;
    use everloop_engine::{GateOutcome, GateVerdict};

    use super::*;

    fn status(why: &str) -> Status {
        let stage = StageStatus {
            name: StageName::Train,
            state: StageState::Done,
            action: "`boosting`".to_owned(),
            cached: true,
            started_at: None,
            duration_ms: 12,
            message: None,
        };
        let cycle = CycleStatus {
            number: CycleNumber(3),
            reason: CycleReason::Drift,
            outcome: Some(CycleOutcome::Promoted),
            why: why.to_owned(),
            stages: vec![stage],
            gates: vec![GateOutcome {
                text: "rmse < 60".to_owned(),
                passed: true,
                verdict: GateVerdict::Warn,
                shown: "rmse = 61.25 < 60".to_owned(),
            }],
            metrics: [("rmse".to_owned(), 61.25)].into(),
            champion_version: Some(VersionNumber(2)),
            run_id: None,
            started_at: "2026-01-01T00:00:00Z".to_owned(),
            finished_at: None,
        };
        Status {
            project: "bikes".to_owned(),
            cycles: vec![cycle],
            next: "all is well".to_owned(),
        }
    }

    fn shown(why: &str) -> String {
        page(
            &status(why),
            &[],
            &"bikes".parse().unwrap(),
            Some(VersionNumber(2)),
        )
        .into_string()
    }

    #[test]
    fn the_loop_and_its_cycles_are_shown() {
        let text = shown("drift of temp");
        for part in [
            "bikes",
            "drift of temp",
            "rmse 61.2500",
            "badge promoted",
            "badge warn",
            "rmse = 61.25 &lt; 60",
            "done",
            "cached",
            "No window has closed",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(
            StageName::ALL
                .iter()
                .all(|name| text.contains(name.as_str()))
        );
    }

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let text = shown("<script>alert(1)</script>");
        assert!(
            !text.contains("<script>") && text.contains("&lt;script&gt;"),
            "{text}"
        );
    }
}
