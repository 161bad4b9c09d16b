//! `model-versions/…`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete as routing_delete, get, patch, post};
use axum::{Json, Router};
use everloop_domain::{ErrorKind, ModelName, VersionNumber};
use everloop_metastore::{ModelVersion, NewVersion, Transaction};
use serde_json::{Value, json};

use super::error::MlflowError;
use super::filter::{Grammar, Resource, condition, order};
use super::paging::Page;
use super::parameters::Parameters;
use super::registered_models::or_untagged;
use super::{Answer, pairs, trimmed};
use crate::source;
use crate::state::AppState;

/// How many versions a search shows if it is not told, and at most.
const DEFAULT_PAGE: i64 = 10_000;
const MAX_PAGE: i64 = 200_000;
/// The tag of a logged model that lists its versions.
const VERSIONS_TAG: &str = "mlflow.modelVersions";
/// MLflow's stages; aliases have taken their place.
const STAGES: [&str; 4] = ["None", "Staging", "Production", "Archived"];
/// The stages that others can be archived from.
const ACTIVE_STAGES: [&str; 2] = ["Staging", "Production"];

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/model-versions/create", post(create))
        .route("/model-versions/get", get(by_number))
        .route("/model-versions/search", get(search))
        .route("/model-versions/update", patch(update))
        .route("/model-versions/delete", routing_delete(delete))
        .route("/model-versions/transition-stage", post(transition))
        .route("/model-versions/set-tag", post(set_tag))
        .route("/model-versions/delete-tag", routing_delete(delete_tag))
        .route("/model-versions/get-download-uri", get(download_uri))
}

/// A version as MLflow writes it, with its aliases.
pub(super) fn wire(version: &ModelVersion, aliases: &[String]) -> Value {
    trimmed(json!({
        "name": version.name, "version": version.version.to_string(),
        "creation_timestamp": version.created_at.as_millis(), "last_updated_timestamp": version.updated_at.as_millis(),
        "current_stage": version.stage, "description": version.description, "source": version.source,
        "run_id": version.run_id.as_deref().unwrap_or_default(), "status": "READY",
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
        run_id: parameters.text("run_id")?,
        model_id: parameters.text("model_id")?,
        tags: parameters.pairs("tags")?.into_iter().collect(),
        description: parameters.text("description")?,
        now: state.parts.clock.now(),
    };
    refuse_other_hosts(&new.source)?;
    let version = state
        .metastore()
        .write(move |tx| {
            source::check(tx, &new)?;
            let number = tx.models().create_version(&new)?;
            if let Some(id) = &new.model_id {
                tell_model(tx, id, &new.name, number)?;
            }
            with_aliases(tx, &tx.models().get_version(&new.name, number)?)
        })
        .await
        .map_err(as_mlflow)?;
    Ok(Json(json!({"model_version": version})))
}

/// A file of another machine cannot be meant.
fn refuse_other_hosts(source: &str) -> Result<(), MlflowError> {
    let host = source
        .strip_prefix("file://")
        .and_then(|rest| rest.split('/').next());
    match host {
        Some(host) if !host.is_empty() && host != "localhost" => Err(MlflowError::with_code(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL_ERROR",
            format!(
                "{source} is not a valid remote uri. For remote access on windows, please consider using a different scheme."
            ),
        )),
        _ => Ok(()),
    }
}

/// Lists the version in a tag of its logged model, where clients look for it.
fn tell_model(
    tx: &Transaction<'_>,
    id: &str,
    name: &ModelName,
    version: VersionNumber,
) -> Result<(), everloop_metastore::Error> {
    let model = tx.logged_models().get(id)?;
    let told = model.tags.get(VERSIONS_TAG).map(String::as_str);
    let mut list = told
        .and_then(|text| text.strip_suffix(']'))
        .map_or_else(|| "[".to_owned(), |text| format!("{text}, "));
    // As Python writes JSON: tests of clients compare the text.
    list += &format!("{{\"name\": {}, \"version\": {version}}}]", json!(name));
    let tags = [(VERSIONS_TAG.to_owned(), list)].into();
    tx.logged_models().set_tags(id, &tags)
}

fn named(parameters: &Parameters) -> Result<(ModelName, VersionNumber), MlflowError> {
    Ok((parameters.parsed("name")?, parameters.parsed("version")?))
}

async fn by_number(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let (name, number) = named(&parameters)?;
    let version = state
        .metastore()
        .read(move |tx| with_aliases(tx, &tx.models().get_version(&name, number)?))
        .await
        .map_err(as_mlflow)?;
    Ok(Json(json!({"model_version": version})))
}

/// The last changed first.
pub(super) async fn search(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let page = Page::read(&parameters, DEFAULT_PAGE, MAX_PAGE)?;
    let filter = parameters.text("filter")?;
    let query = page.query(
        or_untagged(condition(
            Resource::Versions,
            Grammar::Mlflow,
            filter.as_deref(),
        )?),
        order(Resource::Versions, &parameters.texts("order_by")?)?,
    );
    let (shown, next) = state
        .metastore()
        .read(move |tx| {
            let mut found = tx.models().search_versions(&query)?;
            let next = page.next(&mut found);
            let shown: Result<Vec<Value>, _> = found
                .iter()
                .map(|version| with_aliases(tx, version))
                .collect();
            Ok((shown?, next))
        })
        .await?;
    Ok(Json(trimmed(
        json!({"model_versions": shown, "next_page_token": next}),
    )))
}

async fn update(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let (name, number) = named(&parameters)?;
    let description = parameters.text("description")?.unwrap_or_default();
    let now = state.parts.clock.now();
    let version = state
        .metastore()
        .write(move |tx| {
            tx.models()
                .describe_version(&name, number, &description, now)?;
            with_aliases(tx, &tx.models().get_version(&name, number)?)
        })
        .await
        .map_err(as_mlflow)?;
    Ok(Json(json!({"model_version": version})))
}

async fn delete(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let (name, number) = named(&parameters)?;
    let now = state.parts.clock.now();
    state
        .metastore()
        .write(move |tx| tx.models().delete_version(&name, number, now))
        .await
        .map_err(as_mlflow)?;
    Ok(Json(json!({})))
}

async fn delete_tag(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let (name, number) = named(&parameters)?;
    let key = parameters.required("key")?;
    let now = state.parts.clock.now();
    state
        .metastore()
        .write(move |tx| tx.models().delete_version_tag(&name, number, &key, now))
        .await
        .map_err(as_mlflow)?;
    Ok(Json(json!({})))
}

/// A stage by its name, capital letters or not.
pub(super) fn stage(text: &str) -> Result<&'static str, MlflowError> {
    let found = STAGES
        .into_iter()
        .find(|stage| stage.eq_ignore_ascii_case(text));
    found.ok_or_else(|| {
        MlflowError::invalid(format!(
            "Invalid Model Version stage: {text}. Value must be one of {}.",
            STAGES.join(", ")
        ))
    })
}

async fn transition(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let (name, number) = named(&parameters)?;
    let stage = stage(&parameters.required("stage")?)?;
    let archives_others = parameters.boolean("archive_existing_versions", false)?;
    if archives_others && !ACTIVE_STAGES.contains(&stage) {
        return Err(MlflowError::invalid(format!(
            "Model version transition cannot archive existing model versions because '{stage}' is not an Active stage. Valid \
             stages are {}",
            ACTIVE_STAGES.join(", ")
        )));
    }
    let now = state.parts.clock.now();
    let version = state
        .metastore()
        .write(move |tx| {
            tx.models()
                .set_stage(&name, number, stage, archives_others, now)?;
            with_aliases(tx, &tx.models().get_version(&name, number)?)
        })
        .await
        .map_err(as_mlflow)?;
    Ok(Json(json!({"model_version": version})))
}

/// A version that is not there, in MLflow's words.
fn as_mlflow(error: everloop_metastore::Error) -> MlflowError {
    match error {
        everloop_metastore::Error::NotFound {
            what: "model version",
            name,
        } => {
            let (name, version) = name.rsplit_once('/').unwrap_or((&name, ""));
            let message = format!("Model Version (name={name}, version={version}) not found");
            MlflowError::new(ErrorKind::NotFound, message)
        }
        other => super::registered_models::as_mlflow(other),
    }
}

async fn set_tag(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let (name, number) = named(&parameters)?;
    let key = parameters.required("key")?;
    let value = parameters.text("value")?.unwrap_or_default();
    let now = state.parts.clock.now();
    state
        .metastore()
        .write(move |tx| {
            tx.models()
                .set_version_tag(&name, number, &key, &value, now)
        })
        .await
        .map_err(as_mlflow)?;
    Ok(Json(json!({})))
}

/// Where the files of a version are.
async fn download_uri(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let (name, number) = named(&parameters)?;
    let artifacts = state.parts.places.own().dir().map(ToOwned::to_owned);
    let uri = state
        .metastore()
        .read(move |tx| {
            let version = tx.models().get_version(&name, number)?;
            let uri = source::resolve(tx, &version.source)?;
            Ok(source::below(&uri, artifacts.as_deref()))
        })
        .await?;
    Ok(Json(json!({"artifact_uri": uri})))
}
