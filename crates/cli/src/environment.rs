//! What the process takes from its surroundings: time, threads, variables, the log.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use everloop_domain::{Clock, Timestamp};
use everloop_metastore::Metastore;
use everloop_versions::Machine;
use tracing_subscriber::EnvFilter;

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where the system's time is taken"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// How many threads the work may use.
pub(crate) fn n_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Memory that training may use where the machine does not say how much it has.
const USUAL_MEMORY: usize = 8 << 30;

/// Memory that training may use: three quarters of what the machine, or the container, has.
pub(crate) fn training_memory_bytes() -> usize {
    let machine = std::fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kibibytes: usize = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kibibytes << 10)
    });
    // `max` where there is no limit.
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let container = container.and_then(|text| text.trim().parse::<usize>().ok());
    let least = machine.into_iter().chain(container).min();
    least.unwrap_or(USUAL_MEMORY) / 4 * 3
}

/// How many files and connections the process wants to have open at once.
const N_FILES: u64 = 65_536;

/// Lifts the limit of open files, which is low by default for a server with many idle clients, as far as allowed.
pub(crate) fn lift_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(N_FILES) {
        tracing::debug!(error = %error, "the limit of open files stays");
    }
}

/// The value of a variable, if it is set and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The database that `EVERLOOP_METASTORE__URL` names, or else a file.
pub(crate) fn metastore(file: &Path) -> anyhow::Result<Metastore> {
    Ok(match variable("EVERLOOP_METASTORE__URL") {
        Some(uri) => Metastore::connect(&uri)?,
        None => Metastore::open(file)?,
    })
}

/// Whether there is a database to open: one that is named, or else the file.
pub(crate) fn has_metastore(file: &Path) -> bool {
    variable("EVERLOOP_METASTORE__URL").is_some() || file.is_file()
}

/// The variables that say how object stores are reached, under their own names.
pub(crate) fn object_store_settings() -> Vec<(String, String)> {
    let names = ["AWS_", "GOOGLE_", "AZURE_", "MLFLOW_S3_"];
    std::env::vars()
        .filter(|(name, _)| names.iter().any(|start| name.starts_with(start)))
        .collect()
}

/// What repositories with data versions take from the machine.
pub(crate) fn machine() -> Machine {
    Machine {
        config_files: dvc_config_files(),
        environment: remote_settings(),
    }
}

/// The variables that say how remotes of data are reached, under their own names.
fn remote_settings() -> Vec<(String, String)> {
    let names = ["AWS_", "GOOGLE_", "AZURE_"];
    std::env::vars_os()
        // Names and values that are no UTF-8 are none of theirs.
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name == "HOME" || names.iter().any(|start| name.starts_with(start)))
        .collect()
}

/// DVC's configuration files of the machine and of the user, the later before the earlier.
fn dvc_config_files() -> Vec<PathBuf> {
    let system = variable("DVC_SYSTEM_CONFIG_DIR").unwrap_or_else(|| "/etc/xdg/dvc".to_owned());
    let home = || variable("HOME").map(|home| format!("{home}/.config"));
    let global = variable("DVC_GLOBAL_CONFIG_DIR")
        .map(PathBuf::from)
        .or_else(|| {
            let dir = variable("XDG_CONFIG_HOME").or_else(home)?;
            Some(PathBuf::from(dir).join("dvc"))
        });
    let dirs = std::iter::once(PathBuf::from(system)).chain(global);
    dirs.map(|dir| dir.join("config")).collect()
}

/// The shell that runs the commands of stages.
pub(crate) fn shell() -> String {
    variable("SHELL").unwrap_or_else(|| "/bin/sh".to_owned())
}

/// The Python for packages made by others: `EVERLOOP_PYTHON`, the active environment, `python3`.
pub(crate) fn python() -> PathBuf {
    variable("EVERLOOP_PYTHON")
        .map(PathBuf::from)
        .or_else(|| variable("VIRTUAL_ENV").map(|dir| PathBuf::from(dir).join("bin/python")))
        .unwrap_or_else(|| PathBuf::from("python3"))
}

/// The directory of the `mlflow` that is installed in the active Python. It is found without running its code.
pub(crate) fn mlflow_dir() -> Option<PathBuf> {
    let script = "import importlib.util; print(importlib.util.find_spec('mlflow').submodule_search_locations[0])";
    let output = Command::new(python())
        .args(["-I", "-c", script])
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !path.trim().is_empty()).then(|| PathBuf::from(path.trim()))
}

/// Log lines go to standard error; `EVERLOOP_LOG` chooses which (default: warnings, `-v` more).
pub(crate) fn start_logging(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info,datafusion=warn",
        _ => "debug,datafusion=info,hyper=info",
    };
    let filter = variable("EVERLOOP_LOG")
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
