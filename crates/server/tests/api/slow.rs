//! Clients that are slow on purpose, and requests that are too large to be meant.

use std::io::ErrorKind;
use std::time::Duration;

use everloop_server::{Patience, Settings};
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::TestServer;

/// How long the server waits in these tests.
const SHORT: Duration = Duration::from_millis(200);
/// No test waits longer for what must happen.
const AT_MOST: Duration = Duration::from_secs(20);
/// Longer than all buffers between the two.
const LARGE: usize = 32 << 20;

async fn server() -> TestServer {
    let patience = Patience {
        head: SHORT,
        body: SHORT,
        answer: SHORT,
    };
    let settings = Settings {
        patience,
        ..Settings::on_a_free_port()
    };
    TestServer::start_with(&settings).await
}

async fn connect(server: &TestServer) -> TcpStream {
    let url = server.running.url();
    let address = url.trim_start_matches("http://").to_owned();
    TcpStream::connect(address).await.unwrap()
}

/// All that comes until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match timeout(AT_MOST, stream.read_to_end(&mut bytes)).await {
        Ok(Ok(_)) => bytes,
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => bytes,
        other => panic!("the connection stays: {other:?}"),
    }
}

async fn still_answers(server: &TestServer) {
    assert_eq!(server.get("/health").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_head_that_comes_a_byte_a_time_is_not_waited_for() {
    let server = server().await;
    let mut stream = connect(&server).await;
    stream.write_all(b"GET /health HTTP/1.1\r\n").await.unwrap();
    let trickle = async {
        while stream.write_all(b"a").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    timeout(AT_MOST, trickle).await.unwrap();
    still_answers(&server).await;
}

#[tokio::test]
async fn connections_that_say_nothing_are_closed() {
    let server = server().await;
    let mut stream = connect(&server).await;
    assert_eq!(rest(&mut stream).await, b"");
}

#[tokio::test]
async fn a_body_that_stops_is_not_waited_for_and_nothing_of_it_remains() {
    let server = server().await;
    let run = server
        .mlflow("runs/create", serde_json::json!({"experiment_id": "0"}))
        .await;
    let id = run["run"]["info"]["run_id"].as_str().unwrap();
    let path = format!("/api/2.0/mlflow-artifacts/artifacts/0/{id}/artifacts/half.bin");
    let mut stream = connect(&server).await;
    let head =
        format!("PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf");
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = String::from_utf8(rest(&mut stream).await).unwrap();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
        "{answer}"
    );
    assert_eq!(server.get(&path).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn answers_that_nobody_takes_are_given_up() {
    let server = server().await;
    let path = "/api/2.0/mlflow-artifacts/artifacts/large.bin";
    let upload = server
        .request(reqwest::Method::PUT, path)
        .body(vec![7; LARGE]);
    assert!(upload.send().await.unwrap().status().is_success());
    let mut stream = connect(&server).await;
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(SHORT * 5).await;
    assert!(rest(&mut stream).await.len() < LARGE, "it was waited for");
    still_answers(&server).await;
}

#[tokio::test]
async fn floods_of_headers_are_refused() {
    let server = server().await;
    let many = "x: a\r\n".repeat(10_000);
    let long = format!("x: {}\r\n", "a".repeat(4 << 20));
    for headers in [many, long] {
        let mut stream = connect(&server).await;
        let head = format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        // The server may close before it has all.
        let _ = stream.write_all(head.as_bytes()).await;
        let answer = String::from_utf8(rest(&mut stream).await).unwrap();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
            "{answer}"
        );
        still_answers(&server).await;
    }
}
