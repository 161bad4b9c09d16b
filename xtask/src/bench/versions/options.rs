//! What is measured.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// How the benchmark is called.
pub(super) const USAGE: &str = "\
cargo xtask bench versions [--only big,small,pipe] [--files N] [--big-mib N] [--stages N] [--times N]
    [--alone] [--binary PATH] [--dir DIR] [--table]";

/// What is measured, and with what.
pub(super) struct Options {
    pub(super) only: Vec<String>,
    /// By default 50,000; of the table the most, 1,000,000.
    pub(super) n_files: Option<usize>,
    pub(super) n_mib: usize,
    /// By default 200; of the table the most, 2,000.
    pub(super) n_stages: Option<usize>,
    /// How often a command is run, where it can be repeated; the best counts.
    pub(super) n_times: usize,
    /// Without DVC.
    pub(super) is_alone: bool,
    /// A binary that was built before.
    pub(super) binary: Option<PathBuf>,
    /// Where the work is done; the system's temporary directory by default.
    pub(super) dir: PathBuf,
    /// Whether `docs/versions-cost.md` is written instead.
    pub(super) makes_table: bool,
}

impl Options {
    pub(super) fn parse(words: &[&str]) -> Result<Self> {
        let mut options = Self {
            only: ["big", "small", "pipe"].map(str::to_owned).into(),
            n_files: None,
            n_mib: 1024,
            n_stages: None,
            n_times: 3,
            is_alone: false,
            binary: None,
            dir: std::env::temp_dir(),
            makes_table: false,
        };
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || {
                let value = words.next();
                value.with_context(|| format!("`{word}` needs a value\nusage: {USAGE}"))
            };
            match word {
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                "--files" => options.n_files = Some(value()?.parse()?),
                "--big-mib" => options.n_mib = value()?.parse()?,
                "--stages" => options.n_stages = Some(value()?.parse()?),
                "--times" => options.n_times = value()?.parse::<usize>()?.max(1),
                "--alone" => options.is_alone = true,
                "--binary" => options.binary = Some(std::path::absolute(value()?)?),
                "--dir" => options.dir = std::path::absolute(value()?)?,
                "--table" => options.makes_table = true,
                _ => bail!("`{word}` is no option\nusage: {USAGE}"),
            }
        }
        Ok(options)
    }

    /// Whether a part is to be measured.
    pub(super) fn has(&self, part: &str) -> bool {
        self.only.iter().any(|only| only == part)
    }
}
