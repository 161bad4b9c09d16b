//! The sources of model versions: who may name what, and where the files are.
//!
//! Loading a package may run code that it brings. So a client may only register what was uploaded here, under the run
//! or the logged model that it names; local paths are for the cycles of this project, which write them themselves.

use std::path::{Path, PathBuf};

use everloop_artifacts::{StorageKey, local_path};
use everloop_domain::RunId;
use everloop_metastore::{Error, ModelVersion, NewVersion, Transaction};

/// The tag that makes a model, or a version, a prompt.
pub(crate) const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";
/// What artifacts of this server are called.
const OWN: &str = "mlflow-artifacts:/";

/// Refuses a source that is not below the run or the logged model that the version names. Places that the server never
/// reads itself (`s3://…`) are free.
pub(crate) fn check(tx: &Transaction<'_>, new: &NewVersion) -> Result<(), Error> {
    let source = new.source.as_str();
    if is_prompt(new) && is_plain_word(source) {
        return Ok(());
    }
    let refused = |what: String| {
        Err(Error::Invalid(format!(
            "Invalid model version source: '{source}'. {what}"
        )))
    };
    let must_identify = |what: &str| {
        refused(format!(
            "The {what} request parameter must identify the resource that contains the source."
        ))
    };
    if let Some(id) = source.strip_prefix("models:/") {
        if new.model_id.as_deref() != Some(id) {
            return must_identify("model_id");
        }
        tx.logged_models().get(id)?;
        return Ok(());
    }
    if let Some(rest) = source.strip_prefix("runs:/") {
        let run = rest.split('/').next();
        if run != new.run_id.as_deref() {
            return must_identify("run_id");
        }
    }
    let resolved = resolve(tx, source)?;
    let is_below = |place: &Place| -> Result<bool, Error> {
        let roots = roots(tx, new)?;
        Ok(roots
            .iter()
            .filter_map(|root| Place::of(root))
            .any(|root| place.is_below(&root)))
    };
    match Place::of(&resolved) {
        Some(place @ Place::Own(_)) if !is_below(&place)? => must_identify("run_id"),
        Some(place @ Place::Local(_)) if !is_below(&place)? => refused(
            "To use a local path as a model version source, the run_id request parameter has to be specified and the local \
             path has to be contained within the artifact directory of the run specified by the run_id."
                .to_owned(),
        ),
        None if has_relative_parts(&resolved) => refused(
            "If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute \
             path must be provided without relative path references present. Please provide an absolute path."
                .to_owned(),
        ),
        Some(_) | None => Ok(()),
    }
}

/// Whether files of a version may be read for clients: anybody may register any place of a bucket, so what is read there must be
/// below the run or the logged model that the version names. Other places were checked when the version was made.
pub(crate) fn is_readable(
    tx: &Transaction<'_>,
    version: &ModelVersion,
    resolved: &str,
) -> Result<bool, Error> {
    if Place::of(resolved).is_some() {
        return Ok(true);
    }
    let mut roots = Vec::new();
    if let Some(Ok(run)) = version.run_id.as_deref().map(str::parse::<RunId>) {
        roots.extend(tx.runs().find(&run)?.map(|info| info.artifact_uri));
    }
    if let Some(id) = &version.model_id {
        roots.push(tx.logged_models().get(id)?.artifact_location);
    }
    let is_below = |root: &String| {
        let root = root.trim_end_matches('/');
        resolved == root
            || resolved
                .strip_prefix(root)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    Ok(!has_relative_parts(resolved) && roots.iter().any(is_below))
}

/// The text of a prompt is in a tag; clients name a source that means nothing.
fn is_prompt(new: &NewVersion) -> bool {
    let tag = new.tags.get(PROMPT_TAG);
    tag.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Whether a source leads nowhere, whoever reads it.
fn is_plain_word(source: &str) -> bool {
    source
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn find_run(id: &str) -> Result<RunId, Error> {
    id.parse().map_err(|_| Error::NotFound {
        what: "run",
        name: id.to_owned(),
    })
}

/// The artifact roots of the run and of the logged model that a version names.
fn roots(tx: &Transaction<'_>, new: &NewVersion) -> Result<Vec<String>, Error> {
    let mut roots = Vec::new();
    if let Some(id) = &new.run_id {
        roots.push(tx.runs().info(&find_run(id)?)?.artifact_uri);
    }
    if let Some(id) = &new.model_id {
        roots.push(tx.logged_models().get(id)?.artifact_location);
    }
    Ok(roots)
}

/// A place that this server reads itself.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// One of our artifacts.
    Own(String),
    /// A path of this machine, without `.` and `..`.
    Local(PathBuf),
}

impl Place {
    fn of(uri: &str) -> Option<Self> {
        if let Some(path) = uri.strip_prefix(OWN) {
            let key = StorageKey::parse(path.trim_matches('/')).ok()?;
            return Some(Self::Own(key.as_str().to_owned()));
        }
        local_path(uri).map(Self::Local)
    }

    fn is_below(&self, root: &Self) -> bool {
        match (self, root) {
            (Self::Own(key), Self::Own(root)) => {
                key == root || key.starts_with(&format!("{root}/"))
            }
            (Self::Local(path), Self::Local(root)) => path.starts_with(root),
            _ => false,
        }
    }
}

fn has_relative_parts(uri: &str) -> bool {
    let plain = uri
        .to_lowercase()
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/");
    plain.split(['/', '\\']).any(|part| part == "..")
        || !uri.contains(":/")
        || uri.starts_with("file:")
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
    // What names no run here is kept as it is: it may be of elsewhere.
    match run.parse::<RunId>() {
        Ok(run) => Ok(format!("{}/{path}", tx.runs().info(&run)?.artifact_uri)),
        Err(_) => Ok(source.to_owned()),
    }
}

/// A local path below our artifacts as clients elsewhere must name it; other sources stay.
pub(crate) fn below(source: &str, artifacts: Option<&Path>) -> String {
    match artifacts.and_then(|dir| Path::new(source).strip_prefix(dir).ok()) {
        Some(path) => format!("{OWN}{}", path.display()),
        None => source.to_owned(),
    }
}

/// The key of one of our artifacts; nothing for other sources and for hostile paths.
fn own_key(uri: &str) -> Option<StorageKey> {
    StorageKey::parse(uri.strip_prefix(OWN)?).ok()
}

/// The directory of a resolved source; nothing if it is neither ours nor a local path.
pub(crate) fn local_dir(source: &str, artifacts: Option<&Path>) -> Option<PathBuf> {
    if source.starts_with("mlflow-artifacts:") {
        return Some(artifacts?.join(own_key(source)?.as_str()));
    }
    let path = Path::new(source.strip_prefix("file://").unwrap_or(source));
    path.is_absolute().then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_dir(source: &str, expected: Option<&str>) {
        let found = local_dir(source, Some(Path::new("/p/artifacts")));
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
    fn relative_parts_are_found_also_when_encoded() {
        for uri in [
            "s3://b/../x",
            "http://h/%2e%2e/x",
            "s3://b/a%2F..%2fx",
            "relative/path",
            "file://host/x",
        ] {
            assert!(has_relative_parts(uri), "{uri}");
        }
        for uri in ["s3://b/x", "https://h/a/....//x", "dbfs:/x"] {
            assert!(!has_relative_parts(uri), "{uri}");
        }
    }

    #[test]
    fn a_plain_word_is_no_place() {
        assert!(is_plain_word("dummy-source"));
        for source in ["..", "/etc", "a/b", "s3:", "%2e", "a.b"] {
            assert!(!is_plain_word(source), "{source}");
        }
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
        let artifacts = Some(Path::new("/p/artifacts"));
        assert_eq!(
            below("/p/artifacts/1/r/artifacts/model", artifacts),
            "mlflow-artifacts:/1/r/artifacts/model"
        );
        assert_eq!(below("s3://b/x", artifacts), "s3://b/x");
    }
}
