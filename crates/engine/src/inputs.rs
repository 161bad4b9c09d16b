//! Which versions of files the sources of a cycle were read from.
//!
//! A run names the Parquet snapshot of a source by its SHA-256; histories of data name files by the MD5 that DVC's format has
//! for them. So that either leads to the other, each file of a source in a repository with data versions is an input of the run:
//! the path from the top of the repository as its name, the MD5 as its digest, the source in a tag. Files that have not changed
//! since somebody read them are not read again.

use std::path::Path;

use everloop_metastore::{Dataset, DatasetInput};
use everloop_versions::{Machine, RepoPath, Repository};

use crate::Runner;

/// What the files of sources are to a run, as MLflow's tag `mlflow.data.context` says it.
const CONTEXT: &str = "source";
/// The tag of an input with the name of its source.
const SOURCE_TAG: &str = "everloop.source";

/// The files of all sources as inputs of a run; none outside of a repository with data versions. What cannot be looked at is
/// left out: a history with a gap stops no cycle.
pub(crate) fn of_sources(runner: &Runner) -> Vec<DatasetInput> {
    // Only files are looked at: how remotes are reached does not matter.
    let Ok(repository) = Repository::open(runner.project().dir(), &Machine::default()) else {
        return Vec::new();
    };
    let session = runner.session();
    let sources = runner.lifecycle().sources.iter();
    let mut files: Vec<(RepoPath, &str)> = sources
        .flat_map(|source| {
            let files = session.files(source).unwrap_or_default();
            let paths = files
                .into_iter()
                .filter_map(|file| path_of(&repository, &file));
            paths.map(|path| (path, source.name.as_str()))
        })
        .collect();
    // What is remembered of files is found fastest in the order of their paths.
    files.sort();
    let mut workspace = repository.workspace();
    let inputs = files.iter().filter_map(|(path, source)| {
        let recorded = workspace.look(path, false).ok().flatten()?;
        let dataset = Dataset {
            name: path.to_string(),
            digest: recorded.object.to_string(),
            source_type: "local".to_owned(),
            source: serde_json::json!({"uri": path.as_str()}).to_string(),
            schema: None,
            profile: Some(serde_json::json!({"num_bytes": recorded.size}).to_string()),
        };
        let mut input = DatasetInput::in_context(dataset, CONTEXT);
        input
            .tags
            .push((SOURCE_TAG.to_owned(), (*source).to_owned()));
        Some(input)
    });
    let inputs = inputs.collect();
    workspace.save();
    inputs
}

fn path_of(repository: &Repository, file: &Path) -> Option<RepoPath> {
    repository.path(file.parent()?, file).ok()
}
