//! The file `everloop.json`: what MLflow has no place for.

use std::collections::BTreeMap;
use std::path::Path;

use everloop_domain::{Task, Value};
use serde::{Deserialize, Serialize};

use super::NewPackage;
use crate::Error;

/// The name of the file.
pub(super) const MANIFEST: &str = "everloop.json";
/// The version of the package layout that is written and the newest that is read.
const FORMAT_VERSION: u32 = 1;

/// The content of `everloop.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) task: Task,
    pub(super) classes: Vec<Value>,
    pub(super) metadata: BTreeMap<String, String>,
}

impl Manifest {
    pub(super) fn of(new: &NewPackage<'_>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            name: Some(new.name.to_owned()),
            task: new.task,
            classes: new.classes.to_vec(),
            metadata: new.metadata.clone(),
        }
    }

    /// The manifest of a model that somebody else made.
    pub(super) fn adopted(
        task: Task,
        classes: Vec<Value>,
        metadata: BTreeMap<String, String>,
    ) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            name: None,
            task,
            classes,
            metadata,
        }
    }

    pub(super) fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Package {
            path: path.to_path_buf(),
            problem,
        };
        // The version is read first: a newer layout may have other fields.
        let json: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        let version = json
            .get("format_version")
            .and_then(serde_json::Value::as_u64)
            .unwrap_or(0);
        if version != u64::from(FORMAT_VERSION) {
            return Err(wrong(format!(
                "its format version is {version}, this Everloop reads {FORMAT_VERSION}"
            )));
        }
        serde_json::from_value(json).map_err(|error| wrong(error.to_string()))
    }
}
