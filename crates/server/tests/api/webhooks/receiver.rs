//! Somebody who is told: a server that keeps what it gets, and answers as it was bidden.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use ring::hmac;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A message that arrived.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) path: String,
    headers: BTreeMap<String, String>,
    text: String,
    pub(super) body: Value,
}

impl Told {
    /// A header, or nothing.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// What the signature must be, by MLflow's recipe.
    pub(super) fn signature(&self, secret: &str) -> String {
        let (id, at) = (
            self.header("x-mlflow-delivery-id"),
            self.header("x-mlflow-timestamp"),
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let code = hmac::sign(&key, format!("{id}.{at}.{}", self.text).as_bytes());
        let base64 = base64::engine::general_purpose::STANDARD;
        format!("v1,{}", base64.encode(code))
    }
}

pub(super) struct Receiver {
    pub(super) url: String,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Receiver {
    /// Answers with the statuses one after the other, and then with 200.
    pub(super) async fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let told: Arc<Mutex<Vec<Told>>> = Arc::default();
        let (kept, statuses) = (Arc::clone(&told), statuses.to_vec());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let n_told = kept.lock().unwrap().len();
                let status = statuses.get(n_told).copied().unwrap_or(200);
                let one = answer(stream, status).await;
                kept.lock().unwrap().extend(one);
            }
        });
        Self { url, told }
    }

    /// What has arrived so far.
    pub(super) fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// Waits until so many messages have arrived.
    pub(super) async fn until(&self, n_told: usize) {
        for _ in 0..400 {
            if self.told().len() >= n_told {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} messages, not {n_told}", self.told().len());
    }
}

/// An address where nobody answers.
pub(super) async fn no_answer() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// Reads a request and answers it, and closes the connection.
async fn answer(mut stream: TcpStream, status: u16) -> Option<Told> {
    let mut bytes = Vec::new();
    let told = loop {
        let mut part = [0; 4096];
        let n_read = stream.read(&mut part).await.ok()?;
        if n_read == 0 {
            return None;
        }
        bytes.extend_from_slice(&part[..n_read]);
        if let Some(told) = parse(std::str::from_utf8(&bytes).unwrap()) {
            break told;
        }
    };
    let answer = format!(
        "HTTP/1.1 {status} X\r\nlocation: /elsewhere\r\ncontent-length: 5\r\nconnection: close\r\n\r\nnoted"
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    Some(told)
}

/// The request, if it is whole.
fn parse(text: &str) -> Option<Told> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    (body.len() == length).then(|| Told {
        path,
        headers,
        text: body.to_owned(),
        body: serde_json::from_str(body).unwrap(),
    })
}
