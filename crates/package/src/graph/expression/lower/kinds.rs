//! What kind a term has, and how it becomes one of another kind.

use everloop_domain::Value;
use everloop_domain::expression::Expression;

use super::{Operation, Result, Term, fail};
use crate::Kind;

/// The term as a double; it is not a text.
pub(super) fn to_number(term: Term) -> Term {
    match (&term.operation, term.kind) {
        (Operation::Missing, _) => Term::number(f64::NAN),
        (Operation::Constant(value), _) => value.as_f64().map_or(term, Term::number),
        (_, Kind::Integer | Kind::Boolean) => {
            Term::new(Kind::Number, Operation::ToNumber, vec![term])
        }
        _ => term,
    }
}

pub(super) fn expect_number(expression: &Expression, term: Term) -> Result<Term> {
    if term.kind == Kind::Text {
        return fail(
            expression,
            "text cannot be computed with in a model graph: expected a number; move this to `prepare`".to_owned(),
        );
    }
    Ok(to_number(term))
}

pub(super) fn expect_boolean(expression: &Expression, term: Term) -> Result<Term> {
    if term.kind != Kind::Boolean {
        let message = format!(
            "expected a condition, found {}: compare it with something",
            term.kind.phrase()
        );
        return fail(expression, message);
    }
    Ok(term)
}

/// The kind that all terms can become without loss of meaning: their own if they agree, text if all
/// are texts or missing, else number. A missing value makes whole numbers and booleans numbers.
pub(super) fn common_kind(terms: &[Term]) -> Option<Kind> {
    let mut kinds = terms
        .iter()
        .filter(|term| term.operation != Operation::Missing)
        .map(|term| term.kind);
    let has_missing = terms
        .iter()
        .any(|term| term.operation == Operation::Missing);
    let Some(first) = kinds.next() else {
        return Some(Kind::Number);
    };
    let agrees = kinds.clone().all(|kind| kind == first);
    let is_text = first == Kind::Text || kinds.any(|kind| kind == Kind::Text);
    match (agrees, is_text) {
        (true, true) => Some(Kind::Text),
        (false, true) => None,
        (true, false) if !has_missing => Some(first),
        (_, false) => Some(Kind::Number),
    }
}

/// The term as the kind that [`common_kind`] found for it.
pub(super) fn convert(term: Term, kind: Kind) -> Term {
    match (&term.operation, kind) {
        (Operation::Missing, Kind::Text) => Term::new(
            Kind::Text,
            Operation::Constant(Value::Text(String::new())),
            Vec::new(),
        ),
        (_, Kind::Number) => to_number(term),
        _ => term,
    }
}
