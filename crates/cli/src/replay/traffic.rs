//! Requests over HTTP, as clients would send them.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use everloop_domain::{ManualClock, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::rows::Rows;

/// Requests in flight at a time.
const N_CONNECTIONS: usize = 8;
/// Above so many rows a request carries several, so that a replay of a year takes no hour.
const MAX_SINGLE_ROWS: usize = 60_000;
/// Labels of one feedback request.
const N_LABELS: usize = 1000;

/// A client of the server under replay.
pub(crate) struct Traffic {
    client: reqwest::Client,
    url: String,
}

impl Traffic {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            client: reqwest::Client::new(),
            url: url.trim_end_matches('/').to_owned(),
        }
    }

    /// Sends the rows between two moments, each at its time.
    pub(crate) async fn send(
        &self,
        rows: &Rows,
        start: Timestamp,
        end: Timestamp,
        clock: &ManualClock,
    ) -> Result<usize> {
        let range = rows.between(start, end);
        let n_rows = range.len();
        // A header names one row only.
        let n_batch = if rows.has_key() {
            rows.batch().num_rows().div_ceil(MAX_SINGLE_ROWS).max(1)
        } else {
            1
        };
        let in_flight = Arc::new(Semaphore::new(N_CONNECTIONS));
        let mut requests = JoinSet::new();
        let mut row = range.start;
        while row < range.end {
            let next = (row + n_batch).min(range.end);
            let permit = Arc::clone(&in_flight).acquire_owned().await?;
            clock.set(rows.time(row).max(start));
            let request = self.request(rows, row, next);
            requests.spawn(async move {
                let answer = request.send().await;
                drop(permit);
                check(answer.context("the server cannot be reached")?).await
            });
            row = next;
        }
        while let Some(result) = requests.join_next().await {
            result??;
        }
        Ok(n_rows)
    }

    fn request(&self, rows: &Rows, first: usize, end: usize) -> reqwest::RequestBuilder {
        let records: Vec<Value> = (first..end)
            .map(|row| Value::Object(rows.request(row)))
            .collect();
        let request = self
            .client
            .post(format!("{}/invocations", self.url))
            .json(&json!({"dataframe_records": records}));
        if rows.has_key() {
            request
        } else {
            request.header("x-request-id", rows.id(first))
        }
    }

    /// Sends the labels of the rows between two moments.
    pub(crate) async fn label(
        &self,
        rows: &Rows,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<usize> {
        let labels: Vec<Value> = rows
            .between(start, end)
            .filter_map(|row| Some(json!({"id": rows.id(row), "label": rows.label(row)?})))
            .collect();
        for some in labels.chunks(N_LABELS) {
            let answer = self
                .client
                .post(format!("{}/feedback", self.url))
                .json(&json!({"labels": some}))
                .send()
                .await?;
            check(answer).await?;
        }
        Ok(labels.len())
    }
}

async fn check(answer: reqwest::Response) -> Result<()> {
    let status = answer.status();
    if !status.is_success() {
        bail!(
            "the server answered {status}: {}",
            answer.text().await.unwrap_or_default()
        );
    }
    answer.bytes().await?;
    Ok(())
}
