//! Which of MLflow's endpoints this server answers: found by asking it.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use everloop_artifacts::Places;
use everloop_metastore::Metastore;
use everloop_server::{Endpoint, Parts, Settings};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::page;
use crate::environment::SystemClock;

/// What the page probes of features that this server does not have: it is answered that there is none.
const NOTHING_BEHIND: [&str; 3] = [
    "/api/3.0/mlflow/assistant/config",
    "/api/3.0/mlflow/assistant/providers",
    "/api/2.0/mlflow/gateway-proxy",
];

/// How the server takes an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    /// It is there, and says that the artifact store cannot do it.
    DependsOnStore,
    /// It is there, and says that there is none of what it is about.
    None,
    No,
}

/// The page.
pub(super) fn write() -> Result<String> {
    // The caller may be in an async runtime, and this needs one of its own.
    let asking = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(ask())
    });
    let answers = asking
        .join()
        .map_err(|_| anyhow::anyhow!("asking the server broke off"))??;
    let mut text = page("MLflow's endpoints");
    text.push_str(
        "Those of MLflow 3.18. Each is there below `/api` and, as in MLflow, `/ajax-api`. One that is not there answers 404 with the \
         `error_code` `ENDPOINT_NOT_FOUND` and its name.\n",
    );
    for group in ["CORE", "GENAI", "ADMIN"] {
        let of_group: Vec<_> = answers
            .iter()
            .filter(|(one, _)| one.group == group)
            .collect();
        let n_there = of_group
            .iter()
            .filter(|(_, answer)| ![Answer::No, Answer::None].contains(answer))
            .count();
        let _ = writeln!(
            text,
            "\n## {group}: {n_there} of {}\n\n| method | path | answered |\n|---|---|---|",
            of_group.len()
        );
        for (endpoint, answer) in of_group {
            let answer = match answer {
                Answer::Yes => "yes",
                Answer::DependsOnStore => "as the artifact store can",
                Answer::None => "says that there is none",
                Answer::No => "no",
            };
            let _ = writeln!(
                text,
                "| {} | `{}` | {answer} |",
                endpoint.method, endpoint.path
            );
        }
    }
    Ok(text)
}

async fn ask() -> Result<Vec<(Endpoint, Answer)>> {
    let dir = std::env::temp_dir().join(format!("everloop-reference-{}", std::process::id()));
    let parts = Parts {
        metastore: Metastore::in_memory()?,
        places: Places::open(&dir.display().to_string(), "mlflow-artifacts:", &[])?,
        clock: Arc::new(SystemClock),
        deployment: None,
    };
    let server = everloop_server::start(parts, &Settings::on_a_free_port()).await?;
    let (client, mut answers) = (Client::new(), Vec::new());
    for endpoint in everloop_server::endpoints() {
        answers.push((endpoint, answer(&client, &server.url(), endpoint).await?));
    }
    server.stop().await;
    std::fs::remove_dir_all(&dir).with_context(|| format!("cannot remove `{}`", dir.display()))?;
    Ok(answers)
}

async fn answer(client: &Client, server: &str, endpoint: Endpoint) -> Result<Answer> {
    let path: String = endpoint
        .path
        .split_inclusive('}')
        .map(|part| {
            part.split('{').next().unwrap_or_default().to_owned()
                + if part.ends_with('}') { "x" } else { "" }
        })
        .collect();
    let method = Method::from_bytes(endpoint.method.as_bytes())?;
    let mut request = client.request(method.clone(), format!("{server}{path}"));
    if method != Method::GET {
        request = request.json(&json!({}));
    }
    let answered = request.send().await?;
    let status = answered.status().as_u16();
    let body: Value = answered.json().await.unwrap_or_default();
    let is_absent = status == 405
        || body["error_code"] == "ENDPOINT_NOT_FOUND"
        || body["error"]["message"]
            .as_str()
            .is_some_and(|words| words.starts_with("there is nothing at"));
    Ok(match status {
        _ if is_absent => Answer::No,
        _ if NOTHING_BEHIND.contains(&endpoint.path) => Answer::None,
        501 => Answer::DependsOnStore,
        _ => Answer::Yes,
    })
}
