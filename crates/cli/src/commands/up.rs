//! `everloop up`: server, serving and controller in one process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use everloop_controller::Controller;

use super::serve::require_loopback;
use super::server::UiArgs;
use super::server::webhooks::WebhookArgs;
use crate::exit::Exit;
use crate::stopping::Stopping;
use crate::workspace::{Workspace, tell_progress};

/// Arguments of `everloop up`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The address; anything but loopback needs `--insecure`.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) host: IpAddr,

    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 5000)]
    pub(crate) port: u16,

    /// Serve on other addresses than loopback, without authentication.
    #[arg(long)]
    pub(crate) insecure: bool,

    /// How often the controller looks at the windows, in seconds.
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) every: u64,

    /// Serve only: start no cycles.
    #[arg(long)]
    pub(crate) no_controller: bool,

    #[command(flatten)]
    pub(crate) ui: UiArgs,

    #[command(flatten)]
    pub(crate) webhooks: WebhookArgs,

    /// Override a setting of the lifecycle file: `--set retrain.cooldown=1h`.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

impl Args {
    /// Serves what is there and starts no cycles.
    pub(crate) fn serving_only(port: u16) -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port,
            insecure: false,
            every: 10,
            no_controller: true,
            ui: UiArgs::default(),
            webhooks: WebhookArgs::default(),
            set: Vec::new(),
        }
    }
}

/// Serves and watches until interrupted.
pub(crate) async fn run(args: &Args, project: Option<&Path>) -> Result<Exit> {
    require_loopback(args.host, args.insecure)?;
    let mut stopping = Stopping::listen()?;
    let workspace = Workspace::open(project, &args.set)?;
    let settings = everloop_server::Settings {
        address: SocketAddr::new(args.host, args.port),
        mlflow_ui: args.ui.find()?,
        webhooks: args.webhooks.settings()?,
        ..everloop_server::Settings::default()
    };
    let server = everloop_server::start(workspace.server_parts(), &settings).await?;
    eprintln!("everloop is up: {}", server.url());
    let runner = workspace.runner(Some(server.url()), tell_progress())?;
    let controller = Arc::new(Controller::new(runner, false));
    let controlling = (!args.no_controller)
        .then(|| tokio::spawn(control(controller, Duration::from_secs(args.every))));
    stopping.asked().await;
    eprintln!("stopping: requests in flight are finished first");
    if let Some(controlling) = controlling {
        controlling.abort();
    }
    server.stop().await;
    Ok(Exit::Ok)
}

/// Ticks until the process ends; an error is told and the next tick tries again.
async fn control(controller: Arc<Controller>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = controller.tick().await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the controller could not finish a tick"
            );
        }
    }
}
