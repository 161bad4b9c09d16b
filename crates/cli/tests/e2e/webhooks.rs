//! Webhooks of `everloop server`: MLflow's own client makes them, and a receiver checks what they are told.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use everloop_testkit::{TestProject, Up, test_python};
use serde_json::{Value, json};

use crate::projects::{BINARY, line};

/// How long a message may take.
const PATIENCE: Duration = Duration::from_mins(1);

fn server(home: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(BINARY);
    command
        .args(["server", "--port", "0", "--home"])
        .arg(home)
        .envs(variables.iter().copied());
    command
}

fn run_client(python: &Path, url: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/webhooks.py");
    Command::new(python).arg(script).arg(url).output().unwrap()
}

#[test]
fn the_real_client_makes_webhooks_that_are_told_signed() {
    let Some(python) = test_python() else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let mut command = server(
        home.path(),
        &[
            ("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http,https"),
            (
                "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY",
                "the key of an operator",
            ),
        ],
    );
    command.arg("--allow-private-webhooks");
    let up = Up::start(command);
    let output = run_client(&python, &up.url());
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}\n{}", up.words());
    assert!(output.stdout.ends_with(b"ok\n"), "{words}");
    assert!(!up.words().contains("panic"), "{}", up.words());
    assert_eq!(up.stop(), 0);
    let database = std::fs::read(home.path().join("metastore.db")).unwrap();
    let secret = b"secret-of-the-client";
    assert!(!database.windows(secret.len()).any(|part| part == secret));
}

#[test]
fn a_webhook_to_this_machine_must_be_allowed() {
    let home = tempfile::tempdir().unwrap();
    let variables = [("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http")];
    let up = Up::start(server(home.path(), &variables));
    let events = json!([{"entity": "PROMPT", "action": "CREATED"}]);
    let body = json!({"name": "a", "url": "http://localhost:5000/", "events": events});
    let answer = up.post("/api/2.0/mlflow/webhooks", &body);
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(
        answer.body.contains("--allow-private-webhooks"),
        "{}",
        answer.body
    );
    assert_eq!(up.stop(), 0);
    let weak = [("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", "weak")];
    let output = server(home.path(), &weak).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("has 4 characters"), "{words}");
    assert!(!output.status.success());
}

/// A place that takes messages: its address, and what arrives.
fn receiver() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (sender, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Some(message) = take(stream.unwrap()) else {
                continue;
            };
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    (url, told)
}

/// Reads a message and says that it was taken.
fn take(mut stream: TcpStream) -> Option<Value> {
    let mut text = String::new();
    let mut part = [0; 4096];
    loop {
        let n_read = stream.read(&mut part).ok().filter(|n_read| *n_read > 0)?;
        text += std::str::from_utf8(&part[..n_read]).unwrap();
        let Some((_, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        if let Ok(message) = serde_json::from_str(body) {
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).ok()?;
            return Some(message);
        }
    }
}

/// `everloop up` that starts no cycles and may tell this machine.
fn up(project: &TestProject) -> Up {
    let mut command = project.command(&["up", "--port", "0", "--no-controller"]);
    command
        .arg("--allow-private-webhooks")
        .env("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http");
    Up::start(command)
}

/// The loop changes the registry in another process, while no server runs: the next one tells it.
#[test]
fn a_new_champion_is_told_whoever_made_it() {
    let project = line(300);
    let (url, told) = receiver();
    let first = up(&project);
    let events = ["REGISTERED_MODEL", "MODEL_VERSION", "MODEL_VERSION_ALIAS"]
        .map(|entity| json!({"entity": entity, "action": "CREATED"}));
    let body = json!({"name": "loop", "url": url, "events": events});
    assert_eq!(first.post("/api/2.0/mlflow/webhooks", &body).status, 200);
    first.kill();
    project.succeed(&["run"]);
    assert!(told.try_recv().is_err());
    let second = up(&project);
    let next = || {
        let message = told.recv_timeout(PATIENCE).expect("a message");
        (message["entity"].clone(), message["data"].clone())
    };
    assert_eq!(next().0, "registered_model");
    let (entity, made) = next();
    assert_eq!(
        (entity, &made["version"]),
        (json!("model_version"), &json!("1"))
    );
    assert!(
        made["tags"]["everloop.package_digest"].is_string(),
        "{made}"
    );
    let alias = json!({"name": "line", "alias": "champion", "version": "1"});
    assert_eq!(next(), (json!("model_version_alias"), alias));
    // A person moves the alias while the server runs.
    project.succeed(&["model", "promote", "line", "1"]);
    assert_eq!(next().0, "model_version_alias");
    assert_eq!(second.stop(), 0);
}
