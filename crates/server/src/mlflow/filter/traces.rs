//! What traces can be asked for: themselves, their spans, what was said of them, and what they belong to.

use everloop_metastore::search::{Comparison, Condition, Link, Subject, Test};
use everloop_metastore::{AssessmentKind, SPAN_COLUMNS};

use super::parser::Clause;
use super::resource::{NUMBER_OPERATORS, Resource, require_operator, test};
use crate::mlflow::error::MlflowError;

/// What may stand before a dot, as MLflow names it in its errors.
pub(super) const ENTITIES: &[&str] = &[
    "tag",
    "request_metadata",
    "attribute",
    "span",
    "feedback",
    "expectation",
    "issue",
];

/// The tag that holds the name of a trace.
const NAME_TAG: &str = "mlflow.traceName";
/// The metadata that names the run in which a trace came to be.
const RUN_KEY: &str = "mlflow.sourceRun";

const TEXT_OPERATORS: &[&str] = &["=", "!=", "IN", "NOT IN", "LIKE", "ILIKE", "RLIKE"];
const KEYED_OPERATORS: &[&str] = &[
    "=",
    "!=",
    "LIKE",
    "ILIKE",
    "RLIKE",
    "IS NULL",
    "IS NOT NULL",
];
const ASSESSMENT_OPERATORS: &[&str] = &[
    "=",
    "!=",
    ">",
    ">=",
    "<",
    "<=",
    "LIKE",
    "ILIKE",
    "RLIKE",
    "IS NULL",
    "IS NOT NULL",
];
const CONTENT_OPERATORS: &[&str] = &["LIKE", "ILIKE"];

/// What a name means; what is asked of issues and prompts depends on more than it.
pub(super) fn subject(name: &str) -> Result<Subject, MlflowError> {
    let (entity, key) = name.split_once('.').unwrap_or(("attribute", name));
    let owned = key.to_owned();
    match entity {
        "tag" | "tags" => Ok(Subject::Tag(owned)),
        "metadata" | "request_metadata" => Ok(Subject::Metadata(owned)),
        "attribute" | "attributes" | "trace" => attribute(key),
        "span" => span(key),
        "feedback" => Ok(Subject::Assessment(AssessmentKind::Feedback, owned)),
        "expectation" => Ok(Subject::Assessment(AssessmentKind::Expectation, owned)),
        "issue" if key == "id" => Ok(Subject::Assessment(AssessmentKind::Issue, owned)),
        "issue" => Err(MlflowError::invalid(format!(
            "Invalid issue attribute '{key}'. Supported attributes: id"
        ))),
        _ => Err(MlflowError::invalid(format!(
            "Invalid entity type '{entity}'. Valid values are ['{}']",
            ENTITIES.join("', '")
        ))),
    }
}

fn attribute(key: &str) -> Result<Subject, MlflowError> {
    let column = match key.to_lowercase().as_str() {
        "name" => return Ok(Subject::Tag(NAME_TAG.to_owned())),
        "run_id" => return Ok(Subject::Metadata(RUN_KEY.to_owned())),
        "prompt" => return Ok(Subject::Link(Link::Prompt)),
        "text" => return span("content"),
        "timestamp" => "timestamp_ms",
        "execution_time" => "execution_time_ms",
        "end_time" => "end_time_ms",
        _ => key,
    };
    Resource::Traces.known_column(column).map(Subject::Column)
}

fn span(key: &str) -> Result<Subject, MlflowError> {
    if let Some(name) = key
        .strip_prefix("attributes.")
        .filter(|name| !name.is_empty())
    {
        return Ok(Subject::SpanAttribute(name.to_owned()));
    }
    let column = SPAN_COLUMNS.iter().find(|column| column.name == key);
    column.map(Subject::Span).ok_or_else(|| {
        MlflowError::invalid(format!(
            "Invalid span attribute '{key}'. Supported attributes: name, status, type, attributes.<attribute_name>."
        ))
    })
}

fn operators(subject: &Subject) -> &'static [&'static str] {
    match subject {
        Subject::Column(column) if column.is_number => NUMBER_OPERATORS,
        Subject::Span(column) if column.name == "content" => CONTENT_OPERATORS,
        Subject::Tag(_) | Subject::Metadata(_) => KEYED_OPERATORS,
        Subject::Assessment(AssessmentKind::Issue, _) | Subject::Link(_) => &["="],
        Subject::Assessment(..) => ASSESSMENT_OPERATORS,
        _ => TEXT_OPERATORS,
    }
}

/// Refuses what an entity does not know, in the words that MLflow has for it.
fn require_known_operator(subject: &Subject, clause: &Clause) -> Result<(), MlflowError> {
    let known = operators(subject);
    let Clause { name, operator, .. } = clause;
    if known.contains(&operator.as_str()) {
        return Ok(());
    }
    match subject {
        Subject::Link(Link::Prompt) => Err(MlflowError::invalid(format!(
            "Invalid comparator '{operator}' for prompts filter. Only '=' is supported with format: prompt = \"name/version\""
        ))),
        Subject::Span(_) | Subject::SpanAttribute(_) => Err(MlflowError::invalid(format!(
            "{name} comparator '{operator}' not one of '{{'{}'}}'",
            known.join("', '")
        ))),
        _ => require_operator(known, clause),
    }
}

/// The condition of a clause.
pub(super) fn condition(clause: &Clause) -> Result<Condition, MlflowError> {
    let subject = subject(&clause.name)?;
    require_known_operator(&subject, clause)?;
    let test = test(&subject, clause)?;
    match (&subject, &test) {
        (Subject::Assessment(AssessmentKind::Issue, _), Test::Text(_, id)) => {
            let issue = Subject::Assessment(AssessmentKind::Issue, id.clone());
            Ok(Condition::Holds(issue, Test::Present))
        }
        (Subject::Link(Link::Prompt), Test::Text(_, prompt))
            if prompt.matches('/').count() != 1 =>
        {
            Err(MlflowError::invalid(format!(
                "Invalid prompts filter value '{prompt}'. Expected format: prompt = \"name/version\""
            )))
        }
        // Traces of a run: those that came to be in it, and those that were linked to it later.
        (Subject::Metadata(key), Test::Text(Comparison::Equal, _)) if key == RUN_KEY => {
            let linked = Condition::Holds(Subject::Link(Link::Run), test.clone());
            Ok(Condition::Any(vec![
                linked,
                Condition::Holds(subject, test),
            ]))
        }
        _ => Ok(Condition::Holds(subject, test)),
    }
}
