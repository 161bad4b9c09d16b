//! A project in a temporary directory, and the binary that is run in it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A project that disappears with its test.
#[derive(Debug)]
pub struct TestProject {
    dir: tempfile::TempDir,
    binary: PathBuf,
}

/// What a run of the binary said.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; -1 if it was killed.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl TestProject {
    /// An empty project with this lifecycle file; `binary` is `env!("CARGO_BIN_EXE_everloop")`.
    #[must_use]
    pub fn new(binary: &str, lifecycle: &str) -> Self {
        let project = Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
            binary: binary.into(),
        };
        project.write("everloop.yaml", lifecycle);
        project
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The binary.
    #[must_use]
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.dir().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, bytes).expect("a file");
    }

    /// Copies a file into the project.
    pub fn copy(&self, from: &Path, name: &str) {
        self.write(name, fs::read(from).expect("a file to copy"));
    }

    /// A command of the binary, to be started by the caller.
    #[must_use]
    pub fn command<I: AsRef<OsStr>>(&self, arguments: &[I]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .current_dir(self.dir())
            .stdin(Stdio::null())
            .env("NO_COLOR", "1");
        command
            .env_remove("EVERLOOP_LOG")
            .env_remove("MLFLOW_TRACKING_URI")
            .env_remove("MLFLOW_RUN_ID");
        if let Some(python) = std::env::var_os("EVERLOOP_TEST_PYTHON") {
            // Commands of the project find the client's Python first.
            let bin = Path::new(&python)
                .parent()
                .unwrap_or(Path::new("/"))
                .to_owned();
            let path = std::env::var_os("PATH").unwrap_or_default();
            let all = std::iter::once(bin).chain(std::env::split_paths(&path));
            command.env("PATH", std::env::join_paths(all).expect("a search path"));
            command.env("EVERLOOP_PYTHON", python);
        }
        command
    }

    /// Runs the binary to its end.
    #[must_use]
    pub fn run<I: AsRef<OsStr>>(&self, arguments: &[I]) -> Ran {
        let output = self.command(arguments).output().expect("the binary starts");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs the binary, which must succeed.
    #[track_caller]
    #[expect(
        clippy::must_use_candidate,
        reason = "that it succeeded is often all that matters"
    )]
    pub fn succeed(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert!(
            ran.code == 0,
            "everloop {} left with {}\n{}{}",
            arguments.join(" "),
            ran.code,
            ran.stdout,
            ran.stderr
        );
        ran
    }

    /// `everloop status --format json`.
    #[track_caller]
    #[must_use]
    pub fn status(&self) -> Value {
        self.succeed(&["status", "--format", "json", "--cycles", "1000"])
            .json()
    }
}

impl Ran {
    /// Standard output as JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}
