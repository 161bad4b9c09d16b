//! Deploy: the candidate becomes a version, and the alias `champion` is moved to it.
//!
//! Version, alias, outcome of the cycle and audit row are written in one transaction, so a killed
//! process leaves either all of it or nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use everloop_domain::{CycleNumber, Digest, ModelName, RunId, VersionNumber};
use everloop_lifecycle::Approve;
use everloop_metastore::NewVersion;

use super::evaluate::Evaluation;
use crate::{Error, Runner};

/// The alias of the version that is served.
pub const CHAMPION: &str = "champion";
/// The alias of the version that was served before.
pub const PREVIOUS: &str = "previous";
/// The alias of a version that waits for approval.
pub const CANDIDATE: &str = "candidate";
/// The version tag that holds the digest of the package.
pub const PACKAGE_TAG: &str = "everloop.package_digest";
/// The version tag that holds the scores on the test part, as a JSON object.
pub const METRICS_TAG: &str = "everloop.metrics";
/// The version tag that holds the number of the cycle that made the version.
pub const CYCLE_TAG: &str = "everloop.cycle";

/// The version that is served now.
#[derive(Clone, Debug)]
pub(crate) struct Champion {
    pub(crate) version: VersionNumber,
    pub(crate) dir: PathBuf,
    pub(crate) package: Option<Digest>,
}

/// What deploying did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deployed {
    /// The candidate is the champion now.
    Promoted(VersionNumber),
    /// The candidate is a version that waits for a person.
    Waiting(VersionNumber),
}

impl Deployed {
    pub(crate) fn version(&self) -> VersionNumber {
        match self {
            Self::Promoted(version) | Self::Waiting(version) => *version,
        }
    }
}

/// The champion of the project's model, if it has one.
pub(crate) async fn champion(runner: &Runner) -> Result<Option<Champion>, Error> {
    let model = runner.lifecycle().deploy.model.clone();
    let found = runner
        .metastore()
        .read(move |tx| tx.models().find_by_alias(&model, CHAMPION))
        .await?;
    Ok(found.map(|version| Champion {
        version: version.version,
        dir: PathBuf::from(&version.source),
        package: version
            .tags
            .get(PACKAGE_TAG)
            .and_then(|text| text.parse().ok()),
    }))
}

/// Makes the candidate a version, and the champion if no approval is needed.
pub(crate) async fn run(
    runner: &Runner,
    cycle: CycleNumber,
    run_id: &RunId,
    package: Digest,
    source: &Path,
    evaluation: &Evaluation,
) -> Result<Deployed, Error> {
    let model = runner.lifecycle().deploy.model.clone();
    let is_automatic = runner.lifecycle().deploy.approve == Approve::Auto;
    let now = runner.clock().now();
    let new = NewVersion {
        name: model.clone(),
        source: source.display().to_string(),
        run_id: Some(run_id.to_string()),
        model_id: None,
        tags: tags(cycle, package, evaluation),
        description: None,
        now,
    };
    let deployed = runner
        .metastore()
        .write(move |tx| {
            let version = version_of_package(tx, &model, package, cycle)?;
            let version = if let Some(version) = version {
                version
            } else {
                tx.models().ensure(&model, now)?;
                tx.models().create_version(&new)?
            };
            if !is_automatic {
                tx.models().set_alias(&model, CANDIDATE, version, now)?;
                return Ok(Deployed::Waiting(version));
            }
            if let Some(old) = tx.models().find_by_alias(&model, CHAMPION)?
                && old.version != version
            {
                tx.models().set_alias(&model, PREVIOUS, old.version, now)?;
            }
            tx.models().set_alias(&model, CHAMPION, version, now)?;
            Ok(Deployed::Promoted(version))
        })
        .await?;
    Ok(deployed)
}

fn tags(cycle: CycleNumber, package: Digest, evaluation: &Evaluation) -> BTreeMap<String, String> {
    BTreeMap::from([
        (PACKAGE_TAG.to_owned(), package.to_string()),
        (CYCLE_TAG.to_owned(), cycle.to_string()),
        (
            METRICS_TAG.to_owned(),
            serde_json::to_string(&evaluation.metrics).unwrap_or_default(),
        ),
    ])
}

/// The version that this very cycle made before it was interrupted.
fn version_of_package(
    tx: &everloop_metastore::Transaction<'_>,
    model: &ModelName,
    package: Digest,
    cycle: CycleNumber,
) -> Result<Option<VersionNumber>, everloop_metastore::Error> {
    let (package, cycle) = (package.to_string(), cycle.to_string());
    if tx.models().find(model)?.is_none() {
        return Ok(None);
    }
    let versions = tx.models().list_versions(model)?;
    Ok(versions
        .into_iter()
        .find(|version| {
            version.tags.get(PACKAGE_TAG) == Some(&package)
                && version.tags.get(CYCLE_TAG) == Some(&cycle)
        })
        .map(|version| version.version))
}
