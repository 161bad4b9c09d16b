//! The commands of a stage.

use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command as Process, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use everloop_lifecycle::dvc::{Command, Stage};
use everloop_versions::{Lock, RepoPath};

use crate::reproduce::{Progress, Request};
use crate::{Error, Project};

/// Ends a run from elsewhere: the command that runs is told to stop, and no other is started.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    is_asked: bool,
    /// The group of processes that runs.
    group: Option<u32>,
}

impl Stop {
    /// Asks to stop.
    pub fn ask(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_asked = true;
        if let Some(group) = state.group {
            let kill = format!("kill -TERM -{group}");
            // A group that has ended by itself needs no signal.
            let _ = Process::new("/bin/sh")
                .args(["-c", &kill])
                .stderr(Stdio::null())
                .status();
        }
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_asked
    }

    /// Starts a command, unless somebody asked.
    fn start(&self, command: &mut Process) -> Result<Option<Child>, io::Error> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_asked {
            return Ok(None);
        }
        let child = command.spawn()?;
        state.group = Some(child.id());
        Ok(Some(child))
    }

    fn end(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.group = None;
    }
}

/// The texts that get a shell each.
pub(crate) fn lines(command: &Command) -> Vec<&str> {
    match command {
        Command::One(text) => text.lines().collect(),
        Command::Many(texts) => texts.iter().map(String::as_str).collect(),
    }
}

/// A shell as DVC calls it: without the files that its user set it up with.
fn shell(path: &str, line: &str) -> Process {
    let mut command = Process::new(path);
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    match name.as_str() {
        "bash" => command.args(["--noprofile", "--norc"]),
        "zsh" => command.arg("--no-rcs"),
        "fish" => command.arg("--no-config"),
        _ => &mut command,
    };
    command.args(["-c", line]);
    command
}

impl Project<'_> {
    /// Runs the commands of a stage while others may use the repository.
    pub(crate) fn run_commands(
        &self,
        (stage, address): (&Stage, &str),
        request: &Request,
        lock: &mut Option<Lock>,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let place = |path: &String| crate::record::place(stage, path);
        let reads: Vec<RepoPath> = stage.deps.iter().map(place).collect::<Result<_, _>>()?;
        let outs = stage.outs.iter().map(|out| &out.path);
        let writes: Vec<RepoPath> = outs.map(place).collect::<Result<_, _>>()?;
        for line in lines(&stage.cmd) {
            tell(Progress::Command { line });
            let failed = |problem: String| Error::Command {
                stage: address.to_owned(),
                line: line.to_owned(),
                problem,
            };
            let dir = RepoPath::default().join(&stage.directory)?;
            let mut command = shell(&request.shell, line);
            command
                .current_dir(dir.under(self.repository.root()))
                .env("DVC_ROOT", self.repository.root())
                .env("DVC_STAGE", address)
                .stdin(Stdio::null())
                .stdout(io::stderr())
                .process_group(0);
            let started = request.stop.start(&mut command);
            let started = started.map_err(|error| failed(format!("cannot be started: {error}")))?;
            let mut child = started.ok_or(Error::Stopped)?;
            let user = (child.id(), line);
            let lent = lock
                .take()
                .map(|lock| self.repository.lend(lock, user, (&reads, &writes)));
            let status = child.wait();
            request.stop.end();
            if let Some(lent) = lent {
                *lock = Some(lent?.take_back()?);
            }
            let status =
                status.map_err(|error| failed(format!("cannot be waited for: {error}")))?;
            if request.stop.is_asked() {
                return Err(Error::Stopped);
            }
            if !status.success() {
                return Err(failed(problem(status)));
            }
        }
        Ok(())
    }
}

fn problem(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("stopped with exit code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => format!("stopped with {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_a_shell_of_its_own() {
        let one = Command::One("a\nb \\\nc".to_owned());
        assert_eq!(lines(&one), ["a", "b \\", "c"]);
        let many = Command::Many(vec!["a\nb".to_owned(), "c".to_owned()]);
        assert_eq!(lines(&many), ["a\nb", "c"]);
    }

    #[test]
    fn shells_read_no_files_of_their_users() {
        let words = |path| {
            let command = shell(path, "x");
            let words = command.get_args().map(|word| word.to_string_lossy());
            words.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words("/bin/bash"), "--noprofile --norc -c x");
        assert_eq!(words("/usr/bin/zsh"), "--no-rcs -c x");
        assert_eq!(words("/bin/sh"), "-c x");
    }
}
