//! Versions of registered models: numbered from 1, never reused.

use std::collections::BTreeMap;

use everloop_domain::{ModelName, RunId, Timestamp, VersionNumber};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::values::{moment, parse};
use crate::{Error, Models};

/// A version to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVersion {
    /// The model.
    pub name: ModelName,
    /// Where the package is.
    pub source: String,
    /// The run that made it.
    pub run_id: Option<RunId>,
    /// The logged model that it was.
    pub model_id: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What it is.
    pub description: Option<String>,
    /// When.
    pub now: Timestamp,
}

/// A version of a registered model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelVersion {
    /// The model.
    pub name: ModelName,
    /// Its number.
    pub version: VersionNumber,
    /// Where the package is.
    pub source: String,
    /// The run that made it.
    pub run_id: Option<RunId>,
    /// The logged model that it was.
    pub model_id: Option<String>,
    /// What it is.
    pub description: String,
    /// MLflow's stage: `None`, `Staging`, `Production`, `Archived`.
    pub stage: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

const COLUMNS: &str =
    "version, source, run, logged_model, description, stage, created_at, updated_at";

impl Models<'_> {
    /// Makes a version of a model.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such model.
    pub fn create_version(&self, new: &NewVersion) -> Result<VersionNumber, Error> {
        let sql = "update registered_models set next_version = next_version + 1, updated_at = $1 where name = $2 \
             returning next_version - 1";
        let number: Option<u64> = self
            .0
            .prepare_cached(sql)?
            .query_row(params![new.now.as_millis(), new.name.as_str()], |row| {
                row.get(0)
            })
            .optional()?;
        let version =
            VersionNumber(number.ok_or_else(|| Error::not_found("registered model", &new.name))?);
        let sql = "insert into model_versions (model, version, source, run, logged_model, description, created_at, updated_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $7)";
        self.0.prepare_cached(sql)?.execute(params![
            new.name.as_str(),
            version.0,
            new.source,
            new.run_id.as_ref().map(RunId::as_str),
            new.model_id,
            new.description.as_deref().unwrap_or_default(),
            new.now.as_millis()
        ])?;
        for (key, value) in &new.tags {
            self.set_version_tag(&new.name, version, key, value)?;
        }
        Ok(version)
    }

    /// A version.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn get_version(
        &self,
        name: &ModelName,
        version: VersionNumber,
    ) -> Result<ModelVersion, Error> {
        let sql = format!("select {COLUMNS} from model_versions where model = $1 and version = $2");
        let mut statement = self.0.prepare_cached(&sql)?;
        let mut rows = statement.query(params![name.as_str(), version.0])?;
        match rows.next()? {
            Some(row) => self.read_version(name, row),
            None => Err(Error::not_found(
                "model version",
                &format!("{name}/{version}"),
            )),
        }
    }

    /// The versions of a model, newest first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn list_versions(&self, name: &ModelName) -> Result<Vec<ModelVersion>, Error> {
        let sql =
            format!("select {COLUMNS} from model_versions where model = $1 order by version desc");
        let mut statement = self.0.prepare_cached(&sql)?;
        let mut rows = statement.query([name.as_str()])?;
        let mut versions = Vec::new();
        while let Some(row) = rows.next()? {
            versions.push(self.read_version(name, row)?);
        }
        Ok(versions)
    }

    fn read_version(&self, name: &ModelName, row: &Row<'_>) -> Result<ModelVersion, Error> {
        let version = VersionNumber(row.get(0)?);
        let key = format!("{name}/{version}");
        let run: Option<String> = row.get(2)?;
        Ok(ModelVersion {
            name: name.clone(),
            version,
            source: row.get(1)?,
            run_id: run
                .map(|text| parse(&text, "model_versions", "run", &key))
                .transpose()?,
            model_id: row.get(3)?,
            description: row.get(4)?,
            stage: row.get(5)?,
            created_at: moment(row.get(6)?),
            updated_at: moment(row.get(7)?),
            tags: self.version_tags(name, version)?,
        })
    }

    fn version_tags(
        &self,
        name: &ModelName,
        version: VersionNumber,
    ) -> Result<BTreeMap<String, String>, Error> {
        let sql = "select key, value from model_version_tags where model = $1 and version = $2";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map(params![name.as_str(), version.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Sets a tag of a version.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such version.
    pub fn set_version_tag(
        &self,
        name: &ModelName,
        version: VersionNumber,
        key: &str,
        value: &str,
    ) -> Result<(), Error> {
        let sql = "insert into model_version_tags (model, version, key, value) \
             select model, version, $1, $2 from model_versions where model = $3 and version = $4 \
             on conflict (model, version, key) do update set value = excluded.value";
        let changed =
            self.0
                .prepare_cached(sql)?
                .execute(params![key, value, name.as_str(), version.0])?;
        if changed == 0 {
            Err(Error::not_found(
                "model version",
                &format!("{name}/{version}"),
            ))
        } else {
            Ok(())
        }
    }
}
