//! Registered models and their versions, as MLflow's API answers them.

use std::collections::BTreeMap;

use everloop_domain::{Timestamp, VersionNumber};
use everloop_metastore::{ModelVersion, RegisteredModel, WholeModel};
use serde::Deserialize;

use super::{Pair, nonsense, number, pairs, said};
use crate::Error;

#[derive(Debug, Deserialize)]
pub(in crate::server) struct Model {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default, deserialize_with = "number")]
    creation_timestamp: i64,
    #[serde(default, deserialize_with = "number")]
    last_updated_timestamp: i64,
    #[serde(default)]
    tags: Vec<Pair>,
    #[serde(default)]
    aliases: Vec<Alias>,
}

#[derive(Debug, Deserialize)]
struct Alias {
    alias: String,
    #[serde(deserialize_with = "number")]
    version: i64,
}

impl Model {
    pub(in crate::server) fn into_plain(self) -> Result<WholeModel, Error> {
        let name = self.name.parse();
        let aliases = self.aliases.into_iter();
        let aliases: BTreeMap<String, VersionNumber> = aliases
            .map(|alias| (alias.alias, VersionNumber(alias.version as u64)))
            .collect();
        Ok(WholeModel {
            aliases,
            model: RegisteredModel {
                name: name
                    .map_err(|problem: String| nonsense("registered model", &self.name, problem))?,
                description: self.description,
                created_at: Timestamp::from_millis(self.creation_timestamp),
                updated_at: Timestamp::from_millis(self.last_updated_timestamp),
                tags: pairs(self.tags),
            },
        })
    }
}

#[derive(Debug, Deserialize)]
pub(in crate::server) struct Version {
    #[serde(rename = "version")]
    number: String,
    #[serde(default)]
    source: String,
    run_id: Option<String>,
    model_id: Option<String>,
    #[serde(default)]
    description: String,
    current_stage: Option<String>,
    #[serde(default, deserialize_with = "number")]
    creation_timestamp: i64,
    #[serde(default, deserialize_with = "number")]
    last_updated_timestamp: i64,
    #[serde(default)]
    tags: Vec<Pair>,
}

impl Version {
    pub(in crate::server) fn into_plain(
        self,
        model: &RegisteredModel,
    ) -> Result<ModelVersion, Error> {
        let of_source = self.source.strip_prefix("models:/");
        let number = self.number.parse();
        Ok(ModelVersion {
            name: model.name.clone(),
            version: number.map_err(|problem: String| {
                nonsense("version of registered model", model.name.as_str(), problem)
            })?,
            run_id: said(self.run_id),
            model_id: said(self.model_id).or_else(|| of_source.map(ToOwned::to_owned)),
            description: self.description,
            stage: said(self.current_stage).unwrap_or_else(|| "None".to_owned()),
            created_at: Timestamp::from_millis(self.creation_timestamp),
            updated_at: Timestamp::from_millis(self.last_updated_timestamp),
            tags: pairs(self.tags),
            source: self.source,
        })
    }
}
