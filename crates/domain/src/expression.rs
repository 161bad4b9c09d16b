//! The little language of features, gates and conditions.
//!
//! One grammar serves three places: `features` (`sin(2 * pi() * hr / 24)`), `gates`
//! (`rmse <= champion.rmse * 1.02`) and `retrain.when` (`rmse > 1.2 * baseline.rmse`). This module
//! holds the syntax only; what a name means is decided by the user of the tree: `package` compiles
//! features into the model graph, `measure` evaluates gates and conditions.
//!
//! Grammar, loosest first: `or`, `and`, `not`, comparison (`= == != <> < <= > >= in not-in is-null`),
//! `+ -`, `* / %`, unary `-`, call, name (dotted), literal, `case when .. then .. else .. end`.
//! Words are case-insensitive; text is in single quotes; a name with other characters stands in
//! double quotes or backticks.

mod functions;
mod lexer;
mod parser;

use std::collections::BTreeSet;
use std::ops::Range;

use crate::Value;

pub use functions::{FUNCTIONS, Function};
pub use parser::{MAX_DEPTH, MAX_LENGTH, parse};

/// A place in the text: byte offsets.
pub type Span = Range<usize>;

/// A node with its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// What it is.
    pub node: Node,
    /// Where it stands.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A number, a text, `true` or `false`.
    Literal(Value),
    /// `null`.
    Null,
    /// A column, a metric, or a dotted name such as `champion.rmse`.
    Name(String),
    /// `-x` or `not x`.
    Unary(UnaryOperator, Box<Expression>),
    /// `x + y`, `x and y`, `x <= y` …
    Binary(BinaryOperator, Box<Expression>, Box<Expression>),
    /// `f(x, y)`; the name is in lower case.
    Call(String, Vec<Expression>),
    /// `x in (1, 2)`; `negated` for `not in`.
    In {
        /// What is looked for.
        subject: Box<Expression>,
        /// The literals it is looked for in.
        list: Vec<Expression>,
        /// Whether it must be absent.
        negated: bool,
    },
    /// `x is null`; `negated` for `is not null`.
    IsNull {
        /// What is tested.
        subject: Box<Expression>,
        /// Whether it must be present.
        negated: bool,
    },
    /// `case when a then b … else c end`; also `if(a, b, c)`.
    Case {
        /// Conditions and their results, tried in order.
        branches: Vec<(Expression, Expression)>,
        /// The result when no condition holds; null if absent.
        otherwise: Option<Box<Expression>>,
    },
}

/// An operator before its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `-`
    Negate,
    /// `not`
    Not,
}

/// An operator between its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is named after its operator")]
pub enum BinaryOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

/// Why a text is not an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What was found and what was expected.
    pub message: String,
    /// Where.
    pub span: Span,
}

impl Expression {
    /// All names in the expression, sorted, each once.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.visit(&mut |expression| {
            if let Node::Name(name) = &expression.node {
                names.insert(name.as_str());
            }
        });
        names
    }

    /// Calls `see` on this expression and on all below it, outermost first.
    pub fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Expression)) {
        see(self);
        match &self.node {
            Node::Literal(_) | Node::Null | Node::Name(_) => {}
            Node::Unary(_, operand) => operand.visit(see),
            Node::Binary(_, left, right) => {
                left.visit(see);
                right.visit(see);
            }
            Node::Call(_, arguments) => {
                for argument in arguments {
                    argument.visit(see);
                }
            }
            Node::In { subject, list, .. } => {
                subject.visit(see);
                for element in list {
                    element.visit(see);
                }
            }
            Node::IsNull { subject, .. } => subject.visit(see),
            Node::Case {
                branches,
                otherwise,
            } => {
                for (condition, result) in branches {
                    condition.visit(see);
                    result.visit(see);
                }
                if let Some(otherwise) = otherwise {
                    otherwise.visit(see);
                }
            }
        }
    }
}
