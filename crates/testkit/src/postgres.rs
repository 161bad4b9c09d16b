//! A Postgres server of its own for a test, from Debian's package.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server with its own data, gone with the test.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    dir: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
    n_databases: AtomicU32,
}

impl Postgres {
    /// Starts a server, or nothing (said on standard error) where Postgres is not installed.
    #[must_use]
    pub fn start() -> Option<Self> {
        let Some(programs) = find_programs() else {
            eprintln!("skipped: Postgres is not installed; run `cargo xtask setup`");
            return None;
        };
        let dir = tempfile::tempdir().expect("a directory for Postgres");
        if let Some((user, group)) = postgres_user() {
            chown(dir.path(), Some(user), Some(group)).expect("the directory is given to postgres");
        }
        let made = as_postgres(&programs.join("initdb"))
            .args([
                "--auth=trust",
                "--username=everloop",
                "--no-sync",
                "--encoding=UTF8",
            ])
            .arg("--pgdata")
            .arg(dir.path().join("data"))
            .output()
            .expect("initdb runs");
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let mut server = Self {
            programs,
            dir,
            port: free_port(),
            child: None,
            n_databases: AtomicU32::new(0),
        };
        server.resume();
        Some(server)
    }

    /// Starts the server again after [`Postgres::stop`], on the same port with the same data.
    pub fn resume(&mut self) {
        let log = fs::File::create(self.dir.path().join("log")).expect("a log");
        let child = as_postgres(&self.programs.join("postgres"))
            .arg("-D")
            .arg(self.dir.path().join("data"))
            .args(["-p", &self.port.to_string(), "-c", "fsync=off"])
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "max_connections=200",
            ])
            .arg("-k")
            .arg(self.dir.path())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("postgres starts");
        self.child = Some(child);
        let begun = Instant::now();
        while !self.answers() {
            assert!(
                begun.elapsed() < PATIENCE,
                "Postgres does not answer: {}",
                fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the server at once, as a crash does; connections break.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let quit = Command::new("kill")
                .args(["-QUIT", &child.id().to_string()])
                .status();
            if !quit.is_ok_and(|status| status.success()) {
                let _ = child.kill();
            }
            let _ = child.wait();
        }
    }

    /// The address of a new, empty database.
    #[must_use]
    pub fn new_database(&self) -> String {
        let number = self.n_databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        let made = self.psql(&format!("create database {name}"), "postgres");
        assert!(made, "cannot make a database");
        format!("postgresql://everloop@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs SQL in the database of an address; gives whether it succeeded.
    #[must_use]
    pub fn execute(&self, address: &str, sql: &str) -> bool {
        let name = address.rsplit('/').next().unwrap_or_default();
        self.psql(sql, name)
    }

    fn answers(&self) -> bool {
        self.psql("select 1", "postgres")
    }

    fn psql(&self, sql: &str, database: &str) -> bool {
        Command::new(self.programs.join("psql"))
            .args(["-h", "127.0.0.1", "-U", "everloop", "-d", database])
            .args([
                "-p",
                &self.port.to_string(),
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                sql,
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The newest installed version's programs.
fn find_programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|programs| programs.join("postgres").exists() && programs.join("psql").exists())
        .max()
}

/// A command as somebody whom Postgres lets run it: it refuses root.
fn as_postgres(program: &Path) -> Command {
    if postgres_user().is_none() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "--",
        ])
        .arg(program)
        .current_dir("/");
    command
}

/// The user and group of Debian's package, if the test runs as root.
fn postgres_user() -> Option<(u32, u32)> {
    let number = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().ok()
    };
    if number(&["-u"])? != 0 {
        return None;
    }
    Some((number(&["-u", "postgres"])?, number(&["-g", "postgres"])?))
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
