//! What nobody should send.

use std::io::{Read as _, Write as _};

use everloop_serve::Serving;

use crate::models;
use crate::server::{Server, clock, set};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn content_types_and_lengths_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let serving = Serving::new(everloop_serve::Models::new(), clock()).with_max_body_bytes(1000);
    set(serving.models(), dir.path(), "sum", 1, &models::sum(0.0));
    let server = Server::start(serving).await;
    for headers in [&[("content-type", "application/xml")][..], &[]] {
        let answer = server.post("/invocations", headers, "{}").await;
        assert_eq!(answer.status, 415, "{}", answer.text);
        assert_eq!(answer.json()["error_code"], "BAD_REQUEST");
    }
    for path in ["/invocations", "/v2/models/sum/infer"] {
        let answer = server.post(path, &[JSON], "x".repeat(1001)).await;
        assert_eq!(answer.status, 413);
        assert!(
            answer.text.contains("longer than 1000 bytes"),
            "{}",
            answer.text
        );
    }
    assert_eq!(server.get("/invocations").await.status, 405);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_bounded_too() {
    let dir = tempfile::tempdir().unwrap();
    let serving = Serving::new(everloop_serve::Models::new(), clock()).with_max_body_bytes(1000);
    set(serving.models(), dir.path(), "sum", 1, &models::sum(0.0));
    let server = Server::start(serving).await;
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = "POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let chunk = format!("1f4\r\n{}\r\n", " ".repeat(500));
        for _ in 0..3 {
            stream.write_all(chunk.as_bytes()).unwrap();
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn wild_bodies_are_refused_and_the_server_lives() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::usual(dir.path()).await;
    let deep = format!(r#"{{"dataframe_records": {}"#, "[".repeat(200_000));
    let wide: Vec<String> = (0..10_000).map(|at| format!(r#""c{at}": {at}"#)).collect();
    let bodies = [
        deep,
        format!(r#"{{"dataframe_records": [{{{}}}]}}"#, wide.join(",")),
        format!(
            r#"{{"dataframe_records": [{{"a": "{}"}}]}}"#,
            "x".repeat(5 << 20)
        ),
        r#"{"dataframe_records": [{"a": 1e999}]}"#.to_owned(),
        r#"{"dataframe_records": [{"a": 1, "n": 99999999999999999999, "t": "", "b": true}]}"#
            .to_owned(),
        r#"{"dataframe_records": [{"a": {"$ref": "x"}, "n": [], "t": "", "b": true}]}"#.to_owned(),
        "\u{feff}{}".to_owned(),
        "\0".repeat(100),
    ];
    for body in bodies {
        let answer = server.invoke(&body).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert!(answer.text.len() < 1500, "{}", answer.text.len());
        assert_eq!(answer.json()["error_code"], "BAD_REQUEST");
    }
    let odd =
        r#"{"dataframe_records": [{"a": 1e308, "n": 0, "t": "\u0000\ud83d\ude00", "b": false}]}"#;
    let answer = server.invoke(odd).await;
    assert_eq!(
        (answer.status, &answer.json()["predictions"][0]),
        (200, &serde_json::json!(1e308))
    );
}

#[tokio::test]
async fn a_long_text_is_scored() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::usual(dir.path()).await;
    let body = format!(
        r#"{{"dataframe_records": [{{"a": 1, "n": 2, "t": "{}", "b": false}}]}}"#,
        "x".repeat(5 << 20)
    );
    let answer = server.invoke(&body).await;
    assert_eq!(
        (answer.status, &answer.json()["predictions"][0]),
        (200, &serde_json::json!(21.0))
    );
}
