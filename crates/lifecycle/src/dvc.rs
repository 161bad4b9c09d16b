//! DVC's pipelines: `dvc.yaml` to stages, their order, `dvc.lock`, and what must run again.
//!
//! [`parse()`] reads `dvc.yaml` (the files that it refers to come from a function of the caller) and
//! fills in its templates; [`Graph`] puts the stages of all files in the order in which DVC runs
//! them; [`Lock`] reads and writes `dvc.lock` byte for byte as DVC does; [`changes()`] says why a
//! stage must run. All of it agrees with DVC 3.67: `tests/golden/gen/pipelines.py` asks DVC itself.
//!
//! Nothing here opens a file or hashes one.

mod changes;
mod context;
mod declared;
mod decode;
mod differences;
mod emit;
mod expand;
mod graph;
mod json;
mod lock;
mod new_stage;
mod params;
mod parse;
mod path;
mod pipeline;
mod plots;
mod python;
mod run_cache;
mod scalar;
mod shape;
mod targets;
mod template;
mod value;
mod vars;

pub use changes::{Change, Current, Reason, Verdict, changes};
pub use declared::{declared_metrics, declared_params};
pub use differences::{Difference, differences, flatten, metrics, params};
pub use graph::{Fault, Graph, Member, Selection};
pub use lock::{Command, Lock, OtherValue, Recorded, StageLock};
pub use new_stage::{NewOut, NewStage};
pub use params::read_params;
pub use parse::{Parsed, Surroundings, parse};
pub use pipeline::{Out, OutKind, ParamsFile, Pipeline, Stage};
pub use plots::{Axis, Plot, PlotProperties, Point, Series, declared_plots, read_points};
pub use targets::Target;
pub use value::Value;

/// The file of parameters that is meant where none is named.
pub(crate) const DEFAULT_PARAMS: &str = "params.yaml";

/// How maps in commands become flags: DVC's settings `parsing.bool` and `parsing.list`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Whether a false value becomes `--no-key` rather than nothing.
    pub is_negated: bool,
    /// How lists are written.
    pub lists: ListFlags,
}

/// How a list becomes flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListFlags {
    /// `--key a b`.
    #[default]
    Once,
    /// `--key a --key b`.
    Repeated,
}
