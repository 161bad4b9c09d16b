//! What a command costs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

const MEASURE: &str = include_str!("measure.py");

/// Wall time and CPU time in seconds, peak memory in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) wall: f64,
    pub(super) cpu: f64,
    pub(super) memory: f64,
}

impl Cost {
    /// The least of each: what others on the machine add is no cost of the command. Memory is the most.
    pub(super) fn best(self, other: Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
            memory: self.memory.max(other.memory),
        }
    }
}

/// `away FILE..` takes files out of the way and keeps them until all is measured. Some file systems (ext4 without a journal) do
/// not use inodes again for a minute, and step over each of them for every file that is made meanwhile: whoever came after
/// `rm -rf` of many files would pay for it.
const AWAY: &str = r#"away() {
    mkdir -p "$HOME/away"
    for it; do if [ -e "$it" ]; then mv "$it" "$(mktemp -d "$HOME/away/XXXXXX")"; fi; done
}"#;

/// Runs commands in an environment of their own, and measures them.
pub(super) struct Meter {
    pub(super) python: PathBuf,
    /// A directory for what programs keep outside of repositories.
    pub(super) home: PathBuf,
}

impl Meter {
    /// Runs a command in a directory; it must succeed.
    pub(super) fn run(&self, words: &[&str], dir: &Path) -> Result<Cost> {
        let said = self.home.join("said");
        let mut command = Command::new(&self.python);
        command.args(["-c", MEASURE]).arg(&said).args(words);
        let output = self.within(&mut command).current_dir(dir).output()?;
        let told: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{words:?} was not measured: {output:?}"))?;
        if told["status"] != 0 {
            let said = std::fs::read(&said)?;
            bail!("{words:?} failed: {}", String::from_utf8_lossy(&said));
        }
        let number = |key: &str| told[key].as_f64().context("an odd measurement");
        Ok(Cost {
            wall: number("wall")?,
            cpu: number("cpu")?,
            memory: number("rss")?,
        })
    }

    /// Runs a line of the shell that is not measured, and in which [`AWAY`] is known.
    pub(super) fn shell(&self, line: &str, dir: &Path) -> Result<()> {
        let mut command = Command::new("sh");
        let script = format!("{AWAY}\n{line}");
        let output = self.within(command.args(["-ec", &script]));
        let output = output.current_dir(dir);
        let output = output.output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            bail!("`{line}` failed in `{}`: {said}", dir.display());
        }
        Ok(())
    }

    fn within<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("HOME", &self.home)
            .env("DVC_NO_ANALYTICS", "1")
            .env("DVC_SITE_CACHE_DIR", self.home.join("site"))
            .env("SHELL", "/bin/sh")
            .env("GIT_AUTHOR_NAME", "a")
            .env("GIT_AUTHOR_EMAIL", "a@example.org")
            .env("GIT_COMMITTER_NAME", "a")
            .env("GIT_COMMITTER_EMAIL", "a@example.org")
    }
}
