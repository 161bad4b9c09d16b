//! A web server with a directory, which misbehaves where a test asks for it.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::Repo;
use crate::versions::python_with_dvc;

/// What goes wrong with a file, the next time or so many times.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The connection ends after so many bytes.
    Dies(usize),
    /// Nothing more comes after so many bytes, for a long time.
    Hangs(usize),
    /// Other bytes come.
    Damaged,
    /// The size that is told is larger.
    Lies,
    /// This answer instead.
    Status(u16),
}

#[derive(Default)]
struct State {
    faults: HashMap<String, (Fault, u32)>,
    heard: Vec<String>,
}

/// The server; its thread ends with the process.
pub(super) struct Web {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Web {
    pub(super) fn start(dir: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, dir) = (Arc::clone(&state), dir.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (shared, dir) = (Arc::clone(&shared), dir.clone());
                // A client that goes away is no failure of the server.
                std::thread::spawn(move || drop(answer(&stream.unwrap(), &dir, &shared)));
            }
        });
        Self { port, state }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Something goes wrong with a file so many times.
    pub(super) fn break_file(&self, path: &str, fault: Fault, n_times: u32) {
        let mut state = self.state.lock().unwrap();
        state.faults.insert(path.to_owned(), (fault, n_times));
    }

    /// The requests so far, with their ranges and headers of authentication.
    pub(super) fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().heard)
    }
}

fn answer(mut stream: &TcpStream, dir: &Path, state: &Mutex<State>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or("/"));
    let path = path.trim_start_matches('/').to_owned();
    let (mut start, mut told) = (0, format!("{method} {path}"));
    for line in lines {
        let line = line?.to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            start = range.trim_end_matches('-').parse().unwrap_or(0);
        }
        if line.starts_with("range:") || line.starts_with("authorization:") {
            told = format!("{told} {line}");
        }
    }
    let fault = {
        let mut state = state.lock().unwrap();
        state.heard.push(told);
        state.faults.get_mut(&path).and_then(|(fault, n_left)| {
            let is_due = *n_left > 0;
            *n_left = n_left.saturating_sub(1);
            is_due.then_some(*fault)
        })
    };
    let file: PathBuf = dir.join(&path);
    let mut bytes = match (fault, fs::read(file)) {
        (Some(Fault::Status(status)), _) => return head(stream, &status.to_string(), 0, ""),
        (_, Err(_)) => return head(stream, "404 Not Found", 0, ""),
        (_, Ok(bytes)) => bytes,
    };
    let size = bytes.len();
    if let Some(Fault::Damaged) = fault {
        bytes[0] ^= 1;
    }
    let lie = if let Some(Fault::Lies) = fault { 7 } else { 0 };
    let (status, range) = if start > 0 {
        let range = format!("Content-Range: bytes {start}-{}/{size}\r\n", size - 1);
        ("206 Partial Content", range)
    } else {
        ("200 OK", String::new())
    };
    head(stream, status, size - start + lie, &range)?;
    if method == "HEAD" {
        return Ok(());
    }
    let end = match fault {
        Some(Fault::Dies(n_bytes) | Fault::Hangs(n_bytes)) => size.min(start + n_bytes),
        _ => size,
    };
    stream.write_all(&bytes[start..end])?;
    if let Some(Fault::Hangs(_)) = fault {
        std::thread::sleep(std::time::Duration::from_mins(2));
    }
    Ok(())
}

fn head(mut stream: &TcpStream, status: &str, n_bytes: usize, more: &str) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {n_bytes}\r\nConnection: close\r\nAccept-Ranges: bytes\r\n{more}\r\n"
    )
}

/// A repository whose data went to a directory that the server shows.
pub(super) fn served(n_files: usize) -> (Repo, tempfile::TempDir, Web) {
    let repo = Repo::new(n_files);
    let place = tempfile::tempdir().unwrap();
    repo.whole(&["remote", "add", "dir", place.path().to_str().unwrap()]);
    repo.whole(&["push", "--remote", "dir"]);
    let web = Web::start(place.path());
    repo.whole(&["remote", "add", "-d", "web", &web.url()]);
    repo.wipe();
    (repo, place, web)
}

#[test]
fn a_web_server_is_read_by_both_programs() {
    let (repo, _place, web) = served(30);
    assert_eq!(repo.json(&["pull"])["fetched"]["objects"], 32);
    assert_eq!(repo.json(&["pull"])["fetched"]["present"], 32);
    assert_eq!(
        repo.json(&["status", "--cloud"])[0]["new"],
        serde_json::json!([])
    );
    if let Some(python) = python_with_dvc() {
        repo.wipe();
        repo.dvc(&python, &["pull", "-q"]);
        assert!(repo.dvc(&python, &["status"]).contains("up to date"));
    }
    // What is there is not sent, and what is not cannot be.
    assert_eq!(repo.json(&["push"])["present"], 32);
    fs::write(repo.path("d/new"), "new").unwrap();
    repo.whole(&["commit"]);
    repo.refused(&["push"], 2, &["remote `web`", "only read"]);
    web.heard();
    for (option, value) in [("auth", "basic"), ("user", "u"), ("password", "p")] {
        repo.whole(&["remote", "modify", "--local", "web", option, value]);
    }
    let _ = repo.data(&["status", "--cloud"]);
    let heard = web.heard();
    assert!(
        heard
            .iter()
            .all(|told| told.contains("authorization: basic dtpw")),
        "{heard:?}"
    );
}

#[test]
fn what_dvc_2_pushed_is_got() {
    let (repo, place, _web) = served(1);
    // `a\r\n` counted as `a\n`, and lay at the root.
    let dir = place.path().join("60");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("b725f10c9c85c70d97880dfe8191b3"), "a\r\n").unwrap();
    let file = "outs:\n- md5: 60b725f10c9c85c70d97880dfe8191b3\n  size: 3\n  path: old\n";
    fs::write(repo.path("old.dvc"), file).unwrap();
    assert_eq!(repo.json(&["pull", "old"])["fetched"]["objects"], 1);
    assert_eq!(fs::read(repo.path("old")).unwrap(), b"a\r\n");
    if let Some(python) = python_with_dvc() {
        assert!(
            repo.dvc(&python, &["status", "old.dvc"])
                .contains("up to date")
        );
    }
}

#[test]
fn a_killed_download_goes_on_where_it_was() {
    let (repo, place, web) = served(1);
    let object = fs::read_to_string(repo.path("large.dvc")).unwrap();
    let object = object.split("md5: ").nth(1).unwrap()[..32].to_owned();
    let path = format!("files/md5/{}/{}", &object[..2], &object[2..]);
    let size = fs::metadata(place.path().join(&path)).unwrap().len();
    let n_first = 5 << 20;
    web.break_file(&path, Fault::Hangs(n_first), 1);
    let mut command = std::process::Command::new(crate::projects::BINARY);
    command
        .args(["data", "pull", "large"])
        .current_dir(repo.dir.path());
    let mut pulling = command.spawn().unwrap();
    let part = repo.path(&format!(".dvc/cache/files/md5/everloop-{object}.part"));
    while fs::metadata(&part).map_or(0, |metadata| metadata.len()) < n_first as u64 {
        assert!(pulling.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    pulling.kill().unwrap();
    pulling.wait().unwrap();
    web.heard();
    let got = repo.json(&["pull", "large"]);
    assert_eq!(got["fetched"]["objects"], 1, "{got}");
    let heard = web.heard();
    let expected = format!("GET {path} range: bytes={n_first}-");
    assert!(heard.contains(&expected), "{heard:?}");
    assert!(!heard.contains(&format!("GET {path}")), "{heard:?}");
    assert_eq!(fs::metadata(repo.path("large")).unwrap().len(), size);
    assert!(!part.exists());

    // A beginning that is not what it should be costs time, and nothing else.
    repo.wipe();
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(&part, vec![1; n_first]).unwrap();
    repo.whole(&["pull", "large"]);
    assert!(web.heard().contains(&format!("GET {path}")));
    repo.wipe();
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(&part, vec![1; n_first]).unwrap();
    repo.whole(&["gc", "--workspace"]);
    assert!(!part.exists());
}
