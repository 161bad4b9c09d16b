//! The stages of a cycle, one file each, and how a stage uses the cache.

pub(crate) mod collect;
pub(crate) mod deploy;
pub(crate) mod evaluate;
pub(crate) mod monitor;
pub(crate) mod prepare;
pub(crate) mod train;

use std::future::Future;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Fingerprint, Runner};

/// The file in which a stage keeps what it found, beside its outputs.
const RESULT_FILE: &str = "result.json";

/// The outputs of a stage, from the cache or fresh.
pub(crate) struct Output<T> {
    /// Where its files are.
    pub(crate) dir: PathBuf,
    /// What it found.
    pub(crate) result: T,
    /// Whether it was in the cache.
    pub(crate) is_cached: bool,
    /// What it depends on.
    pub(crate) fingerprint: Fingerprint,
}

/// The outputs for a fingerprint: from the cache, or made by `work` in a staging directory.
pub(crate) async fn cached<T, F, W>(
    runner: &Runner,
    fingerprint: &Fingerprint,
    work: W,
) -> Result<Output<T>, Error>
where
    T: Serialize + DeserializeOwned,
    F: Future<Output = Result<T, Error>>,
    W: FnOnce(PathBuf) -> F,
{
    let digest = fingerprint.digest();
    let stage = fingerprint.stage.as_str();
    if let Some(dir) = runner.cache.find(stage, &digest) {
        // A result of an older format is made again rather than trusted.
        if let Ok(result) = read_json(&dir.join(RESULT_FILE)) {
            return Ok(Output {
                dir,
                result,
                is_cached: true,
                fingerprint: fingerprint.clone(),
            });
        }
        runner.cache.remove(stage, &digest)?;
    }
    let staging = runner.cache.begin(stage, &digest)?;
    let result = work(staging.dir().to_owned()).await?;
    let text =
        serde_json::to_vec_pretty(&result).map_err(|error| Error::Invalid(error.to_string()))?;
    let file = staging.dir().join(RESULT_FILE);
    std::fs::write(&file, text).map_err(|source| Error::file("write", &file, source))?;
    let dir = staging.commit(&fingerprint.to_json())?;
    Ok(Output {
        dir,
        result,
        is_cached: false,
        fingerprint: fingerprint.clone(),
    })
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = std::fs::read(path).map_err(|source| Error::file("read", path, source))?;
    serde_json::from_slice(&text)
        .map_err(|error| Error::Invalid(format!("`{}` is damaged: {error}", path.display())))
}

/// Runs blocking work off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Error::Stopped)?
}
