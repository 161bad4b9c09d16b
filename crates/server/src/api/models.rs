//! The registry and what is served of it.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::state::LoopState;

/// `GET /api/v1/models`: versions, aliases, and the version that is served.
pub(super) async fn list(State(state): State<LoopState>) -> Result<Json<Value>, ApiError> {
    let models = state
        .metastore()
        .read(|tx| {
            let mut rows = Vec::new();
            for model in tx.models().list()? {
                let versions = tx.models().list_versions(&model.name)?;
                let aliases = tx.models().aliases(&model.name)?;
                rows.push((model.name, versions, aliases));
            }
            Ok(rows)
        })
        .await?;
    let rows: Vec<Value> = models
        .into_iter()
        .map(|(name, versions, aliases)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|version| {
                    json!({
                        "version": version.version, "source": version.source, "run_id": version.run_id,
                        "created_at": version.created_at.to_string(), "tags": version.tags,
                    })
                })
                .collect();
            json!({
                "name": name, "served_version": state.serving.models().version(&name), "aliases": aliases,
                "versions": versions,
            })
        })
        .collect();
    Ok(Json(Value::Array(rows)))
}
