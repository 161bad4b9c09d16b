//! Servers under measurement; each is killed when it is dropped.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::command::run as run_command;

/// A running server.
pub(super) struct Server {
    child: Child,
    pub(super) address: String,
}

impl Server {
    /// Starts one that says its address on standard error.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let mut lines = BufReader::new(child.stderr.take().context("no standard error")?);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            if let Some((_, address)) = line.trim().split_once("http://") {
                let address = address.trim_end_matches('/').to_owned();
                // Keep reading, so that the process never blocks on a full pipe.
                std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
                return Ok(Self { child, address });
            }
            line.clear();
        }
        bail!("{command:?} did not say its address")
    }

    /// Starts one that was told its address.
    pub(super) fn start_at(command: &mut Command, address: String) -> Result<Self> {
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { child, address })
    }

    /// The memory of the process and of all below it.
    pub(super) fn memory_mb(&self) -> Result<f64> {
        let mut family = vec![self.child.id()];
        let mut kilobytes = 0.0;
        while let Some(process) = family.pop() {
            kilobytes += resident_kilobytes(process)?;
            let children = format!("/proc/{process}/task/{process}/children");
            let children = fs::read_to_string(children).unwrap_or_default();
            family.extend(
                children
                    .split_whitespace()
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
        }
        Ok(kilobytes / 1024.0)
    }

    pub(super) fn stop(&mut self) -> Result<()> {
        run_command(Command::new("kill").arg(self.child.id().to_string()))?;
        self.child.wait()?;
        Ok(())
    }
}

fn resident_kilobytes(process: u32) -> Result<f64> {
    // A process may end while its family is counted.
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.map_or(Ok(0.0), str::parse)?)
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already unless something failed.
        let _ = self.child.kill();
    }
}

/// The binary that was built beside this tool.
pub(super) fn binary() -> Result<PathBuf> {
    let tool = std::env::current_exe()?;
    let path = tool.parent().context("no directory")?.join("everloop");
    if !path.is_file() {
        bail!("`{}` is not there", path.display());
    }
    Ok(path)
}
