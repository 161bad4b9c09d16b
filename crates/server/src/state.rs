//! What handlers share.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use everloop_artifacts::Store;
use everloop_domain::{Clock, ModelName};
use everloop_metastore::Metastore;
use everloop_serve::Serving;

use crate::reconcile::LoadEngine;

/// What a server is made of.
#[derive(Clone)]
pub struct Parts {
    /// The project's name, as pages show it.
    pub project: String,
    /// The model that `/invocations` and `/feedback` mean when none is named.
    pub model: ModelName,
    /// The column whose value names a prediction, if requests carry one.
    pub key_column: Option<String>,
    /// Where everything is recorded.
    pub metastore: Metastore,
    /// Where artifacts of runs are kept.
    pub artifacts: Store,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Where the prediction log is written.
    pub predictions: PathBuf,
    /// The directory that `mlflow-artifacts:` URIs are relative to, for packages that are loaded from it.
    pub artifacts_dir: PathBuf,
    /// How packages become engines.
    pub load_engine: LoadEngine,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("project", &self.project)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

/// The state of all handlers.
#[derive(Clone, Debug)]
pub(crate) struct AppState {
    pub(crate) parts: Arc<Parts>,
    pub(crate) serving: Serving,
    pub(crate) ids: Arc<crate::mlflow::ids::Ids>,
    pub(crate) failures: Arc<crate::reconcile::Failures>,
}

impl AppState {
    pub(crate) fn metastore(&self) -> &Metastore {
        &self.parts.metastore
    }
    /// Brings the served models in line with the registry.
    pub(crate) async fn reconcile(&self) -> Result<(), crate::Error> {
        crate::reconcile::reconcile(&self.parts, self.serving.models(), &self.failures).await
    }
}
