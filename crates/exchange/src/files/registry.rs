//! Registered models of a file store, and their versions.

use std::collections::BTreeMap;
use std::path::Path;

use everloop_domain::{ModelName, VersionNumber};
use everloop_metastore::{FoundVersion, ModelVersion, RegisteredModel, WholeModel};

use super::meta::{self, ModelMeta, VersionMeta};
use super::{FileStore, at, dirs, name_of, texts};
use crate::Error;

impl FileStore {
    pub(crate) fn models(&self) -> Result<Vec<Result<WholeModel, Error>>, Error> {
        let dirs = dirs(&self.root.join("models"))?;
        Ok(dirs.iter().map(|dir| model(dir)).collect())
    }

    pub(crate) fn versions(
        &self,
        model: &RegisteredModel,
    ) -> Result<Vec<Result<FoundVersion, Error>>, Error> {
        let dir = self.root.join("models").join(model.name.as_str());
        let mut numbered = Vec::new();
        for version_dir in dirs(&dir)? {
            let number = name_of(&version_dir).strip_prefix("version-");
            if let Some(number) = number.and_then(|number| number.parse().ok()) {
                numbered.push((VersionNumber(number), version_dir));
            }
        }
        numbered.sort();
        let versions = numbered.iter();
        Ok(versions
            .map(|(number, dir)| version(model, *number, dir))
            .collect())
    }
}

fn model(dir: &Path) -> Result<WholeModel, Error> {
    let path = dir.join("meta.yaml");
    let meta: ModelMeta = meta::read(&path)?;
    let name: Result<ModelName, _> = meta.name.parse();
    let mut aliases = BTreeMap::new();
    for (alias, number) in texts(&dir.join("aliases"))? {
        let number = number.trim().parse();
        let number =
            number.map_err(|_| Error::nonsense(&path, format!("alias `{alias}` is no number")))?;
        aliases.insert(alias, VersionNumber(number));
    }
    Ok(WholeModel {
        aliases,
        model: RegisteredModel {
            name: name.map_err(|problem| Error::nonsense(&path, problem))?,
            description: meta.description.unwrap_or_default(),
            created_at: at(meta.creation_timestamp),
            updated_at: at(meta.last_updated_timestamp),
            tags: texts(&dir.join("tags"))?,
        },
    })
}

/// A version; nothing if it is deleted.
fn version(
    model: &RegisteredModel,
    number: VersionNumber,
    dir: &Path,
) -> Result<FoundVersion, Error> {
    let meta: VersionMeta = meta::read(&dir.join("meta.yaml"))?;
    if meta.current_stage.as_deref() == Some("Deleted_Internal") {
        return Ok((number, None));
    }
    let version = ModelVersion {
        name: model.name.clone(),
        version: number,
        source: meta.source.unwrap_or_default(),
        run_id: meta.run_id.filter(|id| !id.is_empty()),
        model_id: meta.model_id,
        description: meta.description.unwrap_or_default(),
        stage: meta.current_stage.unwrap_or_else(|| "None".to_owned()),
        created_at: at(meta.creation_timestamp),
        updated_at: at(meta.last_updated_timestamp),
        tags: texts(&dir.join("tags"))?,
    };
    Ok((number, Some(version)))
}
