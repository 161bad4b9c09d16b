//! Files on a web server, which is only read.

use std::time::Duration;

use futures::StreamExt as _;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, StatusCode};
use reqwest::{Certificate, Client, RequestBuilder, Response, redirect};
use url::Url;

use super::{Fault, Sink, Told, WebLocation, broken_off, generic, pass_on};
use crate::Error;

/// What DVC waits for, too.
const TIMEOUT: Duration = Duration::from_mins(1);
const N_REDIRECTS: usize = 10;

/// A place on a web server.
#[derive(Debug)]
pub(super) struct Web {
    client: Client,
    url: String,
    login: Option<(String, String)>,
}

impl Web {
    pub(super) fn open(location: &WebLocation) -> Result<Self, Error> {
        let refused = |problem| Error::Place {
            uri: location.url.clone(),
            problem,
        };
        Url::parse(&location.url).map_err(|_| refused("it is no URL"))?;
        let mut headers = HeaderMap::new();
        // The very bytes are wanted: their digest is checked.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some((name, value)) = &location.header {
            let name: HeaderName = name
                .parse()
                .map_err(|_| refused("`custom_auth_header` is no name of a header"))?;
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| refused("the password cannot be sent in a header"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let mut builder = Client::builder()
            .default_headers(headers)
            .connect_timeout(location.connect_timeout.unwrap_or(TIMEOUT))
            .read_timeout(location.read_timeout.unwrap_or(TIMEOUT))
            .danger_accept_invalid_certs(location.accepts_any_certificate);
        if location.header.is_some() {
            builder = builder.redirect(on_same_host());
        }
        if let Some(file) = &location.certificate {
            let pem = std::fs::read(file).map_err(|error| Error::file("read", file, error))?;
            let certificate = Certificate::from_pem(&pem)
                .map_err(|_| refused("the file of `ssl_verify` holds no certificate"))?;
            builder = builder.add_root_certificate(certificate);
        }
        Ok(Self {
            client: builder
                .build()
                .map_err(|_| refused("this machine has no TLS for it"))?,
            url: location.url.trim_end_matches('/').to_owned(),
            login: location.login.clone(),
        })
    }

    /// What is said to those who would write or list.
    pub(super) fn only_read(&self) -> Error {
        Error::Place {
            uri: self.url.clone(),
            problem: "files of web servers are only read",
        }
    }

    fn with_login(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.login {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.url)
    }

    pub(super) async fn size(&self, path: &str) -> Result<Option<u64>, Fault> {
        let answer = self.ask(path).await?;
        Ok(answer.map(|answer| answer.content_length().unwrap_or(0)))
    }

    pub(super) async fn told(&self, path: &str) -> Result<Option<Told>, Fault> {
        Ok(self.ask(path).await?.map(|answer| told_of(&answer)))
    }

    /// An answer about a file, if it is there; the body is not read.
    async fn ask(&self, path: &str) -> Result<Option<Response>, Fault> {
        let request = self.with_login(self.client.head(self.url(path)));
        let mut answer = request.send().await.map_err(|error| lost(path, error))?;
        if [StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED].contains(&answer.status())
        {
            // A server that knows no `HEAD`.
            let request = self.with_login(self.client.get(self.url(path)));
            answer = request.send().await.map_err(|error| lost(path, error))?;
        }
        match check(path, &answer) {
            Ok(()) => Ok(Some(answer)),
            Err(Fault {
                error: Error::NotFound { .. },
                ..
            }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    pub(super) async fn read_on(
        &self,
        path: &str,
        n_got: &mut u64,
        sink: Sink<'_>,
    ) -> Result<(), Fault> {
        let mut request = self.with_login(self.client.get(self.url(path)));
        if *n_got > 0 {
            request = request.header(RANGE, format!("bytes={n_got}-"));
        }
        let answer = request.send().await.map_err(|error| lost(path, error))?;
        check(path, &answer)?;
        let start = start_of(&answer);
        if start > *n_got {
            let words = format!("it was asked from {n_got} on, and answered from {start} on");
            return Err(Fault::lasting(Error::store(
                path.to_owned(),
                generic(words),
            )));
        }
        // A server that knows no ranges begins anew.
        let mut n_known = *n_got - start;
        let size = answer.content_length().map(|length| start + length);
        let mut pieces = answer.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| lost(path, error))?;
            let n_skipped = n_known.min(piece.len() as u64);
            n_known -= n_skipped;
            pass_on(path, &piece[n_skipped as usize..], n_got, sink)?;
        }
        match size {
            Some(size) if *n_got < size => Err(broken_off(path, *n_got, size)),
            _ => Ok(()),
        }
    }
}

fn told_of(answer: &Response) -> Told {
    let header = |name: &HeaderName| {
        let value = answer.headers().get(name)?.to_str().ok()?;
        (!value.is_empty()).then(|| value.to_owned())
    };
    let names = [
        ("Content-Type", CONTENT_TYPE),
        ("Accept-Ranges", ACCEPT_RANGES),
        ("ETag", ETAG),
        ("Content-MD5", HeaderName::from_static("content-md5")),
        ("Digest", HeaderName::from_static("digest")),
        ("Last-Modified", LAST_MODIFIED),
    ];
    let mut headers = vec![("url", answer.url().to_string())];
    headers.extend(
        names
            .iter()
            .filter_map(|(name, header_name)| Some((*name, header(header_name)?))),
    );
    Told {
        // An answer to `HEAD` has no body, so only the header knows the length.
        size: header(&CONTENT_LENGTH).and_then(|size| size.parse().ok()),
        tag: header(&ETAG),
        headers,
        ..Told::default()
    }
}

/// Where the body of an answer starts in the file.
fn start_of(answer: &Response) -> u64 {
    if answer.status() != StatusCode::PARTIAL_CONTENT {
        return 0;
    }
    let range = answer.headers().get(CONTENT_RANGE);
    let range = range.and_then(|range| range.to_str().ok());
    let start = range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next());
    // One that is not told is none that was asked for.
    start
        .and_then(|start| start.parse().ok())
        .unwrap_or(u64::MAX)
}

/// A header that lets people in is not sent to other hosts.
fn on_same_host() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        let place = |url: &Url| {
            let port = url.port_or_known_default();
            (
                url.scheme().to_owned(),
                url.host_str().map(str::to_owned),
                port,
            )
        };
        let first = attempt.previous().first().map(place);
        if attempt.previous().len() > N_REDIRECTS {
            attempt.error("it leads from one address to another without end")
        } else if first.is_some_and(|first| first != place(attempt.url())) {
            attempt.error("it leads to another host, to which `custom_auth_header` is not sent")
        } else {
            attempt.follow()
        }
    })
}

fn check(path: &str, answer: &Response) -> Result<(), Fault> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let (path, source) = (
        path.to_owned(),
        format!("the server answered {status}").into(),
    );
    let source = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            return Err(Fault::lasting(Error::NotFound { path }));
        }
        StatusCode::UNAUTHORIZED => object_store::Error::Unauthenticated {
            path: path.clone(),
            source,
        },
        StatusCode::FORBIDDEN => object_store::Error::PermissionDenied {
            path: path.clone(),
            source,
        },
        _ => generic(source),
    };
    let is_passing = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT;
    Err(Fault {
        error: Error::store(path, source),
        is_passing,
    })
}

/// No answer, or not all of it.
fn lost(path: &str, error: reqwest::Error) -> Fault {
    let is_passing = !error.is_redirect() && !error.is_builder();
    // The address may hold a password.
    Fault {
        error: Error::store(path.to_owned(), generic(error.without_url())),
        is_passing,
    }
}
