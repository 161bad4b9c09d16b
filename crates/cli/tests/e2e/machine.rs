//! Machines that run out of things: a full disk, a database that is taken away or may only be read, many idle clients.
//! Each time the server says so, loses nothing that it acknowledged, and goes on without a restart.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use everloop_testkit::{Answer, Postgres, Up, put};
use serde_json::json;
use tempfile::TempDir;

use crate::projects::BINARY;

const N_IDLE: u64 = 10_000;
/// What an idle connection may cost, with all that the system's allocator adds.
const MAX_IDLE_BYTES: u64 = 64 << 10;

fn server(arguments: &[&str], home: &Path) -> Up {
    let mut command = Command::new(BINARY);
    command.args(["server", "--port", "0"]).args(arguments);
    Up::start({
        command.arg("--home").arg(home);
        command
    })
}

/// A small disk of its own; nothing where the machine lets nobody mount one.
pub(crate) struct SmallDisk(pub(crate) TempDir);

impl SmallDisk {
    pub(crate) fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"])
            .arg(dir.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir));
        }
        println!("skipped: this machine lets nobody mount a small disk");
        None
    }

    /// Takes all the space that is left.
    pub(crate) fn fill(&self) -> PathBuf {
        let path = self.0.path().join("filler");
        let mut file = fs::File::create(&path).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server of a test that failed may still be there.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Makes a run; its answer is a refusal of the machine, or the run is kept in the list.
struct Writing<'u> {
    up: &'u Up,
    acknowledged: Vec<String>,
}

impl Writing<'_> {
    fn write(&mut self) -> Answer {
        let body = json!({"experiment_id": "0", "tags": [{"key": "k", "value": "x".repeat(2000)}]});
        let answer = self.up.post("/api/2.0/mlflow/runs/create", &body);
        if answer.status == 200 {
            let made = answer.json();
            let id = made["run"]["info"]["run_id"].as_str().unwrap();
            self.acknowledged.push(id.to_owned());
        }
        answer
    }

    #[track_caller]
    fn refused(&mut self, status: u16, code: &str, words: &str) {
        let answer = self.write();
        let body = answer.json();
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(body["error_code"], code);
        let message = body["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }

    #[track_caller]
    fn all_are_there(up: &Up, acknowledged: &[String]) {
        for id in acknowledged {
            let _ = up
                .get(&format!("/api/2.0/mlflow/runs/get?run_id={id}"))
                .ok();
        }
    }
}

#[test]
fn a_full_disk_is_said_and_writing_goes_on_when_there_is_space() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let home = disk.0.path().join("home");
    let up = server(&[], &home);
    let mut writing = Writing {
        up: &up,
        acknowledged: Vec::new(),
    };
    for _ in 0..50 {
        let _ = writing.write().ok();
    }
    let filler = disk.fill();
    let refusal = (0..2000)
        .map(|_| writing.write())
        .find(|answer| answer.status != 200)
        .expect("the disk is full");
    let body = refusal.json();
    assert_eq!(body["error_code"], "RESOURCE_EXHAUSTED", "{body}");
    assert!(body["message"].as_str().unwrap().contains("full"), "{body}");
    let path = "/api/2.0/mlflow-artifacts/artifacts/large.bin";
    let upload = put(up.address(), path, &vec![1; 1 << 20]);
    assert_eq!(upload.json()["error_code"], "RESOURCE_EXHAUSTED");
    Writing::all_are_there(&up, &writing.acknowledged);
    fs::remove_file(filler).unwrap();
    for _ in 0..50 {
        let _ = writing.write().ok();
    }
    let acknowledged = writing.acknowledged;
    up.kill();
    let up = server(&[], &home);
    Writing::all_are_there(&up, &acknowledged);
    assert_eq!(up.get(path).status, 404, "nothing half-written is there");
    assert_eq!(up.stop(), 0);
}

#[test]
fn a_file_that_is_taken_away_takes_no_writes_with_it() {
    let home = tempfile::tempdir().unwrap();
    let up = server(&[], home.path());
    let mut writing = Writing {
        up: &up,
        acknowledged: Vec::new(),
    };
    let _ = writing.write().ok();
    let (file, elsewhere) = (
        home.path().join("metastore.db"),
        home.path().join("gone.db"),
    );
    fs::rename(&file, &elsewhere).unwrap();
    let code = "TEMPORARILY_UNAVAILABLE";
    writing.refused(503, code, "it is gone; put it back");
    let read = up.get("/api/2.0/mlflow/experiments/get?experiment_id=0");
    assert_eq!(read.status, 503, "{}", read.body);
    fs::copy(&elsewhere, &file).unwrap();
    writing.refused(503, code, "another file stands in its place");
    fs::rename(&elsewhere, &file).unwrap();
    let _ = writing.write().ok();
    Writing::all_are_there(&up, &writing.acknowledged);
    assert_eq!(up.stop(), 0);
}

#[test]
fn a_database_that_may_only_be_read_is_read() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let database = postgres.new_database();
    let up = server(&["--backend-store-uri", &database], home.path());
    let mut writing = Writing {
        up: &up,
        acknowledged: Vec::new(),
    };
    let _ = writing.write().ok();
    let set = |value: &str| {
        let setting = format!("alter system set default_transaction_read_only = {value}");
        assert!(postgres.execute(&database, &setting));
        assert!(postgres.execute(&database, "select pg_reload_conf()"));
    };
    set("on");
    up.wait_for(Duration::from_secs(20), "refusal", |_| {
        (writing.write().status != 200).then_some(())
    });
    writing.refused(403, "PERMISSION_DENIED", "read-only");
    Writing::all_are_there(&up, &writing.acknowledged);
    set("off");
    up.wait_for(Duration::from_secs(20), "acknowledgement", |_| {
        (writing.write().status == 200).then_some(())
    });
    Writing::all_are_there(&up, &writing.acknowledged);
    assert_eq!(up.stop(), 0);
}

#[test]
fn ten_thousand_idle_clients_are_in_nobodys_way() {
    let n_files = rlimit::increase_nofile_limit(N_IDLE * 2).unwrap_or_default();
    if n_files < N_IDLE + 200 {
        println!("skipped: this machine lets a process open {n_files} files only");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let up = server(&[], home.path());
    let mut writing = Writing {
        up: &up,
        acknowledged: Vec::new(),
    };
    let _ = writing.write().ok();
    let before = up.memory().0;
    // Some have said nothing yet, the others wait between two requests.
    let idle: Vec<TcpStream> = (0..N_IDLE)
        .map(|index| {
            let mut stream = TcpStream::connect(up.address()).unwrap();
            if index % 2 == 0 {
                let request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
                stream.write_all(request).unwrap();
                let mut start = [0; 12];
                stream.read_exact(&mut start).unwrap();
                assert_eq!(&start, b"HTTP/1.1 200");
            }
            stream
        })
        .collect();
    for _ in 0..100 {
        let _ = writing.write().ok();
    }
    Writing::all_are_there(&up, &writing.acknowledged);
    let each = up.memory().0.saturating_sub(before) / N_IDLE;
    println!("an idle connection costs {each} bytes");
    assert!(
        each < MAX_IDLE_BYTES,
        "an idle connection costs {each} bytes"
    );
    drop(idle);
    assert_eq!(up.stop(), 0);
}

/// A file of zeros, sent and taken in pieces.
#[test]
fn a_gigabyte_passes_through_little_memory() {
    const SIZE: usize = 1 << 30;
    const PIECE: usize = 1 << 20;
    const MAX_MEMORY: u64 = 64 << 20;
    let home = tempfile::tempdir().unwrap();
    let up = server(&[], home.path());
    let (_, before) = up.memory();
    let path = "/api/2.0/mlflow-artifacts/artifacts/large.bin";
    let mut stream = TcpStream::connect(up.address()).unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {SIZE}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut piece = vec![0; PIECE];
    for _ in 0..SIZE / PIECE {
        stream.write_all(&piece).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let mut stream = TcpStream::connect(up.address()).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut n_read = 0;
    loop {
        match stream.read(&mut piece).unwrap() {
            0 => break,
            n => n_read += n,
        }
    }
    assert!(
        n_read > SIZE && n_read < SIZE + 4096,
        "{n_read} bytes came back"
    );
    let (_, most) = up.memory();
    println!("{} bytes more for a gigabyte", most - before);
    assert!(most - before < MAX_MEMORY, "{} bytes more", most - before);
    assert_eq!(up.stop(), 0);
}
