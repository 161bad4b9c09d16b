//! Looking for better parameters: which to try next, which trials to end early, which were best, and what mattered.
//!
//! Nothing here trains: a [`Study`] is asked for parameters and told what came of them. It is deterministic: trial `n` is
//! chosen from the seed, from `n`, and from the trials up to `n - parallel`, whatever has ended meanwhile. So a search
//! that was killed goes on exactly as it would have, given the lines of the trials that had ended ([`Trial`] is one JSON
//! object).
//!
//! Start with `study.rs`, then one file a sampler (`grid`, `tpe`, `gp`) and `pruner`; `space` is what all of them search.

mod axis;
mod check;
mod folds;
mod gp;
mod grid;
mod importance;
mod normal;
mod pareto;
mod pruner;
mod report;
mod space;
mod study;
mod tpe;
mod trial;

pub use check::{SpaceProblem, check_search, parameters_of, typed};
pub use folds::{Fold, folds};
pub use importance::Importance;
pub use pruner::Judge;
pub use report::html;

pub use study::{Asked, Outcome, Study};
pub use trial::{Trial, TrialState};
