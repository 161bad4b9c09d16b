//! Where an import comes from.

use std::path::Path;

use everloop_domain::VersionNumber;
use everloop_metastore::{
    Experiment, LoggedModel, MlflowDatabase, ModelVersion, RegisteredModel, WholeModel, WholeRun,
};

use crate::Error;
use crate::files::FileStore;

/// A store that MLflow wrote.
#[derive(Debug)]
pub enum Source {
    /// A directory of files.
    Files(FileStore),
    /// A database.
    Database(MlflowDatabase),
}

/// A run as a source lists it: its id, and where its artifacts are.
pub(crate) type Listed = (String, String);

impl Source {
    /// Opens what people name: a directory, a database file, or the URI of either.
    ///
    /// # Errors
    ///
    /// [`Error::Source`] if it is none of these, [`Error::Metastore`] if a database cannot be opened.
    pub fn open(name: &str) -> Result<Self, Error> {
        let refused = |problem| Error::Source {
            source_name: name.to_owned(),
            problem,
        };
        let is_database = ["sqlite:", "postgresql", "postgres"];
        if is_database.iter().any(|scheme| name.starts_with(scheme)) && name.contains("://") {
            return Ok(Self::Database(waiting(|| MlflowDatabase::open(name))?));
        }
        let path = name.strip_prefix("file:").unwrap_or(name);
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.contains("://") {
            return Err(refused("it is neither a directory nor a database"));
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

    pub(crate) fn experiments(&self) -> Result<Vec<Result<Experiment, Error>>, Error> {
        match self {
            Self::Files(files) => Ok(files.experiments()),
            Self::Database(database) => {
                let found = waiting(|| database.experiments())?;
                Ok(found.into_iter().map(Ok).collect())
            }
        }
    }

    pub(crate) fn runs(&self, experiment: &Experiment) -> Result<Vec<Listed>, Error> {
        match self {
            Self::Files(files) => files.runs(experiment),
            Self::Database(database) => Ok(waiting(|| database.runs(experiment.id))?),
        }
    }

    pub(crate) fn run(&self, experiment: &Experiment, id: &str) -> Result<WholeRun, Error> {
        match self {
            Self::Files(files) => files.run(experiment, id),
            Self::Database(database) => Ok(waiting(|| database.run(id))?),
        }
    }

    pub(crate) fn logged_models(
        &self,
        experiment: &Experiment,
    ) -> Result<Vec<Result<LoggedModel, Error>>, Error> {
        match self {
            Self::Files(files) => files.logged_models(experiment),
            Self::Database(database) => {
                let models = waiting(|| database.logged_models(experiment.id))?;
                Ok(models.into_iter().map(Ok).collect())
            }
        }
    }

    pub(crate) fn models(&self) -> Result<Vec<Result<WholeModel, Error>>, Error> {
        match self {
            Self::Files(files) => files.models(),
            Self::Database(database) => {
                let found = waiting(|| database.models())?;
                Ok(found.into_iter().map(Ok).collect())
            }
        }
    }

    /// The versions of a model; nothing in place of one that was deleted.
    pub(crate) fn versions(
        &self,
        model: &RegisteredModel,
    ) -> Result<Vec<(VersionNumber, Option<ModelVersion>)>, Error> {
        match self {
            Self::Files(files) => files.versions(model),
            Self::Database(database) => Ok(waiting(|| database.versions(model))?),
        }
    }
}

/// Waits for a database, which a thread of an async runtime must not do like that.
fn waiting<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}
