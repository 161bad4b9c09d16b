//! The stages of a `dvc.yaml`, with everything put in.

use super::lock::Command;
use super::path::{join, parent};
use super::value::Value;

/// What a `dvc.yaml` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// The path of the file in the repository, for example `sub/dvc.yaml`.
    pub file: String,
    /// The stages in the order of the file; those of a group follow each other.
    pub stages: Vec<Stage>,
    /// Files of parameters that belong to the project as a whole.
    pub params: Vec<String>,
    /// Files of metrics that belong to the project as a whole.
    pub metrics: Vec<String>,
    /// Plots of the project as a whole: texts, or maps of a name to its properties.
    pub plots: Vec<Value>,
    /// Models and data sets with names.
    pub artifacts: Vec<(String, Value)>,
    /// Data sets, each a map.
    pub datasets: Vec<Value>,
    /// The variables that the stages take from files of the repository: file, path of keys, value.
    pub used: Vec<(String, String, Value)>,
}

/// A stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The name; that of a stage of a group is `group@key`.
    pub name: String,
    /// The group that the stage was made of, by `foreach` or `matrix`.
    pub group: Option<String>,
    /// What is run.
    pub cmd: Command,
    /// The directory that the stage runs in, in the repository; empty for its top.
    pub directory: String,
    /// What the stage reads, as written: relative to its directory.
    pub deps: Vec<String>,
    /// The parameters that the stage reads.
    pub params: Vec<ParamsFile>,
    /// What the stage makes.
    pub outs: Vec<Out>,
    /// Whether changes of what it reads do not matter.
    pub is_frozen: bool,
    /// Whether it runs every time.
    pub is_always_changed: bool,
    /// What it is for.
    pub desc: Option<String>,
    /// What its users note.
    pub meta: Option<Value>,
}

/// Parameters of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamsFile {
    /// The path, relative to the directory of the stage.
    pub path: String,
    /// The parameters; none stands for the whole file.
    pub keys: Vec<String>,
}

/// What a stage makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Out {
    /// The path as written: relative to the directory of the stage.
    pub path: String,
    /// What it is.
    pub kind: OutKind,
    /// Whether it is kept in the cache.
    pub is_cached: bool,
    /// Whether it stays in place when the stage runs.
    pub is_persistent: bool,
    /// Whether it is pushed.
    pub is_pushed: bool,
    /// The remote that it is pushed to, if not the usual one.
    pub remote: Option<String>,
    /// All other properties: of plots, descriptions, labels.
    pub properties: Vec<(String, Value)>,
}

/// What an output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutKind {
    /// Data or a model.
    Data,
    /// A file of metrics.
    Metrics,
    /// A file or directory of plots.
    Plots,
}

impl Stage {
    /// The place of a path of the stage in the repository.
    #[must_use]
    pub fn place(&self, path: &str) -> String {
        join(&self.directory, path)
    }

    /// Whether it has neither inputs nor outputs: such a stage runs every time.
    #[must_use]
    pub fn is_callback(&self) -> bool {
        self.deps.is_empty() && self.params.is_empty() && self.outs.is_empty()
    }
}

impl Pipeline {
    /// The directory of the file; empty for the top of the repository.
    #[must_use]
    pub fn directory(&self) -> &str {
        parent(&self.file)
    }

    /// The stage of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == name)
    }
}
