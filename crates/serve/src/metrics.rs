//! Telemetry of serving, as Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::LogStats;

/// Upper bounds of the latency buckets, in seconds.
const BOUNDS: [f64; 13] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0,
];

/// Counters of requests. Shared by all handlers; a lock is held for a few additions only.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<Counters>);

#[derive(Debug, Default)]
struct Counters {
    requests: BTreeMap<(String, &'static str), u64>,
    rows: BTreeMap<String, u64>,
    latencies: BTreeMap<String, Histogram>,
}

#[derive(Debug, Default)]
struct Histogram {
    /// How many fell under each bound and over the one before; the last has no bound.
    buckets: [u64; BOUNDS.len() + 1],
    sum_seconds: f64,
}

impl Metrics {
    /// Counts an answered request. The status is `ok` or the kind of the error.
    pub(crate) fn count(
        &self,
        model: &str,
        status: &'static str,
        n_rows: usize,
        latency: Duration,
    ) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counters
            .requests
            .entry((model.to_owned(), status))
            .or_default() += 1;
        if status != "ok" {
            return;
        }
        *counters.rows.entry(model.to_owned()).or_default() += n_rows as u64;
        let histogram = counters.latencies.entry(model.to_owned()).or_default();
        let seconds = latency.as_secs_f64();
        histogram.buckets[BOUNDS.partition_point(|bound| *bound < seconds)] += 1;
        histogram.sum_seconds += seconds;
    }

    /// The text that Prometheus scrapes.
    pub(crate) fn text(&self, log: Option<LogStats>) -> String {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        let name = "everloop_serve_requests_total";
        head(&mut text, name, "counter", "Requests by model and status.");
        for ((model, status), n) in &counters.requests {
            let model = escaped(model);
            line(
                &mut text,
                name,
                &format!("model=\"{model}\",status=\"{status}\""),
                *n as f64,
            );
        }
        let name = "everloop_serve_rows_total";
        head(&mut text, name, "counter", "Rows that were predicted.");
        for (model, n) in &counters.rows {
            line(
                &mut text,
                name,
                &format!("model=\"{}\"", escaped(model)),
                *n as f64,
            );
        }
        let name = "everloop_serve_latency_seconds";
        head(
            &mut text,
            name,
            "histogram",
            "Time from a request read to its predictions.",
        );
        for (model, histogram) in &counters.latencies {
            histogram.write(&mut text, name, &escaped(model));
        }
        drop(counters);
        if let Some(log) = log {
            log_lines(&mut text, log);
        }
        text
    }
}

impl Histogram {
    fn write(&self, text: &mut String, name: &str, model: &str) {
        let mut n = 0;
        for (at, in_bucket) in self.buckets.iter().enumerate() {
            n += in_bucket;
            let bound = BOUNDS.get(at).map_or("+Inf".to_owned(), f64::to_string);
            let labels = format!("model=\"{model}\",le=\"{bound}\"");
            line(text, &format!("{name}_bucket"), &labels, n as f64);
        }
        let labels = format!("model=\"{model}\"");
        line(text, &format!("{name}_sum"), &labels, self.sum_seconds);
        line(text, &format!("{name}_count"), &labels, n as f64);
    }
}

fn log_lines(text: &mut String, log: LogStats) {
    for (name, help, value) in [
        (
            "written_total",
            "Rows of the prediction log on disk.",
            log.written,
        ),
        (
            "dropped_total",
            "Rows that the prediction log had no room for.",
            log.dropped,
        ),
        (
            "failed_writes_total",
            "Files that could not be written; tried again.",
            log.failed_writes,
        ),
    ] {
        let name = format!("everloop_serve_log_{name}");
        head(text, &name, "counter", help);
        line(text, &name, "", value as f64);
    }
    let name = "everloop_serve_log_pending_rows";
    head(
        text,
        name,
        "gauge",
        "Rows that wait in memory to be written.",
    );
    line(text, name, "", log.pending as f64);
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &str, value: f64) {
    let _ = if labels.is_empty() {
        writeln!(text, "{name} {value}")
    } else {
        writeln!(text, "{name}{{{labels}}} {value}")
    };
}

/// A label value as the text format wants it.
fn escaped(label: &str) -> String {
    label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_requests_rows_latency_and_the_log() {
        let metrics = Metrics::default();
        metrics.count("a\"b", "ok", 3, Duration::from_micros(300));
        metrics.count("a\"b", "ok", 1, Duration::from_mins(1));
        metrics.count("a\"b", "invalid", 0, Duration::from_secs(1));
        let log = LogStats {
            written: 4,
            dropped: 1,
            pending: 2,
            failed_writes: 0,
        };
        let text = metrics.text(Some(log));
        for line in [
            "everloop_serve_requests_total{model=\"a\\\"b\",status=\"ok\"} 2",
            "everloop_serve_requests_total{model=\"a\\\"b\",status=\"invalid\"} 1",
            "everloop_serve_rows_total{model=\"a\\\"b\"} 4",
            "everloop_serve_latency_seconds_bucket{model=\"a\\\"b\",le=\"0.00025\"} 0",
            "everloop_serve_latency_seconds_bucket{model=\"a\\\"b\",le=\"0.0005\"} 1",
            "everloop_serve_latency_seconds_bucket{model=\"a\\\"b\",le=\"+Inf\"} 2",
            "everloop_serve_latency_seconds_count{model=\"a\\\"b\"} 2",
            "everloop_serve_log_written_total 4",
            "everloop_serve_log_dropped_total 1",
            "everloop_serve_log_pending_rows 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn without_a_log_there_are_no_log_lines() {
        assert!(!Metrics::default().text(None).contains("_log_"));
    }
}
