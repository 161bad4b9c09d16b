//! `everloop serve`: one package over HTTP, without project or database.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use everloop_domain::{ModelName, VersionNumber};
use everloop_serve::{Models, Serving};

use crate::environment::SystemClock;
use crate::exit::{Exit, Failure};
use crate::stopping::Stopping;
use crate::workspace::engine_settings;

/// Arguments of `everloop serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The package directory (it holds an `MLmodel`).
    pub(crate) model: PathBuf,

    /// The name under which it is served; by default the directory's name.
    #[arg(long)]
    pub(crate) name: Option<ModelName>,

    /// The address; anything but loopback needs `--insecure`.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) host: IpAddr,

    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 5000)]
    pub(crate) port: u16,

    /// Serve on other addresses than loopback, without authentication.
    #[arg(long)]
    pub(crate) insecure: bool,
}

/// Serves one package until interrupted.
pub(crate) async fn run(args: &Args) -> Result<Exit> {
    require_loopback(args.host, args.insecure)?;
    let mut stopping = Stopping::listen()?;
    let engine = everloop_serve::load(&args.model, &engine_settings())?;
    let digest = everloop_package::open(&args.model)?.digest;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => directory_name(&args.model)?,
    };
    let models = Models::new();
    models.set(&name, VersionNumber(1), digest, Arc::new(engine));
    let serving = Serving::new(models, Arc::new(SystemClock));
    let address = SocketAddr::new(args.host, args.port);
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    eprintln!("serving `{name}` on http://{}", listener.local_addr()?);
    everloop_serve::serve(listener, serving, async move { stopping.asked().await }).await?;
    Ok(Exit::Ok)
}

fn directory_name(dir: &std::path::Path) -> Result<ModelName> {
    let name = std::path::absolute(dir)?
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_default().parse().map_err(|problem: String| {
        Failure::new(Exit::Usage, problem)
            .hint("name it with `--name`")
            .into()
    })
}

/// Refuses to open a port to the world by accident.
pub(crate) fn require_loopback(host: IpAddr, is_insecure: bool) -> Result<()> {
    if host.is_loopback() || is_insecure {
        return Ok(());
    }
    Err(Failure::new(
        Exit::NotAllowed,
        format!("{host} is not a loopback address, and there is no authentication yet"),
    )
    .hint("put a proxy that authenticates in front, or say `--insecure`")
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_is_refused_unless_asked_for() {
        assert!(require_loopback("127.0.0.1".parse().unwrap(), false).is_ok());
        assert!(require_loopback("0.0.0.0".parse().unwrap(), false).is_err());
        assert!(require_loopback("0.0.0.0".parse().unwrap(), true).is_ok());
    }
}
