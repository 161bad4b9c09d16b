//! `POST /feedback`: labels arrive, and are kept before they are acknowledged.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use everloop_domain::{ErrorKind, ModelName, RequestId, Value};
use serde::Deserialize;
use serde_json::{Map, Value as JsonValue, json};

use crate::error::ApiError;
use crate::state::LoopState;

/// The model whose predictions are labelled.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    model: Option<ModelName>,
}

/// Takes `{"labels": [{"id": "…", "label": …}, …]}` or `{"id": "…", "label": …}`.
pub(super) async fn post(
    State(state): State<LoopState>,
    Query(which): Query<Which>,
    body: Bytes,
) -> Result<Json<JsonValue>, ApiError> {
    let labels = parse(&body).map_err(|problem| ApiError::new(ErrorKind::Invalid, problem))?;
    let n_labels = labels.len();
    let model = which
        .model
        .unwrap_or_else(|| state.deployment.model.clone());
    let now = state.parts.clock.now();
    let n_new = state
        .metastore()
        .write(move |tx| tx.labels().insert(&model, &labels, now))
        .await?;
    Ok(Json(json!({"accepted": n_labels, "new": n_new})))
}

fn parse(body: &[u8]) -> Result<Vec<(RequestId, Value)>, String> {
    let body: JsonValue =
        serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let JsonValue::Object(body) = body else {
        return Err("the body must be an object".to_owned());
    };
    if !body.contains_key("labels") {
        return Ok(vec![label(&body, "the label")?]);
    }
    let Some(JsonValue::Array(entries)) = body.get("labels") else {
        return Err("`labels` must be a list".to_owned());
    };
    entries
        .iter()
        .enumerate()
        .map(|(index, entry)| match entry {
            JsonValue::Object(entry) => label(entry, &format!("`labels[{index}]`")),
            other => Err(format!(
                "`labels[{index}]` must be an object with `id` and `label`, found {other}"
            )),
        })
        .collect()
}

fn label(entry: &Map<String, JsonValue>, name: &str) -> Result<(RequestId, Value), String> {
    let id = match entry.get("id") {
        Some(JsonValue::String(id)) if !id.is_empty() => id.clone(),
        Some(JsonValue::Number(id)) => id.to_string(),
        Some(other) => {
            return Err(format!(
                "{name}: `id` must be a text or a number, found {other}"
            ));
        }
        None => return Err(format!("{name} has no `id`")),
    };
    let value = match entry.get("label") {
        Some(JsonValue::String(text)) => Value::Text(text.clone()),
        Some(JsonValue::Bool(value)) => Value::Boolean(*value),
        Some(JsonValue::Number(value)) => match (value.as_i64(), value.as_f64()) {
            (Some(value), _) => Value::Integer(value),
            (None, Some(value)) => Value::Number(value),
            (None, None) => return Err(format!("{name}: `label` {value} does not fit 64 bits")),
        },
        Some(other) => {
            return Err(format!(
                "{name}: `label` must be a text, a number or a boolean, found {other}"
            ));
        }
        None => return Err(format!("{name} has no `label`")),
    };
    Ok((RequestId(id), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let shown = match parse(body.as_bytes()) {
            Ok(labels) => labels
                .iter()
                .map(|(id, value)| format!("{id}={value:?}"))
                .collect::<Vec<_>>()
                .join(" "),
            Err(problem) => problem,
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn one_label_or_many() {
        check(r#"{"id": "a", "label": 1}"#, "a=Integer(1)");
        check(
            r#"{"labels": [{"id": 7, "label": 1.5}, {"id": "b", "label": "yes"}, {"id": "c", "label": true}]}"#,
            r#"7=Number(1.5) b=Text("yes") c=Boolean(true)"#,
        );
        check(r#"{"labels": []}"#, "");
    }

    #[test]
    fn what_is_wrong_is_named() {
        check(
            "",
            "the body is not JSON: EOF while parsing a value at line 1 column 0",
        );
        check("[]", "the body must be an object");
        check(r#"{"labels": 3}"#, "`labels` must be a list");
        check(
            r#"{"labels": [{"id": "a", "label": 1}, {"label": 1}]}"#,
            "`labels[1]` has no `id`",
        );
        check(r#"{"labels": [{"id": "a"}]}"#, "`labels[0]` has no `label`");
        check(
            r#"{"labels": [{"id": "a", "label": null}]}"#,
            "`labels[0]`: `label` must be a text, a number or a boolean, found null",
        );
        check(
            r#"{"id": "", "label": 1}"#,
            "the label: `id` must be a text or a number, found \"\"",
        );
    }
}
