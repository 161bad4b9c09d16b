//! A server that speaks the protocol of Azure's blob storage, from npm.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::get;
use crate::postgres::free_port;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A blob storage in memory, gone with the test.
#[derive(Debug)]
pub struct Azurite {
    port: u16,
    child: Child,
}

impl Azurite {
    /// Starts a server, or nothing (said on standard error) where npm's packages are not installed.
    #[must_use]
    pub fn start() -> Option<Self> {
        let Some(modules) = std::env::var_os("EVERLOOP_TEST_NODE_MODULES").map(PathBuf::from)
        else {
            eprintln!("skipped: EVERLOOP_TEST_NODE_MODULES is not set; run `cargo xtask test`");
            return None;
        };
        let port = free_port();
        let child = Command::new("node")
            .arg(modules.join("azurite/dist/src/blob/main.js"))
            .args(["--inMemoryPersistence", "--skipApiVersionCheck", "--silent"])
            .args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let server = Self { port, child };
        let begun = Instant::now();
        while get(&server.address(), "/").status == 0 {
            assert!(
                begun.elapsed() < PATIENCE,
                "the blob storage does not answer"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    /// The environment of those who use it.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("AZURE_STORAGE_USE_EMULATOR", "true".to_owned()),
            (
                "AZURITE_BLOB_STORAGE_URL",
                format!("http://{}", self.address()),
            ),
        ]
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
