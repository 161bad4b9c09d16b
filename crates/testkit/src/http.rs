//! A minimal HTTP client, so that tests see the bytes of an answer and nothing is added to a request.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code; 0 if the connection broke.
    pub status: u16,
    /// The header lines, as they came.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
    }

    /// The answer, which must be a success.
    #[track_caller]
    #[must_use]
    pub fn ok(self) -> Self {
        assert!(self.status == 200, "{} {}", self.status, self.body);
        self
    }

    fn broken() -> Self {
        Self {
            status: 0,
            head: String::new(),
            body: String::new(),
        }
    }
}

/// Asks for a path.
#[must_use]
pub fn get(address: &str, path: &str) -> Answer {
    exchange(
        address,
        &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"),
        &[],
    )
}

/// Sends bytes to a path.
#[must_use]
pub fn post(address: &str, path: &str, content_type: &str, body: &[u8]) -> Answer {
    let first = format!("POST {path} HTTP/1.1\r\ncontent-type: {content_type}");
    send(address, &first, body)
}

/// Puts bytes at a path.
#[must_use]
pub fn put(address: &str, path: &str, body: &[u8]) -> Answer {
    send(address, &format!("PUT {path} HTTP/1.1"), body)
}

fn send(address: &str, first: &str, body: &[u8]) -> Answer {
    let n_bytes = body.len();
    let head = format!(
        "{first}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {n_bytes}\r\n\r\n"
    );
    exchange(address, &head, body)
}

pub(crate) fn exchange(address: &str, head: &str, body: &[u8]) -> Answer {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return Answer::broken();
    };
    // The server may answer and close before it has read a refused body.
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body));
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Answer::broken();
    };
    let status = head
        .split_whitespace()
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0);
    let body = if head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        unchunk(body)
    } else {
        body.to_owned()
    };
    Answer {
        status,
        head: head.to_owned(),
        body,
    }
}

fn unchunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let n_bytes = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if n_bytes == 0 || after.len() < n_bytes {
            break;
        }
        body.push_str(&after[..n_bytes]);
        rest = after[n_bytes..].trim_start_matches("\r\n");
    }
    body
}
