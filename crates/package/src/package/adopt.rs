//! Makes a model directory by others one of ours.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use everloop_domain::{Digest, Task};

use super::files::{digest, failed, sync_dir, write_durably};
use super::manifest::{MANIFEST, Manifest};
use super::open;
use crate::Error;

/// Adds `everloop.json` to a model directory that MLflow or another tool wrote, so that it says
/// what it predicts and where it comes from, and returns the digest of the whole. Nothing else in
/// it is changed; what it said about itself before is kept where `metadata` does not say otherwise.
///
/// # Errors
///
/// Fails like [`open()`], if the model was adopted or written for another task, and if the file
/// system refuses.
pub fn adopt(dir: &Path, task: Task, metadata: &BTreeMap<String, String>) -> Result<Digest, Error> {
    let found = open(dir)?;
    if let Some(other) = found.task.filter(|other| *other != task) {
        let problem = format!("its task is {other}, expected {task}");
        return Err(Error::Package {
            path: dir.to_path_buf(),
            problem,
        });
    }
    let mut all = found.metadata;
    all.extend(metadata.clone());
    let manifest = Manifest::adopted(task, found.classes, all).to_text();
    let manifest = manifest
        .map_err(|error| Error::Build(format!("the package cannot be described: {error}")))?;
    let (temporary, path) = (dir.join(".everloop.json.tmp"), dir.join(MANIFEST));
    write_durably(&temporary, manifest.as_bytes())?;
    fs::rename(&temporary, &path).map_err(|source| failed("rename to", &path, source))?;
    sync_dir(dir)?;
    digest(dir)
}
