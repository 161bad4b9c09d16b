//! Commands of people: each in a shell, in a group of processes of its own that is ended as a whole.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command as Blocking, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

mod lines;
mod log;

use log::Log;

/// How long a command that is told to stop has time for it.
const GRACE: Duration = Duration::from_secs(10);

/// How long the words of a command are waited for after its end: those who still hold its output run on without us.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Ends a run from elsewhere: commands that run are told to stop, and no other is started.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Asks to stop.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves when somebody asks.
    pub(crate) async fn asked(&self) {
        let mut asked = self.0.subscribe();
        // The sender is there as long as `self` is.
        let _ = asked.wait_for(|is_asked| *is_asked).await;
    }
}

/// Where the words of a command go.
pub(crate) enum Output<'a> {
    /// Into a file, which is made anew. Of endless words it keeps the beginning and the end.
    File(&'a Path),
    /// To our standard error, as it is.
    Inherited,
    /// To a function, line by line.
    Lines(&'a (dyn Fn(&str) + Sync)),
}

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Problem {
    /// It could not be started, or its log not be written.
    Start(io::Error),
    /// It could not be waited for.
    Wait(io::Error),
    /// It ended with a code or by a signal.
    Status(ExitStatus),
    /// It took longer than this.
    Late(Duration),
    /// Somebody asked to stop.
    Stopped,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(f, "cannot be started: {error}"),
            Self::Wait(error) => write!(f, "cannot be waited for: {error}"),
            Self::Status(status) => match (status.code(), status.signal()) {
                (Some(code), _) => write!(f, "stopped with exit code {code}"),
                (None, Some(signal)) => write!(f, "was killed by signal {signal}"),
                (None, None) => write!(f, "stopped with {status}"),
            },
            Self::Late(limit) => write!(f, "did not end within {} s", limit.as_secs_f64()),
            Self::Stopped => write!(f, "was told to stop"),
        }
    }
}

/// A shell that runs a line. The file names of a shell's user are not read, as DVC has it.
pub(crate) fn shell(program: &str, line: &str) -> Command {
    let mut command = Command::new(program);
    let name = program.rsplit('/').next().unwrap_or(program).to_lowercase();
    match name.as_str() {
        "bash" => command.args(["--noprofile", "--norc"]),
        "zsh" => command.arg("--no-rcs"),
        "fish" => command.arg("--no-config"),
        _ => &mut command,
    };
    command.args(["-c", line]);
    command
}

/// Runs a command to its end; `started` is told the number of its process. If the future is dropped, all of it is killed.
///
/// # Errors
///
/// Fails if it does not end well, in time, and before somebody asks to stop.
pub(crate) async fn run(
    command: &mut Command,
    output: Output<'_>,
    limit: Option<Duration>,
    stop: &Stop,
    started: impl FnOnce(u32),
) -> Result<(), Problem> {
    let mut log = None;
    match output {
        Output::File(path) => {
            // One pipe for both, so that their words stay in order.
            let (words, end) = io::pipe().map_err(Problem::Start)?;
            let words = Receiver::from_owned_fd(words.into()).map_err(Problem::Start)?;
            log = Some((Log::create(path).map_err(Problem::Start)?, words));
            let copy = end.try_clone().map_err(Problem::Start)?;
            command.stdout(end).stderr(copy)
        }
        Output::Inherited => command.stdout(io::stderr()),
        Output::Lines(_) => command.stdout(Stdio::piped()).stderr(Stdio::piped()),
    };
    command.stdin(Stdio::null()).process_group(0);
    if stop.is_asked() {
        return Err(Problem::Stopped);
    }
    let mut child = command.spawn().map_err(Problem::Start)?;
    // Our own ends of the pipe would keep it open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut group = Group(child.id());
    if let Some(id) = child.id() {
        started(id);
    }
    let outputs = (child.stdout.take(), child.stderr.take());
    let reading = async {
        if let (Output::Lines(tell), (Some(words), Some(errors))) = (&output, outputs) {
            tokio::join!(lines::tell(words, *tell), lines::tell(errors, *tell));
        }
        if let Some((log, words)) = &mut log {
            log.follow(words).await;
        }
    };
    let ended = read_and_wait(reading, wait(&mut child, &mut group, limit, stop)).await;
    if let Some((log, _)) = log {
        log.finish().map_err(Problem::Wait)?;
    }
    let status = ended?;
    if status.success() {
        Ok(())
    } else {
        Err(Problem::Status(status))
    }
}

/// Reads the words of a command while waiting for its end.
async fn read_and_wait(
    reading: impl Future<Output = ()>,
    waiting: impl Future<Output = Result<ExitStatus, Problem>>,
) -> Result<ExitStatus, Problem> {
    tokio::pin!(reading, waiting);
    let mut is_read = false;
    let status = loop {
        tokio::select! {
            status = &mut waiting => break status,
            () = &mut reading, if !is_read => is_read = true,
        }
    };
    if !is_read {
        // That there is no end within this time is no failure of the command.
        let _ = timeout(LAST_WORDS, reading).await;
    }
    status
}

async fn wait(
    child: &mut Child,
    group: &mut Group,
    limit: Option<Duration>,
    stop: &Stop,
) -> Result<ExitStatus, Problem> {
    let late = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    let problem = tokio::select! {
        status = child.wait() => {
            // What it left in the background is its own.
            group.0 = None;
            return status.map_err(Problem::Wait);
        }
        () = stop.asked() => Problem::Stopped,
        () = late => Problem::Late(limit.unwrap_or_default()),
    };
    group.signal("TERM");
    // Whether it obeys or not, the rest of the group is killed.
    let _ = timeout(GRACE, child.wait()).await;
    group.signal("KILL");
    group.0 = None;
    let _ = child.wait().await;
    Err(problem)
}

/// A group of processes that must not outlive us.
struct Group(Option<u32>);

impl Group {
    fn signal(&self, name: &str) {
        if let Some(id) = self.0 {
            let kill = format!("kill -{name} -{id}");
            // A group that has ended by itself needs no signal.
            let _ = Blocking::new("/bin/sh")
                .args(["-c", &kill])
                .stderr(Stdio::null())
                .status();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal("KILL");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Instant;

    use super::*;

    async fn told(line: &str, limit: Option<Duration>) -> (Result<(), String>, Vec<String>) {
        let told = Mutex::new(Vec::new());
        let tell = |line: &str| told.lock().unwrap().push(line.to_owned());
        let mut command = shell("/bin/sh", line);
        let output = Output::Lines(&tell);
        let result = run(&mut command, output, limit, &Stop::default(), |_| {}).await;
        let result = result.map_err(|problem| problem.to_string());
        (result, told.into_inner().unwrap())
    }

    #[tokio::test]
    async fn words_are_told_line_by_line() {
        let (result, lines) = told("echo a; sleep 0.1; printf 'b\\rc\\nd' >&2", None).await;
        assert_eq!((result, lines), (Ok(()), texts(&["a", "b", "c", "d"])));
        let (result, _) = told("exit 3", None).await;
        assert_eq!(result, Err("stopped with exit code 3".to_owned()));
        let (result, _) = told("kill -9 $$", None).await;
        assert_eq!(result, Err("was killed by signal 9".to_owned()));
    }

    #[tokio::test]
    async fn a_log_holds_the_words_of_both_outputs_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut command = shell("/bin/sh", "echo a; echo b >&2; echo c; exit 2");
        let output = Output::File(&path);
        let ended = run(&mut command, output, None, &Stop::default(), |_| {}).await;
        assert_eq!(ended.unwrap_err().to_string(), "stopped with exit code 2");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nb\nc\n");
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[tokio::test]
    async fn what_runs_on_in_the_background_is_not_waited_for() {
        let began = Instant::now();
        let (result, lines) = told("sleep 20 & echo a", None).await;
        assert_eq!((result, lines), (Ok(()), texts(&["a"])));
        assert!(began.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_ended_with_all_that_it_began() {
        let limit = Some(Duration::from_millis(100));
        let (result, lines) = told("echo $$; sleep 1000 | sleep 1000", limit).await;
        assert_eq!(result, Err("did not end within 0.1 s".to_owned()));
        assert_eq!(running(&lines[0]), 0);
    }

    /// How many processes of a group run; those that have ended and are not waited for do not.
    fn running(group: &str) -> usize {
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let stats =
            entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
        let is_of_group = |stat: &String| {
            // After the name in parentheses: state, parent, group.
            let words = stat.rsplit_once(')').map_or("", |(_, words)| words);
            let words: Vec<&str> = words.split_whitespace().collect();
            words.len() > 2 && words[0] != "Z" && words[2] == group
        };
        stats.filter(is_of_group).count()
    }

    #[test]
    fn shells_read_no_files_of_their_users() {
        let words = |path| {
            let command = shell(path, "x");
            let words = command.as_std().get_args();
            let words = words.map(|word| word.to_string_lossy().into_owned());
            words.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words("/bin/bash"), "--noprofile --norc -c x");
        assert_eq!(words("/usr/bin/zsh"), "--no-rcs -c x");
        assert_eq!(words("/bin/sh"), "-c x");
    }
}
