//! Requests that a browser was tricked into are refused.
//!
//! A page of another site can make a browser send requests to a local server, and with DNS rebinding even read
//! the answers. So the `Host` must be one of ours, and a request that changes something must not come from
//! another origin. Programs send neither a foreign host nor an origin.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The hosts that requests may name, without port.
#[derive(Clone, Debug)]
pub(crate) struct Hosts(Arc<BTreeSet<String>>);

impl Hosts {
    /// Loopback names, the address that is listened on, and further names.
    pub(crate) fn new(listening: std::net::IpAddr, further: &[String]) -> Self {
        let own = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let listening = match listening {
            std::net::IpAddr::V4(address) => address.to_string(),
            std::net::IpAddr::V6(address) => format!("[{address}]"),
        };
        let all = own
            .into_iter()
            .chain([listening])
            .chain(further.iter().map(|name| name.to_lowercase()));
        Self(Arc::new(all.collect()))
    }

    fn holds(&self, authority: &str) -> bool {
        self.0.contains(&without_port(authority).to_lowercase())
    }
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// Lets a request pass, or answers 403.
pub(crate) async fn check(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    match problem(
        &hosts,
        request.method(),
        request.headers(),
        request
            .uri()
            .authority()
            .map(axum::http::uri::Authority::as_str),
    ) {
        Some(problem) => (StatusCode::FORBIDDEN, problem).into_response(),
        None => next.run(request).await,
    }
}

fn problem(
    hosts: &Hosts,
    method: &Method,
    headers: &HeaderMap,
    authority: Option<&str>,
) -> Option<&'static str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).or(authority);
    if !host.is_some_and(|host| hosts.holds(host)) {
        return Some("Invalid Host header - possible DNS rebinding attack detected");
    }
    let is_harmless = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let origin = text(header::ORIGIN)?;
    let origin_host = origin.split_once("://").map_or("", |(_, host)| host);
    (!is_harmless && !hosts.holds(origin_host)).then_some("Cross-origin request blocked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &Method, host: &str, origin: Option<&str>, is_refused: bool) {
        let hosts = Hosts::new([127, 0, 0, 1].into(), &["ml.example".to_owned()]);
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        assert_eq!(
            problem(&hosts, method, &headers, None).is_some(),
            is_refused,
            "{method} {host} {origin:?}"
        );
    }

    #[test]
    fn dns_rebinding_is_refused() {
        check(&Method::GET, "127.0.0.1:5000", None, false);
        check(&Method::GET, "localhost", None, false);
        check(&Method::GET, "[::1]:5000", None, false);
        check(&Method::GET, "ML.example:80", None, false);
        check(&Method::GET, "evil.example", None, true);
        check(&Method::GET, "127.0.0.1.evil.example:5000", None, true);
    }

    #[test]
    fn cross_site_writes_are_refused() {
        check(
            &Method::POST,
            "localhost:5000",
            Some("http://localhost:5000"),
            false,
        );
        check(
            &Method::POST,
            "localhost:5000",
            Some("http://evil.example"),
            true,
        );
        check(&Method::POST, "localhost:5000", Some("null"), true);
        check(
            &Method::GET,
            "localhost:5000",
            Some("http://evil.example"),
            false,
        );
    }

    #[test]
    fn a_request_without_host_is_refused() {
        let hosts = Hosts::new([127, 0, 0, 1].into(), &[]);
        assert!(problem(&hosts, &Method::GET, &HeaderMap::new(), None).is_some());
    }
}
