//! `registered-models/…`: names, and the aliases of their versions.

use axum::extract::State;
use axum::routing::{delete as routing_delete, get, patch, post};
use axum::{Json, Router};
use everloop_domain::{ErrorKind, ModelName};
use everloop_metastore::search::{Comparison, Condition, Subject, Test};
use everloop_metastore::{ModelVersion, RegisteredModel, Transaction};
use serde_json::{Value, json};

use super::error::MlflowError;
use super::filter::{Grammar, Resource, condition, order};
use super::model_versions;
use super::paging::Page;
use super::parameters::Parameters;
use super::{Answer, pairs, trimmed};
use crate::source::PROMPT_TAG;
use crate::state::AppState;

/// How many models a search shows if it is not told, and at most.
const DEFAULT_PAGE: i64 = 100;
const MAX_PAGE: i64 = 1000;

/// The alias that always points at the highest version, and cannot be set.
const LATEST: &str = "latest";

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/registered-models/create", post(create))
        .route("/registered-models/get", get(by_name))
        .route("/registered-models/search", get(search))
        .route("/registered-models/rename", post(rename))
        .route("/registered-models/update", patch(update))
        .route("/registered-models/delete", routing_delete(delete))
        .route("/registered-models/set-tag", post(set_tag))
        .route("/registered-models/delete-tag", routing_delete(delete_tag))
        .route(
            "/registered-models/alias",
            get(by_alias).post(set_alias).delete(delete_alias),
        )
        .route(
            "/registered-models/get-latest-versions",
            get(latest).post(latest),
        )
}

fn wire(tx: &Transaction<'_>, model: &RegisteredModel) -> Result<Value, everloop_metastore::Error> {
    let aliases: Vec<Value> = tx
        .models()
        .aliases(&model.name)?
        .iter()
        .map(|(alias, version)| json!({"alias": alias, "version": version.to_string()}))
        .collect();
    let versions = tx.models().list_versions(&model.name)?;
    let latest: Vec<Value> = newest_by_stage(&versions)
        .into_iter()
        .map(|version| model_versions::wire(version, &[]))
        .collect();
    Ok(trimmed(json!({
        "name": model.name, "creation_timestamp": model.created_at.as_millis(),
        "last_updated_timestamp": model.updated_at.as_millis(), "description": model.description,
        "tags": pairs(&model.tags), "aliases": aliases, "latest_versions": latest,
    })))
}

/// The newest version of each stage, oldest first.
fn newest_by_stage(versions: &[ModelVersion]) -> Vec<&ModelVersion> {
    let mut stages = std::collections::BTreeSet::new();
    let mut newest: Vec<&ModelVersion> = versions
        .iter()
        .filter(|version| stages.insert(version.stage.as_str()))
        .collect();
    newest.reverse();
    newest
}

async fn create(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let name: ModelName = parameters.parsed("name")?;
    let description = parameters.text("description")?.unwrap_or_default();
    let tags = parameters.pairs("tags")?.into_iter().collect();
    let now = state.parts.clock.now();
    let model = state
        .metastore()
        .write(move |tx| {
            tx.models().create(&name, &description, &tags, now)?;
            wire(tx, &tx.models().get(&name)?)
        })
        .await
        .map_err(as_mlflow)?;
    Ok(Json(json!({"registered_model": model})))
}

/// The client looks for these very words when it registers a model that is there.
pub(super) fn as_mlflow(error: everloop_metastore::Error) -> MlflowError {
    match error {
        everloop_metastore::Error::AlreadyExists { name, .. } => {
            let message = format!("Registered Model (name={name}) already exists.");
            MlflowError::new(ErrorKind::AlreadyExists, message)
        }
        other => other.into(),
    }
}

async fn by_name(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let name: ModelName = parameters.parsed("name")?;
    let model = state
        .metastore()
        .read(move |tx| wire(tx, &tx.models().get(&name)?))
        .await
        .map_err(as_mlflow)?;
    Ok(Json(json!({"registered_model": model})))
}

/// By name. Prompts, which are models with a tag, are shown only to those who ask for the tag.
async fn search(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let page = Page::read(&parameters, DEFAULT_PAGE, MAX_PAGE)?;
    let filter = parameters.text("filter")?;
    let mut wanted = condition(Resource::Models, Grammar::Mlflow, filter.as_deref())?;
    if filter.is_some_and(|filter| filter.contains(PROMPT_TAG)) {
        wanted = or_untagged(wanted);
    } else {
        wanted = Condition::All(vec![wanted, is_no_prompt()]);
    }
    let order = order(Resource::Models, &parameters.texts("order_by")?)?;
    let query = page.query(wanted, order);
    let (shown, next) = state
        .metastore()
        .read(move |tx| {
            let mut found = tx.models().search(&query)?;
            let next = page.next(&mut found);
            let shown: Result<Vec<Value>, _> = found.iter().map(|model| wire(tx, model)).collect();
            Ok((shown?, next))
        })
        .await?;
    Ok(Json(trimmed(
        json!({"registered_models": shown, "next_page_token": next}),
    )))
}

fn is_no_prompt() -> Condition {
    Condition::Not(Box::new(Condition::Holds(
        Subject::Tag(PROMPT_TAG.to_owned()),
        Test::Text(Comparison::Equal, "true".to_owned()),
    )))
}

/// A model without the tag is no prompt, though tests of tags need a tag otherwise.
pub(super) fn or_untagged(condition: Condition) -> Condition {
    match condition {
        Condition::All(list) => Condition::All(list.into_iter().map(or_untagged).collect()),
        Condition::Holds(Subject::Tag(key), Test::Text(comparison, value))
            if key == PROMPT_TAG
                && matches!(
                    (comparison, value.as_str()),
                    (Comparison::NotEqual, "true") | (Comparison::Equal, "false")
                ) =>
        {
            is_no_prompt()
        }
        other => other,
    }
}

async fn rename(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let name: ModelName = parameters.parsed("name")?;
    let to: ModelName = parameters.parsed("new_name")?;
    let now = state.parts.clock.now();
    let model = state
        .metastore()
        .write(move |tx| {
            tx.models().rename(&name, &to, now)?;
            wire(tx, &tx.models().get(&to)?)
        })
        .await
        .map_err(as_mlflow)?;
    Ok(Json(json!({"registered_model": model})))
}

async fn update(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let name: ModelName = parameters.parsed("name")?;
    let description = parameters.text("description")?.unwrap_or_default();
    let now = state.parts.clock.now();
    let model = state
        .metastore()
        .write(move |tx| {
            tx.models().describe(&name, &description, now)?;
            wire(tx, &tx.models().get(&name)?)
        })
        .await
        .map_err(as_mlflow)?;
    Ok(Json(json!({"registered_model": model})))
}

async fn delete(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let name: ModelName = parameters.parsed("name")?;
    state
        .metastore()
        .write(move |tx| tx.models().delete(&name))
        .await
        .map_err(as_mlflow)?;
    Ok(Json(json!({})))
}

async fn delete_tag(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let name: ModelName = parameters.parsed("name")?;
    let key = parameters.required("key")?;
    let now = state.parts.clock.now();
    state
        .metastore()
        .write(move |tx| tx.models().delete_tag(&name, &key, now))
        .await
        .map_err(as_mlflow)?;
    Ok(Json(json!({})))
}

async fn set_tag(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let name: ModelName = parameters.parsed("name")?;
    let key = parameters.required("key")?;
    let value = parameters.text("value")?.unwrap_or_default();
    let now = state.parts.clock.now();
    state
        .metastore()
        .write(move |tx| tx.models().set_tag(&name, &key, &value, now))
        .await
        .map_err(as_mlflow)?;
    Ok(Json(json!({})))
}

/// Refuses names that already mean something after `models:/name@`.
fn check_alias(alias: &str) -> Result<(), MlflowError> {
    let is_word = alias
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    let is_version = alias
        .strip_prefix(['v', 'V'])
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
    if is_word && !is_version && !alias.eq_ignore_ascii_case(LATEST) && alias.len() <= 255 {
        return Ok(());
    }
    Err(MlflowError::invalid(format!(
        "Invalid alias name: '{alias}'. Letters, digits, `_` and `-` are allowed, but not `latest` and not `v1`"
    )))
}

async fn by_alias(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let name: ModelName = parameters.parsed("name")?;
    let alias = parameters.required("alias")?;
    let shown = alias.clone();
    let found = state
        .metastore()
        .read(move |tx| {
            tx.models().get(&name)?;
            let version = if alias.eq_ignore_ascii_case(LATEST) {
                tx.models().list_versions(&name)?.into_iter().next()
            } else {
                tx.models().find_by_alias(&name, &alias)?
            };
            version
                .map(|version| model_versions::with_aliases(tx, &version))
                .transpose()
        })
        .await?;
    let version = found.ok_or_else(|| {
        MlflowError::invalid(format!("Registered model alias {shown} not found."))
    })?;
    Ok(Json(json!({"model_version": version})))
}

async fn set_alias(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let name: ModelName = parameters.parsed("name")?;
    let alias = parameters.required("alias")?;
    check_alias(&alias)?;
    let version = parameters.parsed("version")?;
    let now = state.parts.clock.now();
    state
        .metastore()
        .write(move |tx| tx.models().set_alias(&name, &alias, version, now))
        .await?;
    Ok(Json(json!({})))
}

async fn delete_alias(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let name: ModelName = parameters.parsed("name")?;
    let alias = parameters.required("alias")?;
    let now = state.parts.clock.now();
    state
        .metastore()
        .write(move |tx| {
            tx.models().get(&name)?;
            tx.models().delete_alias(&name, &alias, now)
        })
        .await?;
    Ok(Json(json!({})))
}

async fn latest(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let name: ModelName = parameters.parsed("name")?;
    let stages = parameters.texts("stages")?;
    let stages = stages
        .iter()
        .map(|stage| model_versions::stage(stage))
        .collect::<Result<Vec<_>, _>>()?;
    let versions = state
        .metastore()
        .read(move |tx| {
            tx.models().get(&name)?;
            tx.models().list_versions(&name)
        })
        .await?;
    let shown: Vec<Value> = newest_by_stage(&versions)
        .into_iter()
        .filter(|version| stages.is_empty() || stages.iter().any(|stage| *stage == version.stage))
        .map(|version| model_versions::wire(version, &[]))
        .collect();
    Ok(Json(trimmed(json!({"model_versions": shown}))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_do_not_clash_with_other_ways_to_name_a_version() {
        for alias in ["champion", "v", "v1a", "a-b_c", "latest2"] {
            assert!(check_alias(alias).is_ok(), "{alias}");
        }
        for alias in ["latest", "Latest", "v1", "V22", "a b", "a/b", "a@b"] {
            assert!(check_alias(alias).is_err(), "{alias}");
        }
    }
}
