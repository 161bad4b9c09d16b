//! `model-versions/…`.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use everloop_domain::{ModelName, RunId, VersionNumber};
use everloop_metastore::{ModelVersion, NewVersion, Transaction};
use serde_json::{Value, json};

use super::error::MlflowError;
use super::filter::{equalities, matches};
use super::parameters::Parameters;
use super::{Answer, pairs, trimmed};
use crate::source;
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/model-versions/create", post(create))
        .route("/model-versions/get", get(by_number))
        .route("/model-versions/search", get(search))
        .route("/model-versions/set-tag", post(set_tag))
        .route("/model-versions/get-download-uri", get(download_uri))
}

/// A version as MLflow writes it, with its aliases.
pub(super) fn wire(version: &ModelVersion, aliases: &[String]) -> Value {
    trimmed(json!({
        "name": version.name, "version": version.version.to_string(),
        "creation_timestamp": version.created_at.as_millis(), "last_updated_timestamp": version.updated_at.as_millis(),
        "current_stage": version.stage, "description": version.description, "source": version.source,
        "run_id": version.run_id.as_ref().map(RunId::as_str).unwrap_or_default(), "status": "READY",
        "model_id": version.model_id, "tags": pairs(&version.tags), "aliases": aliases,
    }))
}

/// A version with the aliases that point at it.
pub(super) fn with_aliases(
    tx: &Transaction<'_>,
    version: &ModelVersion,
) -> Result<Value, everloop_metastore::Error> {
    let aliases: Vec<String> = tx
        .models()
        .aliases(&version.name)?
        .into_iter()
        .filter(|(_, number)| *number == version.version)
        .map(|(alias, _)| alias)
        .collect();
    Ok(wire(version, &aliases))
}

async fn create(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let new = NewVersion {
        name: parameters.parsed("name")?,
        source: parameters.required("source")?,
        run_id: parameters.parsed_option("run_id")?,
        model_id: parameters.text("model_id")?,
        tags: parameters.pairs("tags")?.into_iter().collect(),
        description: parameters.text("description")?,
        now: state.parts.clock.now(),
    };
    let version = state
        .metastore()
        .write(move |tx| {
            source::check(tx, &new)?;
            let number = tx.models().create_version(&new)?;
            with_aliases(tx, &tx.models().get_version(&new.name, number)?)
        })
        .await?;
    Ok(Json(json!({"model_version": version})))
}

fn named(parameters: &Parameters) -> Result<(ModelName, VersionNumber), MlflowError> {
    Ok((parameters.parsed("name")?, parameters.parsed("version")?))
}

async fn by_number(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let (name, number) = named(&parameters)?;
    let version = state
        .metastore()
        .read(move |tx| with_aliases(tx, &tx.models().get_version(&name, number)?))
        .await?;
    Ok(Json(json!({"model_version": version})))
}

/// All that match at once, newest first.
async fn search(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let filter = parameters.text("filter")?;
    let wanted = equalities(filter.as_deref(), &["name", "run_id", "source_path"])?;
    let value = |version: &ModelVersion, name: &str| match name {
        "name" => Some(version.name.to_string()),
        "run_id" => version.run_id.as_ref().map(ToString::to_string),
        _ => Some(version.source.clone()),
    };
    let versions = state
        .metastore()
        .read(move |tx| {
            let mut found = Vec::new();
            for model in tx.models().list()? {
                for version in tx.models().list_versions(&model.name)? {
                    if matches(&wanted, |name| value(&version, name)) {
                        found.push((version.updated_at, with_aliases(tx, &version)?));
                    }
                }
            }
            found.sort_by_key(|(updated_at, _)| std::cmp::Reverse(*updated_at));
            Ok(found
                .into_iter()
                .map(|(_, version)| version)
                .collect::<Vec<Value>>())
        })
        .await?;
    Ok(Json(trimmed(json!({"model_versions": versions}))))
}

async fn set_tag(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let (name, number) = named(&parameters)?;
    let key = parameters.required("key")?;
    let value = parameters.text("value")?.unwrap_or_default();
    state
        .metastore()
        .write(move |tx| tx.models().set_version_tag(&name, number, &key, &value))
        .await?;
    Ok(Json(json!({})))
}

/// Where the files of a version are.
async fn download_uri(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let (name, number) = named(&parameters)?;
    let artifacts = state.parts.artifacts_dir.clone();
    let uri = state
        .metastore()
        .read(move |tx| {
            let version = tx.models().get_version(&name, number)?;
            let uri = source::resolve(tx, &version.source)?;
            Ok(source::below(&uri, &artifacts))
        })
        .await?;
    Ok(Json(json!({"artifact_uri": uri})))
}
