//! A whole history, written while it is read: memory stays flat however long it is.

use std::collections::VecDeque;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use everloop_domain::RunId;
use everloop_metastore::{Error, Metastore, Metric};

use super::wire;
use crate::mlflow::error::MlflowError;

/// How many points are read at once.
const N_POINTS: usize = 10_000;

/// Where a history has come to.
struct Rest {
    metastore: Metastore,
    run: RunId,
    key: String,
    /// Points that were read and not yet written.
    waiting: VecDeque<Metric>,
    last: Option<Metric>,
    /// Nothing is left to read.
    is_read: bool,
}

/// The answer with all points of a metric. Points that are logged meanwhile may be among them.
pub(super) async fn answer(
    metastore: &Metastore,
    run: RunId,
    key: String,
) -> Result<Response, MlflowError> {
    let mut rest = Rest {
        metastore: metastore.clone(),
        run,
        key,
        waiting: VecDeque::new(),
        last: None,
        is_read: false,
    };
    // What fails at once is still told as an error.
    let first = rest.next().await?;
    let more = futures::stream::unfold(rest, |mut rest| async {
        if rest.is_read {
            return None;
        }
        let piece = rest.next().await;
        rest.is_read |= piece.is_err();
        Some((piece, rest))
    });
    let pieces = futures::StreamExt::chain(futures::stream::iter([Ok(first)]), more);
    let json = [(CONTENT_TYPE, "application/json")];
    Ok((json, Body::from_stream(pieces)).into_response())
}

impl Rest {
    /// The next piece of the answer's text.
    async fn next(&mut self) -> Result<Bytes, Error> {
        let is_first = self.last.is_none();
        if self.waiting.is_empty() {
            self.read().await?;
        }
        let n_points = self.waiting.len().min(N_POINTS);
        let points: Vec<Metric> = self.waiting.drain(..n_points).collect();
        self.is_read = points.len() < N_POINTS;
        if let Some(last) = points.last() {
            self.last = Some(last.clone());
        }
        Ok(text(&points, is_first, self.is_read))
    }

    async fn read(&mut self) -> Result<(), Error> {
        let (run, key, last) = (self.run.clone(), self.key.clone(), self.last.clone());
        let read = self
            .metastore
            .read(move |tx| tx.runs().metrics_after(&run, &key, last.as_ref(), N_POINTS));
        self.waiting = read.await?.into();
        Ok(())
    }
}

/// A piece of `{"metrics": [...]}`; without points there is no such field.
fn text(points: &[Metric], is_first: bool, is_last: bool) -> Bytes {
    let has_list = !(is_first && points.is_empty());
    let mut text = Vec::with_capacity(points.len() * 80 + 32);
    let mut put = |bytes: &[u8]| text.extend_from_slice(bytes);
    if is_first {
        put(if has_list { b"{\"metrics\":[" } else { b"{" });
    }
    for (place, point) in points.iter().enumerate() {
        if !(is_first && place == 0) {
            put(b",");
        }
        put(wire::metric(point).to_string().as_bytes());
    }
    if is_last {
        put(if has_list { b"]}" } else { b"}" });
    }
    text.into()
}
