//! MLflow's own web page on our server, in a browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use everloop_testkit::{Up, get, test_python};

use crate::projects::BINARY;

/// Debian's Chromium, or nothing (said on standard error) where it is not installed.
fn chromium() -> Option<PathBuf> {
    let program = PathBuf::from("/usr/bin/chromium");
    if program.exists() {
        return Some(program);
    }
    eprintln!("skipped: Chromium is not installed; run `cargo xtask setup`");
    None
}

fn server(python: &Path, home: &Path) -> Up {
    let mut command = Command::new(BINARY);
    command
        .args(["server", "--port", "0", "--mlflow-ui", "--home"])
        .arg(home)
        .env("EVERLOOP_PYTHON", python);
    Up::start(command)
}

#[test]
fn people_find_compare_and_open_runs_and_no_request_fails() {
    let (Some(python), Some(chromium)) = (test_python(), chromium()) else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let up = server(&python, home.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/page.py");
    let mut browsing = Command::new(&python);
    browsing.arg(script).arg(up.url()).arg(chromium);
    let output = browsing.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert!(output.stdout.ends_with(b"ok\n"), "{words}");
    assert_eq!(up.stop(), 0);
}

#[test]
fn only_files_of_the_page_are_served() {
    let Some(python) = test_python() else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let up = server(&python, home.path());
    let index = up.get("/").ok();
    assert!(index.body.contains("static-files"), "{}", index.body);
    let manifest = up.get("/static-files/manifest.json").ok();
    assert!(
        manifest.head.contains("application/json"),
        "{}",
        manifest.head
    );
    for path in [
        "/static-files/none.js",
        "/static-files/../../../__init__.py",
        "/static-files/%2e%2e/%2e%2e/handlers.py",
        "/static-files/..%2f..%2fhandlers.py",
        "/static-files//etc/passwd",
    ] {
        let answer = get(up.address(), path);
        assert!(
            (400..500).contains(&answer.status),
            "{path}: {}",
            answer.status
        );
        assert!(!answer.body.contains("import"), "{path}: {}", answer.body);
    }
    assert_eq!(up.stop(), 0);
}

#[test]
fn a_page_that_is_not_there_is_an_error_with_a_way_out() {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(BINARY)
        .args(["server", "--port", "0", "--mlflow-ui", "--mlflow-ui-dir"])
        .arg(home.path())
        .arg("--home")
        .arg(home.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(30));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(
        words.contains("has no `index.html`") && words.contains("pip install mlflow"),
        "{words}"
    );
}
