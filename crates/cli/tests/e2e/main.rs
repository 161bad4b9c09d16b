//! The binary as people use it: real files, real servers, real clients.
//!
//! Tests on the data sets of `shared/data` say "skipped" where the checkout has none beside it; tests with Python
//! clients where `cargo xtask setup` has not run.

#[cfg(test)]
mod adult;
#[cfg(test)]
mod api;
#[cfg(test)]
mod bike;
#[cfg(test)]
mod check;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod cycles;
#[cfg(test)]
mod dates;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod diffs;
#[cfg(test)]
mod evaluate;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod gc;
#[cfg(test)]
mod history;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod lineage;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod model_export;
#[cfg(test)]
mod nyc;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod page;
#[cfg(test)]
mod progress;
#[cfg(test)]
mod projects;
#[cfg(test)]
mod quantize;
#[cfg(test)]
mod remotes;
#[cfg(test)]
mod repro;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod sets;
#[cfg(test)]
mod titanic;
#[cfg(test)]
mod tools;
#[cfg(test)]
mod tracked;
#[cfg(test)]
mod tracking;
#[cfg(test)]
mod tuning;
#[cfg(test)]
mod unsupervised;
#[cfg(test)]
mod versions;
#[cfg(test)]
mod webhooks;
