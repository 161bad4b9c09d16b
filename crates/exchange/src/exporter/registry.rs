//! Registered models of a file store, and their versions.

use std::collections::BTreeMap;

use everloop_domain::VersionNumber;
use everloop_metastore::{ModelVersion, RegisteredModel, WholeModel};

use super::Export;
use super::yaml::Meta;
use crate::Error;

/// What is kept of a model, with the number that its next version gets.
struct Kept {
    whole: WholeModel,
    versions: Vec<ModelVersion>,
    next: VersionNumber,
}

impl Export<'_> {
    pub(super) async fn registry(&mut self) -> Result<(), Error> {
        self.target.make_dir("models")?;
        self.target.make_dir(".trash")?;
        let models = self.metastore().read(|tx| tx.models().list()).await?;
        for model in models {
            let kept = self.metastore().read(move |tx| {
                Ok(Kept {
                    versions: tx.models().list_versions(&model.name)?,
                    next: tx.exports().next_version(&model.name)?,
                    whole: WholeModel {
                        aliases: tx.models().aliases(&model.name)?,
                        model,
                    },
                })
            });
            self.model(kept.await?)?;
        }
        Ok(())
    }

    fn model(&mut self, kept: Kept) -> Result<(), Error> {
        let Kept {
            whole: WholeModel { model, aliases },
            mut versions,
            next,
        } = kept;
        let name = model.name.as_str();
        let what = format!("registered model `{name}`");
        if name.contains('%') {
            self.report
                .problem(what, "names in a file store have no `%`");
            return Ok(());
        }
        let dir = format!("models/{name}");
        self.target
            .write(&format!("{dir}/meta.yaml"), &model_meta(&model))?;
        self.texts(&what, "tag", &format!("{dir}/tags"), &model.tags)?;
        let aliases: BTreeMap<String, String> = aliases
            .into_iter()
            .map(|(alias, number)| (alias, number.to_string()))
            .collect();
        self.texts(&what, "alias", &format!("{dir}/aliases"), &aliases)?;
        versions.reverse();
        for version in &versions {
            self.version(&dir, version)?;
        }
        let last_given = next.0.saturating_sub(1);
        if versions
            .iter()
            .all(|version| version.version.0 < last_given)
        {
            // The next version gets a number after the greatest that is there, deleted or not.
            let gone = deleted(&model, VersionNumber(last_given));
            self.write_version(&dir, &gone, "")?;
        }
        self.report.models.add(true);
        Ok(())
    }

    fn version(&mut self, dir: &str, version: &ModelVersion) -> Result<(), Error> {
        let now_at = self.now_at(&version.source);
        let is_by_id = ["models:/", "runs:/"]
            .iter()
            .any(|scheme| version.source.starts_with(scheme));
        let mut moved = version.clone();
        if let Some(now_at) = now_at.clone().filter(|_| !is_by_id) {
            moved.source = now_at;
        }
        let what = format!("version {} of `{}`", version.version, version.name);
        if now_at.is_none()
            && !is_by_id
            && self.exporter.places.is_some()
            && !version.source.is_empty()
        {
            let why = format!("its files stay at {}", version.source);
            self.report.remark(&what, why);
        }
        let place = now_at.unwrap_or_else(|| version.source.clone());
        self.write_version(dir, &moved, &place)?;
        let dir = format!("{dir}/version-{}/tags", version.version);
        self.texts(&what, "tag", &dir, &version.tags)?;
        self.report.versions.add(true);
        Ok(())
    }

    fn write_version(&self, dir: &str, version: &ModelVersion, place: &str) -> Result<(), Error> {
        let meta = Meta::default()
            .number("creation_timestamp", version.created_at.as_millis())
            .text("current_stage", &version.stage)
            .maybe_text("description", said(&version.description))
            .number("last_updated_timestamp", version.updated_at.as_millis())
            .maybe_text("model_id", version.model_id.as_deref())
            .text("name", version.name.as_str())
            .maybe_text("run_id", version.run_id.as_deref())
            .maybe_text("run_link", None)
            .text("source", &version.source)
            .text("status", "READY")
            .maybe_text("status_message", None)
            .maybe_text("storage_location", said(place))
            .maybe_text("user_id", None)
            .number("version", version.version.0 as i64);
        let path = format!("{dir}/version-{}/meta.yaml", version.version);
        self.target.write(&path, &meta.finish())
    }
}

fn model_meta(model: &RegisteredModel) -> String {
    let meta = Meta::default()
        .number("creation_timestamp", model.created_at.as_millis())
        .maybe_text("description", said(&model.description))
        .number("last_updated_timestamp", model.updated_at.as_millis())
        .text("name", model.name.as_str());
    meta.finish()
}

/// What a file store has in place of a deleted version.
fn deleted(model: &RegisteredModel, number: VersionNumber) -> ModelVersion {
    ModelVersion {
        name: model.name.clone(),
        version: number,
        source: String::new(),
        run_id: None,
        model_id: None,
        description: String::new(),
        stage: "Deleted_Internal".to_owned(),
        created_at: model.created_at,
        updated_at: model.updated_at,
        tags: BTreeMap::new(),
    }
}

fn said(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
