//! Registered models with their versions and aliases.

use everloop_artifacts::local_path;
use everloop_domain::{ModelName, RunId, VersionNumber};
use everloop_metastore::{Came, FoundVersion, ModelVersion, WholeModel};

use super::Import;
use crate::Error;

impl Import<'_> {
    pub(super) async fn registry(&mut self) -> Result<(), Error> {
        let models = match self.source.models().await {
            Ok(models) => models,
            Err(error) => return self.report.spoilt("registered models", error),
        };
        for model in models {
            match model {
                Ok(model) => self.model(model).await?,
                Err(error) => self.report.spoilt("registered model", error)?,
            }
        }
        Ok(())
    }

    async fn model(&mut self, found: WholeModel) -> Result<(), Error> {
        let name = found.model.name.clone();
        let what = format!("registered model `{name}`");
        let versions = match self.source.versions(&found.model).await {
            Ok(versions) => versions,
            Err(error) => return self.report.spoilt(what, error),
        };
        let model = found.model;
        let written = self.metastore().write(move |tx| tx.imports().model(&model));
        let came = written.await?;
        self.report.models.came(came);
        if came == Came::Clashed {
            let why = "another one of that name is here; versions whose numbers are free there are added to it";
            self.report.remark(what, why);
        }
        for version in versions {
            match version {
                Ok(version) => self.version(&name, version).await?,
                Err(error) => self
                    .report
                    .spoilt(format!("a version of `{name}`"), error)?,
            }
        }
        for (alias, number) in found.aliases {
            self.alias(&name, alias, number).await?;
        }
        Ok(())
    }

    async fn version(&mut self, name: &ModelName, found: FoundVersion) -> Result<(), Error> {
        let (number, version) = found;
        let Some(mut version) = version else {
            let name = name.clone();
            let reserved = self
                .metastore()
                .write(move |tx| tx.imports().reserve(&name, number));
            return Ok(reserved.await?);
        };
        self.point_at_copy(&mut version).await?;
        let written = self
            .metastore()
            .write(move |tx| tx.imports().version(&version));
        match written.await? {
            Came::Clashed => {
                let why =
                    "another one of that number is here, made at another time or by another run";
                self.report
                    .problem(format!("version {number} of `{name}`"), why);
            }
            came => self.report.versions.came(came),
        }
        Ok(())
    }

    async fn alias(
        &mut self,
        name: &ModelName,
        alias: String,
        number: VersionNumber,
    ) -> Result<(), Error> {
        let what = format!("alias `{alias}` of `{name}`");
        let name = name.clone();
        let written = self
            .metastore()
            .write(move |tx| tx.imports().alias(&name, &alias, number));
        match written.await {
            Ok(here) if here != number => {
                let why = format!(
                    "it points at version {here} here and stays so; there it points at {number}"
                );
                self.report.remark(what, why);
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) => self.report.spoilt(what, error.into()),
        }
    }

    /// Lets a version that names a directory of its run point at the copy.
    async fn point_at_copy(&self, version: &mut ModelVersion) -> Result<(), Error> {
        let Some(id) = &version.run_id else {
            return Ok(());
        };
        let (Some(old), Ok(run)) = (self.origins.get(id), id.parse::<RunId>()) else {
            return Ok(());
        };
        if let Some(below) = below(old, &version.source) {
            let info = self
                .metastore()
                .read(move |tx| tx.runs().find(&run))
                .await?;
            if let Some(info) = info {
                let whole = format!("{}/{below}", info.artifact_uri);
                whole.trim_end_matches('/').clone_into(&mut version.source);
            }
        }
        Ok(())
    }
}

/// The path of a location below another, however each of them is written; nothing if it is elsewhere.
fn below(root: &str, location: &str) -> Option<String> {
    if let (Some(root), Some(location)) = (local_path(root), local_path(location)) {
        return Some(location.strip_prefix(&root).ok()?.to_str()?.to_owned());
    }
    let (root, location) = (root.trim_end_matches('/'), location.trim_end_matches('/'));
    let rest = location.strip_prefix(root)?;
    let is_below = rest.is_empty() || rest.starts_with('/');
    (is_below && !root.is_empty()).then(|| rest.trim_start_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(root: &str, location: &str, expected: Option<&str>) {
        assert_eq!(below(root, location).as_deref(), expected, "{location}");
    }

    #[test]
    fn locations_below_a_run_are_found_however_they_are_written() {
        check("file:///a/b", "/a/b/c/d", Some("c/d"));
        check("/a/b", "file:///a/./b/c", Some("c"));
        check("/a/b", "/a/bc", None);
        check("/a/b", "/a/b/", Some(""));
        check(
            "mlflow-artifacts:/1/r/artifacts",
            "mlflow-artifacts:/1/r/artifacts/m",
            Some("m"),
        );
        check("s3://x/r", "s3://x/rr/m", None);
        check("", "/a", None);
    }
}
