//! MLflow's endpoints: those of tracking and registry are there, and what is not says so by name.

use everloop_server::{Endpoint, endpoints};
use reqwest::Method;
use serde_json::{Value, json};

use super::server::{TestServer, answer};

/// What is said to a request without parameters.
async fn ask(server: &TestServer, endpoint: Endpoint) -> (u16, Value) {
    let path: String = endpoint.path.replace(['{', '}'], "");
    let method = Method::from_bytes(endpoint.method.as_bytes()).unwrap();
    let mut request = server.request(method.clone(), &path);
    if method != Method::GET {
        request = request.json(&json!({}));
    }
    let (status, body) = answer(request).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn tracking_and_registry_are_complete_but_for_what_is_named_here() {
    let server = TestServer::start().await;
    let mut absent = Vec::new();
    for endpoint in endpoints().filter(|endpoint| endpoint.group == "CORE") {
        let (status, body) = ask(&server, endpoint).await;
        assert!(status != 500, "{endpoint:?}: {body}");
        if body["error_code"] == "ENDPOINT_NOT_FOUND" || status == 405 {
            absent.push(endpoint.path.trim_start_matches("/api/2.0/mlflow/"));
        }
    }
    assert_eq!(absent, [""; 0]);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let server = TestServer::start().await;
    let mut n_absent = 0;
    let is_mlflow = |endpoint: &Endpoint| {
        endpoint.path.starts_with("/api/") && endpoint.path.contains("/mlflow/")
    };
    for endpoint in endpoints().filter(is_mlflow) {
        let (status, body) = ask(&server, endpoint).await;
        assert!(status != 500, "{endpoint:?}: {body}");
        if body["error_code"] == "ENDPOINT_NOT_FOUND" {
            n_absent += 1;
            assert_eq!(status, 404, "{endpoint:?}");
            let words = body["message"].as_str().unwrap();
            let (_, name) = endpoint.path.split_once("/mlflow").unwrap();
            assert!(
                words.contains(&name.replace(['{', '}'], "")),
                "{endpoint:?}: {words}"
            );
        }
    }
    assert!(n_absent > 100, "{n_absent}");
}
