//! What handlers share.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use everloop_artifacts::Places;
use everloop_domain::{Clock, ModelName};
use everloop_metastore::Metastore;
use everloop_serve::Serving;
use tokio::sync::Mutex;

use crate::events::Events;
use crate::mlflow::webhooks::Courier;
use crate::reconcile::{Failures, LoadEngine};

/// What a server is made of.
#[derive(Clone)]
pub struct Parts {
    /// Where everything is recorded.
    pub metastore: Metastore,
    /// Where artifacts are kept, and which locations are followed.
    pub places: Places,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// The project whose models are served; without one the server only tracks.
    pub deployment: Option<Deployment>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("places", &self.places)
            .field("deployment", &self.deployment)
            .finish_non_exhaustive()
    }
}

/// A project whose models are served.
#[derive(Clone)]
pub struct Deployment {
    /// The project's name, as pages show it.
    pub project: String,
    /// The model that `/invocations` and `/feedback` mean when none is named.
    pub model: ModelName,
    /// The column whose value names a prediction, if requests carry one.
    pub key_column: Option<String>,
    /// Where the prediction log is written.
    pub predictions: PathBuf,
    /// How packages become engines.
    pub load_engine: LoadEngine,
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment")
            .field("project", &self.project)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

/// The state of the handlers that track.
#[derive(Clone, Debug)]
pub(crate) struct AppState {
    pub(crate) parts: Arc<Parts>,
    pub(crate) ids: Arc<crate::mlflow::ids::Ids>,
    pub(crate) events: Events,
    pub(crate) courier: Arc<Courier>,
}

impl AppState {
    pub(crate) fn metastore(&self) -> &Metastore {
        &self.parts.metastore
    }
}

/// The state of the handlers of a project: its loop, and its models.
#[derive(Clone, Debug)]
pub(crate) struct LoopState {
    pub(crate) parts: Arc<Parts>,
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) serving: Serving,
    /// Held by whoever reconciles.
    pub(crate) failures: Arc<Mutex<Failures>>,
}

impl LoopState {
    pub(crate) fn metastore(&self) -> &Metastore {
        &self.parts.metastore
    }

    /// Brings the served models in line with the registry.
    pub(crate) async fn reconcile(&self) -> Result<(), crate::Error> {
        crate::reconcile::reconcile(self).await
    }
}
