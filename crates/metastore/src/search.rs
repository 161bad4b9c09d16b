//! Searches: conditions and orders over what is stored, compiled to SQL with bound values.
//!
//! A condition is a tree of tests. A test of a metric, parameter, tag or dataset holds if there is one of that key that
//! passes, so `!=` needs the key to exist; NaN passes no test of a number. `like` knows `%` and `_` and tells capital
//! letters apart, `ilike` does not. Texts are ordered by their code points. A parameter or a tag that is asked for a number
//! passes only if it is written as one.

mod pattern;
mod sql;

pub use pattern::Pattern;
pub(crate) use pattern::matches;
pub(crate) use sql::{Side, Statement, Tables};

use crate::AssessmentKind;

/// A column that can be searched and ordered by.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in searches.
    pub name: &'static str,
    /// Whether it holds numbers or texts.
    pub is_number: bool,
    pub(crate) sql: &'static str,
}

impl Column {
    pub(crate) const fn text(name: &'static str, sql: &'static str) -> Self {
        let is_number = false;
        Self {
            name,
            is_number,
            sql,
        }
    }

    pub(crate) const fn number(name: &'static str, sql: &'static str) -> Self {
        let is_number = true;
        Self {
            name,
            is_number,
            sql,
        }
    }
}

/// What a test looks at, and what an order goes by.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// A column of the thing itself.
    Column(&'static Column),
    /// The latest value of a metric.
    Metric(String),
    /// A parameter.
    Param(String),
    /// A tag.
    Tag(String),
    /// What was said of it for good.
    Metadata(String),
    /// A column of the datasets that it read.
    Dataset(&'static Column),
    /// A column of the spans of a trace. All tests of spans in one list must pass on the same span.
    Span(&'static Column),
    /// An attribute of the spans of a trace.
    SpanAttribute(String),
    /// The assessments of a trace of a kind and a name.
    Assessment(AssessmentKind, String),
    /// What a trace belongs to.
    Link(Link),
}

/// What a trace can belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// A run, by its id.
    Run,
    /// A version of a prompt: `name/version`.
    Prompt,
}

/// How two numbers, or two texts, compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// What must be true of a subject.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// A number compares so.
    Number(Comparison, f64),
    /// A text compares so.
    Text(Comparison, String),
    /// A text is like a pattern.
    Like(String),
    /// A text is like a pattern, capital letters or not.
    Ilike(String),
    /// A text is one of these.
    In(Vec<String>),
    /// A number is one of these.
    InNumbers(Vec<f64>),
    /// A text has a part that matches a pattern.
    Matches(Pattern),
    /// There is one, and it does not pass.
    Not(Box<Test>),
    /// There is none.
    Missing,
    /// There is one.
    Present,
}

impl Test {
    /// Whether it asks for a number.
    pub(crate) fn is_of_number(&self) -> bool {
        match self {
            Self::Number(..) | Self::InNumbers(_) => true,
            Self::Not(test) => test.is_of_number(),
            _ => false,
        }
    }
}

/// Which things are looked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// One test.
    Holds(Subject, Test),
    /// All of them; without any, everything.
    All(Vec<Condition>),
    /// At least one of them; without any, nothing.
    Any(Vec<Condition>),
    /// The opposite.
    Not(Box<Condition>),
}

/// By what things are ordered; what has no value comes last, in both directions, after NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// By what.
    pub subject: Subject,
    /// The greatest first.
    pub is_descending: bool,
}

/// A page of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Which things.
    pub condition: Condition,
    /// In which order; what is equal in it comes in the order that the resource documents.
    pub order: Vec<Order>,
    /// How many at most.
    pub limit: usize,
    /// How many to leave out before.
    pub offset: usize,
}

impl Query {
    /// Everything, in the order of the resource.
    #[must_use]
    pub fn everything(limit: usize) -> Self {
        Self {
            condition: Condition::All(Vec::new()),
            order: Vec::new(),
            limit,
            offset: 0,
        }
    }
}
