//! HTTP: MLflow's REST API, Everloop's own API, inference, the page.
//!
//! [`start`] binds a port and serves until [`Running::stop`]. A task reconciles the models of `serve` with the
//! registry: what the alias `champion` points to is what is served; the controller only ever moves the alias.
//!
//! MLflow's wire format lives in `mlflow` alone, ours in `api`. Requests whose `Host` or `Origin` is
//! not ours are refused (DNS rebinding, cross-site requests).

mod api;
mod collection;
mod connections;
mod error;
mod events;
mod guard;
mod mlflow;
mod mlflow_ui;
mod page;
mod patience;
mod reconcile;
mod running;
mod source;
mod state;

pub use api::openapi;
pub use collection::{Collected, Criteria, collect};
pub use error::Error;
pub use mlflow::endpoints::{Endpoint, endpoints};
pub use mlflow::filter::run_query;
pub use mlflow::webhooks::WebhookSettings;
pub use patience::Patience;
pub use reconcile::LoadEngine;
pub use running::{Running, Settings, start};
pub use state::{Deployment, Parts};
