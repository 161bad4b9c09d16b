//! From words to a tree of clauses.

use super::lexer::{Token, invalid, tokens};
use crate::mlflow::error::MlflowError;

/// How deep parentheses may go.
const MAX_DEPTH: usize = 50;
/// How many comparisons a filter may have: SQLite's own limit is twice as far.
const MAX_CLAUSES: usize = 400;
/// How many values a filter may have: each is bound, and databases bind only so many.
const MAX_VALUES: usize = 5000;

/// How much may be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mlflow) enum Grammar {
    /// Comparisons joined by `AND`, as MLflow's clients know it.
    Mlflow,
    /// Also `OR`, `NOT`, parentheses, `BETWEEN` and `RLIKE`, and every operator for everything that it makes sense for.
    Full,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Clause(Clause),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clause {
    /// What stands on the left: `metrics.rmse`.
    pub(super) name: String,
    /// `=`, `LIKE`, `IS NULL` …, in capital letters.
    pub(super) operator: String,
    pub(super) values: Vec<Operand>,
}

/// What stands on the right.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Text(String),
    Number(f64, String),
}

impl Operand {
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("'{text}'"),
            Self::Number(_, text) => text.clone(),
        }
    }
}

struct Parser<'f> {
    filter: &'f str,
    grammar: Grammar,
    tokens: Vec<Token>,
    at: usize,
    n_clauses: usize,
    n_values: usize,
}

pub(super) fn parse(filter: &str, grammar: Grammar) -> Result<Expression, MlflowError> {
    let mut tokens = tokens(filter)?;
    // MLflow's own parser lets a trailing `AND` pass.
    if tokens.last().and_then(Token::keyword).as_deref() == Some("AND") {
        tokens.pop();
    }
    let mut parser = Parser {
        filter,
        grammar,
        tokens,
        at: 0,
        n_clauses: 0,
        n_values: 0,
    };
    let expression = parser.any(0)?;
    match parser.tokens.get(parser.at) {
        None => Ok(expression),
        Some(token) => Err(invalid(filter, &token.shown())),
    }
}

impl Parser<'_> {
    /// Takes the next word if it is this one.
    fn take(&mut self, keyword: &str) -> bool {
        let found = self.tokens.get(self.at).and_then(Token::keyword);
        let is_it = found.as_deref() == Some(keyword);
        self.at += usize::from(is_it);
        is_it
    }

    fn next(&mut self) -> Result<Token, MlflowError> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token.ok_or_else(|| invalid(self.filter, "the end"))
    }

    fn any(&mut self, depth: usize) -> Result<Expression, MlflowError> {
        let mut list = vec![self.all(depth)?];
        while self.grammar == Grammar::Full && self.take("OR") {
            list.push(self.all(depth)?);
        }
        Ok(one_or(list, Expression::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Expression, MlflowError> {
        let mut list = vec![self.one(depth)?];
        while self.take("AND") {
            list.push(self.one(depth)?);
        }
        Ok(one_or(list, Expression::All))
    }

    fn one(&mut self, depth: usize) -> Result<Expression, MlflowError> {
        if depth > MAX_DEPTH {
            return Err(MlflowError::invalid(format!(
                "the filter is nested deeper than {MAX_DEPTH} levels"
            )));
        }
        if self.grammar == Grammar::Full {
            if self.take("NOT") {
                return Ok(Expression::Not(Box::new(self.one(depth + 1)?)));
            }
            if self.tokens.get(self.at) == Some(&Token::Open) {
                self.at += 1;
                let inner = self.any(depth + 1)?;
                self.expect(&Token::Close)?;
                return Ok(inner);
            }
        }
        self.clause()
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), MlflowError> {
        let found = self.next()?;
        if found == *wanted {
            return Ok(());
        }
        Err(invalid(self.filter, &found.shown()))
    }

    fn clause(&mut self) -> Result<Expression, MlflowError> {
        self.n_clauses += 1;
        if self.n_clauses > MAX_CLAUSES {
            return Err(MlflowError::invalid(format!(
                "the filter has more than {MAX_CLAUSES} comparisons"
            )));
        }
        let name = match self.next()? {
            Token::Name(name) | Token::Quoted(name) => name,
            other => return Err(invalid(self.filter, &other.shown())),
        };
        if let Some(Token::Operator(operator)) = self.tokens.get(self.at).cloned() {
            self.at += 1;
            return Ok(clause(&name, &operator, vec![self.operand()?]));
        }
        if self.take("IS") {
            let operator = if self.take("NOT") {
                "IS NOT NULL"
            } else {
                "IS NULL"
            };
            if self.take("NULL") {
                return Ok(clause(&name, operator, Vec::new()));
            }
        }
        let is_negated = self.take("NOT");
        if self.take("IN") {
            let operator = if is_negated { "NOT IN" } else { "IN" };
            return Ok(clause(&name, operator, self.list()?));
        }
        if self.grammar == Grammar::Full && self.take("BETWEEN") {
            return self.between(&name, is_negated);
        }
        let is_full = self.grammar == Grammar::Full;
        for (word, operator, negated) in PATTERNS {
            if (is_full || !is_negated) && self.take(word) {
                let operator = if is_negated { negated } else { operator };
                return Ok(clause(&name, operator, vec![self.operand()?]));
            }
        }
        let found = self
            .tokens
            .get(self.at)
            .map_or_else(|| name.clone(), Token::shown);
        Err(invalid(self.filter, &found))
    }

    /// Both ends belong to it.
    fn between(&mut self, name: &str, is_negated: bool) -> Result<Expression, MlflowError> {
        let low = self.operand()?;
        if !self.take("AND") {
            return Err(invalid(self.filter, "BETWEEN without AND"));
        }
        let high = self.operand()?;
        let ends = |below: &str, above: &str| {
            vec![
                clause(name, below, vec![low.clone()]),
                clause(name, above, vec![high.clone()]),
            ]
        };
        Ok(if is_negated {
            Expression::Any(ends("<", ">"))
        } else {
            Expression::All(ends(">=", "<="))
        })
    }

    fn operand(&mut self) -> Result<Operand, MlflowError> {
        self.n_values += 1;
        if self.n_values > MAX_VALUES {
            return Err(MlflowError::invalid(format!(
                "the filter has more than {MAX_VALUES} values"
            )));
        }
        match self.next()? {
            Token::Text(text) | Token::Quoted(text) => Ok(Operand::Text(text)),
            Token::Number(text) => match text.parse() {
                Ok(number) => Ok(Operand::Number(number, text)),
                Err(_) => Err(invalid(self.filter, &text)),
            },
            // A bare word is no value; MLflow says that a quoted one was expected.
            other => Err(MlflowError::invalid(format!(
                "Expected a quoted string value or a number in filter '{}'. Got value {}",
                self.filter,
                other.shown()
            ))),
        }
    }

    fn list(&mut self) -> Result<Vec<Operand>, MlflowError> {
        self.expect(&Token::Open)?;
        let mut values = vec![self.operand()?];
        loop {
            match self.next()? {
                Token::Comma => values.push(self.operand()?),
                Token::Close => return Ok(values),
                other => return Err(invalid(self.filter, &other.shown())),
            }
        }
    }
}

/// Words for patterns, with what they are called, and when they must not match.
const PATTERNS: [(&str, &str, &str); 4] = [
    ("LIKE", "LIKE", "NOT LIKE"),
    ("ILIKE", "ILIKE", "NOT ILIKE"),
    ("RLIKE", "RLIKE", "NOT RLIKE"),
    ("REGEXP", "RLIKE", "NOT RLIKE"),
];

fn clause(name: &str, operator: &str, values: Vec<Operand>) -> Expression {
    Expression::Clause(Clause {
        name: name.to_owned(),
        operator: operator.to_owned(),
        values,
    })
}

fn one_or(mut list: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match (list.pop(), list.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            list.extend(last);
            many(list)
        }
    }
}
