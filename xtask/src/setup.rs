//! `cargo xtask setup`: installs what the tests need, and nothing twice.
//!
//! The product needs none of this. The tests drive real clients: Python with `mlflow`,
//! `scikit-learn` and `onnxruntime`, at the versions pinned in `tests/requirements.txt`; and they start real servers of
//! their own: Postgres from Debian's package, Azurite from npm. MLflow's page is looked at in Debian's Chromium.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::{self, cache_dir, root, succeeds};

/// Programs the tests call, and the Debian package that brings each.
const PROGRAMS: &[(&str, &[&str], &str)] = &[
    ("git", &["--version"], "git"),
    ("cc", &["--version"], "gcc"),
    ("python3", &["--version"], "python3"),
    ("chromium", &["--version"], "chromium"),
    ("node", &["--version"], "nodejs"),
    ("npm", &["--version"], "npm"),
    ("/usr/sbin/sshd", &["-V"], "openssh-server"),
    (
        "sh",
        &["-c", "ls /usr/lib/postgresql/*/bin/postgres"],
        "postgresql",
    ),
];

/// What `setup` made ready.
pub(crate) struct Ready {
    /// The Python that has the packages of `tests/requirements.txt`.
    pub(crate) python: PathBuf,
    /// Where the packages of `tests/package.json` are.
    pub(crate) node_modules: PathBuf,
}

/// Installs what is missing and says where things are.
pub(crate) fn run() -> Result<Ready> {
    install_programs()?;
    let ready = Ready {
        python: python_environment()?,
        node_modules: node_modules()?,
    };
    println!(
        "tests use {} and {}",
        ready.python.display(),
        ready.node_modules.display()
    );
    Ok(ready)
}

fn install_programs() -> Result<()> {
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, arguments, _)| !succeeds(program, arguments))
        .map(|(_, _, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !succeeds("apt-get", &["--version"]) {
        bail!(
            "these programs are missing, and there is no apt-get to install them: {}",
            missing.join(", ")
        );
    }
    command::run(Command::new("apt-get").args(["update", "-q"]))?;
    command::run(
        Command::new("apt-get")
            .args(["install", "-y", "-q", "--no-install-recommends"])
            .args(missing),
    )
}

/// Makes the virtual environment, or finds the one made from the same requirements.
fn python_environment() -> Result<PathBuf> {
    let requirements = root().join("tests/requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let dir = cache_dir().join("venv");
    let stamp = dir.join("everloop-requirements.txt");
    let python = dir.join("bin/python");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) && python.exists() {
        return Ok(python);
    }
    fs::create_dir_all(cache_dir())?;
    if !succeeds("python3", &["-c", "import venv, ensurepip"]) {
        command::run(Command::new("apt-get").args(["install", "-y", "-q", "python3-venv"]))?;
    }
    command::run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&dir),
    )?;
    command::run(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
            ])
            .arg(&requirements),
    )?;
    fs::write(&stamp, wanted)?;
    Ok(python)
}

/// Installs the packages of `tests/package.json`, or finds those of the same lock file.
fn node_modules() -> Result<PathBuf> {
    let from = root().join("tests");
    let lock = fs::read_to_string(from.join("package-lock.json"))
        .context("cannot read tests/package-lock.json")?;
    let dir = cache_dir().join("node");
    let stamp = dir.join("everloop-lock.json");
    let modules = dir.join("node_modules");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == lock) && modules.exists() {
        return Ok(modules);
    }
    fs::create_dir_all(&dir)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(from.join(name), dir.join(name))?;
    }
    let quiet = [
        "ci",
        "--silent",
        "--no-fund",
        "--no-audit",
        "--ignore-scripts",
    ];
    command::run(Command::new("npm").args(quiet).current_dir(&dir))?;
    fs::write(&stamp, lock)?;
    Ok(modules)
}
