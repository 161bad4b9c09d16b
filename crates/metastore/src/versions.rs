//! Versions of registered models: numbered from 1, never reused.

use std::collections::BTreeMap;

use everloop_domain::{ModelName, RunId, Timestamp, VersionNumber};

use crate::happenings::tell;
use crate::search::{Column, Order, Query, Side, Statement, Subject, Tables};
use crate::session::{Row, values};
use crate::values::{moment, parse};
use crate::{Error, Happening, Models};

/// A version to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVersion {
    /// The model.
    pub name: ModelName,
    /// Where the package is.
    pub source: String,
    /// The id of the run that made it; clients may name runs of elsewhere.
    pub run_id: Option<String>,
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
    /// The id of the run that made it; clients may name runs of elsewhere.
    pub run_id: Option<String>,
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

/// What versions can be searched and ordered by, beside their tags.
pub const VERSION_COLUMNS: [Column; 6] = [
    Column::text("name", "model"),
    Column::number("version_number", "version"),
    Column::text("run_id", "run"),
    Column::text("source_path", "source"),
    Column::number("creation_timestamp", "created_at"),
    Column::number("last_updated_timestamp", "updated_at"),
];

static LAST_UPDATED: Column = Column::number("last_updated_timestamp", "updated_at");

const TABLES: Tables = Tables {
    select: "select version, source, run, logged_model, description, stage, created_at, updated_at, model from model_versions",
    order: "model, version desc",
    metrics: None,
    params: None,
    tags: Some(Side::new(
        "model_version_tags",
        "s.model = model_versions.model and s.version = model_versions.version",
    )),
    metadata: None,
    datasets: None,
};

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
        let number: Option<u64> = self.0.find(
            sql,
            &values![new.now.as_millis(), new.name.as_str()],
            |row| row.get(0),
        )?;
        let version =
            VersionNumber(number.ok_or_else(|| Error::not_found("registered model", &new.name))?);
        let sql = "insert into model_versions (model, version, source, run, logged_model, description, created_at, updated_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $7)";
        self.0.execute(
            sql,
            &values![
                new.name.as_str(),
                version.0,
                new.source,
                new.run_id,
                new.model_id,
                new.description.as_deref().unwrap_or_default(),
                new.now.as_millis()
            ],
        )?;
        for (key, value) in &new.tags {
            self.insert_version_tag(&new.name, version, key, value)?;
        }
        let happening = Happening::VersionMade {
            model: new.name.clone(),
            version,
            source: new.source.clone(),
            run_id: new.run_id.clone(),
            description: new.description.clone(),
            tags: new.tags.clone(),
        };
        tell(self.0, &happening, new.now)?;
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
        self.0
            .find(&sql, &values![name.as_str(), version.0], |row| {
                self.read_version(name, row)
            })?
            .ok_or_else(|| Error::not_found("model version", &format!("{name}/{version}")))
    }

    /// The versions of a model, newest first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn list_versions(&self, name: &ModelName) -> Result<Vec<ModelVersion>, Error> {
        let sql =
            format!("select {COLUMNS} from model_versions where model = $1 order by version desc");
        self.0.query(&sql, &values![name.as_str()], |row| {
            self.read_version(name, row)
        })
    }

    /// The newest versions of a model, newest first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn newest_versions(
        &self,
        name: &ModelName,
        limit: usize,
    ) -> Result<Vec<ModelVersion>, Error> {
        let sql = format!(
            "select {COLUMNS} from model_versions where model = $1 order by version desc limit $2"
        );
        self.0.query(&sql, &values![name.as_str(), limit], |row| {
            self.read_version(name, row)
        })
    }

    /// The versions that a run made, by model and number.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn versions_of_run(&self, run: &RunId) -> Result<Vec<ModelVersion>, Error> {
        let sql = format!("{} where run = $1 order by model, version", TABLES.select);
        self.0
            .query(&sql, &values![run.as_str()], |row| self.read_any(row))
    }

    /// A page of versions of all models, the last changed first if no order says otherwise.
    ///
    /// # Errors
    ///
    /// Fails if the query asks for what versions do not have.
    pub fn search_versions(&self, query: &Query) -> Result<Vec<ModelVersion>, Error> {
        let mut query = query.clone();
        if query.order.is_empty() {
            query.order.push(Order {
                subject: Subject::Column(&LAST_UPDATED),
                is_descending: true,
            });
        }
        let page = Statement::page(self.0.dialect(), &TABLES, "true", Vec::new(), &query)?;
        self.0
            .query(&page.sql, &page.values, |row| self.read_any(row))
    }

    /// Says what a version is.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such version.
    pub fn describe_version(
        &self,
        name: &ModelName,
        version: VersionNumber,
        description: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.get_version(name, version)?;
        let sql = "update model_versions set description = $1, updated_at = $2 where model = $3 and version = $4";
        self.0.execute(
            sql,
            &values![description, now.as_millis(), name.as_str(), version.0],
        )?;
        self.touch(name, now)
    }

    /// Moves a version to a stage, and if asked the others of that stage to `Archived`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such version.
    pub fn set_stage(
        &self,
        name: &ModelName,
        version: VersionNumber,
        stage: &str,
        archives_others: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.get_version(name, version)?;
        if archives_others {
            let sql = "update model_versions set stage = 'Archived', updated_at = $1 where model = $2 and stage = $3 and version <> $4";
            self.0.execute(
                sql,
                &values![now.as_millis(), name.as_str(), stage, version.0],
            )?;
        }
        let sql = "update model_versions set stage = $1, updated_at = $2 where model = $3 and version = $4";
        self.0.execute(
            sql,
            &values![stage, now.as_millis(), name.as_str(), version.0],
        )?;
        self.touch(name, now)
    }

    /// Deletes a version with its tags and aliases, for good; its number is never used again.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such version.
    pub fn delete_version(
        &self,
        name: &ModelName,
        version: VersionNumber,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.get_version(name, version)?;
        self.0.execute(
            "delete from model_versions where model = $1 and version = $2",
            &values![name.as_str(), version.0],
        )?;
        self.touch(name, now)
    }

    /// Removes a tag of a version; doing it twice changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such version.
    pub fn delete_version_tag(
        &self,
        name: &ModelName,
        version: VersionNumber,
        key: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.get_version(name, version)?;
        let sql = "delete from model_version_tags where model = $1 and version = $2 and key = $3";
        let values = values![name.as_str(), version.0, key];
        if self.0.execute(sql, &values)? == 0 {
            return Ok(());
        }
        let happening = Happening::VersionTagDeleted {
            model: name.clone(),
            version,
            key: key.to_owned(),
        };
        tell(self.0, &happening, now)
    }

    /// A version of whatever model its row names.
    fn read_any(&self, row: &Row<'_>) -> Result<ModelVersion, Error> {
        let name: String = row.get(8)?;
        let name = parse(&name, "model_versions", "model", &name)?;
        self.read_version(&name, row)
    }

    fn read_version(&self, name: &ModelName, row: &Row<'_>) -> Result<ModelVersion, Error> {
        let version = VersionNumber(row.get(0)?);
        Ok(ModelVersion {
            name: name.clone(),
            version,
            source: row.get(1)?,
            run_id: row.get(2)?,
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
        self.0.pairs(sql, &values![name.as_str(), version.0])
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
        now: Timestamp,
    ) -> Result<(), Error> {
        self.insert_version_tag(name, version, key, value)?;
        let happening = Happening::VersionTagSet {
            model: name.clone(),
            version,
            key: key.to_owned(),
            value: value.to_owned(),
        };
        tell(self.0, &happening, now)
    }

    /// Sets a tag of a version without telling anybody.
    pub(crate) fn insert_version_tag(
        &self,
        name: &ModelName,
        version: VersionNumber,
        key: &str,
        value: &str,
    ) -> Result<(), Error> {
        let sql = "insert into model_version_tags (model, version, key, value) \
             select model, version, $1, $2 from model_versions where model = $3 and version = $4 \
             on conflict (model, version, key) do update set value = excluded.value";
        let changed = self
            .0
            .execute(sql, &values![key, value, name.as_str(), version.0])?;
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
