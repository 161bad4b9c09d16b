//! `/graphql`: the few queries that MLflow's page asks in GraphQL.
//!
//! A root field is an endpoint of the REST API under another name: its input becomes parameters, and its answer is
//! narrowed to what was selected. Names are `camelCase` here and `snake_case` there; whole numbers are texts.

mod select;
mod types;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use graphql_parser::query::{
    Definition, Document, Field, OperationDefinition, Selection, SelectionSet, parse_query,
};
use serde_json::{Map, Value, json};

use self::select::{Fragments, asks_for, snake};
use super::error::MlflowError;
use super::parameters::Parameters;
use super::{artifacts, experiments, model_versions, runs};
use crate::state::AppState;

/// How many fields at the root, aliases, levels and fields in all one query may have.
const MAX_ROOT_FIELDS: usize = 10;
const MAX_ALIASES: usize = 10;
const MAX_DEPTH: usize = 10;
const MAX_SELECTIONS: usize = 1000;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/graphql", post(answer).get(answer))
}

async fn answer(State(state): State<AppState>, request: Parameters) -> Json<Value> {
    match execute(&state, &request).await {
        Ok(data) => Json(json!({"data": data, "errors": null})),
        Err(problem) => Json(json!({"data": null, "errors": [problem]})),
    }
}

async fn execute(state: &AppState, request: &Parameters) -> Result<Value, String> {
    let text = request
        .required("query")
        .map_err(|error| error.message().to_owned())?;
    let document: Document<'_, String> = parse_query(&text).map_err(|error| error.to_string())?;
    let variables = request
        .object("variables")
        .map_err(|error| error.message().to_owned())?;
    let fragments = Fragments::of(&document);
    let root = operation(&document).ok_or("the request holds no operation")?;
    check_size(root, &fragments)?;
    let mut data = Map::new();
    for selection in &root.items {
        let Selection::Field(field) = selection else {
            return Err("fragments at the root are not supported".to_owned());
        };
        let input = select::input(&field.arguments, &variables);
        let Some(found) = resolve(state, &field.name, input).await else {
            return Err(format!("there is no field `{}` at the root", field.name));
        };
        let found = match found {
            Ok(found) => with_relatives(state, field, found).await,
            Err(error) => json!({"api_error": {"code": error.code(), "message": error.message()}}),
        };
        let name = field.alias.as_ref().unwrap_or(&field.name);
        let (kind, _) = types::of_field("Query", &field.name);
        let shown = select::narrow(&found, kind, &field.selection_set, &fragments);
        data.insert(name.clone(), shown);
    }
    Ok(Value::Object(data))
}

fn operation<'d>(document: &'d Document<'d, String>) -> Option<&'d SelectionSet<'d, String>> {
    document
        .definitions
        .iter()
        .find_map(|definition| match definition {
            Definition::Operation(OperationDefinition::Query(query)) => Some(&query.selection_set),
            Definition::Operation(OperationDefinition::Mutation(mutation)) => {
                Some(&mutation.selection_set)
            }
            Definition::Operation(OperationDefinition::SelectionSet(set)) => Some(set),
            Definition::Operation(OperationDefinition::Subscription(_))
            | Definition::Fragment(_) => None,
        })
}

/// Refuses queries that ask for far more than a page would.
fn check_size(root: &SelectionSet<'_, String>, fragments: &Fragments<'_>) -> Result<(), String> {
    let size = fragments.size(root, 1);
    let limits = [
        (
            root.items.len(),
            MAX_ROOT_FIELDS,
            format!("GraphQL queries should have at most {MAX_ROOT_FIELDS} root fields"),
        ),
        (
            size.n_aliases,
            MAX_ALIASES,
            format!("GraphQL queries should have at most {MAX_ALIASES} aliases"),
        ),
        (
            size.depth,
            MAX_DEPTH,
            format!("Query exceeds maximum depth of {MAX_DEPTH}"),
        ),
        (
            size.n_fields,
            MAX_SELECTIONS,
            format!("Query exceeds maximum total selections of {MAX_SELECTIONS}"),
        ),
    ];
    match limits.into_iter().find(|(found, most, _)| found > most) {
        Some((_, _, problem)) => Err(problem),
        None => Ok(()),
    }
}

/// The answer of a root field; nothing if there is no such field.
async fn resolve(
    state: &AppState,
    name: &str,
    input: Map<String, Value>,
) -> Option<Result<Value, MlflowError>> {
    let of = |input: Map<String, Value>| {
        let nested = match input.get("input") {
            Some(Value::Object(fields)) => fields.clone(),
            _ => input,
        };
        Parameters::from_fields(nested)
    };
    let state = State(state.clone());
    let found = match name {
        "mlflowGetRun" => runs::by_id(state, of(input)).await,
        "mlflowGetExperiment" => experiments::by_id(state, of(input)).await,
        "mlflowGetMetricHistoryBulkInterval" => runs::history::sample(state, of(input)).await,
        "mlflowListArtifacts" => artifacts::list_of_run(state, of(input)).await,
        "mlflowSearchModelVersions" => model_versions::search(state, of(input)).await,
        "mlflowSearchRuns" => runs::search(state, of(input)).await,
        "mlflowSearchDatasets" => experiments::search_datasets(state, of(input)).await,
        "test" => Ok(Json(json!({"output": input.get("input_string")}))),
        _ => return None,
    };
    Some(found.map(|Json(found)| found))
}

/// A run with its experiment and the versions made from it, if they are asked for.
async fn with_relatives(state: &AppState, field: &Field<'_, String>, mut found: Value) -> Value {
    let Some(Value::Object(run)) = found.get_mut("run") else {
        return found;
    };
    let id_of = |run: &Map<String, Value>, field: &str| {
        run["info"][field].as_str().unwrap_or_default().to_owned()
    };
    if asks_for(&field.selection_set, "experiment") {
        let input = [(
            "experiment_id".to_owned(),
            json!(id_of(run, "experiment_id")),
        )];
        let input = Parameters::from_fields(input.into_iter().collect());
        if let Ok(Json(mut experiment)) = experiments::by_id(State(state.clone()), input).await {
            run.insert("experiment".to_owned(), experiment["experiment"].take());
        }
    }
    if asks_for(&field.selection_set, "modelVersions") {
        let filter = format!("run_id = '{}'", id_of(run, "run_id"));
        let input = [("filter".to_owned(), json!(filter))];
        let input = Parameters::from_fields(input.into_iter().collect());
        if let Ok(Json(mut versions)) = model_versions::search(State(state.clone()), input).await {
            run.insert(snake("modelVersions"), versions["model_versions"].take());
        }
    }
    found
}
