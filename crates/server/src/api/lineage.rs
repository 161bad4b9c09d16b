//! Lineage: from the data that was read to the version that is served, and back.
//!
//! ```text
//! sources -> parts -> stages with their fingerprints -> run -> package, logged models -> versions -> aliases
//! ```
//!
//! One may begin at a run, a cycle or a version; what is known is the same. A client's run has no stages and a cycle that has
//! only begun no run: what is not known is empty or null.

mod shapes;

use axum::Json;
use axum::extract::State;
use everloop_domain::{CycleNumber, ErrorKind, RunId, VersionNumber};
use everloop_engine::Origin;
use everloop_metastore::{Error, LoggedModel, ModelVersion, Run, Transaction};

use self::shapes::{Code, CycleAt, Dataset, Lineage, Logged, Made, RunAt, Seen, StageAt};
use super::asked::Named;
use super::cycles::Numbered;
use super::openapi::{Absent, Refused};
use super::signals::model;
use crate::error::ApiError;
use crate::state::AppState;

/// `GET /api/v1/lineage/runs/{run_id}`.
#[utoipa::path(
    get,
    path = "/api/v1/lineage/runs/{run_id}",
    tag = "tracking",
    operation_id = "get_lineage_of_run",
    summary = "What a run was made from, and what it made",
    params(("run_id" = String, Path, description = "Its id.", pattern = "^[0-9a-fA-F]{32}$")),
    responses((status = 200, description = "Its lineage.", body = Lineage), Refused, Absent)
)]
pub(super) async fn of_run(
    State(state): State<AppState>,
    Named(id): Named<String>,
) -> Result<Json<Lineage>, ApiError> {
    let id: RunId = id
        .parse()
        .map_err(|problem: String| ApiError::new(ErrorKind::Invalid, problem))?;
    let lineage = state.metastore().read(move |tx| {
        let run = tx.runs().get(&id)?;
        let versions = tx.models().versions_of_run(&id)?;
        about(tx, Some(&run), None, versions)
    });
    Ok(Json(lineage.await?))
}

/// `GET /api/v1/lineage/cycles/{number}`.
#[utoipa::path(
    get,
    path = "/api/v1/lineage/cycles/{number}",
    tag = "tracking",
    operation_id = "get_lineage_of_cycle",
    summary = "What a cycle was made from, and what it made",
    params(("number" = inline(Numbered), Path, description = "Its number.")),
    responses((status = 200, description = "Its lineage.", body = Lineage), Refused, Absent)
)]
pub(super) async fn of_cycle(
    State(state): State<AppState>,
    Named(number): Named<u64>,
) -> Result<Json<Lineage>, ApiError> {
    let lineage = state.metastore().read(move |tx| {
        let cycle = tx.cycles().get(CycleNumber(number))?;
        let id = cycle.run_id.clone();
        let run = id.as_ref().map(|id| tx.runs().get(id)).transpose()?;
        let versions = match &id {
            Some(id) => tx.models().versions_of_run(id)?,
            None => Vec::new(),
        };
        about(tx, run.as_ref(), Some(cycle), versions)
    });
    Ok(Json(lineage.await?))
}

/// `GET /api/v1/lineage/models/{name}/versions/{version}`.
#[utoipa::path(
    get,
    path = "/api/v1/lineage/models/{name}/versions/{version}",
    tag = "tracking",
    operation_id = "get_lineage_of_version",
    summary = "What a version of a model was made from",
    params(
        ("name" = String, Path, description = "The name of the model."),
        ("version" = inline(Numbered), Path, description = "The number of the version."),
    ),
    responses((status = 200, description = "Its lineage.", body = Lineage), Refused, Absent)
)]
pub(super) async fn of_version(
    State(state): State<AppState>,
    Named((name, version)): Named<(String, u64)>,
) -> Result<Json<Lineage>, ApiError> {
    let name = model(&name)?;
    let lineage = state.metastore().read(move |tx| {
        let version = tx.models().get_version(&name, VersionNumber(version))?;
        // Clients may name runs of elsewhere.
        let id = version.run_id.as_ref().and_then(|id| id.parse().ok());
        let run = match id {
            Some(id) => known(tx.runs().get(&id))?,
            None => None,
        };
        about(tx, run.as_ref(), None, vec![version])
    });
    Ok(Json(lineage.await?))
}

/// What was found, or nothing if there is no such thing.
fn known<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Err(Error::NotFound { .. }) => Ok(None),
        found => found.map(Some),
    }
}

fn about(
    tx: &Transaction<'_>,
    run: Option<&Run>,
    cycle: Option<everloop_metastore::Cycle>,
    versions: Vec<ModelVersion>,
) -> Result<Lineage, Error> {
    let cycle = match (cycle, run) {
        (None, Some(run)) => tx.cycles().find_by_run(&run.info.id)?,
        (cycle, _) => cycle,
    };
    let origin = run.map_or_else(Origin::default, |run| Origin::read(&run.tags));
    let stages = match &cycle {
        Some(cycle) => tx.stages().list(cycle.number)?,
        None => Vec::new(),
    };
    let stages = stages.into_iter();
    let logged_models = match run {
        Some(run) => logged(tx, run, &versions)?,
        None => Vec::new(),
    };
    let datasets = run.into_iter().flat_map(|run| &run.datasets);
    Ok(Lineage {
        code: Code::of(&origin),
        datasets: datasets.map(Dataset::of).collect(),
        sources: origin.sources.into_iter().map(Seen::from).collect(),
        parts: origin.parts.into_iter().map(Seen::from).collect(),
        stages: stages
            .map(|stage| StageAt::new(&stage, &origin.fingerprints))
            .collect(),
        package: origin.package,
        cycle: cycle.as_ref().map(CycleAt::of),
        run: run.map(RunAt::of),
        logged_models: logged_models.iter().map(Logged::of).collect(),
        versions: versions
            .into_iter()
            .map(|version| made(tx, version))
            .collect::<Result<_, _>>()?,
    })
}

/// The models that a run logged: those that it is the source of, its outputs, and what its versions name.
fn logged(
    tx: &Transaction<'_>,
    run: &Run,
    versions: &[ModelVersion],
) -> Result<Vec<LoggedModel>, Error> {
    let mut found = tx.logged_models().list_by_run(&run.info.id)?;
    let outputs = run.outputs.iter().map(|output| &output.model_id);
    let named = versions.iter().filter_map(|one| one.model_id.as_ref());
    for id in outputs.chain(named) {
        if !found.iter().any(|one| one.id == *id) {
            found.extend(known(tx.logged_models().get(id))?);
        }
    }
    Ok(found)
}

fn made(tx: &Transaction<'_>, version: ModelVersion) -> Result<Made, Error> {
    let aliases = tx.models().aliases(&version.name)?.into_iter();
    let here = aliases.filter(|(_, points_at)| *points_at == version.version);
    Ok(Made::new(here.map(|(alias, _)| alias).collect(), version))
}
