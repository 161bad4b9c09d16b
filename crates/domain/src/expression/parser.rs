//! Tokens to a tree, by precedence climbing.

use super::lexer::{Token, tokens};
use super::{BinaryOperator, Expression, Node, Span, SyntaxError, UnaryOperator};
use crate::Value;

/// The longest text that is read, in bytes.
const MAX_LENGTH: usize = 10_000;
/// How deep an expression may nest.
const MAX_DEPTH: usize = 64;

/// Words that are no names unless they are quoted.
const KEYWORDS: [&str; 14] = [
    "and", "or", "not", "in", "is", "null", "true", "false", "case", "when", "then", "else", "end", "between",
];

/// Binding strength of a binary operator: greater binds tighter.
fn operator(token: &Token) -> Option<(BinaryOperator, u8)> {
    use BinaryOperator as Op;
    Some(match token {
        Token::Word(word) if word.eq_ignore_ascii_case("or") => (Op::Or, 1),
        Token::Word(word) if word.eq_ignore_ascii_case("and") => (Op::And, 2),
        Token::Symbol("=" | "==") => (Op::Equal, COMPARISON),
        Token::Symbol("!=" | "<>") => (Op::NotEqual, COMPARISON),
        Token::Symbol("<") => (Op::Less, COMPARISON),
        Token::Symbol("<=") => (Op::LessOrEqual, COMPARISON),
        Token::Symbol(">") => (Op::Greater, COMPARISON),
        Token::Symbol(">=") => (Op::GreaterOrEqual, COMPARISON),
        Token::Symbol("+") => (Op::Add, 5),
        Token::Symbol("-") => (Op::Subtract, 5),
        Token::Symbol("*") => (Op::Multiply, 6),
        Token::Symbol("/") => (Op::Divide, 6),
        Token::Symbol("%") => (Op::Modulo, 6),
        _ => return None,
    })
}

const NOT: u8 = 3;
const COMPARISON: u8 = 4;
const NEGATION: u8 = 7;

/// Parses an expression.
///
/// # Errors
///
/// Fails if the text is not an expression, is longer than 10,000 bytes or nests deeper than 64 levels; the
/// error says what was found where and what was expected.
pub fn parse(text: &str) -> Result<Expression, SyntaxError> {
    if text.len() > MAX_LENGTH {
        let message = format!("the expression has {} bytes; at most {MAX_LENGTH} are read", text.len());
        return Err(SyntaxError { message, span: 0..text.len() });
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let expression = parser.expression(0)?;
    match parser.peek() {
        Token::End => Ok(expression),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser {
    tokens: Vec<(Token, Span)>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn expression(&mut self, min_strength: u8) -> Result<Expression, SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("the expression nests deeper than {MAX_DEPTH} levels");
            return Err(SyntaxError { message, span: self.span() });
        }
        let mut left = self.operand()?;
        loop {
            if min_strength <= COMPARISON
                && let Some(found) = self.membership(&left)?
            {
                left = found;
                continue;
            }
            let Some((operator, strength)) = operator(self.peek()) else { break };
            if strength < min_strength {
                break;
            }
            self.at += 1;
            let right = self.expression(strength + 1)?;
            let span = left.span.start..right.span.end;
            left = Expression { node: Node::Binary(operator, Box::new(left), Box::new(right)), span };
        }
        self.depth -= 1;
        Ok(left)
    }

    /// `x in (..)`, `x not in (..)`, `x is null`, `x is not null`.
    fn membership(&mut self, subject: &Expression) -> Result<Option<Expression>, SyntaxError> {
        let start = subject.span.start;
        let is_negated_in = self.is_word("not") && self.is_word_at(self.at + 1, "in");
        if is_negated_in || self.is_word("in") {
            self.at += 1 + usize::from(is_negated_in);
            let list = self.list()?;
            if list.is_empty() {
                return Err(SyntaxError { message: "the list of `in` is empty".to_owned(), span: self.previous_span() });
            }
            let node = Node::In { subject: Box::new(subject.clone()), list, negated: is_negated_in };
            return Ok(Some(Expression { node, span: start..self.previous_span().end }));
        }
        if self.take_word("is") {
            let negated = self.take_word("not");
            self.expect_word("null")?;
            let node = Node::IsNull { subject: Box::new(subject.clone()), negated };
            return Ok(Some(Expression { node, span: start..self.previous_span().end }));
        }
        Ok(None)
    }

    fn operand(&mut self) -> Result<Expression, SyntaxError> {
        let start = self.span().start;
        let node = match self.peek().clone() {
            Token::Symbol("-") => {
                self.at += 1;
                let operand = self.expression(NEGATION)?;
                negate(operand)
            }
            Token::Symbol("+") => {
                self.at += 1;
                return self.expression(NEGATION);
            }
            Token::Symbol("(") => {
                self.at += 1;
                let inner = self.expression(0)?;
                self.expect_symbol(")")?;
                return Ok(Expression { span: start..self.previous_span().end, ..inner });
            }
            Token::Integer(value) => self.literal(Value::Integer(value)),
            Token::Number(value) => self.literal(Value::Number(value)),
            Token::Text(text) => self.literal(Value::Text(text)),
            Token::Quoted(name) => {
                self.at += 1;
                Node::Name(name)
            }
            Token::Word(word) => self.word(&word)?,
            Token::Symbol(_) | Token::End => return Err(self.unexpected("a value, a name or `(`")),
        };
        Ok(Expression { node, span: start..self.previous_span().end })
    }

    fn literal(&mut self, value: Value) -> Node {
        self.at += 1;
        Node::Literal(value)
    }

    fn word(&mut self, word: &str) -> Result<Node, SyntaxError> {
        let lower = word.to_lowercase();
        match lower.as_str() {
            "true" => Ok(self.literal(Value::Boolean(true))),
            "false" => Ok(self.literal(Value::Boolean(false))),
            "null" => {
                self.at += 1;
                Ok(Node::Null)
            }
            "not" => {
                self.at += 1;
                let operand = self.expression(NOT)?;
                Ok(Node::Unary(UnaryOperator::Not, Box::new(operand)))
            }
            "case" => self.case(),
            _ if KEYWORDS.contains(&lower.as_str()) => Err(self.unexpected("a value, a name or `(`")),
            _ => {
                self.at += 1;
                if *self.peek() == Token::Symbol("(") { self.call(lower) } else { Ok(Node::Name(word.to_owned())) }
            }
        }
    }

    fn call(&mut self, name: String) -> Result<Node, SyntaxError> {
        let start = self.previous_span().start;
        let arguments = self.list()?;
        if name != "if" {
            return Ok(Node::Call(name, arguments));
        }
        let span = start..self.previous_span().end;
        let Ok([condition, yes, no]) = <[Expression; 3]>::try_from(arguments) else {
            return Err(SyntaxError { message: "`if` takes a condition and two values".to_owned(), span });
        };
        Ok(Node::Case { branches: vec![(condition, yes)], otherwise: Some(Box::new(no)) })
    }

    /// `( a, b, … )`
    fn list(&mut self) -> Result<Vec<Expression>, SyntaxError> {
        self.expect_symbol("(")?;
        let mut elements = Vec::new();
        if self.take_symbol(")") {
            return Ok(elements);
        }
        loop {
            elements.push(self.expression(0)?);
            if self.take_symbol(")") {
                return Ok(elements);
            }
            if !self.take_symbol(",") {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
    }

    fn case(&mut self) -> Result<Node, SyntaxError> {
        self.at += 1;
        let mut branches = Vec::new();
        while self.take_word("when") {
            let condition = self.expression(0)?;
            self.expect_word("then")?;
            branches.push((condition, self.expression(0)?));
        }
        if branches.is_empty() {
            return Err(self.unexpected("`when`"));
        }
        let otherwise = if self.take_word("else") { Some(Box::new(self.expression(0)?)) } else { None };
        self.expect_word("end")?;
        Ok(Node::Case { branches, otherwise })
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn span(&self) -> Span {
        self.tokens[self.at].1.clone()
    }

    fn previous_span(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].1.clone()
    }

    fn is_word_at(&self, at: usize, word: &str) -> bool {
        matches!(self.tokens.get(at), Some((Token::Word(found), _)) if found.eq_ignore_ascii_case(word))
    }

    fn is_word(&self, word: &str) -> bool {
        self.is_word_at(self.at, word)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_there = self.is_word(word);
        self.at += usize::from(is_there);
        is_there
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let is_there = matches!(self.peek(), Token::Symbol(found) if *found == symbol);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect_word(&mut self, word: &str) -> Result<(), SyntaxError> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<(), SyntaxError> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    fn unexpected(&self, expected: &str) -> SyntaxError {
        let found = match self.peek() {
            Token::End => "the end".to_owned(),
            Token::Integer(value) => format!("`{value}`"),
            Token::Number(value) => format!("`{value}`"),
            Token::Text(text) => format!("'{text}'"),
            Token::Word(word) | Token::Quoted(word) => format!("`{word}`"),
            Token::Symbol(symbol) => format!("`{symbol}`"),
        };
        SyntaxError { message: format!("found {found}, expected {expected}"), span: self.span() }
    }
}

/// `-1` is a literal, so that it may stand in a list.
fn negate(operand: Expression) -> Node {
    match operand.node {
        Node::Literal(Value::Integer(value)) => Node::Literal(Value::Integer(-value)),
        Node::Literal(Value::Number(value)) => Node::Literal(Value::Number(-value)),
        _ => Node::Unary(UnaryOperator::Negate, Box::new(operand)),
    }
}

#[cfg(test)]
mod tests;
