//! `everloop server`: tracking and registry for MLflow's clients, without a project.

pub(crate) mod webhooks;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use everloop_artifacts::Places;
use everloop_server::Parts;

use self::webhooks::WebhookArgs;
use super::db::Place;
use super::serve::require_loopback;
use crate::environment::{self, SystemClock};
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

    #[command(flatten)]
    artifacts: ArtifactArgs,

    #[command(flatten)]
    ui: UiArgs,

    #[command(flatten)]
    webhooks: WebhookArgs,
}

/// MLflow's own web page.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct UiArgs {
    /// Show MLflow's own web page at `/`, from the `mlflow` that is installed in the active Python.
    #[arg(long)]
    mlflow_ui: bool,

    /// The directory with the page's `index.html`, if it is elsewhere.
    #[arg(long, value_name = "DIR", requires = "mlflow_ui")]
    mlflow_ui_dir: Option<PathBuf>,
}

impl UiArgs {
    /// The directory of the page, if it is wanted.
    pub(crate) fn find(&self) -> Result<Option<PathBuf>> {
        if !self.mlflow_ui {
            return Ok(None);
        }
        let dir = match &self.mlflow_ui_dir {
            Some(dir) => Some(dir.clone()),
            None => environment::mlflow_dir().map(|dir| dir.join("server/js/build")),
        };
        match dir {
            Some(dir) if dir.join("index.html").is_file() => Ok(Some(dir)),
            Some(dir) => Err(no_page(&format!("`{}` has no `index.html`", dir.display()))),
            None => Err(no_page("no `mlflow` is installed in the active Python")),
        }
    }
}

fn no_page(problem: &str) -> anyhow::Error {
    Failure::new(Exit::NotFound, format!("cannot show MLflow's page: {problem}"))
        .hint("`pip install mlflow` brings it; `EVERLOOP_PYTHON` or `VIRTUAL_ENV` names the Python, `--mlflow-ui-dir` the place")
        .into()
}

/// Where artifacts are, named as in `mlflow server`.
#[derive(Debug, clap::Args)]
pub(crate) struct ArtifactArgs {
    /// Where the server keeps the artifacts that clients send it: a directory, or a bucket (`s3://`, `gs://`, `az://`,
    /// `wasbs://`, `abfss://`) with credentials from the provider's environment variables; by default below the home.
    #[arg(long, value_name = "URI")]
    artifacts_destination: Option<String>,

    /// Where artifacts of new experiments go: through the server (`mlflow-artifacts:/`), or a place that clients reach
    /// themselves.
    #[arg(long, value_name = "URI", default_value = "mlflow-artifacts:/")]
    default_artifact_root: String,
}

impl ArtifactArgs {
    /// Opens the places.
    pub(crate) fn open(&self, home: &Path) -> Result<Places> {
        let own = match &self.artifacts_destination {
            None => home.join("artifacts").display().to_string(),
            Some(place) => absolute(place)?,
        };
        let root = absolute(&self.default_artifact_root)?;
        let settings = environment::object_store_settings();
        Ok(Places::open(&own, &root, &settings)?)
    }
}

/// Serves until interrupted.
pub(crate) async fn run(args: &Args) -> Result<Exit> {
    require_loopback(args.host, args.insecure)?;
    let mut stopping = Stopping::listen()?;
    let home = std::path::absolute(&args.database.home)?;
    let metastore = args.database.open()?;
    let places = args.artifacts.open(&home)?;
    let location = format!("{}/0", places.root());
    metastore
        .write(move |tx| tx.experiments().place_default(&location))
        .await?;
    let parts = Parts {
        metastore,
        places,
        clock: Arc::new(SystemClock),
        deployment: None,
    };
    let settings = everloop_server::Settings {
        address: SocketAddr::new(args.host, args.port),
        mlflow_ui: args.ui.find()?,
        webhooks: args.webhooks.settings()?,
        ..everloop_server::Settings::default()
    };
    let server = everloop_server::start(parts, &settings).await?;
    eprintln!("everloop server is up: {}", server.url());
    stopping.asked().await;
    server.stop().await;
    Ok(Exit::Ok)
}

/// A relative path as an absolute one; URIs stay.
fn absolute(place: &str) -> Result<String> {
    if place.contains(':') {
        return Ok(place.to_owned());
    }
    let path = std::path::absolute(Path::new(place));
    let path = path.with_context(|| format!("`{place}` is no directory"))?;
    Ok(path.display().to_string())
}
