//! Writing traces: starting, tagging, linking and deleting them.

use axum::Json;
use axum::extract::{Path, State};
use everloop_artifacts::Places;
use everloop_domain::Timestamp;
use everloop_metastore::TraceSelection;
use futures::StreamExt as _;
use serde_json::json;

use super::wire;
use crate::mlflow::Answer;
use crate::mlflow::error::MlflowError;
use crate::mlflow::experiments::id as experiment_id;
use crate::mlflow::parameters::Parameters;
use crate::mlflow::runs::{check_key, run_id};
use crate::state::AppState;

/// The longest key and value of a tag; a longer value is cut, as in MLflow.
const MAX_KEY: usize = 250;
const MAX_VALUE: usize = 8000;
/// How many traces may be linked at once.
const MAX_LINKS: usize = 100;
/// Of how many traces the files are removed at once.
const N_AT_ONCE: usize = 16;
/// The tag that says where the files of a trace are.
const LOCATION_TAG: &str = "mlflow.artifactLocation";
/// Tags that only the server sets: they say where the files and spans of a trace are.
const OWN_TAGS: [&str; 4] = [
    LOCATION_TAG,
    "mlflow.trace.spansLocation",
    "mlflow.trace.archiveLocation",
    "mlflow.trace.archivalFailure",
];

/// `POST traces`: what a trace was, told by its client when it is over.
pub(super) async fn start(State(state): State<AppState>, parameters: Parameters) -> Answer {
    if !parameters.has("trace") {
        parameters.required("trace")?;
    }
    let info = parameters.object("trace")?.object("trace_info")?;
    let mut trace = wire::read_info(&info, &state.ids, state.parts.clock.now())?;
    trace.tags = checked_tags(trace.tags)?;
    let trace = state
        .metastore()
        .write(move |tx| {
            tx.traces().start(&trace)?;
            tx.traces().get(&trace.id)
        })
        .await?;
    Ok(Json(json!({"trace": {"trace_info": wire::info(&trace)}})))
}

/// Tags from outside: not the server's own ones, and none too long.
pub(in crate::mlflow) fn checked_tags<C>(tags: C) -> Result<C, MlflowError>
where
    C: IntoIterator<Item = (String, String)> + FromIterator<(String, String)>,
{
    let checked = |(key, value): (String, String)| {
        if key.is_empty() || key.chars().count() > MAX_KEY {
            return Err(MlflowError::invalid(format!(
                "'key' of a trace's tag has {} characters; 1 to {MAX_KEY} are allowed",
                key.chars().count()
            )));
        }
        Ok((key, cut(&value)))
    };
    tags.into_iter()
        .filter(|(key, _)| !OWN_TAGS.contains(&key.as_str()))
        .map(checked)
        .collect()
}

fn cut(value: &str) -> String {
    value.chars().take(MAX_VALUE).collect()
}

pub(super) async fn set_tag(
    State(state): State<AppState>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answer {
    let key = parameters.required("key")?;
    require_mutable(&key, "set")?;
    check_key(&key, "key")?;
    let value = cut(&parameters.text("value")?.unwrap_or_default());
    state
        .metastore()
        .write(move |tx| tx.traces().set_tag(&id, &key, &value))
        .await?;
    Ok(Json(json!({})))
}

pub(super) async fn delete_tag(
    State(state): State<AppState>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answer {
    let key = parameters.required("key")?;
    // Without its place a trace has no files; that harms nobody else.
    if key != LOCATION_TAG {
        require_mutable(&key, "deleted")?;
    }
    state
        .metastore()
        .write(move |tx| tx.traces().delete_tag(&id, &key))
        .await?;
    Ok(Json(json!({})))
}

fn require_mutable(key: &str, done: &str) -> Result<(), MlflowError> {
    if OWN_TAGS.contains(&key) {
        return Err(MlflowError::invalid(format!(
            "Tag '{key}' is immutable and cannot be {done} on a trace."
        )));
    }
    Ok(())
}

pub(super) async fn link_to_run(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let ids = parameters.texts("trace_ids")?;
    if ids.is_empty() {
        parameters.required("trace_ids")?;
    }
    if ids.len() > MAX_LINKS {
        return Err(MlflowError::invalid(format!(
            "Cannot link more than {MAX_LINKS} traces to a run in a single request. Provided {} traces.",
            ids.len()
        )));
    }
    let run = run_id(&parameters)?;
    state
        .metastore()
        .write(move |tx| tx.traces().link_to_run(&ids, &run))
        .await?;
    Ok(Json(json!({})))
}

pub(super) async fn link_prompts(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = parameters.required("trace_id")?;
    let versions = parameters.objects("prompt_versions")?;
    if versions.is_empty() {
        parameters.required("prompt_versions")?;
    }
    let prompts = versions
        .iter()
        .map(|one| {
            let version = one.integer("version")?.unwrap_or_default();
            Ok(format!("{}/{version}", one.required("name")?))
        })
        .collect::<Result<Vec<_>, MlflowError>>()?;
    state
        .metastore()
        .write(move |tx| tx.traces().link_prompts(&id, &prompts))
        .await?;
    Ok(Json(json!({})))
}

/// `POST traces/delete-traces`: by id, or all until a moment. Their files go, too.
pub(super) async fn delete(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let which = selection(&parameters)?;
    let gone = state
        .metastore()
        .write(move |tx| tx.traces().delete(&which))
        .await?;
    let n_gone = gone.len();
    let removals = futures::stream::iter(gone).map(|(id, location)| {
        let places = state.parts.places.clone();
        async move { remove_files(&places, &id, &location).await }
    });
    removals.buffer_unordered(N_AT_ONCE).collect::<()>().await;
    Ok(Json(json!({"traces_deleted": n_gone})))
}

/// The record is gone already, so a failure is only told in the log.
async fn remove_files(places: &Places, id: &str, location: &str) {
    let removed = match places.find(location) {
        Ok(place) => place.remove().await,
        Err(error) => Err(error),
    };
    if let Err(error) = removed {
        tracing::warn!(trace = id, location, error = %error, "files of a trace are left");
    }
}

fn selection(parameters: &Parameters) -> Result<TraceSelection, MlflowError> {
    let which = TraceSelection {
        experiment: experiment_id(&parameters.required("experiment_id")?)?,
        until: parameters
            .integer("max_timestamp_millis")?
            .map(Timestamp::from_millis),
        limit: parameters.integer("max_traces")?,
        ids: parameters.texts("request_ids")?,
    };
    let refused = |message: &str| Err(MlflowError::invalid(message));
    match (which.until.is_some(), which.ids.is_empty()) {
        (false, true) => refused("Either `max_timestamp_millis` or `trace_ids` must be specified."),
        (true, false) => {
            refused("Only one of `max_timestamp_millis` and `trace_ids` can be specified.")
        }
        (false, false) if which.limit.is_some() => {
            refused("`max_traces` can't be specified if `trace_ids` is specified.")
        }
        _ if which.limit.is_some_and(|limit| limit <= 0) => {
            refused("`max_traces` must be a positive integer.")
        }
        _ => Ok(which),
    }
}
