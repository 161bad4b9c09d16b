//! The OpenAPI document of `/api/v1`, made from the handlers and their types.
//!
//! It is served, and `cargo xtask gen` keeps it in `docs/reference/openapi.json`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use utoipa::openapi::{ContentBuilder, OpenApi, PathItem, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, OpenApi as _};

use super::shapes::named;
use super::{audit, cycles, events, lineage, models, runs, signals, stages};
use crate::error::ErrorBody;
use crate::state::AppState;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Everloop",
        description = "What Everloop tells beside MLflow's REST API: the loop with its cycles, stages, signals and audit log; the lineage \
            of runs and versions; searches for runs in a larger grammar; events. Every refusal has the same form. Unknown parameters \
            are refused. Lists come in pages: `next_page_token` of one is the `page_token` of the next.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "loop", description = "The loop of the project that `everloop up` serves; `everloop server` has none."),
        (name = "tracking", description = "What runs and models are, on every server."),
    ),
    paths(
        cycles::status,
        cycles::list,
        cycles::one,
        stages::of_cycle,
        stages::list,
        signals::list,
        audit::list,
        models::list,
        runs::list,
        lineage::of_run,
        lineage::of_cycle,
        lineage::of_version,
        events::listen,
        show,
    ),
    components(schemas(ErrorBody)),
)]
struct Document;

/// The document.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut document = Document::openapi();
    document.info.contact = None;
    document
}

/// `GET /api/v1/openapi.json`.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    tag = "tracking",
    operation_id = "get_openapi",
    summary = "This document: what this server answers",
    responses((status = 200, description = "The document.", body = serde_json::Value, content_type = "application/json"))
)]
pub(super) async fn show(State(state): State<AppState>) -> Json<OpenApi> {
    let mut document = openapi();
    if state.parts.deployment.is_none() {
        document.paths.paths.retain(|_, item| !is_of_loop(item));
    }
    Json(document)
}

/// Whether a path is there only with a project.
fn is_of_loop(item: &PathItem) -> bool {
    let tags = item.get.as_ref().and_then(|get| get.tags.as_ref());
    tags.is_some_and(|tags| tags.iter().any(|tag| tag == "loop"))
}

/// What every endpoint may answer when it refuses or fails.
pub(super) enum Refused {}

/// What an endpoint answers about something that is not there.
pub(super) enum Absent {}

impl IntoResponses for Refused {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [
            (
                "400",
                "The request is not understood; the message names what is wrong with it.",
            ),
            ("500", "A defect; the server's log has the details."),
            ("503", "The metastore cannot be reached now; try again."),
        ]
        .into_iter()
        .map(|(status, about)| (status.to_owned(), error(about)))
        .collect()
    }
}

impl IntoResponses for Absent {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let about = "There is no such thing; the message names it.";
        [("404".to_owned(), error(about))].into()
    }
}

fn error(about: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(named("Error"))).build();
    ResponseBuilder::new()
        .description(about)
        .content("application/json", content)
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_every_description_has_a_route() {
        let source = include_str!("../api.rs");
        let mut routes: Vec<&str> = source
            .split('"')
            .filter(|text| text.starts_with("/api/v1"))
            .collect();
        routes.sort_unstable();
        let document = openapi();
        let described: Vec<&str> = document.paths.paths.keys().map(String::as_str).collect();
        assert_eq!(described, routes);
    }

    #[test]
    fn operations_have_names_of_their_own_and_what_they_refer_to_is_there() {
        let text = openapi().to_json().unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut names = std::collections::BTreeSet::new();
        for item in document["paths"].as_object().unwrap().values() {
            let name = item["get"]["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name}");
        }
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(
                document["components"]["schemas"][name].is_object(),
                "{name}"
            );
        }
        assert_eq!(document["openapi"], "3.1.0");
    }
}
