//! Filters and orders of searches: `metrics.rmse < 1 and tags.team = 'bikes'`, `metrics.rmse DESC`.
//!
//! MLflow's grammar is one list of comparisons joined by `AND`. Ours ([`Grammar::Full`], `docs/search.md`) adds `OR`, `NOT`,
//! parentheses, and every operator for everything. [`parser`] reads the text, [`resource`] knows what each kind of thing can
//! be asked for, [`full`] what that means in our grammar; the result is a condition of the metastore. A filter that is not
//! understood is refused, never ignored.

mod full;
mod lexer;
mod order;
mod parser;
mod resource;
mod traces;

use everloop_metastore::search::{Condition, Query};

use super::error::MlflowError;
use parser::Expression;

pub(super) use order::{fields, order};
pub(super) use parser::Grammar;
pub(super) use resource::Resource;

/// Reads a filter; none lets everything pass.
pub(super) fn condition(
    resource: Resource,
    grammar: Grammar,
    filter: Option<&str>,
) -> Result<Condition, MlflowError> {
    match filter.map(str::trim).filter(|filter| !filter.is_empty()) {
        None => Ok(Condition::All(Vec::new())),
        Some(filter) => {
            let expression = parser::parse(filter, grammar)?;
            resolve(resource, grammar, &expression)
        }
    }
}

/// Reads a search for runs in the full grammar: what people ask, not what MLflow's clients send.
///
/// # Errors
///
/// Says what is wrong with the filter or the order.
pub fn run_query(
    filter: Option<&str>,
    order_by: &[String],
    limit: usize,
    offset: usize,
) -> Result<Query, String> {
    let read = || {
        Ok(Query {
            condition: condition(Resource::Runs, Grammar::Full, filter)?,
            order: order(Resource::Runs, order_by)?,
            limit,
            offset,
        })
    };
    read().map_err(|error: MlflowError| error.message().to_owned())
}

fn resolve(
    resource: Resource,
    grammar: Grammar,
    expression: &Expression,
) -> Result<Condition, MlflowError> {
    let each = |list: &[Expression]| {
        list.iter()
            .map(|expression| resolve(resource, grammar, expression))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match expression {
        Expression::Clause(clause) => match grammar {
            Grammar::Mlflow => resource.condition(clause)?,
            Grammar::Full => full::condition(resource, clause)?,
        },
        Expression::All(list) => Condition::All(each(list)?),
        Expression::Any(list) => Condition::Any(each(list)?),
        Expression::Not(inner) => Condition::Not(Box::new(resolve(resource, grammar, inner)?)),
    })
}

#[cfg(test)]
mod tests;
