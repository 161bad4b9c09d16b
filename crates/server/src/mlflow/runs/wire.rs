//! Runs as MLflow writes them.

use everloop_metastore::{DatasetInput, Metric, Run, RunInfo};
use serde_json::{Value, json};

use super::millis;
use crate::mlflow::{pairs, trimmed};

/// A run with all that was logged.
pub(super) fn run(run: &Run) -> Value {
    let metrics: Vec<Value> = run.metrics.iter().map(metric).collect();
    let inputs: Vec<Value> = run.datasets.iter().map(dataset_input).collect();
    let model_inputs: Vec<Value> = run
        .model_inputs
        .iter()
        .map(|id| json!({"model_id": id}))
        .collect();
    let outputs: Vec<Value> = run
        .outputs
        .iter()
        .map(|output| json!({"model_id": output.model_id, "step": output.step}))
        .collect();
    json!({
        "info": info(&run.info),
        "data": trimmed(json!({"metrics": metrics, "params": pairs(&run.params), "tags": pairs(&run.tags)})),
        "inputs": trimmed(json!({"dataset_inputs": inputs, "model_inputs": model_inputs})),
        "outputs": trimmed(json!({"model_outputs": outputs})),
    })
}

/// What a run is.
pub(super) fn info(info: &RunInfo) -> Value {
    trimmed(json!({
        "run_uuid": info.id, "run_id": info.id, "run_name": info.name, "experiment_id": info.experiment.to_string(),
        "user_id": info.user, "status": info.status.as_str(), "start_time": millis(info.start_time),
        "end_time": info.end_time.map(millis), "artifact_uri": info.artifact_uri,
        "lifecycle_stage": info.lifecycle.as_str(),
    }))
}

/// A point of a metric. Infinities become the greatest numbers, as MLflow does.
pub(in crate::mlflow) fn metric(metric: &Metric) -> Value {
    let value = if metric.value.is_nan() {
        json!("NaN")
    } else {
        json!(metric.value.clamp(f64::MIN, f64::MAX))
    };
    json!({"key": metric.key, "value": value, "timestamp": millis(metric.timestamp), "step": metric.step})
}

fn dataset_input(input: &DatasetInput) -> Value {
    let tags = pairs(input.tags.iter().map(|(key, value)| (key, value)));
    let dataset = &input.dataset;
    let dataset = trimmed(json!({
        "name": dataset.name, "digest": dataset.digest, "source_type": dataset.source_type,
        "source": dataset.source, "schema": dataset.schema, "profile": dataset.profile,
    }));
    trimmed(json!({"tags": tags, "dataset": dataset}))
}

#[cfg(test)]
mod tests {
    use everloop_domain::Timestamp;

    use super::*;

    #[track_caller]
    fn check(value: f64, expected: &Value) {
        let point = Metric {
            key: "m".into(),
            value,
            timestamp: Timestamp::from_millis(5),
            step: -1,
        };
        assert_eq!(&metric(&point)["value"], expected);
    }

    #[test]
    fn numbers_that_json_cannot_say() {
        check(1.5, &json!(1.5));
        check(f64::NAN, &json!("NaN"));
        check(f64::INFINITY, &json!(f64::MAX));
        check(f64::NEG_INFINITY, &json!(f64::MIN));
    }
}
