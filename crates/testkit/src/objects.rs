//! A server that speaks S3's protocol, from the tests' Python.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::exchange;
use crate::postgres::free_port;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// An object store in memory, gone with the test.
#[derive(Debug)]
pub struct Objects {
    python: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Objects {
    /// Starts a server, or nothing (said on standard error) where the tests have no Python.
    #[must_use]
    pub fn start() -> Option<Self> {
        let mut server = Self {
            python: crate::test_python()?,
            port: free_port(),
            child: None,
        };
        server.resume();
        Some(server)
    }

    /// Starts the server again after [`Objects::stop`], on the same port, empty.
    pub fn resume(&mut self) {
        let child = Command::new(&self.python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p"])
            .arg(self.port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the object store starts");
        self.child = Some(child);
        let begun = Instant::now();
        while self.ask("GET", "/") == 0 {
            assert!(
                begun.elapsed() < PATIENCE,
                "the object store does not answer"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the server; what it held is gone.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Makes a bucket.
    pub fn make_bucket(&self, name: &str) {
        let status = self.ask("PUT", &format!("/{name}"));
        assert_eq!(status, 200, "cannot make bucket {name}");
    }

    /// The environment of those who use it.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ACCESS_KEY_ID", "key".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
            (
                "MLFLOW_S3_ENDPOINT_URL",
                format!("http://127.0.0.1:{}", self.port),
            ),
        ]
    }

    fn ask(&self, method: &str, path: &str) -> u16 {
        let address = format!("127.0.0.1:{}", self.port);
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        exchange(&address, &head, &[]).status
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        self.stop();
    }
}
