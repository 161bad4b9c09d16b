//! A server from its start to its end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use axum::response::{IntoResponse as _, Redirect, Response};
use everloop_domain::ErrorKind;
use everloop_serve::Serving;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::ApiError;
use crate::events::Events;
use crate::guard::Hosts;
use crate::mlflow::webhooks::{Courier, Teller, WebhookSettings};
use crate::patience::Patience;
use crate::state::{AppState, Deployment, LoopState, Parts};
use crate::{Error, api, connections, mlflow, mlflow_ui, page};

/// How often the registry is looked at for a moved alias.
const RECONCILE_EVERY: Duration = Duration::from_millis(500);

/// How the server listens.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// Further names by which browsers may reach the server.
    pub hosts: Vec<String>,
    /// The directory of MLflow's web page, if that is to be at `/`; ours then is at `/loop`.
    pub mlflow_ui: Option<PathBuf>,
    /// How long slow clients are waited for.
    pub patience: Patience,
    /// How webhooks are told.
    pub webhooks: WebhookSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: ([127, 0, 0, 1], 5000).into(),
            hosts: Vec::new(),
            mlflow_ui: None,
            patience: Patience::default(),
            webhooks: WebhookSettings::default(),
        }
    }
}

impl Settings {
    /// Loopback, on a free port.
    #[must_use]
    pub fn on_a_free_port() -> Self {
        Self {
            address: ([127, 0, 0, 1], 0).into(),
            ..Self::default()
        }
    }
}

/// A server that runs until it is stopped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    project: Option<LoopState>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    reconciling: Option<JoinHandle<()>>,
    events: Events,
    following: JoinHandle<()>,
    telling: Option<JoinHandle<()>>,
}

/// Loads the champions, binds the address, and serves.
///
/// # Errors
///
/// Fails if the address is taken or the metastore cannot be read.
pub async fn start(parts: Parts, settings: &Settings) -> Result<Running, Error> {
    let parts = Arc::new(parts);
    let project = parts
        .deployment
        .as_ref()
        .map(|deployment| project(&parts, deployment))
        .transpose()?;
    let events = Events::default();
    let following = tokio::spawn(events.clone().follow(parts.metastore.clone()));
    let courier = Arc::new(Courier::new(&settings.webhooks)?);
    let state = AppState {
        parts,
        events: events.clone(),
        ids: Arc::new(mlflow::ids::Ids::default()),
        courier,
    };
    let address = settings.address;
    let listen = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    if let Some(project) = &project {
        project.reconcile().await?;
    }
    let (stop, stopped) = watch::channel(false);
    let telling = settings
        .webhooks
        .tells
        .then(|| tokio::spawn(teller(&state).tell(stopped.clone())));
    let app = router(
        state,
        project.clone(),
        Hosts::new(address.ip(), &settings.hosts),
        settings.mlflow_ui.clone(),
    );
    let server = tokio::spawn(connections::serve(
        listener,
        app,
        settings.patience,
        stopped.clone(),
    ));
    let reconciling = project
        .clone()
        .map(|project| tokio::spawn(keep_reconciling(project, stopped)));
    Ok(Running {
        address,
        project,
        stop,
        server,
        reconciling,
        events,
        following,
        telling,
    })
}

fn teller(state: &AppState) -> Teller {
    let parts = &state.parts;
    Teller::new(
        parts.metastore.clone(),
        Arc::clone(&parts.clock),
        Arc::clone(&state.courier),
        state.ids.bytes(),
    )
}

fn project(parts: &Arc<Parts>, deployment: &Deployment) -> Result<LoopState, Error> {
    let serving = Serving::logging(
        &deployment.predictions,
        Arc::clone(&parts.clock),
        deployment.key_column.clone(),
        &deployment.model,
    )?;
    Ok(LoopState {
        parts: Arc::clone(parts),
        deployment: Arc::new(deployment.clone()),
        serving,
        failures: Arc::default(),
    })
}

fn router(
    state: AppState,
    project: Option<LoopState>,
    hosts: Hosts,
    mlflow_ui: Option<PathBuf>,
) -> axum::Router {
    let page_at = if mlflow_ui.is_some() { "/loop" } else { "/" };
    let tracking = axum::Router::new()
        .merge(api::common())
        .merge(mlflow::router());
    let rest = match project {
        None => axum::Router::new().merge(page::tracking_only(page_at)),
        Some(project) => axum::Router::new()
            .merge(page::router(page_at))
            .merge(api::router())
            .with_state(project.clone())
            .merge(everloop_serve::router(project.serving)),
    };
    let ui = mlflow_ui.map_or_else(axum::Router::new, mlflow_ui::router);
    tracking
        .with_state(state)
        .merge(rest)
        .merge(ui)
        .fallback(elsewhere)
        .layer(axum::middleware::from_fn_with_state(
            hosts,
            crate::guard::check,
        ))
}

/// A path that nobody serves; one that begins with too many slashes is sent to where it meant to go.
async fn elsewhere(uri: Uri) -> Response {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if path.starts_with("//") {
        let target = format!("/{}", path.trim_start_matches('/'));
        return Redirect::permanent(&target).into_response();
    }
    let message = format!("there is nothing at `{}`", uri.path());
    ApiError::new(ErrorKind::NotFound, message).into_response()
}

async fn keep_reconciling(state: LoopState, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(RECONCILE_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => return,
        }
        if let Err(error) = state.reconcile().await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot read the registry"
            );
        }
    }
}

impl Running {
    /// `http://host:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Brings the served models in line with the registry now.
    ///
    /// # Errors
    ///
    /// Fails if the metastore cannot be read.
    pub async fn reconcile(&self) -> Result<(), Error> {
        match &self.project {
            Some(project) => project.reconcile().await,
            None => Ok(()),
        }
    }

    /// Writes what the prediction log still holds in memory.
    ///
    /// # Errors
    ///
    /// Fails if the log cannot be written.
    pub async fn flush(&self) -> Result<(), Error> {
        if let Some(project) = &self.project {
            project.serving.flush().await?;
        }
        Ok(())
    }

    /// Finishes the requests in flight, flushes the log and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.events.close();
        if let Err(error) = self.server.await {
            tracing::error!(error = %error, "the server broke off");
        }
        if let Some(reconciling) = self.reconciling {
            reconciling.abort();
        }
        self.following.abort();
        if let Some(telling) = self.telling
            && let Err(error) = telling.await
        {
            tracing::error!(error = %error, "telling webhooks broke off");
        }
        let Some(project) = self.project else {
            return;
        };
        if let Err(error) = project.serving.flush().await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the prediction log could not be flushed"
            );
        }
    }
}
