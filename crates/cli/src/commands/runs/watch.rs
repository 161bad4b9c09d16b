//! `everloop runs watch`: one run, followed until it ends.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use everloop_domain::{RunId, RunStatus};
use everloop_metastore::Metastore;
use serde_json::{Value, json};

use super::{curve, find};
use crate::exit::{Exit, Failure};
use crate::output::{Format, number};

/// How often a store is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many of the last values a curve shows.
const N_MARKS: usize = 24;

/// What is known of the run, and how news of it is told.
struct Watch {
    format: Format,
    status: Option<String>,
    metrics: BTreeMap<String, Heard>,
}

/// What was heard of a metric.
#[derive(Default)]
struct Heard {
    last: Value,
    values: Vec<f64>,
}

impl Watch {
    fn new(format: Format) -> Self {
        Self {
            format,
            status: None,
            metrics: BTreeMap::new(),
        }
    }

    /// Tells what is new of a run; gives whether it has ended.
    fn run(&mut self, data: &Value) -> bool {
        let status = data["status"].as_str().unwrap_or_default().to_owned();
        if self.status.as_ref() != Some(&status) {
            match self.format {
                Format::Json => sayln!("{}", json!({"event": "run", "data": data})),
                Format::Text => {
                    let name = data["name"].as_str().unwrap_or_default();
                    sayln!("run {name}: {status}");
                }
            }
        }
        let is_over = !["RUNNING", "SCHEDULED"].contains(&status.as_str());
        self.status = Some(status);
        is_over
    }

    /// Tells a point, unless it was told.
    fn metric(&mut self, data: &Value) {
        let key = data["key"].as_str().unwrap_or_default();
        let heard = self.metrics.entry(key.to_owned()).or_default();
        if heard.last == *data {
            return;
        }
        heard.last = data.clone();
        let value = data["value"].as_f64().unwrap_or(f64::NAN);
        heard.values.push(value);
        let from = heard.values.len().saturating_sub(N_MARKS);
        match self.format {
            Format::Json => sayln!("{}", json!({"event": "metric", "data": data})),
            Format::Text => sayln!(
                "{key} = {} at step {}  {}",
                number(value),
                data["step"],
                curve(&heard.values[from..])
            ),
        }
    }
}

/// Follows a run of a store.
pub(super) async fn on_store(
    metastore: &Metastore,
    beginning: &str,
    format: Format,
) -> Result<Exit> {
    let id = find(metastore, beginning).await?.info.id;
    let mut watch = Watch::new(format);
    loop {
        let wanted = id.clone();
        let run = metastore.read(move |tx| tx.runs().get(&wanted)).await?;
        // The status was read with the points: after the end nothing is missing.
        for metric in &run.metrics {
            let value = if metric.value.is_finite() {
                json!(metric.value)
            } else {
                json!(metric.value.to_string())
            };
            watch.metric(&json!({
                "run_id": id, "key": metric.key, "value": value, "step": metric.step,
                "timestamp": metric.timestamp.as_millis(),
            }));
        }
        let info = &run.info;
        let is_over = watch.run(&json!({
            "run_id": id, "name": info.name, "status": info.status.as_str(),
        }));
        if is_over && info.status != RunStatus::Running {
            return Ok(Exit::Ok);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Follows a run of a server through its events.
pub(super) async fn on_server(server: &str, id: &str, format: Format) -> Result<Exit> {
    let id: RunId = id.parse().map_err(|problem: String| {
        Failure::new(Exit::Usage, problem).hint("with `--server` the whole id is needed")
    })?;
    let url = format!(
        "{}/api/v1/events?run={id}&kinds=run,metric",
        server.trim_end_matches('/')
    );
    let answer = reqwest::get(&url).await;
    let mut answer = answer.with_context(|| format!("cannot reach `{server}`"))?;
    if !answer.status().is_success() {
        let body: Value = answer.json().await.unwrap_or_default();
        let why = body["error"]["message"]
            .as_str()
            .unwrap_or("it has no events");
        return Err(Failure::new(Exit::NotFound, format!("`{server}` refused: {why}")).into());
    }
    let mut watch = Watch::new(format);
    let mut text = String::new();
    while let Some(chunk) = answer.chunk().await? {
        text += &String::from_utf8_lossy(&chunk);
        while let Some((event, rest)) = text.split_once("\n\n") {
            let is_over = tell(&mut watch, event);
            text = rest.to_owned();
            if is_over {
                return Ok(Exit::Ok);
            }
        }
    }
    Err(Failure::new(Exit::Unavailable, format!("`{server}` ended the stream")).into())
}

/// Tells an event as it was sent; gives whether the run has ended.
fn tell(watch: &mut Watch, event: &str) -> bool {
    let field = |name: &str| {
        event
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    let data = field("data:").and_then(|data| serde_json::from_str(data).ok());
    match (field("event:"), data) {
        (Some("run"), Some(data)) => watch.run(&data),
        (Some("metric"), Some(data)) => {
            watch.metric(&data);
            false
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_and_the_end_is_noticed() {
        let mut watch = Watch::new(Format::Json);
        let run = |status: &str| {
            format!("id: 1\nevent: run\ndata: {{\"status\":\"{status}\",\"name\":\"r\"}}")
        };
        assert!(!tell(&mut watch, &run("RUNNING")));
        assert!(!tell(
            &mut watch,
            "event: metric\ndata: {\"key\":\"m\",\"value\":\"NaN\",\"step\":1}"
        ));
        assert!(!tell(&mut watch, ": heartbeat"));
        assert!(!tell(&mut watch, "event: metric\ndata: {half"));
        assert!(tell(&mut watch, &run("FAILED")));
        assert!(watch.metrics["m"].values[0].is_nan());
    }
}
