//! `traces/{id}/assessments`: what people, judges and programs say of a trace, and what they expect of it.

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use everloop_domain::{RunId, Timestamp};
use everloop_metastore::{Assessment, AssessmentKind};
use serde_json::{Value, json};

use super::wire::moment;
use crate::mlflow::error::MlflowError;
use crate::mlflow::ids::Ids;
use crate::mlflow::parameters::Parameters;
use crate::mlflow::{Answer, trimmed, unknown};
use crate::state::AppState;

/// How MLflow names values that it has written as JSON in a text.
const JSON_FORMAT: &str = "JSON_FORMAT";
/// The source of an assessment that names none.
const NO_SOURCE: &str = "SOURCE_TYPE_UNSPECIFIED";

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/traces/{id}/assessments", post(create).fallback(unknown))
        .route(
            "/traces/{id}/assessments/{assessment}",
            get(by_id).patch(update).delete(delete),
        )
}

/// An assessment as MLflow's message.
pub(super) fn wire(assessment: &Assessment) -> Value {
    let value = match (assessment.kind, &assessment.value) {
        (AssessmentKind::Feedback, value) => {
            trimmed(json!({"value": value, "error": assessment.error}))
        }
        (AssessmentKind::Issue, name) => json!({"issue_name": name}),
        (AssessmentKind::Expectation, value @ (Value::Array(_) | Value::Object(_))) => {
            let text = value.to_string();
            json!({"serialized_value": {"serialization_format": JSON_FORMAT, "value": text}})
        }
        (AssessmentKind::Expectation, value) => json!({"value": value}),
    };
    let mut shown = trimmed(json!({
        "assessment_id": assessment.id, "assessment_name": assessment.name, "trace_id": assessment.trace,
        "span_id": assessment.span, "source": {"source_type": assessment.source_type, "source_id": assessment.source_id},
        "create_time": assessment.created_at.to_string(), "last_update_time": assessment.updated_at.to_string(),
        "rationale": assessment.rationale, "overrides": assessment.overrides, "valid": assessment.is_valid,
    }));
    shown[assessment.kind.as_str()] = value;
    if !assessment.metadata.is_empty() {
        shown["metadata"] = json!(assessment.metadata);
    }
    shown
}

/// Reads an assessment of a trace; without an id it gets a new one.
pub(super) fn read(
    given: &Parameters,
    trace: &str,
    ids: &Ids,
    now: Timestamp,
) -> Result<Assessment, MlflowError> {
    let (kind, value, error) = value(given)?.ok_or_else(|| {
        MlflowError::invalid(
            "Exactly one of `expectation`, `feedback`, or `issue` should be specified.",
        )
    })?;
    let source = given.object("source")?;
    let time = |name: &str| match given.text(name)? {
        Some(text) => moment(&text),
        None => Ok(now),
    };
    let id = given.text("assessment_id")?;
    Ok(Assessment {
        id: id.unwrap_or_else(|| format!("a-{}", RunId::from_bytes(ids.bytes()))),
        trace: trace.to_owned(),
        kind,
        name: given.required("assessment_name")?,
        value,
        error,
        source_type: source
            .text("source_type")?
            .unwrap_or_else(|| NO_SOURCE.to_owned()),
        source_id: source.text("source_id")?.unwrap_or_default(),
        span: given.text("span_id")?,
        rationale: given.text("rationale")?,
        metadata: given.map("metadata")?,
        overrides: given.text("overrides")?,
        is_valid: given.boolean("valid", true)?,
        created_at: time("create_time")?,
        updated_at: time("last_update_time")?,
    })
}

/// The kind, value and error of an assessment, if any is given.
fn value(given: &Parameters) -> Result<Option<(AssessmentKind, Value, Value)>, MlflowError> {
    if given.has("feedback") {
        let feedback = given.object("feedback")?;
        let field = |name: &str| feedback.value(name).cloned().unwrap_or_default();
        let value = whole(field("value"));
        return Ok(Some((AssessmentKind::Feedback, value, field("error"))));
    }
    if given.has("expectation") {
        let expectation = given.object("expectation")?;
        let value = match expectation.object("serialized_value")?.text("value")? {
            Some(text) => serde_json::from_str(&text).map_err(|problem| {
                MlflowError::invalid(format!("the expectation's value is no JSON: {problem}"))
            })?,
            None => whole(expectation.value("value").cloned().unwrap_or_default()),
        };
        return Ok(Some((AssessmentKind::Expectation, value, Value::Null)));
    }
    if given.has("issue") {
        let name = given.object("issue")?.required("issue_name")?;
        return Ok(Some((AssessmentKind::Issue, name.into(), Value::Null)));
    }
    Ok(None)
}

/// Protobuf's values know no whole numbers, so clients write 5 as `5.0`.
fn whole(value: Value) -> Value {
    /// Above it not every whole number is one of protobuf's.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value.as_f64() {
        Some(number) if number.fract() == 0.0 && number.abs() <= EXACT => json!(number as i64),
        _ => value,
    }
}

/// The assessment in a request.
fn given(parameters: &Parameters) -> Result<Parameters, MlflowError> {
    if !parameters.has("assessment") {
        parameters.required("assessment")?;
    }
    parameters.object("assessment")
}

async fn create(
    State(state): State<AppState>,
    Path(trace): Path<String>,
    parameters: Parameters,
) -> Answer {
    let now = state.parts.clock.now();
    let new = read(&given(&parameters)?, &trace, &state.ids, now)?;
    let made = state
        .metastore()
        .write(move |tx| {
            tx.traces().assess(&new)?;
            tx.traces().assessment(&new.trace, &new.id)
        })
        .await?;
    Ok(Json(json!({"assessment": wire(&made)})))
}

async fn by_id(State(state): State<AppState>, Path((trace, id)): Path<(String, String)>) -> Answer {
    let found = state
        .metastore()
        .read(move |tx| tx.traces().assessment(&trace, &id))
        .await?;
    Ok(Json(json!({"assessment": wire(&found)})))
}

/// What the mask names is changed, metadata is added to; source and span stay.
async fn update(
    State(state): State<AppState>,
    Path((trace, id)): Path<(String, String)>,
    parameters: Parameters,
) -> Answer {
    let given = given(&parameters)?;
    let mask = parameters.required("update_mask")?;
    let change = Change::read(&given, &mask)?;
    let now = state.parts.clock.now();
    let changed = state
        .metastore()
        .write(move |tx| {
            tx.traces().reassess(&trace, &id, |assessment| {
                assessment.updated_at = now;
                change.apply(assessment)
            })
        })
        .await?;
    Ok(Json(json!({"assessment": wire(&changed)})))
}

/// What is to be changed of an assessment.
struct Change {
    name: Option<String>,
    value: Option<(AssessmentKind, Value, Value)>,
    rationale: Option<String>,
    metadata: Vec<(String, String)>,
}

impl Change {
    /// The mask names fields, with commas between them: `assessmentName,feedback`.
    fn read(given: &Parameters, mask: &str) -> Result<Self, MlflowError> {
        let fields: Vec<&str> = mask.split(',').map(str::trim).collect();
        let named = |names: &[&str]| names.iter().any(|name| fields.contains(name));
        let has_value = named(&["feedback", "expectation"]);
        let mut change = Self {
            name: None,
            value: if has_value { value(given)? } else { None },
            rationale: None,
            metadata: Vec::new(),
        };
        if named(&["assessment_name", "assessmentName"]) {
            change.name = Some(given.required("assessment_name")?);
        }
        if named(&["rationale"]) {
            change.rationale = given.text("rationale")?;
        }
        if named(&["metadata"]) {
            change.metadata = given.map("metadata")?;
        }
        Ok(change)
    }

    fn apply(self, assessment: &mut Assessment) -> Result<(), everloop_metastore::Error> {
        if let Some((kind, value, error)) = self.value {
            if kind != assessment.kind {
                return Err(everloop_metastore::Error::Invalid(format!(
                    "Cannot update {} value on an assessment that is {}.",
                    kind.as_str(),
                    assessment.kind.as_str()
                )));
            }
            (assessment.value, assessment.error) = (value, error);
        }
        if let Some(name) = self.name {
            assessment.name = name;
        }
        if self.rationale.is_some() {
            assessment.rationale = self.rationale;
        }
        assessment.metadata.extend(self.metadata);
        Ok(())
    }
}

async fn delete(
    State(state): State<AppState>,
    Path((trace, id)): Path<(String, String)>,
) -> Answer {
    state
        .metastore()
        .write(move |tx| tx.traces().delete_assessment(&trace, &id))
        .await?;
    Ok(Json(json!({})))
}
