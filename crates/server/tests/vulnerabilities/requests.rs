//! Requests that a server is made to send, and requests that a browser is tricked into.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::net::TcpListener;

use super::victim::Victim;

/// A service inside the network, that counts who connects.
async fn inner_service() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, count)
}

/// Locations and sources at web addresses made the server ask them.
#[tokio::test]
async fn cve_2023_6974_the_server_asks_nobody_for_artifacts() {
    let victim = Victim::start().await;
    let (address, n_connections) = inner_service().await;
    for scheme in ["http", "https", "ftp", "mlflow-artifacts"] {
        let place = format!("{scheme}://{address}/latest/meta-data");
        if let Some(run) = victim.run_at(&place).await {
            for path in [
                format!("/get-artifact?run_id={run}&path=a"),
                format!("/api/2.0/mlflow/artifacts/list?run_id={run}"),
            ] {
                let (status, answer) = victim.raw("GET", &path, "").await;
                // What has the scheme of our own artifacts is looked for among them, in vain.
                let is_empty_list = scheme == "mlflow-artifacts" && !answer.contains("\"files\"");
                assert!((400..500).contains(&status) || is_empty_list, "{answer}");
            }
        }
        victim.version_of(&place, None).await;
        let path = "/model-versions/get-artifact?name=m&version=1&path=a";
        let (status, answer) = victim.raw("GET", path, "").await;
        assert!((400..500).contains(&status), "{answer}");
    }
    assert_eq!(n_connections.load(Ordering::SeqCst), 0);
}

/// The proxy to a gateway sent requests wherever its parameter said.
#[tokio::test]
async fn cve_2025_52967_there_is_no_proxy() {
    let victim = Victim::start().await;
    let (address, n_connections) = inner_service().await;
    for path in [
        format!("/ajax-api/2.0/mlflow/gateway-proxy?gateway_path=http://{address}/"),
        format!("/ajax-api/2.0/mlflow/gateway-proxy?gateway_path=//{address}/"),
    ] {
        let (_, answer) = victim.raw("GET", &path, "").await;
        assert!(!answer.contains(&address), "{answer}");
    }
    let body = json!({"gateway_path": format!("http://{address}/"), "json_data": {}}).to_string();
    victim
        .raw("POST", "/ajax-api/2.0/mlflow/gateway-proxy", &body)
        .await;
    assert_eq!(n_connections.load(Ordering::SeqCst), 0);
}

/// With a name that changes its address, a page of elsewhere talked to a local server.
#[tokio::test]
async fn cve_2025_14279_foreign_hosts_and_origins_are_refused() {
    let victim = Victim::start().await;
    let experiment = json!({"name": "planted"}).to_string();
    let create = "/api/2.0/mlflow/experiments/create";
    for headers in [
        "host: evil.example\r\n",
        "host: evil.example:5000\r\n",
        "host: 127.0.0.1.evil.example\r\n",
        "host: localhost.evil.example\r\n",
        "host: 169.254.169.254\r\n",
    ] {
        let (status, answer) = victim
            .raw_with(
                "GET",
                "/api/2.0/mlflow/experiments/get?experiment_id=0",
                headers,
                "",
            )
            .await;
        assert_eq!(status, 403, "{headers}: {answer}");
        assert_eq!(
            victim
                .raw_with("POST", create, headers, &experiment)
                .await
                .0,
            403,
            "{headers}"
        );
    }
    for headers in [
        "origin: https://evil.example\r\n",
        "origin: null\r\n",
        "origin: http://localhost.evil.example\r\n",
    ] {
        // What a form of another site can send, too.
        for kind in [
            "application/json",
            "text/plain",
            "application/x-www-form-urlencoded",
        ] {
            let headers = format!("{headers}content-type: {kind}\r\n");
            let (status, answer) = victim.raw_with("POST", create, &headers, &experiment).await;
            assert_eq!(status, 403, "{headers}: {answer}");
        }
    }
    let (status, _) = victim
        .raw(
            "GET",
            "/api/2.0/mlflow/experiments/get-by-name?experiment_name=planted",
            "",
        )
        .await;
    assert_eq!(status, 404, "nothing was made");
}

/// Queries that named themselves or went deep kept the server busy.
#[tokio::test]
async fn cve_2025_0453_deep_and_wide_queries_are_refused() {
    let victim = Victim::start().await;
    let deep = format!(
        "{{ mlflowGetRun(input: {{runId: \"a\"}}) {}x{} }}",
        "{ run ".repeat(500),
        " }".repeat(500)
    );
    let wide = format!(
        "{{ {} }}",
        "a: test(inputString: \"x\") { output } ".repeat(5000)
    );
    for query in [deep, wide] {
        let body = json!({"query": query}).to_string();
        let headers = "content-type: application/json\r\n";
        let (status, answer) = victim.raw_with("POST", "/graphql", headers, &body).await;
        assert_eq!(status, 200);
        assert!(answer.contains("\"data\":null"), "{answer}");
    }
}

/// Names of any length were stored and shown on every page.
#[tokio::test]
async fn cve_2024_6838_endless_names_are_refused() {
    let victim = Victim::start().await;
    let name = "n".repeat(1 << 20);
    let (status, answer) = victim
        .call("experiments/create", json!({"name": name}))
        .await;
    assert_eq!(status, 400, "{answer}");
    let (status, _) = victim
        .call("registered-models/create", json!({"name": name}))
        .await;
    assert_eq!(status, 400);
}
