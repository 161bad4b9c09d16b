//! `everloop model`: the registry, and the batch form of serving.

mod export;
mod quantize;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use everloop_controller::promotion;
use everloop_data::{read_parquet, write_parquet};
use everloop_domain::{ModelName, VersionNumber};
use everloop_metastore::ModelVersion;
use everloop_package::Scorer as _;

use crate::exit::{Exit, Failure};
use crate::output::{self, Format};
use crate::workspace::{Workspace, engine_settings};

/// Who moves aliases from the command line.
const ACTOR: &str = "command line";

/// The commands about models.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the models and their versions.
    List {
        /// Text for people or JSON for programs.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Make a version the champion.
    #[command(allow_missing_positional = true)]
    Promote {
        /// The model; the project's own by default.
        model: Option<ModelName>,
        /// The version.
        version: VersionNumber,
    },
    /// Put the previous champion back.
    Rollback {
        /// The model; the project's own by default.
        model: Option<ModelName>,
        /// The version to go back to; the one before by default.
        #[arg(long)]
        to: Option<VersionNumber>,
    },
    /// Apply a model to a Parquet file: the batch form of serving, by the same graph.
    Predict {
        /// A package directory, or a model of the registry: `NAME`, `NAME/VERSION`, `NAME@ALIAS`.
        model: String,
        /// The rows.
        input: PathBuf,
        /// Where to write the rows with their predictions.
        output: PathBuf,
    },
    /// Write a model out, for use without Everloop or at the edge.
    Export(export::Export),
}

/// Runs a command about models.
pub(crate) async fn run(command: &Command, project: Option<&Path>) -> Result<Exit> {
    match command {
        Command::List { format } => list(&Workspace::open(project, &[])?, *format).await,
        Command::Promote { model, version } => {
            let workspace = Workspace::open(project, &[])?;
            let model = model
                .clone()
                .unwrap_or_else(|| workspace.lifecycle.deploy.model.clone());
            let now = workspace.clock.now();
            promotion::promote(&workspace.metastore, &model, *version, ACTOR, now).await?;
            eprintln!("version {version} is the champion of `{model}`");
            Ok(Exit::Ok)
        }
        Command::Rollback { model, to } => {
            let workspace = Workspace::open(project, &[])?;
            let model = model
                .clone()
                .unwrap_or_else(|| workspace.lifecycle.deploy.model.clone());
            let now = workspace.clock.now();
            let version =
                promotion::rollback(&workspace.metastore, &model, *to, ACTOR, now).await?;
            eprintln!("version {version} is the champion of `{model}` again");
            Ok(Exit::Ok)
        }
        Command::Predict {
            model,
            input,
            output,
        } => predict(model, input, output, project).await,
        Command::Export(asked) => {
            let found = find_package(&asked.model, project).await?;
            export::run(asked, &found, project).await
        }
    }
}

async fn list(workspace: &Workspace, format: Format) -> Result<Exit> {
    let versions = workspace
        .metastore
        .read(|tx| {
            let mut all = Vec::new();
            for model in tx.models().list()? {
                let aliases = tx.models().aliases(&model.name)?;
                for version in tx.models().list_versions(&model.name)? {
                    let names: Vec<String> = aliases
                        .iter()
                        .filter(|(_, number)| **number == version.version)
                        .map(|(alias, _)| alias.clone())
                        .collect();
                    all.push((version, names));
                }
            }
            Ok(all)
        })
        .await?;
    if format == Format::Json {
        let rows: Vec<serde_json::Value> = versions
            .iter()
            .map(|(version, aliases)| {
                serde_json::json!({
                    "model": version.name, "version": version.version, "aliases": aliases,
                    "source": version.source, "run_id": version.run_id, "tags": version.tags,
                    "created_at": version.created_at.to_string(),
                })
            })
            .collect();
        sayln!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = versions
        .iter()
        .map(|(version, aliases)| {
            vec![
                version.name.to_string(),
                version.version.to_string(),
                aliases.join(", "),
                version.created_at.to_string(),
                version.source.clone(),
            ]
        })
        .collect();
    say!(
        "{}",
        output::table(&["model", "version", "aliases", "created", "source"], &rows)
    );
    Ok(Exit::Ok)
}

async fn predict(model: &str, input: &Path, output: &Path, project: Option<&Path>) -> Result<Exit> {
    let found = find_package(model, project).await?;
    let engine = everloop_serve::load(&found.dir, &engine_settings())?;
    let rows = read_parquet(input)?;
    let inputs = engine.conform(&rows)?;
    let predictions = engine.score(&inputs)?;
    let mut columns: Vec<(String, arrow::array::ArrayRef)> = Vec::new();
    for batch in [&rows, &predictions] {
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            // A prediction replaces a column of the same name.
            columns.retain(|(name, _)| name != field.name());
            columns.push((field.name().clone(), column.clone()));
        }
    }
    let all = arrow::array::RecordBatch::try_from_iter(columns)
        .context("cannot join rows and predictions")?;
    write_parquet(output, &all)?;
    eprintln!("{} rows predicted: `{}`", all.num_rows(), output.display());
    Ok(Exit::Ok)
}

/// A package that was named, and the version that it is of a project's model.
struct Found {
    dir: PathBuf,
    version: Option<(Workspace, ModelVersion)>,
}

/// The package that is named by path, or by model and version or alias.
async fn find_package(model: &str, project: Option<&Path>) -> Result<Found> {
    let path = PathBuf::from(model);
    if path.join("MLmodel").is_file() {
        return Ok(Found {
            dir: path,
            version: None,
        });
    }
    let workspace = Workspace::open(project, &[]).with_context(|| {
        format!("`{model}` is no package directory (it holds no `MLmodel`), and there is no project whose model it could be")
    })?;
    let reference = ModelReference::parse(model)?;
    let version = workspace
        .metastore
        .read(move |tx| match &reference.version {
            Pick::Version(version) => tx.models().get_version(&reference.name, *version).map(Some),
            Pick::Alias(alias) => tx.models().find_by_alias(&reference.name, alias),
        })
        .await?;
    let Some(version) = version else {
        let problem = format!("model `{model}` has no such version or alias");
        return Err(Failure::new(Exit::NotFound, problem)
            .hint("`everloop model list` shows what there is")
            .into());
    };
    Ok(Found {
        dir: PathBuf::from(&version.source),
        version: Some((workspace, version)),
    })
}

struct ModelReference {
    name: ModelName,
    version: Pick,
}

enum Pick {
    Version(VersionNumber),
    Alias(String),
}

impl ModelReference {
    /// Reads `NAME`, `NAME/VERSION` or `NAME@ALIAS`.
    fn parse(text: &str) -> Result<Self> {
        let wrong = |problem: String| Failure::new(Exit::Usage, problem);
        let (name, version) = if let Some((name, alias)) = text.split_once('@') {
            (name, Pick::Alias(alias.to_owned()))
        } else if let Some((name, version)) = text.split_once('/') {
            (name, Pick::Version(version.parse().map_err(wrong)?))
        } else {
            (text, Pick::Alias("champion".to_owned()))
        };
        Ok(Self {
            name: name.parse().map_err(wrong)?,
            version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match ModelReference::parse(text) {
            Ok(ModelReference {
                name,
                version: Pick::Version(version),
            }) => format!("{name} version {version}"),
            Ok(ModelReference {
                name,
                version: Pick::Alias(alias),
            }) => format!("{name} alias {alias}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn models_are_named_by_version_or_alias() {
        check("fraud", "fraud alias champion");
        check("fraud@previous", "fraud alias previous");
        check("fraud/3", "fraud version 3");
        check(
            "fraud/x",
            "`x` is not a VersionNumber: expected a whole number",
        );
    }
    #[test]
    fn the_model_to_promote_is_the_projects_own_unless_named() {
        #[derive(Debug, clap::Parser)]
        struct Model {
            #[command(subcommand)]
            command: Command,
        }
        let promote = |words: &[&str]| {
            let words = ["model", "promote"].iter().chain(words);
            let parsed = <Model as clap::Parser>::try_parse_from(words).unwrap();
            match parsed.command {
                Command::Promote { model, version } => {
                    (model.map(|name| name.to_string()), version.0)
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(promote(&["2"]), (None, 2));
        assert_eq!(promote(&["bikes", "2"]), (Some("bikes".to_owned()), 2));
    }
}
