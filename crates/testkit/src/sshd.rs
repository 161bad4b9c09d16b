//! An SSH server of the machine, with its own keys on a port of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::postgres::free_port;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);
const SERVER: &str = "/usr/sbin/sshd";

/// A server that lets in whoever has the key, gone with the test.
#[derive(Debug)]
pub struct Sshd {
    dir: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Sshd {
    /// Starts a server, or nothing (said on standard error) where there is none to start.
    #[must_use]
    pub fn start() -> Option<Self> {
        if !Path::new(SERVER).exists() {
            eprintln!("skipped: there is no {SERVER}; run `cargo xtask setup`");
            return None;
        }
        // The server wants it, and lets only root make it.
        let _ = fs::create_dir_all("/run/sshd");
        let mut server = Self {
            dir: tempfile::tempdir().expect("a directory"),
            port: free_port(),
            child: None,
        };
        for name in ["host", "key", "other"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(server.path(name))
                .status();
            assert!(made.is_ok_and(|made| made.success()), "no key {name}");
        }
        server.write_settings();
        server.resume();
        Some(server)
    }

    /// Starts the server again after [`Sshd::stop`], on the same port.
    pub fn resume(&mut self) {
        let child = Command::new(SERVER)
            .arg("-D")
            .arg("-f")
            .arg(self.path("sshd_config"))
            .arg("-E")
            .arg(self.path("log"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sshd starts");
        self.child = Some(child);
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "sshd does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the server; connections that are open live on.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The private key that is let in.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.path("key")
    }

    /// A private key that is not let in.
    #[must_use]
    pub fn other_key(&self) -> PathBuf {
        self.path("other")
    }

    /// Whether clients know the server's own key.
    pub fn is_known(&self, is_known: bool) {
        let key = fs::read_to_string(self.path("host.pub")).expect("a key");
        let line = format!("[127.0.0.1]:{} {key}", self.port);
        let line = if is_known { line } else { String::new() };
        fs::write(self.path("known_hosts"), line).expect("written");
    }

    /// A search path on which `ssh` is the machine's, with settings of the test instead of the user's.
    #[must_use]
    pub fn search_path(&self) -> String {
        let before = std::env::var("PATH").unwrap_or_default();
        format!("{}:{before}", self.path("bin").display())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write_settings(&self) {
        let dir = self.dir.path().display();
        let port = self.port;
        let server = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {dir}/host\nAuthorizedKeysFile {dir}/key.pub\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxSessions 50\n\
             Subsystem sftp internal-sftp\n"
        );
        let client = format!(
            "Host *\n  UserKnownHostsFile {dir}/known_hosts\n  GlobalKnownHostsFile /dev/null\n  IdentityAgent none\n"
        );
        let script =
            format!("#!/bin/sh\nPATH=${{PATH#*:}}\nexec ssh -F {dir}/client_config \"$@\"\n");
        fs::create_dir(self.path("bin")).expect("a directory");
        for (name, text) in [
            ("sshd_config", &server),
            ("client_config", &client),
            ("bin/ssh", &script),
        ] {
            fs::write(self.path(name), text).expect("written");
        }
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path("bin/ssh"), mode).expect("a program");
        self.is_known(true);
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}
