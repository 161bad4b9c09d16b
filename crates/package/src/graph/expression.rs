//! Feature expressions: checked first, then written as nodes.
//!
//! [`lower`] decides kinds and refuses what ONNX has no operators for; what it returns can always
//! be written. So `everloop check` and the graph cannot disagree about what is allowed.

mod lower;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use everloop_domain::Value;
use everloop_domain::expression::Expression;

use crate::graph::{Column, GraphBuilder};
use crate::{Error, ExpressionError, Kind};

/// Checks that an expression over these columns can be part of a model graph, and says the kind of
/// its result.
///
/// # Errors
///
/// Fails with the place and the advice if it cannot.
pub fn check_expression(
    expression: &Expression,
    columns: &BTreeMap<String, Kind>,
) -> Result<Kind, ExpressionError> {
    lower::feature(expression, columns).map(|term| term.kind)
}

impl GraphBuilder {
    /// Adds the nodes of a feature expression over these columns. See the [module](crate::graph)
    /// for missing values and arithmetic.
    ///
    /// # Errors
    ///
    /// Fails like [`check_expression`].
    pub fn expression(
        &mut self,
        expression: &Expression,
        columns: &BTreeMap<String, Column>,
    ) -> Result<Column, Error> {
        let kinds = columns
            .iter()
            .map(|(name, column)| (name.clone(), column.kind))
            .collect();
        let term = lower::feature(expression, &kinds)?;
        let edge = self.term(&term, columns);
        Ok(Column {
            edge,
            kind: term.kind,
        })
    }
}

/// A checked expression: every operation is defined for the kinds of its arguments.
#[derive(Clone, Debug, PartialEq)]
struct Term {
    kind: Kind,
    operation: Operation,
    arguments: Vec<Term>,
}

/// What a [`Term`] does with its arguments. Numbers are doubles unless said otherwise.
#[derive(Clone, Debug, PartialEq)]
enum Operation {
    /// The column of this name.
    Column(String),
    /// The same value in every row.
    Constant(Value),
    /// A missing value; it takes the kind of its surroundings.
    Missing,
    /// A whole number or a boolean as a double.
    ToNumber,
    /// An operator of ONNX with this meaning exactly.
    Operator(&'static str),
    /// The remainder with the sign of the first argument.
    Remainder,
    /// -1, 0 or 1; NaN for NaN.
    Sign,
    /// The cosine, as ONNX Runtime has none for doubles.
    Cosine,
    /// The tangent, for the same reason.
    Tangent,
    /// An operator that ONNX Runtime has for 32-bit floats only.
    Single(&'static str),
    /// The smaller of two numbers; NaN if either is.
    Minimum,
    /// The larger of two numbers; NaN if either is.
    Maximum,
    /// Whether the argument is missing.
    IsMissing,
    /// Whether a text is one of these.
    IsOneOf(Vec<String>),
    /// Whether the first argument is equal to one of the others.
    IsAny,
    /// The first argument where it is not missing, the second elsewhere.
    Coalesce,
    /// The second argument where the first holds, the third elsewhere.
    Choose,
}

impl Term {
    fn new(kind: Kind, operation: Operation, arguments: Vec<Term>) -> Self {
        Self {
            kind,
            operation,
            arguments,
        }
    }

    fn number(value: f64) -> Self {
        Self::new(
            Kind::Number,
            Operation::Constant(Value::Number(value)),
            Vec::new(),
        )
    }

    /// Whether no column is needed.
    fn is_constant(&self) -> bool {
        !matches!(self.operation, Operation::Column(_))
            && self.arguments.iter().all(Self::is_constant)
    }
}
