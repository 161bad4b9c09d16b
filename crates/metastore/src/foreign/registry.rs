//! Registered models and their versions in MLflow's database.

use std::collections::BTreeMap;

use everloop_domain::VersionNumber;

use super::{MlflowDatabase, named};
use crate::imports::WholeModel;
use crate::session::{Row, values};
use crate::values::{moment, parse};
use crate::{Error, ModelVersion, RegisteredModel};

/// A version with its number; nothing in place of one that was deleted.
pub type FoundVersion = (VersionNumber, Option<ModelVersion>);

impl MlflowDatabase {
    /// All registered models with their aliases; an error in place of one that makes no sense.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub fn models(&self) -> Result<Vec<Result<WholeModel, Error>>, Error> {
        let session = self.connection.session();
        let sql = "select name, coalesce(description, ''), coalesce(creation_time, 0), coalesce(last_updated_time, 0) \
             from registered_models order by name";
        let tags = "select key, coalesce(value, '') from registered_model_tags where name = $1";
        let aliases = "select alias, version from registered_model_aliases where name = $1";
        let rows = session.query(sql, &[], |row| {
            Ok(named("registered_models", &MODEL, row, registered_model))
        })?;
        let complete = |model: RegisteredModel| {
            let name = model.name.as_str().to_owned();
            let aliases = session.query(aliases, &values![name], |row| {
                Ok((row.get(0)?, VersionNumber(row.get(1)?)))
            })?;
            Ok(WholeModel {
                aliases: aliases.into_iter().collect(),
                model: RegisteredModel {
                    tags: session.pairs(tags, &values![name])?,
                    ..model
                },
            })
        };
        Ok(rows
            .into_iter()
            .map(|model| model.and_then(complete))
            .collect())
    }

    /// The versions of a registered model, with an error in place of one that makes no sense.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub fn versions(
        &self,
        model: &RegisteredModel,
    ) -> Result<Vec<Result<FoundVersion, Error>>, Error> {
        let session = self.connection.session();
        let name = model.name.as_str();
        let sql = "select version, coalesce(source, ''), run_id, coalesce(description, ''), coalesce(current_stage, 'None'), \
             coalesce(creation_time, 0), coalesce(last_updated_time, 0) from model_versions where name = $1 order by version";
        let tags = "select key, coalesce(value, '') from model_version_tags where name = $1 and version = cast($2 as bigint)";
        let rows = session.query(sql, &values![name], |row| {
            let read = |row: &Row<'_>| version(row, model);
            Ok(named("model_versions", &VERSION, row, read))
        })?;
        let with_tags = |version: ModelVersion| {
            let number = version.version;
            if version.stage == "Deleted_Internal" {
                return Ok((number, None));
            }
            let tags = session.pairs(tags, &values![name, number.0])?;
            Ok((number, Some(ModelVersion { tags, ..version })))
        };
        Ok(rows
            .into_iter()
            .map(|version| version.and_then(with_tags))
            .collect())
    }
}

const MODEL: [&str; 4] = ["name", "description", "creation_time", "last_updated_time"];

fn registered_model(row: &Row<'_>) -> Result<RegisteredModel, Error> {
    let name: String = row.get(0)?;
    Ok(RegisteredModel {
        name: parse(&name, "registered_models", "name", &name)?,
        description: row.get(1)?,
        created_at: moment(row.get(2)?),
        updated_at: moment(row.get(3)?),
        tags: BTreeMap::new(),
    })
}

const VERSION: [&str; 7] = [
    "version",
    "source",
    "run_id",
    "description",
    "current_stage",
    "creation_time",
    "last_updated_time",
];

fn version(row: &Row<'_>, model: &RegisteredModel) -> Result<ModelVersion, Error> {
    let source: String = row.get(1)?;
    Ok(ModelVersion {
        name: model.name.clone(),
        version: VersionNumber(row.get(0)?),
        model_id: source.strip_prefix("models:/").map(ToOwned::to_owned),
        source,
        run_id: row.get::<Option<String>>(2)?.filter(|id| !id.is_empty()),
        description: row.get(3)?,
        stage: row.get(4)?,
        created_at: moment(row.get(5)?),
        updated_at: moment(row.get(6)?),
        tags: BTreeMap::new(),
    })
}
