//! `runs/log-…`, `runs/set-tag`, `runs/outputs`: what a run says of itself.

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use everloop_domain::RunId;
use everloop_metastore::{Dataset, DatasetInput, Error, Metric, ModelMetric, Output, Transaction};
use serde_json::{Value, json};

use super::run_id;
use crate::mlflow::Answer;
use crate::mlflow::error::MlflowError;
use crate::mlflow::parameters::Parameters;
use crate::state::AppState;

/// How many metrics, or of all together, a batch may have.
const MAX_BATCH: usize = 1000;
/// How many parameters, and how many tags, a batch may have.
const MAX_PAIRS: usize = 100;
/// The longest key.
const MAX_KEY: usize = 250;
/// The longest value of a parameter; longer ones are cut, as MLflow does.
const MAX_PARAM: usize = 6000;
/// The longest value of a tag; longer ones are cut.
const MAX_TAG: usize = 8000;

/// The tag that lists the models of a run, for old clients.
const HISTORY_TAG: &str = "mlflow.log-model.history";

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/runs/log-metric", post(log_metric))
        .route("/runs/log-parameter", post(log_parameter))
        .route("/runs/log-batch", post(log_batch))
        .route("/runs/set-tag", post(set_tag))
        .route("/runs/delete-tag", post(delete_tag))
        .route("/runs/log-inputs", post(log_inputs))
        .route("/runs/log-model", post(log_model))
        .route("/runs/outputs", post(log_outputs))
}

/// Refuses keys that are too long, hold odd characters, or would not stay in place as a path.
pub(in crate::mlflow) fn check_key(key: &str, what: &str) -> Result<(), MlflowError> {
    if key.chars().count() > MAX_KEY {
        let message = format!("'{what}' exceeds the maximum length of {MAX_KEY} characters");
        return Err(MlflowError::invalid(message));
    }
    let is_ordinary = |c: char| c.is_alphanumeric() || "_-. :/".contains(c);
    let is_path = key
        .split('/')
        .all(|part| !part.is_empty() && part != "." && part != "..");
    if key.chars().all(is_ordinary) && is_path {
        return Ok(());
    }
    Err(MlflowError::invalid(format!(
        "Invalid value {key:?} for parameter '{what}' supplied: Names may only contain alphanumerics, underscores (_), \
         dashes (-), periods (.), spaces ( ), colon(:) and slashes (/), and must name a path below the run."
    )))
}

fn cut(text: String, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text,
        Some((at, _)) => text[..at].to_owned(),
    }
}

/// A point, and the logged model that it is of, if it is of one.
struct Point {
    metric: Metric,
    model_id: Option<String>,
    dataset_name: String,
    dataset_digest: String,
}

fn point(fields: &Parameters) -> Result<Point, MlflowError> {
    let key = fields.required("key")?;
    check_key(&key, "name")?;
    let value = fields.number("value")?;
    if !fields.has("timestamp") {
        fields.required("timestamp")?;
    }
    Ok(Point {
        metric: Metric {
            key,
            value,
            timestamp: fields.moment("timestamp")?.unwrap_or_default(),
            step: fields.integer("step")?.unwrap_or_default(),
        },
        model_id: fields.text("model_id")?,
        dataset_name: fields.text("dataset_name")?.unwrap_or_default(),
        dataset_digest: fields.text("dataset_digest")?.unwrap_or_default(),
    })
}

/// Points of a run, those of logged models also under the models.
fn log_points(tx: &Transaction<'_>, run: &RunId, points: Vec<Point>) -> Result<(), Error> {
    for point in &points {
        let Some(model) = &point.model_id else {
            continue;
        };
        let found = ModelMetric {
            metric: point.metric.clone(),
            run: run.clone(),
            dataset_name: point.dataset_name.clone(),
            dataset_digest: point.dataset_digest.clone(),
        };
        tx.logged_models().log_metrics(model, &[found])?;
    }
    let metrics: Vec<Metric> = points.into_iter().map(|point| point.metric).collect();
    tx.runs().log_metrics(run, &metrics)
}

async fn log_metric(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = run_id(&parameters)?;
    let point = point(&parameters)?;
    state
        .metastore()
        .write(move |tx| log_points(tx, &id, vec![point]))
        .await?;
    Ok(Json(json!({})))
}

async fn log_parameter(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = run_id(&parameters)?;
    let key = parameters.required("key")?;
    check_key(&key, "key")?;
    let value = cut(parameters.text("value")?.unwrap_or_default(), MAX_PARAM);
    state
        .metastore()
        .write(move |tx| tx.runs().log_param(&id, &key, &value))
        .await?;
    Ok(Json(json!({})))
}

/// All of a batch, or nothing.
async fn log_batch(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = run_id(&parameters)?;
    let points = parameters.objects("metrics")?;
    let points = points.iter().map(point).collect::<Result<Vec<_>, _>>()?;
    let params = checked(parameters.pairs("params")?, "params", MAX_PARAM)?;
    let tags = checked(parameters.pairs("tags")?, "tags", MAX_TAG)?;
    let n_all = points.len() + params.len() + tags.len();
    for (what, n_found, n_allowed) in [
        ("metrics", points.len(), MAX_BATCH),
        ("params", params.len(), MAX_PAIRS),
        ("tags", tags.len(), MAX_PAIRS),
        ("metrics, params, and tags", n_all, MAX_BATCH),
    ] {
        if n_found > n_allowed {
            return Err(MlflowError::invalid(format!(
                "A batch logging request can contain at most {n_allowed} {what}. Got {n_found} {what}. Please split up {what} \
                 across multiple requests and try again."
            )));
        }
    }
    state
        .metastore()
        .write(move |tx| {
            tx.runs().log_batch(&id, &[], &params, &tags)?;
            log_points(tx, &id, points)
        })
        .await?;
    Ok(Json(json!({})))
}

fn checked(
    pairs: Vec<(String, String)>,
    what: &str,
    max: usize,
) -> Result<Vec<(String, String)>, MlflowError> {
    let check = |(index, (key, value)): (usize, (String, String))| {
        check_key(&key, &format!("{what}[{index}].key"))?;
        Ok((key, cut(value, max)))
    };
    pairs.into_iter().enumerate().map(check).collect()
}

async fn set_tag(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = run_id(&parameters)?;
    let key = parameters.required("key")?;
    check_key(&key, "key")?;
    let value = cut(parameters.text("value")?.unwrap_or_default(), MAX_TAG);
    state
        .metastore()
        .write(move |tx| tx.runs().set_tag(&id, &key, &value))
        .await?;
    Ok(Json(json!({})))
}

async fn delete_tag(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = run_id(&parameters)?;
    let key = parameters.required("key")?;
    state
        .metastore()
        .write(move |tx| tx.runs().delete_tag(&id, &key))
        .await?;
    Ok(Json(json!({})))
}

/// Datasets and models that a run read.
async fn log_inputs(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = run_id(&parameters)?;
    let models = parameters.objects("models")?;
    let models = models
        .iter()
        .map(|model| model.required("model_id"))
        .collect::<Result<Vec<_>, _>>()?;
    let datasets = parameters.objects("datasets")?;
    let datasets = datasets
        .iter()
        .map(dataset)
        .collect::<Result<Vec<_>, _>>()?;
    let work = move |tx: &Transaction<'_>| {
        for dataset in &datasets {
            tx.runs().log_dataset(&id, dataset)?;
        }
        for model in &models {
            tx.runs().log_model_input(&id, model)?;
        }
        Ok(())
    };
    state.metastore().write(work).await?;
    Ok(Json(json!({})))
}

fn dataset(input: &Parameters) -> Result<DatasetInput, MlflowError> {
    let fields = input.object("dataset")?;
    Ok(DatasetInput {
        dataset: Dataset {
            name: fields.required("name")?,
            digest: fields.text("digest")?.unwrap_or_default(),
            source_type: fields.text("source_type")?.unwrap_or_default(),
            source: fields.text("source")?.unwrap_or_default(),
            schema: fields.text("schema")?,
            profile: fields.text("profile")?,
        },
        tags: input.pairs("tags")?,
    })
}

/// The old way to say that a run made a model: it is kept in a tag that grows.
async fn log_model(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = run_id(&parameters)?;
    let text = parameters.required("model_json")?;
    let model: Value = serde_json::from_str(&text).map_err(|_| {
        MlflowError::invalid(format!(
            "Malformed model info. \n {text} \n is not a valid JSON."
        ))
    })?;
    let missing: Vec<&str> = ["artifact_path", "flavors", "utc_time_created", "run_id"]
        .into_iter()
        .filter(|field| model.get(field).is_none())
        .collect();
    if !missing.is_empty() {
        return Err(MlflowError::invalid(format!(
            "Model json is missing mandatory fields: {missing:?}"
        )));
    }
    state
        .metastore()
        .write(move |tx| {
            let run = tx.runs().get(&id)?;
            let history = run.tags.get(HISTORY_TAG).map(String::as_str);
            let mut history: Vec<Value> = history
                .and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or_default();
            history.push(model);
            tx.runs()
                .set_tag(&id, HISTORY_TAG, &Value::Array(history).to_string())
        })
        .await?;
    Ok(Json(json!({})))
}

async fn log_outputs(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = run_id(&parameters)?;
    let output = |fields: &Parameters| {
        Ok(Output {
            model_id: fields.required("model_id")?,
            step: fields.integer("step")?.unwrap_or_default(),
        })
    };
    let outputs = parameters
        .objects("models")?
        .iter()
        .map(output)
        .collect::<Result<Vec<_>, MlflowError>>()?;
    state
        .metastore()
        .write(move |tx| tx.runs().log_outputs(&id, &outputs))
        .await?;
    Ok(Json(json!({})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_names_that_stay_in_place() {
        for key in [
            "rmse",
            "val/rmse @".trim_end_matches(" @"),
            "a.b-c_d e:f",
            "größe",
        ] {
            assert!(check_key(key, "key").is_ok(), "{key}");
        }
        for key in ["../x", "a//b", "/a", "a/", "a\nb", "a$", &"x".repeat(251)] {
            assert!(check_key(key, "key").is_err(), "{key}");
        }
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        assert_eq!(cut("äöü".to_owned(), 2), "äö");
        assert_eq!(cut("äö".to_owned(), 2), "äö");
    }
}
