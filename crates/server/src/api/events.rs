//! `GET /api/v1/events`: what happens, as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use everloop_domain::{ErrorKind, RunId};
use futures::Stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use utoipa::IntoParams;

use super::asked::Asked;
use super::openapi::{Absent, Refused};
use crate::error::ApiError;
use crate::events::{END, Event, Listener, metric_data, run_data};
use crate::state::AppState;

/// What can be listened to.
const KINDS: [&str; 6] = ["run", "metric", "cycle", "stage", "signal", "audit"];

/// What is listened to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listen {
    /// One run; its state now comes first.
    #[param(value_type = String, required = false, pattern = "^[0-9a-fA-F]{32}$")]
    run: Option<String>,
    /// Kinds with commas between them, all if absent: `run`, `metric`, `cycle`, `stage`, `signal`, `audit`.
    #[param(value_type = String, required = false, example = "run,metric")]
    kinds: Option<String>,
}

/// A listener with what it wants to hear.
struct Listening {
    listener: Listener,
    run: Option<RunId>,
    kinds: Vec<String>,
    first: VecDeque<Sent>,
}

/// Streams events: `id` grows, `event` is the kind, `data` is JSON. A listener that is too slow hears `dropped` with how many
/// it missed; one that comes back with a `Last-Event-ID` that is not known any more hears `reset`.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "tracking",
    operation_id = "listen",
    summary = "What happens, as server-sent events, until the listener goes",
    description = "Each event has an `id` that grows, the kind as `event`, and JSON as `data`. A listener that is too slow hears `dropped` \
        with how many it missed; one that comes back with a `Last-Event-ID` that is not known any more hears `reset` and looks anew.",
    params(
        Listen,
        ("Last-Event-ID" = inline(Option<u64>), Header, description = "The last event that was heard: those after it are told again.")
    ),
    responses((status = 200, description = "A stream without end.", body = String, content_type = "text/event-stream"), Refused, Absent)
)]
pub(super) async fn listen(
    State(state): State<AppState>,
    headers: HeaderMap,
    Asked(listen): Asked<Listen>,
) -> Result<Sse<impl Stream<Item = Result<Sent, Infallible>>>, ApiError> {
    let kinds = kinds(listen.kinds.as_deref())?;
    let run = listen.run.map(|id| id.parse::<RunId>()).transpose();
    let run = run.map_err(|problem| ApiError::new(ErrorKind::Invalid, problem))?;
    let mut first = VecDeque::new();
    let Some(listener) = state.events.listen(run.clone()) else {
        let message = "too many listen already; try again later".to_owned();
        return Err(ApiError::new(ErrorKind::Unavailable, message));
    };
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let mut stream = Listening {
        listener,
        run: run.clone(),
        kinds,
        first: VecDeque::new(),
    };
    match last.map(|id| id.parse().ok().and_then(|id| state.events.since(id))) {
        None => {}
        Some(None) => first.push_back(Sent::default().event("reset").data("{}")),
        Some(Some(missed)) => first.extend(missed.iter().filter_map(|event| stream.shown(event))),
    }
    if let (Some(run), None) = (run, last) {
        first.extend(now(&state, run, &stream.kinds).await?);
    }
    stream.first = first;
    let sent = futures::stream::unfold(stream, |mut stream| async {
        let next = stream.next().await?;
        Some((Ok(next), stream))
    });
    Ok(Sse::new(sent).keep_alive(KeepAlive::default()))
}

fn kinds(text: Option<&str>) -> Result<Vec<String>, ApiError> {
    let Some(text) = text else {
        return Ok(KINDS.map(str::to_owned).to_vec());
    };
    let kinds: Vec<String> = text.split(',').map(|kind| kind.trim().to_owned()).collect();
    match kinds.iter().find(|kind| !KINDS.contains(&kind.as_str())) {
        None => Ok(kinds),
        Some(unknown) => {
            let message = format!("`kinds` has `{unknown}`; there are {}", KINDS.join(", "));
            Err(ApiError::new(ErrorKind::Invalid, message))
        }
    }
}

/// The state of a run, as the first events of who listens to it.
async fn now(state: &AppState, run: RunId, kinds: &[String]) -> Result<Vec<Sent>, ApiError> {
    let run = state
        .metastore()
        .read(move |tx| tx.runs().get(&run))
        .await?;
    let wants = |kind: &str| kinds.iter().any(|wanted| wanted == kind);
    let mut first = Vec::new();
    if wants("run") {
        first.push(
            Sent::default()
                .event("run")
                .data(run_data(&run.info).to_string()),
        );
    }
    for metric in run.metrics.iter().filter(|_| wants("metric")) {
        let data = metric_data(&run.info.id, metric).to_string();
        first.push(Sent::default().event("metric").data(data));
    }
    Ok(first)
}

impl Listening {
    async fn next(&mut self) -> Option<Sent> {
        if let Some(first) = self.first.pop_front() {
            return Some(first);
        }
        loop {
            match self.listener.receiver.recv().await {
                Ok(event) if event.kind == END => return None,
                Ok(event) => {
                    if let Some(shown) = self.shown(&event) {
                        return Some(shown);
                    }
                }
                Err(RecvError::Lagged(n_dropped)) => {
                    let data = json!({"dropped": n_dropped}).to_string();
                    return Some(Sent::default().event("dropped").data(data));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// An event as it is sent, if it is wanted.
    fn shown(&self, event: &Event) -> Option<Sent> {
        let is_wanted = self.kinds.iter().any(|kind| kind == event.kind)
            && (self.run.is_none() || self.run == event.run);
        is_wanted.then(|| {
            Sent::default()
                .id(event.id.to_string())
                .event(event.kind)
                .data(event.data.to_string())
        })
    }
}
