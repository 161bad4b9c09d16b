//! What MLflow's API answers, as plain things.

mod logged_models;
mod registry;
mod runs;

use everloop_domain::Timestamp;
use everloop_metastore::Lifecycle;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

pub(super) use self::logged_models::LoggedModel;
pub(super) use self::registry::{Model, Version};
pub(super) use self::runs::Run;
use crate::Error;

/// A whole number, which JSON of protocol buffers may have as a text.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(from)?;
    value
        .as_i64()
        .or_else(|| value.as_f64().map(|number| number as i64))
        .or_else(|| value.as_str()?.parse().ok())
        .ok_or_else(|| serde::de::Error::custom(format!("`{value}` is no number")))
}

/// A whole number that may be absent.
fn maybe_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    number(from).map(Some)
}

/// A number; those that JSON does not know are texts.
fn float<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let value = Value::deserialize(from)?;
    let by_name = || match value.as_str()? {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        other => other.parse().ok(),
    };
    value
        .as_f64()
        .or_else(by_name)
        .ok_or_else(|| serde::de::Error::custom(format!("`{value}` is no number")))
}

/// A tag or a parameter.
#[derive(Debug, Deserialize)]
struct Pair {
    key: String,
    #[serde(default)]
    value: String,
}

fn pairs<C: FromIterator<(String, String)>>(list: Vec<Pair>) -> C {
    list.into_iter()
        .map(|pair| (pair.key, pair.value))
        .collect()
}

fn lifecycle(stage: &str) -> Lifecycle {
    match stage {
        "deleted" => Lifecycle::Deleted,
        _ => Lifecycle::Active,
    }
}

fn nonsense(what: &str, id: &str, problem: impl std::fmt::Display) -> Error {
    Error::Nonsense {
        path: format!("{what} {id}"),
        problem: problem.to_string(),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Experiment {
    #[serde(rename = "experiment_id")]
    id: String,
    name: String,
    #[serde(default)]
    artifact_location: String,
    #[serde(default)]
    lifecycle_stage: String,
    #[serde(default, deserialize_with = "number")]
    creation_time: i64,
    #[serde(default, deserialize_with = "number")]
    last_update_time: i64,
    #[serde(default)]
    tags: Vec<Pair>,
}

impl Experiment {
    pub(super) fn into_plain(self) -> Result<everloop_metastore::Experiment, Error> {
        let id = self.id.parse();
        Ok(everloop_metastore::Experiment {
            id: id.map_err(|problem: String| nonsense("experiment", &self.name, problem))?,
            name: self.name,
            artifact_location: self.artifact_location,
            lifecycle: lifecycle(&self.lifecycle_stage),
            created_at: Timestamp::from_millis(self.creation_time),
            updated_at: Timestamp::from_millis(self.last_update_time),
            tags: pairs(self.tags),
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Metric {
    key: String,
    #[serde(deserialize_with = "float")]
    value: f64,
    #[serde(default, deserialize_with = "number")]
    timestamp: i64,
    #[serde(default, deserialize_with = "number")]
    step: i64,
    /// Of a logged model's metric.
    #[serde(default)]
    run_id: String,
    #[serde(default)]
    dataset_name: String,
    #[serde(default)]
    dataset_digest: String,
}

impl Metric {
    pub(super) fn into_plain(self) -> everloop_metastore::Metric {
        everloop_metastore::Metric {
            key: self.key,
            value: self.value,
            timestamp: Timestamp::from_millis(self.timestamp),
            step: self.step,
        }
    }
}

fn said(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use everloop_domain::ExperimentId;
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_come_as_numbers_and_as_texts() {
        let point = |value: Value| {
            let metric = json!({"key": "m", "value": value, "timestamp": "5", "step": 2});
            let metric: Metric = serde_json::from_value(metric).unwrap();
            let plain = metric.into_plain();
            assert_eq!((plain.timestamp.as_millis(), plain.step), (5, 2));
            plain.value
        };
        assert!(point(json!("NaN")).is_nan());
        assert_eq!(point(json!("-Infinity")), f64::NEG_INFINITY);
        assert_eq!(point(json!(0.5)), 0.5);
        assert_eq!(point(json!("1e-7")), 1e-7);
        let refused = json!({"key": "m", "value": {}});
        assert!(serde_json::from_value::<Metric>(refused).is_err());
    }

    #[test]
    fn what_a_server_leaves_out_is_empty() {
        let run = json!({"info": {"run_id": "a".repeat(32), "status": "FINISHED"}});
        let run: Run = serde_json::from_value(run).unwrap();
        let plain = run.into_plain(ExperimentId(3)).unwrap();
        assert_eq!(plain.info.end_time, None);
        assert!(plain.params.is_empty() && plain.outputs.is_empty());
        let version = json!({"version": "2", "source": "models:/m-1"});
        let version: Version = serde_json::from_value(version).unwrap();
        let model = json!({"name": "M"});
        let model: Model = serde_json::from_value(model).unwrap();
        let plain = version
            .into_plain(&model.into_plain().unwrap().model)
            .unwrap();
        assert_eq!(plain.model_id.as_deref(), Some("m-1"));
        assert_eq!((plain.stage.as_str(), plain.version.0), ("None", 2));
    }

    #[test]
    fn nonsense_is_named() {
        let run = json!({"info": {"run_id": "x", "status": "FINISHED"}});
        let run: Run = serde_json::from_value(run).unwrap();
        let words = run.into_plain(ExperimentId(3)).unwrap_err().to_string();
        assert!(words.starts_with("`run x` makes no sense"), "{words}");
        let experiment = json!({"experiment_id": "abc", "name": "e"});
        let experiment: Experiment = serde_json::from_value(experiment).unwrap();
        assert!(experiment.into_plain().is_err());
    }
}
