//! What is served follows the registry: the alias `champion` of each model.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use everloop_domain::{Digest, ModelName, Timestamp, VersionNumber};
use everloop_metastore::Metastore;
use everloop_serve::Engine;

use crate::state::LoopState;
use crate::{Error, source};

/// Loads the package in a directory: the engine and the package's digest.
pub type LoadEngine = Arc<dyn Fn(&Path) -> Result<(Engine, Digest), String> + Send + Sync>;

/// The alias of the version that is served.
const CHAMPION: &str = "champion";
/// How long a version that cannot be loaded is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// The versions that could not be loaded, and when.
#[derive(Debug, Default)]
pub(crate) struct Failures(BTreeMap<ModelName, (VersionNumber, Timestamp)>);

impl Failures {
    fn is_resting(&self, champion: &Champion, now: Timestamp) -> bool {
        self.0
            .get(&champion.name)
            .is_some_and(|(version, at)| *version == champion.version && now < *at + RETRY_AFTER)
    }

    fn keep(&mut self, champion: &Champion, now: Timestamp) {
        self.0
            .insert(champion.name.clone(), (champion.version, now));
    }
}

struct Champion {
    name: ModelName,
    version: VersionNumber,
    /// Where its files are, or why that is unknown.
    source: Result<String, String>,
}

/// Brings the served models in line with the registry; a model that cannot be loaded keeps its old version.
///
/// One call at a time: a slow one would put back a version that a later call has replaced.
pub(crate) async fn reconcile(state: &LoopState) -> Result<(), Error> {
    let (parts, models) = (&state.parts, state.serving.models());
    let mut failures = state.failures.lock().await;
    let wanted = champions(&parts.metastore).await?;
    for champion in &wanted {
        let now = parts.clock.now();
        let is_served = models.version(&champion.name) == Some(champion.version);
        if is_served || failures.is_resting(champion, now) {
            continue;
        }
        let (name, version) = (&champion.name, champion.version);
        match load(state, champion).await {
            Ok((engine, digest)) => {
                models.set(name, version, digest, Arc::new(engine));
                tracing::info!(model = %name, version = %version, "serving a new version");
            }
            Err(problem) => {
                failures.keep(champion, now);
                tracing::error!(model = %name, version = %version, problem, "cannot load a version");
            }
        }
    }
    for name in models.names() {
        if !wanted.iter().any(|champion| champion.name == name) {
            models.remove(&name);
        }
    }
    Ok(())
}

async fn load(state: &LoopState, champion: &Champion) -> Result<(Engine, Digest), String> {
    let source = champion.source.clone()?;
    let dir = source::local_dir(&source, state.parts.places.own().dir())
        .ok_or_else(|| format!("`{source}` is not a directory of this machine"))?;
    let load = Arc::clone(&state.deployment.load_engine);
    tokio::task::spawn_blocking(move || load(&dir))
        .await
        .unwrap_or_else(|error| Err(format!("loading broke off: {error}")))
}

async fn champions(metastore: &Metastore) -> Result<Vec<Champion>, Error> {
    let found = metastore
        .read(|tx| {
            let mut champions = Vec::new();
            for model in tx.models().list()? {
                if let Some(version) = tx.models().find_by_alias(&model.name, CHAMPION)? {
                    champions.push(Champion {
                        name: model.name,
                        version: version.version,
                        source: source::resolve(tx, &version.source)
                            .map_err(|error| error.to_string()),
                    });
                }
            }
            Ok(champions)
        })
        .await?;
    Ok(found)
}
