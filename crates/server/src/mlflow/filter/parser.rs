//! From words to a tree of clauses.

use super::lexer::{Token, invalid, tokens};
use crate::mlflow::error::MlflowError;

/// How deep parentheses may go.
const MAX_DEPTH: usize = 50;

/// How much may be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mlflow) enum Grammar {
    /// Comparisons joined by `AND`, as MLflow's clients know it.
    Mlflow,
    /// Also `OR`, `NOT`, parentheses and `BETWEEN`.
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
        let name = match self.next()? {
            Token::Name(name) | Token::Quoted(name) => name,
            other => return Err(invalid(self.filter, &other.shown())),
        };
        let clause = |operator: &str, values| {
            let (name, operator) = (name.clone(), operator.to_owned());
            Expression::Clause(Clause {
                name,
                operator,
                values,
            })
        };
        if let Some(Token::Operator(operator)) = self.tokens.get(self.at).cloned() {
            self.at += 1;
            return Ok(clause(&operator, vec![self.operand()?]));
        }
        if self.take("IS") {
            let operator = if self.take("NOT") {
                "IS NOT NULL"
            } else {
                "IS NULL"
            };
            if self.take("NULL") {
                return Ok(clause(operator, Vec::new()));
            }
        }
        if self.grammar == Grammar::Full && self.take("BETWEEN") {
            let low = self.operand()?;
            if !self.take("AND") {
                return Err(invalid(self.filter, "BETWEEN without AND"));
            }
            let high = self.operand()?;
            return Ok(Expression::All(vec![
                clause(">=", vec![low]),
                clause("<=", vec![high]),
            ]));
        }
        let negation = if self.take("NOT") { "NOT " } else { "" };
        if self.take("IN") {
            return Ok(clause(&format!("{negation}IN"), self.list()?));
        }
        for operator in ["LIKE", "ILIKE", "RLIKE"] {
            if negation.is_empty() && self.take(operator) {
                return Ok(clause(operator, vec![self.operand()?]));
            }
        }
        let found = self
            .tokens
            .get(self.at)
            .map_or_else(|| name.clone(), Token::shown);
        Err(invalid(self.filter, &found))
    }

    fn operand(&mut self) -> Result<Operand, MlflowError> {
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

fn one_or(mut list: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match (list.pop(), list.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            list.extend(last);
            many(list)
        }
    }
}
