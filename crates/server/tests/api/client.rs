//! MLflow's own client, as data scientists use it; needs a Python with mlflow and scikit-learn.

use std::path::Path;
use std::process::Command;

use crate::server::TestServer;

/// Runs a script of the client against a server of its own.
async fn run(script: &str) {
    let Some(python) = std::env::var_os("EVERLOOP_TEST_PYTHON") else {
        eprintln!("skipped: `EVERLOOP_TEST_PYTHON` names no Python with mlflow and scikit-learn");
        return;
    };
    let server = TestServer::start().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/api")
        .join(script);
    let url = server.running.url();
    let run = move || Command::new(python).arg(script).arg(url).output();
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert!(
        String::from_utf8_lossy(&output.stdout).ends_with("ok\n"),
        "{words}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_client_works_unchanged() {
    run("client.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_client_traces_assesses_and_keeps_prompts() {
    run("traces.py").await;
}
