//! `mlflow-artifacts/…`.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::server::{TestServer, answer};

const ROOT: &str = "/api/2.0/mlflow-artifacts/artifacts";

#[tokio::test]
async fn an_artifact_is_kept_listed_given_and_removed() {
    let server = TestServer::start().await;
    let path = format!("{ROOT}/0/run/artifacts/dir/gr%C3%B6%C3%9Fe.txt");
    let upload = server.request(Method::PUT, &path).body("hello");
    assert_eq!(answer(upload).await.0, StatusCode::OK);
    let (_, listed) = server.get(&format!("{ROOT}?path=0/run/artifacts")).await;
    assert_eq!(listed, json!({"files": [{"path": "dir", "is_dir": true}]}));
    let (_, listed) = server
        .get(&format!("{ROOT}?path=0/run/artifacts/dir"))
        .await;
    assert_eq!(
        listed,
        json!({"files": [{"path": "größe.txt", "is_dir": false, "file_size": 5}]})
    );
    let response = server.request(Method::GET, &path).send().await.unwrap();
    let disposition = response.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment"), "{disposition}");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(response.text().await.unwrap(), "hello");
    let removed = answer(server.request(Method::DELETE, &path)).await;
    assert_eq!(removed.0, StatusCode::OK);
    assert_eq!(server.get(&path).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn path_traversal_is_refused() {
    let server = TestServer::start().await;
    std::fs::write(server.dir().join("secret"), "secret").unwrap();
    for path in [
        "..%2fsecret",
        "%2e%2e%2fsecret",
        "a%2f..%2f..%2fsecret",
        "%2fetc%2fpasswd",
        "..%5csecret",
        "%252e%252e%252fsecret",
        "C:%2fx",
    ] {
        let path = format!("{ROOT}/{path}");
        for method in [Method::GET, Method::DELETE] {
            let (status, body) = answer(server.request(method, &path)).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {body}");
        }
        let upload = server.request(Method::PUT, &path).body("x");
        assert_eq!(answer(upload).await.0, StatusCode::BAD_REQUEST, "{path}");
    }
    let (status, _) = server.get(&format!("{ROOT}?path=../..")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let kept = std::fs::read_to_string(server.dir().join("secret")).unwrap();
    assert_eq!(kept, "secret");
}

#[tokio::test]
async fn a_part_of_an_artifact_is_given_alone() {
    let server = TestServer::start().await;
    let path = format!("{ROOT}/0/run/artifacts/digits.txt");
    answer(server.request(Method::PUT, &path).body("0123456789")).await;
    let ask = |range: &'static str| {
        server
            .request(Method::GET, &path)
            .header("range", range)
            .send()
    };
    let response = ask("bytes=2-4").await.unwrap();
    assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(response.headers()["content-range"], "bytes 2-4/10");
    assert_eq!(response.text().await.unwrap(), "234");
    assert_eq!(ask("bytes=-1").await.unwrap().text().await.unwrap(), "9");
    assert_eq!(
        ask("bytes=99-").await.unwrap().status(),
        StatusCode::RANGE_NOT_SATISFIABLE
    );
    let whole = ask("pages=1").await.unwrap();
    assert_eq!(
        (
            whole.status(),
            whole.headers()["content-length"].to_str().unwrap()
        ),
        (StatusCode::OK, "10")
    );
    assert_eq!(whole.headers()["content-type"], "text/plain");
}

/// The client uploads plainly if it is told so in these words.
#[tokio::test]
async fn directories_take_no_parts_and_have_no_addresses() {
    let server = TestServer::start().await;
    let body = json!({"path": "a", "upload_id": "u", "parts": [{"part_number": 1, "etag": "e"}]});
    for step in ["create", "complete", "abort"] {
        let path = format!("/api/2.0/mlflow-artifacts/mpu/{step}/0/run/artifacts");
        let (status, answer) = server.post(&path, body.clone()).await;
        assert_eq!(status, StatusCode::NOT_IMPLEMENTED, "{answer}");
        assert_eq!(answer["error_code"], "NOT_IMPLEMENTED");
        let words = answer["message"].as_str().unwrap();
        assert!(
            words.starts_with("Multipart upload is not supported for the current"),
            "{words}"
        );
    }
    let (status, answer) = server.get("/api/2.0/mlflow-artifacts/presigned/0/a").await;
    assert_eq!(status, StatusCode::NOT_IMPLEMENTED, "{answer}");
}

#[tokio::test]
async fn a_large_artifact_comes_back_whole() {
    let server = TestServer::start().await;
    let path = format!("{ROOT}/0/run/artifacts/large.bin");
    let bytes: Vec<u8> = (0..40_000_000_u32)
        .map(|index| (index % 251) as u8)
        .collect();
    let upload = server.request(Method::PUT, &path).body(bytes.clone());
    assert_eq!(answer(upload).await.0, StatusCode::OK);
    let response = server.request(Method::GET, &path).send().await.unwrap();
    assert!(response.bytes().await.unwrap() == bytes);
}
