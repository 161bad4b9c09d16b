//! Requests that a browser was tricked into.

use reqwest::{Method, StatusCode};

use crate::server::TestServer;

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused_everywhere() {
    let server = TestServer::start().await;
    for path in [
        "/",
        "/api/v1/status",
        "/api/2.0/mlflow/experiments/search",
        "/ping",
        "/v2",
    ] {
        let request = server
            .request(Method::GET, path)
            .header("host", "evil.example");
        assert_eq!(
            request.send().await.unwrap().status(),
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
    for path in [
        "/feedback",
        "/api/2.0/mlflow/experiments/create",
        "/invocations",
    ] {
        let request = server
            .request(Method::POST, path)
            .header("origin", "http://evil.example");
        assert_eq!(
            request.send().await.unwrap().status(),
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
}
