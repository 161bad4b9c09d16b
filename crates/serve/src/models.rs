//! What is served: models by name, swapped without dropping a request.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use everloop_domain::{Digest, ModelName, VersionNumber};
use everloop_package::{Scorer as _, Signature};

use crate::Engine;

/// A version of a model that is ready to be asked.
#[derive(Debug)]
pub struct Served {
    /// The model.
    pub name: ModelName,
    /// Its version.
    pub version: VersionNumber,
    /// The package's digest.
    pub digest: Digest,
    /// What runs it.
    pub engine: Arc<Engine>,
    /// What it takes and gives; apart from the engine, so that the log does not keep that alive.
    pub(crate) signature: Arc<Signature>,
}

/// The models that are served. Clones share them.
///
/// A request takes its version once and keeps it to its end: [`set`](Self::set) replaces the entry
/// for requests to come, and the old engine goes when its last request has been answered.
#[derive(Clone, Debug, Default)]
pub struct Models(Arc<RwLock<BTreeMap<ModelName, Arc<Served>>>>);

impl Models {
    /// No models.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves a version from now on, in place of the one before.
    pub fn set(
        &self,
        name: &ModelName,
        version: VersionNumber,
        digest: Digest,
        engine: Arc<Engine>,
    ) {
        let signature = Arc::new(engine.signature().clone());
        let served = Served {
            name: name.clone(),
            version,
            digest,
            engine,
            signature,
        };
        let mut models = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let replaced = models.insert(name.clone(), Arc::new(served));
        // An engine may take a moment to end: requests do not wait for that.
        drop(models);
        drop(replaced);
    }

    /// Serves a model no longer; whether it was served.
    pub fn remove(&self, name: &ModelName) -> bool {
        let mut models = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let removed = models.remove(name);
        drop(models);
        removed.is_some()
    }

    /// The version of a model that is served now.
    #[must_use]
    pub fn find(&self, name: &ModelName) -> Option<Arc<Served>> {
        self.read(|models| models.get(name).cloned())
    }

    /// The number of the version that is served now.
    #[must_use]
    pub fn version(&self, name: &ModelName) -> Option<VersionNumber> {
        self.find(name).map(|served| served.version)
    }

    /// The names of all models that are served, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<ModelName> {
        self.read(|models| models.keys().cloned().collect())
    }

    /// All that is served, sorted by name.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Served>> {
        self.read(|models| models.values().cloned().collect())
    }

    fn read<T>(&self, look: impl FnOnce(&BTreeMap<ModelName, Arc<Served>>) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
