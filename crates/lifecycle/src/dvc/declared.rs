//! Which files of metrics and parameters a project has.

use super::pipeline::{OutKind, ParamsFile, Pipeline};
use super::{DEFAULT_PARAMS, path};

/// The files of metrics, by their paths in the repository: those of stages come first.
#[must_use]
pub fn declared_metrics(pipelines: &[Pipeline]) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    for stage in pipelines.iter().flat_map(|pipeline| &pipeline.stages) {
        let metrics = stage.outs.iter();
        let metrics = metrics.filter(|out| out.kind == OutKind::Metrics);
        files.extend(metrics.map(|out| stage.place(&out.path)));
    }
    for pipeline in pipelines {
        let tops = pipeline.metrics.iter();
        files.extend(tops.map(|file| path::join(pipeline.directory(), file)));
    }
    distinct(files)
}

/// The files of parameters, by their paths in the repository: those of stages, and unless only what
/// stages depend on is asked for, those of the project and `params.yaml` (which need not exist).
#[must_use]
pub fn declared_params(pipelines: &[Pipeline], is_deps_only: bool) -> Vec<ParamsFile> {
    let mut files: Vec<ParamsFile> = Vec::new();
    for stage in pipelines.iter().flat_map(|pipeline| &pipeline.stages) {
        for file in &stage.params {
            add(&mut files, stage.place(&file.path), &file.keys);
        }
    }
    if !is_deps_only {
        for pipeline in pipelines {
            for file in &pipeline.params {
                add(&mut files, path::join(pipeline.directory(), file), &[]);
            }
        }
        add(&mut files, DEFAULT_PARAMS.to_owned(), &[]);
    }
    files
}

/// Adds parameters of a file; a file that is meant as a whole stays so.
fn add(files: &mut Vec<ParamsFile>, path: String, keys: &[String]) {
    let Some(file) = files.iter_mut().find(|file| file.path == path) else {
        let keys = keys.to_vec();
        return files.push(ParamsFile { path, keys });
    };
    if keys.is_empty() {
        file.keys.clear();
    } else if !file.keys.is_empty() {
        let keys = keys.iter().filter(|key| !file.keys.contains(key));
        let keys: Vec<String> = keys.cloned().collect();
        file.keys.extend(keys);
    }
}

fn distinct(files: Vec<String>) -> Vec<String> {
    let mut known = std::collections::HashSet::new();
    let files = files.into_iter();
    files.filter(|file| known.insert(file.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dvc::{Flags, Surroundings, parse};

    const TEXT: &str = "\
metrics: [top.json, m.json]
params: [more.yaml, p.toml]
stages:
  a: {cmd: x, wdir: w, params: [lr, {p.toml: [k]}], metrics: [m.json: {cache: false}]}
  b: {cmd: x, params: [lr, n, {p.toml: [k, l]}], metrics: [m.json], plots: [p.csv]}
";

    fn pipeline() -> Pipeline {
        let surroundings = Surroundings {
            file: "sub/dvc.yaml",
            flags: Flags::default(),
            read: &|_| Ok(None),
        };
        parse(TEXT, surroundings).pipeline.unwrap()
    }

    #[test]
    fn metrics_are_those_of_stages_and_of_the_project() {
        let expected = ["sub/w/m.json", "sub/m.json", "sub/top.json"];
        assert_eq!(declared_metrics(&[pipeline()]), expected);
    }

    #[test]
    fn parameters_of_a_file_come_together() {
        let shown = |is_deps_only| -> Vec<String> {
            let files = declared_params(&[pipeline()], is_deps_only);
            let files = files.iter();
            files
                .map(|file| format!("{} {}", file.path, file.keys.join(",")))
                .collect()
        };
        let mut expected = vec![
            "sub/w/params.yaml lr",
            "sub/w/p.toml k",
            "sub/params.yaml lr,n",
            "sub/p.toml k,l",
        ];
        assert_eq!(shown(true), expected);
        expected[3] = "sub/p.toml ";
        expected.extend(["sub/more.yaml ", "params.yaml "]);
        assert_eq!(shown(false), expected);
    }
}
