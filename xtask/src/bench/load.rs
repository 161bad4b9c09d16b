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

/// Sends `n_requests` on each of `n_connections` connections.
pub(super) fn run(
    address: &str,
    path: &str,
    body: &str,
    n_connections: usize,
    n_requests: usize,
) -> Result<Times> {
    let start = Instant::now();
    let workers: Vec<_> = (0..n_connections)
        .map(|_| {
            let (address, path, body) = (address.to_owned(), path.to_owned(), body.to_owned());
            thread::spawn(move || connection(&address, &path, &body, n_requests))
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
        match connection(address, path, body, 1) {
            Ok(_) => return Ok(()),
            Err(error) if start.elapsed() > limit => return Err(error.context("no answer in time")),
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn connection(address: &str, path: &str, body: &str, n_requests: usize) -> Result<Vec<Duration>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut latencies = Vec::with_capacity(n_requests);
    for _ in 0..n_requests {
        let start = Instant::now();
        writer.write_all(request.as_bytes())?;
        answer(&mut reader)?;
        latencies.push(start.elapsed());
    }
    Ok(latencies)
}

/// Reads one answer with a content length; anything but 200 is an error.
fn answer(reader: &mut BufReader<TcpStream>) -> Result<()> {
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
    Ok(())
}
