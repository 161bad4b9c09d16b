//! Registered models and their aliases.

use std::collections::BTreeMap;

use everloop_domain::{ModelName, Timestamp, VersionNumber};

use crate::happenings::tell;
use crate::search::{Column, Query, Side, Statement, Tables};
use crate::session::{Session, Value, values};
use crate::values::{moment, parse};
use crate::{Error, Happening, ModelVersion};

/// Registered models.
#[derive(Debug)]
pub struct Models<'c>(pub(crate) Session<'c>);

/// A registered model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredModel {
    /// Its name.
    pub name: ModelName,
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What registered models can be searched and ordered by, beside their tags.
pub const MODEL_COLUMNS: [Column; 3] = [
    Column::text("name", "name"),
    Column::number("creation_timestamp", "created_at"),
    Column::number("last_updated_timestamp", "updated_at"),
];

const TABLES: Tables = Tables {
    select: "select name, description, created_at, updated_at from registered_models",
    order: "name",
    metrics: None,
    params: None,
    tags: Some(Side::new(
        "registered_model_tags",
        "s.model = registered_models.name",
    )),
    metadata: None,
    datasets: None,
};

impl Models<'_> {
    /// Makes a model with its tags.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] if the name is taken.
    pub fn create(
        &self,
        name: &ModelName,
        description: &str,
        tags: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.insert(name, description, now)?;
        for (key, value) in tags {
            self.insert_tag(name, key, value)?;
        }
        let happening = Happening::ModelMade {
            model: name.clone(),
            description: description.to_owned(),
            tags: tags.clone(),
        };
        tell(self.0, &happening, now)
    }

    /// Makes a model without telling anybody.
    pub(crate) fn insert(
        &self,
        name: &ModelName,
        description: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let sql = "insert into registered_models (name, description, created_at, updated_at) values ($1, $2, $3, $3) on conflict do nothing";
        let changed = self
            .0
            .execute(sql, &values![name.as_str(), description, now.as_millis()])?;
        if changed == 0 {
            return Err(Error::AlreadyExists {
                what: "registered model",
                name: name.to_string(),
            });
        }
        Ok(())
    }

    /// Makes a model unless it exists.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn ensure(&self, name: &ModelName, now: Timestamp) -> Result<(), Error> {
        match self.create(name, "", &BTreeMap::new(), now) {
            Ok(()) | Err(Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The model of a name, if there is one.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn find(&self, name: &ModelName) -> Result<Option<RegisteredModel>, Error> {
        let found = self.select("where name = $1", &values![name.as_str()])?;
        Ok(found.into_iter().next())
    }

    /// The model of a name.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn get(&self, name: &ModelName) -> Result<RegisteredModel, Error> {
        self.find(name)?
            .ok_or_else(|| Error::not_found("registered model", &name))
    }

    /// All models by name.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn list(&self) -> Result<Vec<RegisteredModel>, Error> {
        self.select("order by name", &[])
    }

    /// The models after a name, by name.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn after(&self, name: &str, limit: usize) -> Result<Vec<RegisteredModel>, Error> {
        let condition = "where name > $1 order by name limit $2";
        self.select(condition, &values![name, limit])
    }

    /// A page of models, by name if no order says otherwise.
    ///
    /// # Errors
    ///
    /// Fails if the query asks for what models do not have.
    pub fn search(&self, query: &Query) -> Result<Vec<RegisteredModel>, Error> {
        let page = Statement::page(self.0.dialect(), &TABLES, "true", Vec::new(), query)?;
        self.models(&page.sql, &page.values)
    }

    fn select(&self, condition: &str, values: &[Value<'_>]) -> Result<Vec<RegisteredModel>, Error> {
        self.models(&format!("{} {condition}", TABLES.select), values)
    }

    fn models(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<RegisteredModel>, Error> {
        self.0.query(sql, values, |row| {
            let name: String = row.get(0)?;
            Ok(RegisteredModel {
                tags: self.tags(&name)?,
                name: parse(&name, "registered_models", "name", &name)?,
                description: row.get(1)?,
                created_at: moment(row.get(2)?),
                updated_at: moment(row.get(3)?),
            })
        })
    }

    fn tags(&self, name: &str) -> Result<BTreeMap<String, String>, Error> {
        let sql = "select key, value from registered_model_tags where model = $1";
        self.0.pairs(sql, &values![name])
    }

    /// Gives a model another name; versions, tags and aliases go with it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, [`Error::AlreadyExists`] if the name is taken.
    pub fn rename(&self, name: &ModelName, to: &ModelName, now: Timestamp) -> Result<(), Error> {
        self.get(name)?;
        if name != to && self.find(to)?.is_some() {
            return Err(Error::AlreadyExists {
                what: "registered model",
                name: to.to_string(),
            });
        }
        let sql = "update registered_models set name = $1, updated_at = $2 where name = $3";
        self.0
            .execute(sql, &values![to.as_str(), now.as_millis(), name.as_str()])?;
        Ok(())
    }

    /// Says what a model is for.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn describe(
        &self,
        name: &ModelName,
        description: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.get(name)?;
        let sql = "update registered_models set description = $1, updated_at = $2 where name = $3";
        self.0
            .execute(sql, &values![description, now.as_millis(), name.as_str()])?;
        Ok(())
    }

    /// Deletes a model with its versions, tags and aliases, for good.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn delete(&self, name: &ModelName) -> Result<(), Error> {
        let sql = "delete from registered_models where name = $1";
        match self.0.execute(sql, &values![name.as_str()])? {
            0 => Err(Error::not_found("registered model", name)),
            _ => Ok(()),
        }
    }

    /// Removes a tag; doing it twice changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such model.
    pub fn delete_tag(&self, name: &ModelName, key: &str, now: Timestamp) -> Result<(), Error> {
        self.get(name)?;
        let happening = Happening::ModelTagDeleted {
            model: name.clone(),
            key: key.to_owned(),
        };
        // Whether it is a prompt is a tag, too: it is told of what the model was.
        let sql = "select count(*) from registered_model_tags where model = $1 and key = $2";
        if self.0.value::<bool>(sql, &values![name.as_str(), key])? {
            tell(self.0, &happening, now)?;
        }
        self.0.execute(
            "delete from registered_model_tags where model = $1 and key = $2",
            &values![name.as_str(), key],
        )?;
        Ok(())
    }

    /// Sets a tag.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such model.
    pub fn set_tag(
        &self,
        name: &ModelName,
        key: &str,
        value: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.get(name)?;
        self.insert_tag(name, key, value)?;
        let happening = Happening::ModelTagSet {
            model: name.clone(),
            key: key.to_owned(),
            value: value.to_owned(),
        };
        tell(self.0, &happening, now)
    }

    /// Sets a tag without telling anybody.
    pub(crate) fn insert_tag(&self, name: &ModelName, key: &str, value: &str) -> Result<(), Error> {
        let sql = "insert into registered_model_tags (model, key, value) values ($1, $2, $3) \
             on conflict (model, key) do update set value = excluded.value";
        self.0.execute(sql, &values![name.as_str(), key, value])?;
        Ok(())
    }

    /// Points an alias at a version, away from wherever it pointed.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such version.
    pub fn set_alias(
        &self,
        name: &ModelName,
        alias: &str,
        version: VersionNumber,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.get_version(name, version)?;
        let sql = "insert into aliases (model, alias, version) values ($1, $2, $3) \
             on conflict (model, alias) do update set version = excluded.version";
        self.0
            .execute(sql, &values![name.as_str(), alias, version.0])?;
        self.touch(name, now)?;
        let happening = Happening::AliasSet {
            model: name.clone(),
            alias: alias.to_owned(),
            version,
        };
        tell(self.0, &happening, now)
    }

    /// Removes an alias; doing it twice changes nothing.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn delete_alias(&self, name: &ModelName, alias: &str, now: Timestamp) -> Result<(), Error> {
        let sql = "delete from aliases where model = $1 and alias = $2";
        if self.0.execute(sql, &values![name.as_str(), alias])? == 0 {
            return Ok(());
        }
        let happening = Happening::AliasDeleted {
            model: name.clone(),
            alias: alias.to_owned(),
        };
        tell(self.0, &happening, now)
    }

    /// The version that an alias points at, if it exists.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn find_by_alias(
        &self,
        name: &ModelName,
        alias: &str,
    ) -> Result<Option<ModelVersion>, Error> {
        let sql = "select version from aliases where model = $1 and alias = $2";
        let version: Option<u64> = self
            .0
            .find(sql, &values![name.as_str(), alias], |row| row.get(0))?;
        version
            .map(|version| self.get_version(name, VersionNumber(version)))
            .transpose()
    }

    /// The aliases of a model.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn aliases(&self, name: &ModelName) -> Result<BTreeMap<String, VersionNumber>, Error> {
        let sql = "select alias, version from aliases where model = $1";
        let aliases = self.0.query(sql, &values![name.as_str()], |row| {
            Ok((row.get(0)?, VersionNumber(row.get(1)?)))
        })?;
        Ok(aliases.into_iter().collect())
    }

    pub(crate) fn touch(&self, name: &ModelName, now: Timestamp) -> Result<(), Error> {
        let sql = "update registered_models set updated_at = $1 where name = $2";
        self.0
            .execute(sql, &values![now.as_millis(), name.as_str()])?;
        Ok(())
    }
}
