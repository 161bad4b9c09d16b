//! The audit log.

use axum::Json;
use axum::extract::State;
use everloop_metastore::Sealed;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::asked::Asked;
use super::openapi::Refused;
use super::paging;
use crate::error::ApiError;
use crate::state::LoopState;

/// Which entries are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    #[param(schema_with = paging::max_results)]
    max_results: Option<String>,
    #[param(schema_with = paging::number_token)]
    page_token: Option<String>,
}

/// Something that was done, by whom and why.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entry {
    /// Its number in the log, from 1.
    number: u64,
    #[schema(format = DateTime)]
    at: String,
    /// Who: `controller`, `engine`, `command line`.
    actor: String,
    /// What: `cycle.start`, `model.promote`.
    action: String,
    /// On what.
    subject: String,
    /// Why, in words.
    why: String,
    /// More, as the action has it.
    details: Value,
    /// The SHA-256 over it and the seal of the entry before, in hex digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    seal: String,
}

impl From<Sealed> for Entry {
    fn from(sealed: Sealed) -> Self {
        let entry = sealed.entry;
        Self {
            number: sealed.number,
            at: entry.at.to_string(),
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            why: entry.why,
            details: entry.details,
            seal: sealed.seal,
        }
    }
}

/// A page of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entries {
    entries: Vec<Entry>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_page_token: Option<String>,
}

/// `GET /api/v1/audit`.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    tag = "loop",
    operation_id = "list_audit_entries",
    summary = "The audit log, newest first",
    params(Wanted),
    responses((status = 200, description = "A page of the log.", body = Entries), Refused)
)]
pub(super) async fn list(
    State(state): State<LoopState>,
    Asked(asked): Asked<Wanted>,
) -> Result<Json<Entries>, ApiError> {
    let size = paging::size(asked.max_results.as_deref())?;
    let before = paging::number(asked.page_token.as_deref())?.unwrap_or(u64::MAX);
    let mut found = state
        .metastore()
        .read(move |tx| tx.audit().before(before, size + 1))
        .await?;
    let next_page_token = paging::next(&mut found, size, |entry| entry.number.to_string());
    Ok(Json(Entries {
        entries: found.into_iter().map(Entry::from).collect(),
        next_page_token,
    }))
}
