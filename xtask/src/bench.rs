//! `cargo xtask bench NAME`: measurements that a person reads; tests never assert on time.

mod daily;
mod growth;
mod load;
mod measure;
mod rows;
mod server;
mod tracking;
mod train;
mod tuning;
mod versions;

use anyhow::{Result, bail};

/// Runs a benchmark by name. Only `train` and `versions` have options.
pub(crate) fn run(name: &str, options: &[&str]) -> Result<()> {
    if !options.is_empty() && !["train", "versions"].contains(&name) {
        bail!("the benchmark `{name}` has no options");
    }
    match name {
        "loop" => daily::run(),
        "tracking" => tracking::run(),
        "growth" => growth::run(),
        "rows" => rows::run(),
        "train" => train::run(options),
        "tuning" => tuning::run(),
        "measure" => measure::run(),
        "versions" => versions::run(options),
        _ => bail!(
            "there is no benchmark `{name}`: choose `loop`, `tracking`, `growth`, `rows`, `measure`, `train`, `tuning` or `versions`"
        ),
    }
}
