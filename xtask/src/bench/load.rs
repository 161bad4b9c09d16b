//! A small load generator: the same request again and again on a few kept connections.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

/// What a load run took.
pub(super) struct Times {
    /// Of each request, sorted.
    pub(super) latencies: Vec<Duration>,
    /// Of the whole run.
    pub(super) wall: Duration,
}

impl Times {
    /// The latency that so many percent of the requests do not exceed.
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        self.latencies[(self.latencies.len() - 1) * percent / 100]
    }
}

/// When a connection has sent enough.
#[derive(Clone, Copy)]
pub(super) enum Until {
    /// After so many requests.
    Count(usize),
    /// After so long.
    Elapsed(Duration),
}

/// Sends the same request on each of `n_connections` connections.
pub(super) fn run(
    address: &str,
    path: &str,
    body: &str,
    n_connections: usize,
    until: Until,
) -> Result<Times> {
    let body = body.to_owned();
    run_each(address, path, move |_| body.clone(), n_connections, until)
}

/// Sends requests whose bodies are made from a number that no other request of the run has.
pub(super) fn run_each(
    address: &str,
    path: &str,
    body: impl Fn(usize) -> String + Clone + Send + 'static,
    n_connections: usize,
    until: Until,
) -> Result<Times> {
    let start = Instant::now();
    let workers: Vec<_> = (0..n_connections)
        .map(|worker| {
            let (address, path, body) = (address.to_owned(), path.to_owned(), body.clone());
            let bodies = move |number: usize| body(number * n_connections + worker);
            thread::spawn(move || connection(&address, &path, bodies, until))
        })
        .collect();
    let mut latencies = Vec::new();
    for worker in workers {
        latencies.extend(
            worker
                .join()
                .map_err(|_| anyhow!("a connection panicked"))??,
        );
    }
    latencies.sort();
    Ok(Times {
        latencies,
        wall: start.elapsed(),
    })
}

/// Repeats a request until it is answered with 200.
pub(super) fn until_answered(address: &str, path: &str, body: &str, limit: Duration) -> Result<()> {
    let start = Instant::now();
    loop {
        match connection(address, path, |_| body.to_owned(), Until::Count(1)) {
            Ok(_) => return Ok(()),
            Err(error) if start.elapsed() > limit => return Err(error.context("no answer in time")),
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn connection(
    address: &str,
    path: &str,
    body: impl Fn(usize) -> String,
    until: Until,
) -> Result<Vec<Duration>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let begin = Instant::now();
    let mut latencies = Vec::new();
    let is_enough = |n_sent: usize| match until {
        Until::Count(count) => n_sent >= count,
        Until::Elapsed(limit) => begin.elapsed() >= limit,
    };
    while !is_enough(latencies.len()) {
        let body = body(latencies.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let start = Instant::now();
        writer.write_all(request.as_bytes())?;
        answer(&mut reader)?;
        latencies.push(start.elapsed());
    }
    Ok(latencies)
}

/// Sends one request on a connection of its own, and gives the body of the answer.
pub(super) fn ask(address: &str, path: &str, body: &str) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    answer(&mut BufReader::new(stream))
}

/// Reads the body of one answer with a content length; anything but 200 is an error.
fn answer(reader: &mut BufReader<TcpStream>) -> Result<Vec<u8>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.trim().to_owned();
    let mut n_bytes = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            n_bytes = value.trim().parse().context("bad content-length")?;
        }
    }
    let mut body = vec![0; n_bytes];
    reader.read_exact(&mut body)?;
    if !status.contains(" 200 ") {
        bail!("{status}: {}", String::from_utf8_lossy(&body));
    }
    Ok(body)
}
