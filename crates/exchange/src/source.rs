//! Where an import comes from.

use std::path::Path;

use everloop_artifacts::{Store, local_path};
use everloop_metastore::{
    Experiment, FoundVersion, LoggedModel, MlflowDatabase, RegisteredModel, WholeModel, WholeRun,
};

use crate::Error;
use crate::copy::copy;
use crate::files::FileStore;
use crate::server::{Login, Server};

/// A store that MLflow wrote.
#[derive(Debug)]
pub enum Source {
    /// A directory of files.
    Files(FileStore),
    /// A database.
    Database(MlflowDatabase),
    /// A server that is running.
    Server(Server),
}

/// A run as a source lists it: its id, and where its artifacts are.
pub(crate) type Listed = (String, String);

/// Something that was found, and what of it could not be read: its name, and why.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) thing: T,
    pub(crate) missing: Vec<(String, String)>,
}

impl<T> Found<T> {
    pub(crate) fn whole(thing: T) -> Self {
        let missing = Vec::new();
        Self { thing, missing }
    }
}

/// What stays behind of an experiment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftBehind {
    pub(crate) n_deleted_models: u64,
    pub(crate) n_traces: u64,
}

/// Whose artifacts are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Owner<'i> {
    Run(&'i str),
    LoggedModel(&'i str),
}

impl Source {
    /// Opens what people name: a directory, a database file, the URI of either, or the address of a server.
    ///
    /// # Errors
    ///
    /// [`Error::Source`] if it is none of these, [`Error::Metastore`] if a database cannot be opened.
    pub fn open(name: &str, login: Login) -> Result<Self, Error> {
        let refused = |problem| Error::Source {
            source_name: name.to_owned(),
            problem,
        };
        if name.starts_with("http://") || name.starts_with("https://") {
            return Server::open(name, login).map(Self::Server);
        }
        let is_database = ["sqlite:", "postgresql", "postgres"];
        if is_database.iter().any(|scheme| name.starts_with(scheme)) && name.contains("://") {
            return Ok(Self::Database(waiting(|| MlflowDatabase::open(name))?));
        }
        let path = name.strip_prefix("file:").unwrap_or(name);
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.contains("://") {
            return Err(refused("it is no directory, database or server"));
        }
        let path = std::path::absolute(Path::new(path)).map_err(|_| refused("it is no path"))?;
        if path.is_dir() {
            return FileStore::open(&path)
                .map(Self::Files)
                .ok_or_else(|| refused("the directory has no experiment with a `meta.yaml`"));
        }
        if path.is_file() {
            let uri = format!("sqlite:///{}", path.display());
            return Ok(Self::Database(waiting(|| MlflowDatabase::open(&uri))?));
        }
        Err(refused("there is no such file or directory"))
    }

    pub(crate) async fn experiments(&self) -> Result<Vec<Result<Experiment, Error>>, Error> {
        match self {
            Self::Files(files) => Ok(files.experiments()),
            Self::Database(database) => Ok(own_errors(waiting(|| database.experiments())?)),
            Self::Server(server) => server.experiments().await,
        }
    }

    pub(crate) async fn runs(&self, experiment: &Experiment) -> Result<Vec<Listed>, Error> {
        match self {
            Self::Files(files) => files.runs(experiment),
            Self::Database(database) => Ok(waiting(|| database.runs(experiment.id))?),
            Self::Server(server) => server.runs(experiment.id).await,
        }
    }

    pub(crate) async fn run(
        &self,
        experiment: &Experiment,
        id: &str,
    ) -> Result<Found<WholeRun>, Error> {
        match self {
            Self::Files(files) => files.run(experiment, id),
            Self::Database(database) => Ok(Found::whole(waiting(|| database.run(id))?)),
            Self::Server(server) => Ok(Found::whole(server.run(experiment.id, id).await?)),
        }
    }

    pub(crate) async fn logged_models(
        &self,
        experiment: &Experiment,
    ) -> Result<Vec<Result<Found<LoggedModel>, Error>>, Error> {
        let whole = |models: Vec<Result<LoggedModel, Error>>| {
            let models = models.into_iter();
            models.map(|model| model.map(Found::whole)).collect()
        };
        match self {
            Self::Files(files) => files.logged_models(experiment),
            Self::Database(database) => {
                let models = waiting(|| database.logged_models(experiment.id))?;
                Ok(whole(own_errors(models)))
            }
            Self::Server(server) => server.logged_models(experiment.id).await.map(whole),
        }
    }

    /// What of an experiment does not come. A server does not tell.
    pub(crate) fn left_behind(&self, experiment: &Experiment) -> Result<LeftBehind, Error> {
        match self {
            Self::Files(files) => files.left_behind(experiment),
            Self::Database(database) => Ok(LeftBehind {
                n_deleted_models: waiting(|| database.n_deleted_logged_models(experiment.id))?,
                n_traces: waiting(|| database.n_traces(experiment.id))?,
            }),
            Self::Server(_) => Ok(LeftBehind::default()),
        }
    }

    pub(crate) async fn models(&self) -> Result<Vec<Result<WholeModel, Error>>, Error> {
        match self {
            Self::Files(files) => files.models(),
            Self::Database(database) => Ok(own_errors(waiting(|| database.models())?)),
            Self::Server(server) => server.models().await,
        }
    }

    /// The versions of a model; nothing in place of one that was deleted.
    pub(crate) async fn versions(
        &self,
        model: &RegisteredModel,
    ) -> Result<Vec<Result<FoundVersion, Error>>, Error> {
        match self {
            Self::Files(files) => files.versions(model),
            Self::Database(database) => Ok(own_errors(waiting(|| database.versions(model))?)),
            Self::Server(server) => server.versions(model).await,
        }
    }

    /// Whether artifacts at a location can be fetched.
    pub(crate) fn reaches(&self, location: &str) -> bool {
        match self {
            Self::Files(_) | Self::Database(_) => local_path(location).is_some(),
            Self::Server(_) => Server::reaches(location),
        }
    }

    /// Copies artifacts at a location that is reached to keys below a prefix; gives how many files there were.
    pub(crate) async fn copy(
        &self,
        owner: Owner<'_>,
        location: &str,
        store: &Store,
        prefix: &str,
    ) -> Result<u64, Error> {
        match self {
            Self::Files(_) | Self::Database(_) => match local_path(location) {
                Some(dir) => copy(&dir, store, prefix).await,
                None => Ok(0),
            },
            Self::Server(server) => server.copy(owner, location, store, prefix).await,
        }
    }
}

fn own_errors<T>(found: Vec<Result<T, everloop_metastore::Error>>) -> Vec<Result<T, Error>> {
    let found = found.into_iter();
    found.map(|one| one.map_err(Error::from)).collect()
}

/// Waits for a database, which a thread of an async runtime must not do like that.
fn waiting<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}
