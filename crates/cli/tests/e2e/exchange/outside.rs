//! Out into a file store that MLflow opens, back in from there, and in from servers.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use everloop_testkit::{Postgres, get, test_python};

use super::{export, import, kill_at, python, refused, report, report_with, serve};

/// MLflow's own server; gone with its test.
struct Mlflow {
    child: Child,
    url: String,
}

impl Mlflow {
    /// Starts it on a database, with artifacts below a directory: served by itself, or read from there by its clients.
    fn start(dir: &Path, serves_artifacts: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let database = format!("sqlite:///{}", dir.join("mlflow.db").display());
        let mut server = Command::new(test_python().unwrap());
        server.args(["-m", "mlflow", "server", "--workers", "1"]);
        server.env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false");
        server.args(["--backend-store-uri", &database]);
        if serves_artifacts {
            server.arg("--artifacts-destination").arg(dir.join("kept"));
        } else {
            server.args(["--no-serve-artifacts", "--default-artifact-root"]);
            server.arg(dir.join("kept"));
        }
        let (host, port) = address.split_once(':').unwrap();
        server.args(["--host", host, "--port", port]);
        let quiet = server.stdout(Stdio::null()).stderr(Stdio::null());
        // Its workers go with it.
        let child = std::os::unix::process::CommandExt::process_group(quiet, 0).spawn();
        let this = Self {
            child: child.unwrap(),
            url: format!("http://{address}"),
        };
        let start = Instant::now();
        while get(&address, "/health").status != 200 {
            assert!(start.elapsed() < Duration::from_mins(5), "no server");
            std::thread::sleep(Duration::from_millis(200));
        }
        this
    }
}

impl Drop for Mlflow {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        // Already gone if it has ended by itself.
        let _ = Command::new("kill").args(["-9", "--", &group]).status();
        let _ = self.child.wait();
    }
}

/// Fills MLflow's own server, and brings all of it here.
fn from_mlflow(serves_artifacts: bool) {
    let (Some(_), dir) = (test_python(), tempfile::tempdir().unwrap()) else {
        return;
    };
    let (server, home) = (
        Mlflow::start(dir.path(), serves_artifacts),
        dir.path().join("home"),
    );
    python(&["fill", &server.url], dir.path());
    kill_at(import(&server.url, &home), 4);
    let first = report(import(&server.url, &home));
    assert!(first["runs"]["known"].as_u64().unwrap() > 0, "{first}");
    let again = report(import(&server.url, &home));
    for kind in [
        "experiments",
        "runs",
        "logged_models",
        "registered_models",
        "versions",
    ] {
        assert_eq!(again[kind]["new"], 0, "{kind}: {again}");
    }
    assert_eq!(again["problems"], serde_json::json!([]));
    let up = serve(&home);
    // A server does not tell of deleted versions, so that the number of the last one is given again.
    python(&["compare", &server.url, &up.url(), "5"], dir.path());
    assert_eq!(up.stop(), 0);
}

#[test]
fn mlflows_server_comes_over_whole() {
    from_mlflow(true);
}

#[test]
fn mlflows_server_that_reads_artifacts_for_its_clients_comes_over_whole() {
    from_mlflow(false);
}

#[test]
fn our_server_goes_out_and_comes_back_whole() {
    let (Some(_), dir) = (test_python(), tempfile::tempdir().unwrap()) else {
        return;
    };
    let home = |name: &str| dir.path().join(name);
    let up = serve(&home("a"));
    python(&["fill", &up.url()], dir.path());
    let store = dir.path().join("ml runs");
    let uri = format!("file://{}", store.display());
    let told = report_with(export(&home("a"), &store), 22);
    let problems = told["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{told}");
    assert!(
        problems[0]["what"].as_str().unwrap().contains("`a/b`"),
        "{told}"
    );
    assert!(
        told["remarks"].to_string().contains("1 logged model"),
        "{told}"
    );
    let words = refused(export(&home("a"), &store), 31);
    assert!(words.contains("not empty"), "{words}");

    let back = report(import(store.to_str().unwrap(), &home("b")));
    for kind in [
        "runs",
        "experiments",
        "logged_models",
        "registered_models",
        "versions",
    ] {
        let (out, new) = (&told[kind]["new"], &back[kind]["new"]);
        // `Default` is everywhere.
        let known = back[kind]["known"].as_u64().unwrap();
        assert_eq!(out.as_u64(), new.as_u64().map(|new| new + known), "{kind}");
    }
    assert_eq!(
        (&back["points"], &back["files"]),
        (&told["points"], &told["files"])
    );
    let other = serve(&home("b"));
    python(&["compare", &up.url(), &other.url(), "6"], dir.path());
    assert_eq!(other.stop(), 0);

    report(import(&up.url(), &home("c")));
    let other = serve(&home("c"));
    // A server does not tell of deleted versions.
    python(&["compare", &up.url(), &other.url(), "5"], dir.path());
    assert_eq!(other.stop(), 0);

    python(&["compare", &up.url(), &uri, "6"], dir.path());
    python(&["restore", &uri], dir.path());
    assert_eq!(up.stop(), 0);
}

#[test]
fn a_postgres_database_of_ours_goes_out() {
    let (Some(_), Some(postgres)) = (test_python(), Postgres::start()) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (database, home) = (postgres.new_database(), dir.path().join("home"));
    let source = dir.path().join("mlruns");
    let uri = format!("file://{}", source.display());
    python(&["write", &uri], dir.path());
    let with = |mut command: Command| {
        command.args(["--backend-store-uri", &database]);
        command
    };
    report(with(import(source.to_str().unwrap(), &home)));
    let store = dir.path().join("out");
    report(with(export(&home, &store)));
    let out = format!("file://{}", store.display());
    python(&["compare", &uri, &out], dir.path());
}

#[test]
fn places_and_servers_that_are_none_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let words = refused(
        export(&dir.path().join("home"), &dir.path().join("out")),
        30,
    );
    assert!(
        words.contains("metastore.db") && words.contains("--home"),
        "{words}"
    );
    assert!(!dir.path().join("home").exists());
    let words = refused(import("http://127.0.0.1:1", &dir.path().join("home")), 40);
    assert!(
        words.contains("cannot reach `http://127.0.0.1:1/`"),
        "{words}"
    );
}
