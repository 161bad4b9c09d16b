//! What a comparison means in our own grammar: every operator, for everything that it makes sense for.
//!
//! Metrics and moments are numbers, other attributes texts. Parameters and tags are texts that may be numbers: what they are
//! compared with decides. A moment may be written as milliseconds or as a text (`'2026-01-31'`).

use everloop_domain::Timestamp;
use everloop_metastore::search::{Condition, Subject, Test};

use super::parser::{Clause, Operand};
use super::resource::{Resource, comparison, pattern};
use crate::mlflow::error::MlflowError;

/// The condition of a clause.
pub(super) fn condition(resource: Resource, clause: &Clause) -> Result<Condition, MlflowError> {
    let subject = resource.subject(&clause.name)?;
    let test = match clause.operator.strip_prefix("NOT ") {
        None => test(&subject, clause, &clause.operator)?,
        Some(operator) => Test::Not(Box::new(test(&subject, clause, operator)?)),
    };
    Ok(Condition::Holds(subject, test))
}

fn test(subject: &Subject, clause: &Clause, operator: &str) -> Result<Test, MlflowError> {
    match operator {
        "IS NULL" => return Ok(Test::Missing),
        "IS NOT NULL" => return Ok(Test::Present),
        _ => {}
    }
    let values = values(subject, clause)?;
    Ok(match (operator, values) {
        ("IN", Values::Numbers(numbers)) => Test::InNumbers(numbers),
        ("IN", Values::Texts(texts)) => Test::In(texts),
        ("LIKE", Values::Texts(texts)) => Test::Like(first(texts)),
        ("ILIKE", Values::Texts(texts)) => Test::Ilike(first(texts)),
        ("RLIKE", Values::Texts(texts)) => Test::Matches(pattern(&first(texts))?),
        (operator, values) => match (comparison(operator), values) {
            (Some(comparison), Values::Numbers(numbers)) => {
                Test::Number(comparison, numbers.first().copied().unwrap_or_default())
            }
            (Some(comparison), Values::Texts(texts)) => Test::Text(comparison, first(texts)),
            (None, _) => {
                return Err(MlflowError::invalid(format!(
                    "`{operator}` is for texts, and `{}` is compared with numbers here",
                    clause.name
                )));
            }
        },
    })
}

/// What stands on the right.
enum Values {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

fn values(subject: &Subject, clause: &Clause) -> Result<Values, MlflowError> {
    let (wants_numbers, takes_moments) = match subject {
        Subject::Metric(_) => (Some(true), false),
        Subject::Column(column) | Subject::Dataset(column) | Subject::Span(column) => {
            let is_moment = column.name.ends_with("_time") || column.name.ends_with("_timestamp");
            (Some(column.is_number), column.is_number && is_moment)
        }
        Subject::Param(_) | Subject::Tag(_) | Subject::Assessment(..) => (None, false),
        Subject::Metadata(_) | Subject::SpanAttribute(_) | Subject::Link(_) => (Some(false), false),
    };
    let is_number = |operand: &Operand| matches!(operand, Operand::Number(..));
    let wants_numbers = wants_numbers.unwrap_or_else(|| clause.values.iter().all(is_number));
    if !wants_numbers {
        let texts = clause.values.iter().map(|value| text(clause, value));
        return Ok(Values::Texts(texts.collect::<Result<_, _>>()?));
    }
    let numbers = clause.values.iter().map(|value| match value {
        Operand::Number(number, _) => Ok(*number),
        Operand::Text(text) if takes_moments => moment(clause, text),
        // Ids of experiments are texts on the wire.
        Operand::Text(text) => text
            .parse()
            .ok()
            .filter(|_| is_id(clause))
            .ok_or_else(|| expected(clause, "a number", value)),
    });
    Ok(Values::Numbers(numbers.collect::<Result<_, _>>()?))
}

fn is_id(clause: &Clause) -> bool {
    clause.name.ends_with("experiment_id")
}

fn moment(clause: &Clause, text: &str) -> Result<f64, MlflowError> {
    let moment: Timestamp = text
        .parse()
        .map_err(|problem| MlflowError::invalid(format!("`{}`: {problem}", clause.name)))?;
    Ok(moment.as_millis() as f64)
}

fn text(clause: &Clause, operand: &Operand) -> Result<String, MlflowError> {
    match operand {
        Operand::Text(text) => Ok(text.clone()),
        Operand::Number(..) => Err(expected(clause, "a text in quotes", operand)),
    }
}

fn expected(clause: &Clause, what: &str, found: &Operand) -> MlflowError {
    MlflowError::invalid(format!(
        "`{}` is compared with {}: expected {what}",
        clause.name,
        found.shown()
    ))
}

/// The only value of an operator that takes one.
fn first(texts: Vec<String>) -> String {
    texts.into_iter().next().unwrap_or_default()
}
