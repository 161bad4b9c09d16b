//! The sources of model versions: who may name what, and where the files are.
//!
//! Loading a package may run code that it brings. So a client may only register what was uploaded here, under the run
//! or the logged model that it names; local paths are for the cycles of this project, which write them themselves.

use std::path::{Path, PathBuf};

use everloop_artifacts::StorageKey;
use everloop_metastore::{Error, NewVersion, Transaction};

/// What artifacts of this server are called.
const OWN: &str = "mlflow-artifacts:/";

/// Refuses a source that is not below the run or the logged model that the version names.
pub(crate) fn check(tx: &Transaction<'_>, new: &NewVersion) -> Result<(), Error> {
    let source = new.source.as_str();
    let refused = |what: &str| {
        Err(Error::Invalid(format!(
            "Invalid model version source: '{source}'. The {what} request parameter must identify the resource that contains \
             the source."
        )))
    };
    if let Some(id) = source.strip_prefix("models:/") {
        if new.model_id.as_deref() != Some(id) {
            return refused("model_id");
        }
        tx.logged_models().get(id)?;
        return Ok(());
    }
    if let Some(rest) = source.strip_prefix("runs:/") {
        let run = rest.split('/').next();
        if run != new.run_id.as_ref().map(everloop_domain::RunId::as_str) {
            return refused("run_id");
        }
    }
    let resolved = resolve(tx, source)?;
    let Some(key) = own_key(&resolved) else {
        return refused("run_id");
    };
    let run = new
        .run_id
        .as_ref()
        .map(|id| tx.runs().info(id))
        .transpose()?;
    let model = new
        .model_id
        .as_ref()
        .map(|id| tx.logged_models().get(id))
        .transpose()?;
    let roots = run
        .map(|run| run.artifact_uri)
        .into_iter()
        .chain(model.map(|model| model.artifact_location));
    let is_below = |root: StorageKey| {
        key.as_str() == root.as_str() || key.as_str().starts_with(&format!("{root}/"))
    };
    if roots.filter_map(|root| own_key(&root)).any(is_below) {
        return Ok(());
    }
    refused("run_id")
}

/// Where a source's files are: `runs:/` and `models:/m-…` are looked up, others stay.
pub(crate) fn resolve(tx: &Transaction<'_>, source: &str) -> Result<String, Error> {
    if let Some(id) = source.strip_prefix("models:/") {
        return Ok(tx.logged_models().get(id)?.artifact_location);
    }
    let Some((run, path)) = source
        .strip_prefix("runs:/")
        .and_then(|rest| rest.split_once('/'))
    else {
        return Ok(source.to_owned());
    };
    let run = run.parse().map_err(Error::Invalid)?;
    Ok(format!("{}/{path}", tx.runs().info(&run)?.artifact_uri))
}

/// A local path below our artifacts as clients elsewhere must name it; other sources stay.
pub(crate) fn below(source: &str, artifacts: &Path) -> String {
    match Path::new(source).strip_prefix(artifacts) {
        Ok(path) => format!("{OWN}{}", path.display()),
        Err(_) => source.to_owned(),
    }
}

/// The key of one of our artifacts; nothing for other sources and for hostile paths.
fn own_key(uri: &str) -> Option<StorageKey> {
    StorageKey::parse(uri.strip_prefix(OWN)?).ok()
}

/// The directory of a resolved source; nothing if it is neither ours nor a local path.
pub(crate) fn local_dir(source: &str, artifacts: &Path) -> Option<PathBuf> {
    if source.starts_with("mlflow-artifacts:") {
        return Some(artifacts.join(own_key(source)?.as_str()));
    }
    let path = Path::new(source.strip_prefix("file://").unwrap_or(source));
    path.is_absolute().then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_dir(source: &str, expected: Option<&str>) {
        let found = local_dir(source, Path::new("/p/artifacts"));
        assert_eq!(found.as_deref(), expected.map(Path::new), "{source}");
    }

    #[test]
    fn sources_lead_to_directories() {
        check_dir(
            "mlflow-artifacts:/1/models/m-1/artifacts",
            Some("/p/artifacts/1/models/m-1/artifacts"),
        );
        check_dir(
            "/p/artifacts/1/r/artifacts/model",
            Some("/p/artifacts/1/r/artifacts/model"),
        );
        check_dir("file:///p/x", Some("/p/x"));
    }

    #[test]
    fn hostile_sources_lead_nowhere() {
        check_dir("mlflow-artifacts:/../../etc", None);
        check_dir("mlflow-artifacts:/", None);
        check_dir("mlflow-artifacts://host/x", None);
        check_dir("s3://bucket/x", None);
        check_dir("relative/path", None);
    }

    #[test]
    fn our_own_paths_are_named_as_clients_can_fetch_them() {
        let artifacts = Path::new("/p/artifacts");
        assert_eq!(
            below("/p/artifacts/1/r/artifacts/model", artifacts),
            "mlflow-artifacts:/1/r/artifacts/model"
        );
        assert_eq!(below("s3://b/x", artifacts), "s3://b/x");
    }
}
