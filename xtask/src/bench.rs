//! `cargo xtask bench NAME`: measurements that a person reads; tests never assert on time.

mod daily;
mod growth;
mod load;
mod rows;
mod server;
mod tracking;

use anyhow::{Result, bail};

/// Runs a benchmark by name.
pub(crate) fn run(name: &str) -> Result<()> {
    match name {
        "loop" => daily::run(),
        "tracking" => tracking::run(),
        "growth" => growth::run(),
        "rows" => rows::run(),
        _ => bail!("there is no benchmark `{name}`: choose `loop`, `tracking`, `growth` or `rows`"),
    }
}
