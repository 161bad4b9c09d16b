//! Asking a server: with patience, and with errors that name what was asked.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header};
use serde_json::Value;

use crate::Error;

/// Where MLflow's API is below the address.
const API: &str = "api/2.0/mlflow";
/// How long a connection may take, and how long a server may be silent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const SILENCE_TIMEOUT: Duration = Duration::from_mins(2);
/// How often something is asked before it is given up.
const N_ATTEMPTS: u32 = 5;
/// How long to wait before the second attempt, doubled before each further one, and the longest that a server may ask for.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How much of what a server says of an error is told.
const MAX_WORDS: usize = 300;

/// Who asks; without any, nobody in particular. A name and password in the address go before.
#[derive(Clone, Default)]
pub struct Login {
    /// The name, with the password if there is one.
    pub user: Option<(String, Option<String>)>,
    /// A bearer token.
    pub token: Option<String>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

/// The way to a server.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    /// The address, without a password.
    base: Url,
    login: Login,
    first_wait: Duration,
}

impl Http {
    pub(super) fn new(url: &str, mut login: Login) -> Result<Self, Error> {
        let refused = |problem| Error::Source {
            source_name: url.split('@').next_back().unwrap_or_default().to_owned(),
            problem,
        };
        let mut base = Url::parse(url.trim_end_matches('/'))
            .ok()
            .filter(Url::has_host)
            .ok_or_else(|| refused("it is no address"))?;
        if !base.username().is_empty() {
            let password = base.password().map(ToOwned::to_owned);
            login.user = Some((base.username().to_owned(), password));
            let is_plain = base.set_username("").and_then(|()| base.set_password(None));
            is_plain.map_err(|()| refused("it is no address"))?;
        }
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT)
            .build()
            .map_err(|source| unreachable(&base, source))?;
        Ok(Self {
            client,
            base,
            login,
            first_wait: FIRST_WAIT,
        })
    }

    /// Asks for something of MLflow's API.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Error> {
        let url = self.url(&format!("{API}/{path}"));
        self.json(|| self.client.get(url.clone()).query(query))
            .await
    }

    /// Posts to MLflow's API.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let url = self.url(&format!("{API}/{path}"));
        self.json(|| self.client.post(url.clone()).json(body)).await
    }

    /// Asks for something anywhere below the address.
    pub(super) async fn get_at(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Error> {
        let url = self.url(path);
        self.json(|| self.client.get(url.clone()).query(query))
            .await
    }

    /// Asks for the bytes of something anywhere below the address.
    pub(super) async fn open(&self, path: &str, query: &[(&str, &str)]) -> Result<Response, Error> {
        let url = self.url(path);
        self.send(|| self.client.get(url.clone()).query(query))
            .await
    }

    /// A path below the address; its parts are encoded.
    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(path.split('/'));
        }
        url
    }

    async fn json(&self, request: impl Fn() -> RequestBuilder) -> Result<Value, Error> {
        let answer = self.send(request).await?;
        let asked = answer.url().clone();
        let bytes = answer
            .bytes()
            .await
            .map_err(|source| unreachable(&self.base, source))?;
        serde_json::from_slice(&bytes).map_err(|problem| Error::Nonsense {
            path: asked.to_string(),
            problem: problem.to_string(),
        })
    }

    /// Sends a request until it is answered; what is busy or away is asked again a few times.
    async fn send(&self, request: impl Fn() -> RequestBuilder) -> Result<Response, Error> {
        let mut wait = self.first_wait;
        let mut n_left = N_ATTEMPTS;
        loop {
            n_left -= 1;
            let mut longer = Duration::ZERO;
            match self.signed(request()).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) if is_passing(answer.status()) && n_left > 0 => {
                    longer = wished(&answer).min(LONGEST_WAIT);
                }
                Ok(answer) => return Err(refused(answer).await),
                Err(source) if n_left == 0 || source.is_builder() => {
                    return Err(unreachable(&self.base, source));
                }
                Err(_) => {}
            }
            tokio::time::sleep(wait.max(longer)).await;
            wait *= 2;
        }
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match (&self.login.user, &self.login.token) {
            (Some((name, password)), _) => request.basic_auth(name, password.as_ref()),
            (None, Some(token)) => request.bearer_auth(token),
            (None, None) => request,
        }
    }

    pub(super) fn broken_off(&self, source: reqwest::Error) -> Error {
        unreachable(&self.base, source)
    }

    pub(super) fn nonsense(&self, problem: &str) -> Error {
        Error::Nonsense {
            path: format!("an answer of {}", self.base),
            problem: problem.to_owned(),
        }
    }

    pub(super) fn is_no_source(&self) -> Error {
        Error::Source {
            source_name: self.base.to_string(),
            problem: "what answers there is no server that speaks MLflow's API",
        }
    }
}

fn unreachable(base: &Url, source: reqwest::Error) -> Error {
    Error::Unreachable {
        server: base.to_string(),
        source: source.without_url(),
    }
}

/// Whether the same again may succeed.
fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// How long the server asks to wait.
fn wished(answer: &Response) -> Duration {
    let seconds = answer.headers().get(header::RETRY_AFTER);
    let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or_default())
}

async fn refused(answer: Response) -> Error {
    let (status, request) = (answer.status().as_u16(), answer.url().to_string());
    let text = answer.text().await.unwrap_or_default();
    let told: Value = serde_json::from_str(&text).unwrap_or_default();
    let words = told["message"].as_str().unwrap_or(&text);
    Error::Refused {
        request,
        status,
        words: words.trim().chars().take(MAX_WORDS).collect(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::task::JoinHandle;

    use super::*;

    #[test]
    fn addresses_are_shown_without_a_password() {
        let http = Http::new("http://me:secret@h:5000/mlflow/", Login::default()).unwrap();
        assert_eq!(http.base.as_str(), "http://h:5000/mlflow");
        let shown = format!("{http:?} {}", http.is_no_source());
        assert!(!shown.contains("secret"), "{shown}");
        let words = Http::new("http://", Login::default())
            .unwrap_err()
            .to_string();
        assert!(words.contains("no address"), "{words}");
    }

    #[test]
    fn paths_are_encoded_part_by_part() {
        let http = Http::new("http://h/prefix", Login::default()).unwrap();
        assert_eq!(
            http.url("api/1/a b/50%?#").as_str(),
            "http://h/prefix/api/1/a%20b/50%25%3F%23"
        );
    }

    /// A server that gives these answers, one after the other, and then no more; tells what it was asked.
    async fn server(answers: &'static [&'static str]) -> (String, JoinHandle<Vec<String>>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = tokio::spawn(async move {
            let mut requests = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut asked = [0; 4096];
                let n_read = stream.read(&mut asked).await.unwrap();
                requests.push(String::from_utf8_lossy(&asked[..n_read]).into_owned());
                let _ = stream.write_all(answer.as_bytes()).await;
            }
            requests
        });
        (address.to_string(), served)
    }

    fn http(address: &str) -> Http {
        let http = Http::new(&format!("http://{address}"), Login::default());
        Http {
            first_wait: Duration::from_millis(1),
            ..http.unwrap()
        }
    }

    const BUSY: &str = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const AWAY: &str =
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const GOOD: &str =
        "HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\n{\"a\": 1}";
    const LOST: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 19\r\nconnection: close\r\n\r\n{\"message\": \"gone\"}";
    const PAGE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>";

    #[tokio::test]
    async fn what_is_busy_or_breaks_off_is_asked_again() {
        let (address, served) = server(&[BUSY, "", AWAY, GOOD]).await;
        let answer = http(&address).get("x", &[]).await.unwrap();
        assert_eq!(answer["a"], 1);
        assert_eq!(served.await.unwrap().len(), 4);
    }

    #[tokio::test]
    async fn what_stays_away_is_named() {
        let (address, served) = server(&[AWAY, AWAY, AWAY, AWAY, AWAY]).await;
        let error = http(&address).get("x", &[("k", "v")]).await;
        let error = error.unwrap_err();
        assert!(!error.spoils_one_thing());
        let words = error.to_string();
        assert!(
            words.contains("/x?k=v` was refused with status 503"),
            "{words}"
        );
        assert_eq!(served.await.unwrap().len(), 5);
        let error = http("127.0.0.1:1").get("x", &[]).await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot reach `http://127.0.0.1:1/`")
        );
    }

    #[tokio::test]
    async fn what_is_refused_is_not_asked_again() {
        let (address, _served) = server(&[LOST, PAGE]).await;
        let http = http(&address);
        let error = http.get("x", &[]).await.unwrap_err();
        assert!(error.spoils_one_thing());
        assert!(error.to_string().ends_with("status 404: gone"), "{error}");
        let error = http.get("y", &[]).await.unwrap_err();
        assert!(error.to_string().contains("makes no sense"), "{error}");
    }

    #[tokio::test]
    async fn other_servers_are_no_sources() {
        for answer in [&[LOST], &[PAGE]] {
            let (address, _served) = server(answer).await;
            let http = http(&address);
            let error = super::super::Server { http }.experiments().await;
            let words = error.unwrap_err().to_string();
            assert!(
                words.contains("no server that speaks MLflow's API"),
                "{words}"
            );
        }
    }

    #[tokio::test]
    async fn who_asks_says_so() {
        let token = Some("t0k".to_owned());
        for (user, token, expected) in [
            (
                "me:secret@",
                token.clone(),
                "authorization: Basic bWU6c2VjcmV0",
            ),
            ("", token, "authorization: Bearer t0k"),
        ] {
            let (address, served) = server(&[GOOD]).await;
            let login = Login { user: None, token };
            let http = Http::new(&format!("http://{user}{address}"), login).unwrap();
            http.get("x", &[]).await.unwrap();
            let asked = served.await.unwrap().concat();
            assert!(asked.contains(expected), "{asked}");
        }
    }
}
