//! The registry and what is served of it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use everloop_metastore::ModelVersion;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::asked::Asked;
use super::openapi::Refused;
use super::paging;
use crate::error::ApiError;
use crate::state::LoopState;

/// How many versions of a model are shown; `model-versions/search` of MLflow's API has all.
const N_VERSIONS: usize = 100;

/// Which models are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    #[param(schema_with = paging::max_results)]
    max_results: Option<String>,
    /// The `next_page_token` of the page before.
    #[param(value_type = String, required = false, nullable = false)]
    page_token: Option<String>,
}

/// A version of a model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Version)]
pub(super) struct NumberedVersion {
    version: u64,
    /// Where its package is.
    source: String,
    /// The run that made it.
    run_id: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    tags: BTreeMap<String, String>,
}

impl From<ModelVersion> for NumberedVersion {
    fn from(version: ModelVersion) -> Self {
        Self {
            version: version.version.0,
            source: version.source,
            run_id: version.run_id,
            created_at: version.created_at.to_string(),
            tags: version.tags,
        }
    }
}

/// A registered model.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Model {
    name: String,
    /// The version that this server serves.
    served_version: Option<u64>,
    /// The version that each alias points at.
    aliases: BTreeMap<String, u64>,
    /// Its newest versions, newest first, 100 at most.
    #[schema(max_items = 100)]
    versions: Vec<NumberedVersion>,
}

/// A page of models.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Models {
    models: Vec<Model>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_page_token: Option<String>,
}

/// `GET /api/v1/models`.
#[utoipa::path(
    get,
    path = "/api/v1/models",
    tag = "loop",
    operation_id = "list_models",
    summary = "Registered models by name: versions, aliases, and what is served",
    params(Wanted),
    responses((status = 200, description = "A page of models.", body = Models), Refused)
)]
pub(super) async fn list(
    State(state): State<LoopState>,
    Asked(asked): Asked<Wanted>,
) -> Result<Json<Models>, ApiError> {
    let size = paging::size(asked.max_results.as_deref())?;
    let after = asked.page_token.unwrap_or_default();
    let mut found = state
        .metastore()
        .read(move |tx| {
            let mut rows = Vec::new();
            for model in tx.models().after(&after, size + 1)? {
                let versions = tx.models().newest_versions(&model.name, N_VERSIONS)?;
                let aliases = tx.models().aliases(&model.name)?;
                rows.push((model.name, versions, aliases));
            }
            Ok(rows)
        })
        .await?;
    let next_page_token = paging::next(&mut found, size, |(name, ..)| name.to_string());
    let models = found.into_iter().map(|(name, versions, aliases)| Model {
        served_version: state.serving.models().version(&name).map(|one| one.0),
        aliases: aliases
            .into_iter()
            .map(|(alias, one)| (alias, one.0))
            .collect(),
        versions: versions.into_iter().map(NumberedVersion::from).collect(),
        name: name.to_string(),
    });
    Ok(Json(Models {
        models: models.collect(),
        next_page_token,
    }))
}
