//! What is measured.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// How the benchmark is called.
const USAGE: &str = "\
cargo xtask bench train [--only CASE,..] [--rows N] [--threads N] [--times N] [--alone] [--format text|json]
    [--binary PATH] [--dir DIR]";

/// What is measured, and with what.
pub(super) struct Options {
    /// Parts of names of cases; all if there are none.
    only: Vec<String>,
    /// Train rows of the generated tables.
    pub(super) n_rows: usize,
    pub(super) n_threads: usize,
    /// How often a fit is repeated; the best counts.
    pub(super) n_times: usize,
    /// Without peers.
    pub(super) is_alone: bool,
    /// Whether JSON is printed instead of a table.
    pub(super) is_json: bool,
    /// The example `fit` of the crate `everloop-train`, built before.
    pub(super) binary: Option<PathBuf>,
    /// Where the tables are written; the system's temporary directory by default.
    pub(super) dir: PathBuf,
}

impl Options {
    pub(super) fn parse(words: &[&str]) -> Result<Self> {
        let mut options = Self {
            only: Vec::new(),
            n_rows: 500_000,
            n_threads: 2,
            n_times: 1,
            is_alone: false,
            is_json: false,
            binary: None,
            dir: std::env::temp_dir().join("everloop-bench-train"),
        };
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || {
                let value = words.next();
                value.with_context(|| format!("`{word}` needs a value\nusage: {USAGE}"))
            };
            match word {
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                "--rows" => options.n_rows = value()?.parse()?,
                "--threads" => options.n_threads = value()?.parse::<usize>()?.max(1),
                "--times" => options.n_times = value()?.parse::<usize>()?.max(1),
                "--alone" => options.is_alone = true,
                "--format" => {
                    options.is_json = match value()? {
                        "json" => true,
                        "text" => false,
                        other => bail!("`{other}` is no format: choose `text` or `json`"),
                    }
                }
                "--binary" => options.binary = Some(std::path::absolute(value()?)?),
                "--dir" => options.dir = std::path::absolute(value()?)?,
                _ => bail!("`{word}` is no option\nusage: {USAGE}"),
            }
        }
        Ok(options)
    }

    /// Whether a case is to be measured: `boosting` is all of that name, `boosting-binary` one.
    pub(super) fn has(&self, case: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| case.starts_with(only.as_str()))
    }
}
