//! `everloop server`: tracking and registry for MLflow's clients, without a project.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use everloop_artifacts::Store;
use everloop_server::Parts;

use super::db::Place;
use super::serve::require_loopback;
use crate::environment::SystemClock;
use crate::exit::{Exit, Failure};
use crate::stopping::Stopping;

/// Arguments of `everloop server`, named as those of `mlflow server`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The address; anything but loopback needs `--insecure`.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,

    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 5000)]
    port: u16,

    /// Serve on other addresses than loopback, without authentication.
    #[arg(long)]
    insecure: bool,

    #[command(flatten)]
    database: Place,

    /// The directory in which the server keeps the artifacts that clients send it.
    #[arg(long, value_name = "DIR")]
    artifacts_destination: Option<String>,

    /// Where artifacts of new experiments go: through this server (`mlflow-artifacts:/`), or a place that clients reach
    /// themselves.
    #[arg(long, value_name = "URI", default_value = "mlflow-artifacts:/")]
    default_artifact_root: String,
}

/// Serves until interrupted.
pub(crate) async fn run(args: &Args) -> Result<Exit> {
    require_loopback(args.host, args.insecure)?;
    let mut stopping = Stopping::listen()?;
    let home = std::path::absolute(&args.database.home)?;
    let destination = args.artifacts_destination.as_deref();
    let artifacts_dir = match destination {
        None => home.join("artifacts"),
        Some(place) => local_dir(place, "--artifacts-destination")?,
    };
    let metastore = args.database.open()?;
    let root = args.default_artifact_root.trim_end_matches('/').to_owned();
    let location = if root == "mlflow-artifacts:" {
        "mlflow-artifacts:/0".to_owned()
    } else {
        format!("{root}/0")
    };
    metastore
        .write(move |tx| tx.experiments().place_default(&location))
        .await?;
    let parts = Parts {
        metastore,
        artifacts: Store::local(&artifacts_dir)?,
        artifacts_dir,
        clock: Arc::new(SystemClock),
        artifact_root: root,
        deployment: None,
    };
    let settings = everloop_server::Settings {
        address: SocketAddr::new(args.host, args.port),
        ..everloop_server::Settings::default()
    };
    let server = everloop_server::start(parts, &settings).await?;
    eprintln!("everloop server is up: {}", server.url());
    stopping.asked().await;
    server.stop().await;
    Ok(Exit::Ok)
}

fn local_dir(place: &str, flag: &str) -> Result<PathBuf> {
    let path = place.strip_prefix("file://").unwrap_or(place);
    if path.contains("://") {
        return Err(Failure::new(
            Exit::Usage,
            format!("`{flag} {place}` is no directory of this machine"),
        )
        .hint("object stores come in a later release")
        .into());
    }
    std::path::absolute(Path::new(path)).with_context(|| format!("`{place}` is no directory"))
}
