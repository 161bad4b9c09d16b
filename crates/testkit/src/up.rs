//! A running `everloop up` or `everloop serve` on a free port.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{Answer, get, post};

/// A server that dies with its test.
#[derive(Debug)]
pub struct Up {
    child: Child,
    address: String,
    words: Arc<Mutex<String>>,
}

impl Up {
    /// Starts a server and waits until it has said its address.
    #[must_use]
    #[expect(
        clippy::zombie_processes,
        reason = "a server that never came up ends the test"
    )]
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut reader = BufReader::new(child.stderr.take().expect("standard error"));
        let mut said = String::new();
        let mut line = String::new();
        while reader.read_line(&mut line).expect("readable words") > 0 {
            said.push_str(&line);
            if let Some((_, address)) = line.trim().split_once("http://") {
                let address = address.trim_end_matches('/').to_owned();
                let words = Arc::new(Mutex::new(said));
                let kept = Arc::clone(&words);
                std::thread::spawn(move || keep_reading(reader, &kept));
                return Self {
                    child,
                    address,
                    words,
                };
            }
            line.clear();
        }
        panic!("the server ended before it was up: {said}");
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `http://host:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that it has written to standard error so far.
    #[must_use]
    pub fn words(&self) -> String {
        self.words.lock().expect("no panic while reading").clone()
    }

    /// The memory that it has in use now, and the most that it ever had, in bytes.
    #[must_use]
    pub fn memory(&self) -> (u64, u64) {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("Linux, and a process that runs");
        let bytes_of = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
            number
                .and_then(|number| number.parse::<u64>().ok())
                .expect("a number")
                << 10
        };
        (bytes_of("VmRSS:"), bytes_of("VmHWM:"))
    }

    /// Asks for a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        get(&self.address, path)
    }

    /// Sends JSON to a path.
    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        post(
            &self.address,
            path,
            "application/json",
            body.to_string().as_bytes(),
        )
    }

    /// Asks again and again until the answer satisfies, at most for `limit`.
    #[track_caller]
    pub fn wait_for<T>(
        &self,
        limit: Duration,
        what: &str,
        mut see: impl FnMut(&Self) -> Option<T>,
    ) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = see(self) {
                return found;
            }
            assert!(
                start.elapsed() < limit,
                "no {what} within {limit:?}\n{}",
                self.words()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it as a crash would (SIGKILL).
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it has ended");
    }

    /// Asks it to stop (SIGTERM), waits, and gives its exit code.
    #[must_use]
    pub fn stop(mut self) -> i32 {
        let id = self.child.id().to_string();
        let status = Command::new("kill").arg(id).status().expect("kill starts");
        assert!(status.success());
        self.child
            .wait()
            .expect("it has ended")
            .code()
            .unwrap_or(-1)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // Already ended after `kill` and `stop`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep_reading(mut reader: BufReader<std::process::ChildStderr>, words: &Mutex<String>) {
    let mut bytes = [0; 4096];
    while let Ok(n_read) = reader.read(&mut bytes) {
        if n_read == 0 {
            return;
        }
        words
            .lock()
            .expect("no panic while reading")
            .push_str(&String::from_utf8_lossy(&bytes[..n_read]));
    }
}
