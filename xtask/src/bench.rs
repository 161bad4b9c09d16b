//! `cargo xtask bench NAME`: measurements that a person reads; tests never assert on time.

mod daily;
mod growth;
mod load;
mod measure;
mod rows;
mod server;
mod tracking;
mod versions;

use anyhow::{Result, bail};

/// Runs a benchmark by name. Only `versions` has options.
pub(crate) fn run(name: &str, options: &[&str]) -> Result<()> {
    if !options.is_empty() && name != "versions" {
        bail!("the benchmark `{name}` has no options");
    }
    match name {
        "loop" => daily::run(),
        "tracking" => tracking::run(),
        "growth" => growth::run(),
        "rows" => rows::run(),
        "measure" => measure::run(),
        "versions" => versions::run(options),
        _ => bail!(
            "there is no benchmark `{name}`: choose `loop`, `tracking`, `growth`, `rows`, `measure` or `versions`"
        ),
    }
}
