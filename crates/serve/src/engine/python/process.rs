//! One worker process: its pipes, its threads, its end.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

const SCRIPT: &str = include_str!("../worker.py");
/// Lines of standard error that are kept for messages.
const N_LINES: usize = 20;

/// What a worker answers.
pub(super) enum Reply {
    /// An Arrow IPC stream.
    Predictions(Vec<u8>),
    /// Why the model does not take the rows.
    Refused(String),
}

/// A worker that cannot go on.
#[derive(Debug, Default)]
pub(super) struct Broken {
    /// What happened.
    pub(super) problem: String,
    /// The last it wrote to standard error.
    pub(super) said: Option<String>,
    /// Whether it was ended for taking too long.
    pub(super) is_timeout: bool,
}

/// A frame: what it is, and its bytes.
type Frame = (u8, Vec<u8>);

/// A process that has loaded a model. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Worker {
    child: Child,
    requests: Option<Sender<Vec<u8>>>,
    frames: Receiver<Frame>,
    words: Arc<Mutex<VecDeque<String>>>,
    listener: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts a process and waits until it has loaded the model.
    pub(super) fn start(python: &Path, dir: &Path, timeout: Duration) -> Result<Self, Broken> {
        let mut child = Command::new(python)
            .args(["-u", "-c", SCRIPT])
            .arg(dir)
            .env("MLFLOW_DISABLE_TELEMETRY", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Broken {
                problem:
                    "it does not start; name a Python that has `mlflow` and the model's packages"
                        .to_owned(),
                said: Some(error.to_string()),
                is_timeout: false,
            })?;
        let (requests, to_write) = channel();
        let (sender, frames) = channel();
        let words = Arc::default();
        if let Some(stdin) = child.stdin.take() {
            std::thread::spawn(move || write(stdin, &to_write));
        }
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || read(stdout, &sender));
        }
        let said = Arc::clone(&words);
        let listener = child
            .stderr
            .take()
            .map(|stderr| std::thread::spawn(move || listen(stderr, &said)));
        let mut worker = Self {
            child,
            requests: Some(requests),
            frames,
            words,
            listener,
        };
        match worker.frame(timeout)? {
            (b'h', _) => Ok(worker),
            (b'f', problem) => {
                let problem = String::from_utf8_lossy(&problem).into_owned();
                Err(worker.broken(unloadable(&problem), false))
            }
            _ => Err(worker.broken("it does not speak the protocol".to_owned(), false)),
        }
    }

    /// Asks for predictions and waits for them.
    pub(super) fn ask(&mut self, request: &[u8], timeout: Duration) -> Result<Reply, Broken> {
        let Some(request) = framed(request) else {
            return Ok(Reply::Refused("the rows are more than 4 GiB".to_owned()));
        };
        // A writer that is gone shows in the answer that never comes.
        if let Some(requests) = &self.requests {
            let _ = requests.send(request);
        }
        match self.frame(timeout)? {
            (b'p', body) => Ok(Reply::Predictions(body)),
            (b'e', body) => Ok(Reply::Refused(String::from_utf8_lossy(&body).into_owned())),
            _ => Err(self.broken("it does not speak the protocol".to_owned(), false)),
        }
    }

    #[cfg(test)]
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    fn frame(&mut self, timeout: Duration) -> Result<Frame, Broken> {
        match self.frames.recv_timeout(timeout) {
            Ok(frame) => Ok(frame),
            Err(RecvTimeoutError::Timeout) => {
                let problem = format!("it did not answer within {} s", timeout.as_secs_f64());
                Err(self.broken(problem, true))
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.end();
                Err(self.broken(format!("it died ({status})"), false))
            }
        }
    }

    /// Ends the process and says what it said.
    fn broken(&mut self, problem: String, is_timeout: bool) -> Broken {
        self.end();
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let said: Vec<&str> = words.iter().map(String::as_str).collect();
        Broken {
            problem,
            said: (!said.is_empty()).then(|| said.join("\n")),
            is_timeout,
        }
    }

    /// Ends the process, if it still runs, and gives its words a moment to arrive.
    fn end(&mut self) -> String {
        // Its standard output may be closed some moments before it is gone.
        let child = &mut self.child;
        if self.requests.take().is_some() {
            soon(|| !matches!(child.try_wait(), Ok(None)));
        }
        // It may have ended by itself.
        let _ = child.kill();
        let status = child.wait();
        if let Some(listener) = self.listener.take() {
            // A child of the worker may hold the pipe open for ever: it is not joined.
            soon(|| listener.is_finished());
        }
        status.map_or_else(|_| "unknown".to_owned(), |status| status.to_string())
    }
}

/// Waits a moment for something that is about to happen.
fn soon(mut is_done: impl FnMut() -> bool) {
    for _ in 0..50 {
        if is_done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.requests = None;
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unloadable(problem: &str) -> String {
    let hint = if problem.contains("No module named") {
        "; install what the model's `requirements.txt` names, or name another Python"
    } else {
        ""
    };
    format!("the model cannot be loaded: {problem}{hint}")
}

/// Rows as a frame; `None` if they are too long for one.
fn framed(body: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(body.len()).ok()?;
    let mut frame = Vec::with_capacity(body.len() + 5);
    frame.push(b'r');
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(body);
    Some(frame)
}

/// Writes until the process or the engine is gone: each side learns of it by itself.
fn write(mut stdin: ChildStdin, requests: &Receiver<Vec<u8>>) {
    for request in requests {
        if stdin
            .write_all(&request)
            .and_then(|()| stdin.flush())
            .is_err()
        {
            return;
        }
    }
}

/// Reads frames until the process is gone.
fn read(mut stdout: ChildStdout, frames: &Sender<Frame>) {
    while let Some(frame) = read_frame(&mut stdout) {
        if frames.send(frame).is_err() {
            return;
        }
    }
}

fn read_frame(from: &mut impl Read) -> Option<Frame> {
    let mut head = [0; 5];
    from.read_exact(&mut head).ok()?;
    let [kind, length @ ..] = head;
    let length = u64::from(u32::from_le_bytes(length));
    let mut body = Vec::new();
    // Grows with what comes, not with what is promised.
    let n_read = from.take(length).read_to_end(&mut body).ok()?;
    (n_read as u64 == length).then_some((kind, body))
}

/// Keeps the last lines of standard error.
fn listen(stderr: impl Read, words: &Mutex<VecDeque<String>>) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|n_bytes| n_bytes > 0)
    {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        tracing::debug!(said = text, "from a Python worker");
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        if words.len() == N_LINES {
            words.pop_front();
        }
        words.push_back(text);
        line.clear();
    }
}
