//! What each kind of thing can be asked for, and by which operators.

use everloop_metastore::search::{Column, Comparison, Condition, Link, Pattern, Subject, Test};
use everloop_metastore::{
    DATASET_COLUMNS, EXPERIMENT_COLUMNS, LOGGED_MODEL_COLUMNS, MODEL_COLUMNS, RUN_COLUMNS,
    TRACE_COLUMNS, VERSION_COLUMNS,
};

use super::parser::{Clause, Operand};
use super::traces;
use crate::mlflow::error::MlflowError;

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mlflow) enum Resource {
    Runs,
    Experiments,
    Models,
    Versions,
    LoggedModels,
    Traces,
}

pub(super) const NUMBER_OPERATORS: &[&str] = &[">", ">=", "=", "!=", "<", "<="];
const TEXT_OPERATORS: &[&str] = &["=", "!=", "LIKE", "ILIKE"];
const LISTED_OPERATORS: &[&str] = &["=", "!=", "LIKE", "ILIKE", "IN", "NOT IN"];
const KEYED_OPERATORS: &[&str] = &["=", "!=", "LIKE", "ILIKE", "IS NULL", "IS NOT NULL"];

impl Resource {
    fn columns(self) -> &'static [Column] {
        match self {
            Self::Runs => &RUN_COLUMNS,
            Self::Experiments => &EXPERIMENT_COLUMNS,
            Self::Models => &MODEL_COLUMNS,
            Self::Versions => &VERSION_COLUMNS,
            Self::LoggedModels => &LOGGED_MODEL_COLUMNS,
            Self::Traces => &TRACE_COLUMNS,
        }
    }

    /// The entities that may stand before a dot, as MLflow names them in its errors.
    fn entities(self) -> &'static [&'static str] {
        match self {
            Self::Runs => &["metric", "parameter", "tag", "attribute", "dataset"],
            Self::LoggedModels => &["metric", "parameter", "tag", "attribute"],
            Self::Experiments | Self::Models | Self::Versions => &["attribute", "tag"],
            Self::Traces => traces::ENTITIES,
        }
    }

    /// The column of a name, by any of the names that MLflow knows for it.
    fn column(self, name: &str) -> Option<&'static Column> {
        let canonical = match (self, name) {
            (Self::Runs, "run name" | "Run name" | "Run Name") => "run_name",
            (Self::Runs, "created" | "Created") => "start_time",
            (Self::Runs, "User") => "user_id",
            (Self::Versions, "version") => "version_number",
            (Self::LoggedModels, "creation_time" | "creation_timestamp_ms") => "creation_timestamp",
            (Self::Models | Self::Versions, "timestamp")
            | (
                Self::LoggedModels,
                "last_updated_time" | "last_updated_timestamp_ms" | "last_updated",
            ) => "last_updated_timestamp",
            (_, name) => name,
        };
        self.columns()
            .iter()
            .find(|column| column.name == canonical)
    }

    /// What a name on the left of an operator, or of an order, means.
    pub(super) fn subject(self, name: &str) -> Result<Subject, MlflowError> {
        if self == Self::Traces {
            return traces::subject(name);
        }
        let (entity, key) = match name.split_once('.') {
            None => ("attribute", name),
            Some((entity, key)) => (entity, key),
        };
        let key = key.to_owned();
        let allowed = |entity: &str| self.entities().contains(&entity);
        match entity {
            "metric" | "metrics" if allowed("metric") => Ok(Subject::Metric(key)),
            "param" | "params" | "parameter" | "parameters" if allowed("parameter") => {
                Ok(Subject::Param(key))
            }
            "tag" | "tags" => Ok(Subject::Tag(key)),
            "dataset" | "datasets" if allowed("dataset") => {
                let column = DATASET_COLUMNS.iter().find(|column| column.name == key);
                column.map(Subject::Dataset).ok_or_else(|| {
                    unknown(
                        "dataset",
                        &key,
                        DATASET_COLUMNS.iter().map(|column| column.name),
                    )
                })
            }
            "attribute" | "attributes" | "attr" | "run" => {
                self.known_column(&key).map(Subject::Column)
            }
            _ => Err(MlflowError::invalid(format!(
                "Invalid entity type '{entity}'. Valid values are ['{}']",
                self.entities().join("', '")
            ))),
        }
    }

    fn operators(self, subject: &Subject) -> &'static [&'static str] {
        match subject {
            Subject::Metric(_) => NUMBER_OPERATORS,
            Subject::Column(column) if column.is_number && column.name == "experiment_id" => {
                &["=", "!=", "IN", "NOT IN", ">", ">=", "<", "<="]
            }
            Subject::Column(column) if column.is_number => NUMBER_OPERATORS,
            Subject::Column(_) | Subject::Dataset(_) => LISTED_OPERATORS,
            Subject::Tag(_) if self == Self::Models => TEXT_OPERATORS,
            Subject::Param(_) | Subject::Tag(_) => KEYED_OPERATORS,
            _ => &[],
        }
    }

    /// The condition of a clause as MLflow knows it.
    pub(super) fn condition(self, clause: &Clause) -> Result<Condition, MlflowError> {
        if self == Self::Traces {
            return traces::condition(clause);
        }
        let subject = self.subject(&clause.name)?;
        require_operator(self.operators(&subject), clause)?;
        let test = test(&subject, clause)?;
        Ok(Condition::Holds(subject, test))
    }

    /// The column of a name, or what names there are.
    pub(super) fn known_column(self, name: &str) -> Result<&'static Column, MlflowError> {
        let names = || self.columns().iter().map(|column| column.name);
        self.column(name)
            .ok_or_else(|| unknown("attribute", name, names()))
    }
}

/// Refuses an operator that what is asked for does not know.
pub(super) fn require_operator(operators: &[&str], clause: &Clause) -> Result<(), MlflowError> {
    let operator = clause.operator.as_str();
    if operators.contains(&operator) {
        return Ok(());
    }
    Err(MlflowError::invalid(format!(
        "Invalid comparator '{operator}' not one of '{{'{}'}}' for '{}'",
        operators.join("', '"),
        clause.name
    )))
}

pub(super) fn unknown(
    what: &str,
    key: &str,
    known: impl Iterator<Item = &'static str>,
) -> MlflowError {
    let known: Vec<&str> = known.collect();
    MlflowError::invalid(format!(
        "Invalid {what} key '{key}' specified. Valid keys are '{{'{}'}}'",
        known.join("', '")
    ))
}

/// The test of a clause, whose operator suits its subject.
pub(super) fn test(subject: &Subject, clause: &Clause) -> Result<Test, MlflowError> {
    let comparison = match clause.operator.as_str() {
        "IS NULL" => return Ok(Test::Missing),
        "IS NOT NULL" => return Ok(Test::Present),
        "IN" => return Ok(Test::In(texts(clause)?)),
        "NOT IN" => return Ok(Test::Not(Box::new(Test::In(texts(clause)?)))),
        "LIKE" => return Ok(Test::Like(text(subject, clause)?)),
        "ILIKE" => return Ok(Test::Ilike(text(subject, clause)?)),
        "RLIKE" => return Ok(Test::Matches(pattern(&text(subject, clause)?)?)),
        operator => comparison(operator).unwrap_or(Comparison::AtLeast),
    };
    let is_number = match subject {
        Subject::Metric(_) => true,
        Subject::Column(column) | Subject::Dataset(column) => column.is_number,
        // Assessments have numbers and texts; what is asked tells which are meant.
        Subject::Assessment(..) => !matches!(comparison, Comparison::Equal | Comparison::NotEqual),
        _ => false,
    };
    if is_number {
        return Ok(Test::Number(comparison, number(subject, clause)?));
    }
    Ok(Test::Text(comparison, text(subject, clause)?))
}

/// A regular expression of a filter.
pub(super) fn pattern(text: &str) -> Result<Pattern, MlflowError> {
    Pattern::parse(text).map_err(|error| MlflowError::invalid(error.to_string()))
}

/// The comparison of an operator.
pub(super) fn comparison(operator: &str) -> Option<Comparison> {
    Some(match operator {
        "=" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::AtMost,
        ">" => Comparison::Greater,
        ">=" => Comparison::AtLeast,
        _ => return None,
    })
}

fn kind(subject: &Subject) -> &'static str {
    match subject {
        Subject::Metric(_) => "metric",
        Subject::Param(_) => "parameter",
        Subject::Tag(_) => "tag",
        Subject::Column(_) => "attribute",
        Subject::Dataset(_) => "dataset",
        Subject::Metadata(_) => "request_metadata",
        Subject::Span(_) | Subject::SpanAttribute(_) => "span",
        Subject::Assessment(kind, _) => kind.as_str(),
        Subject::Link(Link::Run) => "run",
        Subject::Link(Link::Prompt) => "prompt",
    }
}

fn number(subject: &Subject, clause: &Clause) -> Result<f64, MlflowError> {
    match clause.values.first() {
        Some(Operand::Number(number, _)) => Ok(*number),
        // Experiment ids are texts on the wire.
        Some(Operand::Text(text)) if clause.name.ends_with("experiment_id") => {
            text.parse().map_err(|_| {
                MlflowError::invalid(format!("Invalid experiment ID '{text}' in the filter"))
            })
        }
        other => Err(MlflowError::invalid(format!(
            "Expected numeric value type for {}. Found {}",
            kind(subject),
            other.map_or_else(String::new, Operand::shown)
        ))),
    }
}

fn text(subject: &Subject, clause: &Clause) -> Result<String, MlflowError> {
    match clause.values.first() {
        Some(Operand::Text(text)) => Ok(text.clone()),
        other => Err(MlflowError::invalid(format!(
            "Expected a quoted string value for {} (e.g. 'my-value'). Got value {}",
            kind(subject),
            other.map_or_else(String::new, Operand::shown)
        ))),
    }
}

fn texts(clause: &Clause) -> Result<Vec<String>, MlflowError> {
    let one = |value: &Operand| match value {
        Operand::Text(text) => Ok(text.clone()),
        Operand::Number(_, text) if clause.name.ends_with("experiment_id") => Ok(text.clone()),
        Operand::Number(_, text) => Err(MlflowError::invalid(format!(
            "While parsing a list in the filter, expected a non-empty list of string values, but got '{text}'"
        ))),
    };
    clause.values.iter().map(one).collect()
}
