//! `everloop db`: the database of tracking and registry.

use std::path::PathBuf;

use anyhow::Result;
use everloop_metastore::{Metastore, Schema};

use crate::environment;
use crate::exit::{Exit, Failure};

/// Looks after the database.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Bring the schema of a database up to date; servers do so by themselves when they start.
    Migrate(Place),
}

/// Which database.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// Where a server keeps its database, unless it is told elsewhere.
    #[arg(long, value_name = "DIR", default_value = ".everloop")]
    pub(crate) home: PathBuf,

    /// The database: `sqlite:///path/to/file.db` or `postgresql://user:password@host:5432/database`; by default the
    /// environment variable `EVERLOOP_METASTORE__URL`, then a file in the home.
    #[arg(long, value_name = "URI")]
    pub(crate) backend_store_uri: Option<String>,
}

impl Place {
    /// Opens the database; a file in the home must exist.
    pub(crate) fn open_existing(&self) -> Result<Metastore> {
        let file = std::path::absolute(&self.home)?.join("metastore.db");
        if self.backend_store_uri.is_none() && !environment::has_metastore(&file) {
            let message = format!("there is no database `{}`", file.display());
            let hint = "`--home` or `--backend-store-uri` says where it is";
            return Err(Failure::new(Exit::NotFound, message).hint(hint).into());
        }
        self.open()
    }

    /// Opens the database, making it if it is a file that does not exist.
    pub(crate) fn open(&self) -> Result<Metastore> {
        let file = std::path::absolute(&self.home)?.join("metastore.db");
        match &self.backend_store_uri {
            Some(uri) => Ok(Metastore::connect(uri)?),
            None => environment::metastore(&file),
        }
    }
}

/// Runs the command.
pub(crate) fn run(command: &Command) -> Result<Exit> {
    let Command::Migrate(place) = command;
    let metastore = place.open()?;
    let (shown, Schema { found, version }) = (metastore.shown(), metastore.schema());
    if found == version {
        sayln!("{shown}: schema version {version}, nothing to do");
    } else {
        sayln!("{shown}: schema version {found} -> {version}");
    }
    Ok(Exit::Ok)
}
