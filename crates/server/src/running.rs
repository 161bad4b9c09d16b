//! A server from its start to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use everloop_serve::Serving;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::guard::Hosts;
use crate::state::{AppState, Parts};
use crate::{Error, api, mlflow, page};

/// How often the registry is looked at for a moved alias.
const RECONCILE_EVERY: Duration = Duration::from_millis(500);

/// How the server listens.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// Further names by which browsers may reach the server.
    pub hosts: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: ([127, 0, 0, 1], 5000).into(),
            hosts: Vec::new(),
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
    state: AppState,
    stop: watch::Sender<bool>,
    server: JoinHandle<std::io::Result<()>>,
    reconciling: JoinHandle<()>,
}

/// Loads the champions, binds the address, and serves.
///
/// # Errors
///
/// Fails if the address is taken or the metastore cannot be read.
pub async fn start(parts: Parts, settings: &Settings) -> Result<Running, Error> {
    let serving = Serving::logging(
        &parts.predictions,
        Arc::clone(&parts.clock),
        parts.key_column.clone(),
        &parts.model,
    )?;
    let ids = Arc::new(mlflow::ids::Ids::default());
    let state = AppState {
        parts: Arc::new(parts),
        serving,
        ids,
        failures: Arc::default(),
    };
    let address = settings.address;
    let listen = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    state.reconcile().await?;
    let (stop, stopped) = watch::channel(false);
    let app = router(state.clone(), Hosts::new(address.ip(), &settings.hosts));
    let mut until = stopped.clone();
    let server = tokio::spawn(async move {
        axum::serve(listener, app)
            .with_graceful_shutdown(async move {
                // An error means that the sender is gone: that is a stop, too.
                let _ = until.wait_for(|stopped| *stopped).await;
            })
            .await
    });
    let reconciling = tokio::spawn(keep_reconciling(state.clone(), stopped));
    Ok(Running {
        address,
        state,
        stop,
        server,
        reconciling,
    })
}

fn router(state: AppState, hosts: Hosts) -> axum::Router {
    axum::Router::new()
        .merge(page::router())
        .merge(api::router())
        .merge(mlflow::router())
        .with_state(state.clone())
        .merge(everloop_serve::router(state.serving))
        .layer(axum::middleware::from_fn_with_state(
            hosts,
            crate::guard::check,
        ))
}

async fn keep_reconciling(state: AppState, mut stopped: watch::Receiver<bool>) {
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
        self.state.reconcile().await
    }

    /// Writes what the prediction log still holds in memory.
    ///
    /// # Errors
    ///
    /// Fails if the log cannot be written.
    pub async fn flush(&self) -> Result<(), Error> {
        self.state.serving.flush().await?;
        Ok(())
    }

    /// Finishes the requests in flight, flushes the log and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.server.await {
            tracing::error!(error = %error, "the server broke off");
        }
        self.reconciling.abort();
        if let Err(error) = self.state.serving.flush().await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the prediction log could not be flushed"
            );
        }
    }
}
