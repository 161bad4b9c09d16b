//! Tokens to a tree, by precedence climbing.
//!
//! The tree's depth and the text's length are bounded, so that neither this parser nor any walk
//! over the tree can run out of stack, whatever the text.

use super::lexer::{Token, TokenKind, tokens};
use super::{BinaryOperator, Expression, Node, Span, SyntaxError, UnaryOperator};
use crate::Value;

/// The longest text that is read, in bytes.
pub const MAX_LENGTH: usize = 16 * 1024;

/// The deepest tree that is made: operators, calls and parentheses inside each other.
pub const MAX_DEPTH: usize = 200;

/// Words that are no names unless quoted.
const RESERVED: [&str; 13] = [
    "and", "or", "not", "in", "is", "null", "true", "false", "case", "when", "then", "else", "end",
];

/// How tightly `not` holds its operand: looser than comparisons, tighter than `and`.
const NOT_POWER: u8 = 3;
/// How tightly comparisons, `in` and `is` hold.
const COMPARISON_POWER: u8 = 4;
/// How tightly the unary minus holds.
const NEGATE_POWER: u8 = 7;

/// Parses an expression.
///
/// `if(a, b, c)` becomes a [`Node::Case`], and a minus before a number becomes part of the number.
///
/// # Errors
///
/// Fails if the text is not an expression, is longer than [`MAX_LENGTH`] or nests deeper than
/// [`MAX_DEPTH`]. The span of the error lies within the text.
pub fn parse(text: &str) -> Result<Expression, SyntaxError> {
    if text.len() > MAX_LENGTH {
        let message = format!(
            "the expression has {} bytes; at most {MAX_LENGTH} are allowed",
            text.len()
        );
        return Err(SyntaxError {
            message,
            span: 0..0,
        });
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
        text,
    };
    let tree = parser.expression(0)?;
    if parser.peek().kind == TokenKind::End {
        return Ok(tree.expression);
    }
    Err(parser.unexpected("an operator or the end"))
}

/// A part of the tree and how deep it is.
struct Tree {
    expression: Expression,
    depth: usize,
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    /// How many calls of [`Parser::expression`] are open.
    depth: usize,
    text: &'a str,
}

/// What may stand between two operands.
#[derive(Clone, Copy)]
enum Infix {
    Binary(BinaryOperator),
    In { negated: bool },
    Is,
}

impl Parser<'_> {
    /// Reads operands and operators that hold at least as tightly as `min_power`.
    fn expression(&mut self, min_power: u8) -> Result<Tree, SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep(self.peek().span.clone()));
        }
        let mut left = self.prefix()?;
        let mut compared = false;
        while let Some((infix, power, n_tokens)) = self.infix() {
            if power < min_power {
                break;
            }
            if power == COMPARISON_POWER && compared {
                return Err(SyntaxError {
                    message: "comparisons do not chain: write `a < b and b < c`".into(),
                    span: self.peek().span.clone(),
                });
            }
            compared = power == COMPARISON_POWER;
            self.at += n_tokens;
            left = match infix {
                Infix::Binary(operator) => {
                    let right = self.expression(power + 1)?;
                    let depth = left.depth.max(right.depth);
                    let span = left.expression.span.start..right.expression.span.end;
                    let (a, b) = (Box::new(left.expression), Box::new(right.expression));
                    node(Node::Binary(operator, a, b), span, depth)?
                }
                Infix::In { negated } => self.in_list(left, negated)?,
                Infix::Is => self.is_null(left)?,
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    /// The operator that comes next, how tightly it holds, and how many tokens it has.
    fn infix(&self) -> Option<(Infix, u8, usize)> {
        use BinaryOperator as Op;
        let token = &self.peek().kind;
        let (operator, power) = match token {
            TokenKind::Symbol(symbol) => match *symbol {
                "=" | "==" => (Op::Equal, COMPARISON_POWER),
                "!=" | "<>" => (Op::NotEqual, COMPARISON_POWER),
                "<" => (Op::Less, COMPARISON_POWER),
                "<=" => (Op::LessOrEqual, COMPARISON_POWER),
                ">" => (Op::Greater, COMPARISON_POWER),
                ">=" => (Op::GreaterOrEqual, COMPARISON_POWER),
                "+" => (Op::Add, 5),
                "-" => (Op::Subtract, 5),
                "*" => (Op::Multiply, 6),
                "/" => (Op::Divide, 6),
                "%" => (Op::Modulo, 6),
                _ => return None,
            },
            _ if is_word(token, "or") => (Op::Or, 1),
            _ if is_word(token, "and") => (Op::And, 2),
            _ if is_word(token, "in") => {
                return Some((Infix::In { negated: false }, COMPARISON_POWER, 1));
            }
            _ if is_word(token, "is") => return Some((Infix::Is, COMPARISON_POWER, 1)),
            _ if is_word(token, "not") && self.word_after("in") => {
                return Some((Infix::In { negated: true }, COMPARISON_POWER, 2));
            }
            _ => return None,
        };
        Some((Infix::Binary(operator), power, 1))
    }

    fn prefix(&mut self) -> Result<Tree, SyntaxError> {
        let start = self.peek().span.start;
        let (operator, power) = match &self.peek().kind {
            TokenKind::Symbol("-") => (UnaryOperator::Negate, NEGATE_POWER),
            TokenKind::Symbol("+") => {
                self.at += 1;
                return self.expression(NEGATE_POWER);
            }
            token if is_word(token, "not") => (UnaryOperator::Not, NOT_POWER),
            _ => return self.operand(),
        };
        self.at += 1;
        let operand = self.expression(power)?;
        let span = start..operand.expression.span.end;
        let folded = match (&operand.expression.node, operator) {
            (Node::Literal(Value::Integer(whole)), UnaryOperator::Negate) => {
                Some(Value::Integer(-whole))
            }
            (Node::Literal(Value::Number(number)), UnaryOperator::Negate) => {
                Some(Value::Number(-number))
            }
            _ => None,
        };
        match folded {
            Some(value) => node(Node::Literal(value), span, 0),
            None => node(
                Node::Unary(operator, Box::new(operand.expression)),
                span,
                operand.depth,
            ),
        }
    }

    fn operand(&mut self) -> Result<Tree, SyntaxError> {
        let Token { kind, span } = self.peek().clone();
        let literal = |value| node(Node::Literal(value), span.clone(), 0);
        match kind {
            TokenKind::Integer(whole) => self.step(literal(Value::Integer(whole))),
            TokenKind::Number(number) => self.step(literal(Value::Number(number))),
            TokenKind::Text(text) => self.step(literal(Value::Text(text))),
            TokenKind::Symbol("(") => {
                self.at += 1;
                let mut inner = self.expression(0)?;
                inner.expression.span = span.start..self.expect(")", &span)?.end;
                Ok(inner)
            }
            TokenKind::QuotedName(name) => {
                self.at += 1;
                self.name(name, span)
            }
            TokenKind::Word(word) => match word.to_ascii_lowercase().as_str() {
                "true" => self.step(literal(Value::Boolean(true))),
                "false" => self.step(literal(Value::Boolean(false))),
                "null" => self.step(node(Node::Null, span, 0)),
                "case" => self.case(),
                reserved if RESERVED.contains(&reserved) => Err(self.unexpected("an operand")),
                lowered => {
                    self.at += 1;
                    if self.peek().kind == TokenKind::Symbol("(") {
                        return self.call(lowered, &span);
                    }
                    self.name(word, span)
                }
            },
            TokenKind::Symbol(_) | TokenKind::End => Err(self.unexpected("an operand")),
        }
    }

    /// Reads the rest of a dotted name.
    fn name(&mut self, mut name: String, mut span: Span) -> Result<Tree, SyntaxError> {
        while self.peek().kind == TokenKind::Symbol(".") {
            self.at += 1;
            let part = self.peek().clone();
            let (TokenKind::Word(word) | TokenKind::QuotedName(word)) = part.kind else {
                return Err(self.unexpected("a name after `.`"));
            };
            self.at += 1;
            name.push('.');
            name.push_str(&word);
            span.end = part.span.end;
        }
        node(Node::Name(name), span, 0)
    }

    fn call(&mut self, function: &str, name_span: &Span) -> Result<Tree, SyntaxError> {
        let (mut arguments, mut depth) = (Vec::new(), 0);
        let open = self.peek().span.clone();
        self.at += 1;
        while self.peek().kind != TokenKind::Symbol(")") {
            if !arguments.is_empty() {
                self.comma(&open)?;
            }
            let argument = self.expression(0)?;
            depth = depth.max(argument.depth);
            arguments.push(argument.expression);
        }
        let span = name_span.start..self.expect(")", &open)?.end;
        if function != "if" {
            return node(Node::Call(function.to_owned(), arguments), span, depth);
        }
        let n_arguments = arguments.len();
        let [condition, result, otherwise] =
            <[Expression; 3]>::try_from(arguments).map_err(|_| SyntaxError {
                message: format!(
                    "`if` takes 3 arguments (condition, then, else), found {n_arguments}"
                ),
                span: span.clone(),
            })?;
        let otherwise = Some(Box::new(otherwise));
        node(
            Node::Case {
                branches: vec![(condition, result)],
                otherwise,
            },
            span,
            depth,
        )
    }

    fn case(&mut self) -> Result<Tree, SyntaxError> {
        let start = self.peek().span.start;
        let (mut branches, mut otherwise, mut depth) = (Vec::new(), None, 0);
        self.at += 1;
        if !is_word(&self.peek().kind, "when") {
            return Err(self.unexpected("`when` after `case`"));
        }
        while self.take_word("when") {
            let condition = self.expression(0)?;
            if !self.take_word("then") {
                return Err(self.unexpected("`then`"));
            }
            let result = self.expression(0)?;
            depth = depth.max(condition.depth).max(result.depth);
            branches.push((condition.expression, result.expression));
        }
        if self.take_word("else") {
            let result = self.expression(0)?;
            depth = depth.max(result.depth);
            otherwise = Some(Box::new(result.expression));
        }
        let end = self.peek().span.end;
        if !self.take_word("end") {
            return Err(self.unexpected("`when`, `else` or `end`"));
        }
        node(
            Node::Case {
                branches,
                otherwise,
            },
            start..end,
            depth,
        )
    }

    fn in_list(&mut self, subject: Tree, negated: bool) -> Result<Tree, SyntaxError> {
        let open = self.peek().span.clone();
        if open.is_empty() || self.peek().kind != TokenKind::Symbol("(") {
            return Err(self.unexpected("`(` and the list of values after `in`"));
        }
        self.at += 1;
        let mut list = Vec::new();
        loop {
            let element = self.expression(NEGATE_POWER)?.expression;
            if !matches!(element.node, Node::Literal(_)) {
                let message =
                    "only values may stand in the list of `in`: numbers, 'texts', true, false";
                return Err(SyntaxError {
                    message: message.into(),
                    span: element.span,
                });
            }
            list.push(element);
            if self.peek().kind == TokenKind::Symbol(")") {
                break;
            }
            self.comma(&open)?;
        }
        let end = self.expect(")", &open)?.end;
        let span = subject.expression.span.start..end;
        let depth = subject.depth.max(1);
        node(
            Node::In {
                subject: Box::new(subject.expression),
                list,
                negated,
            },
            span,
            depth,
        )
    }

    fn is_null(&mut self, subject: Tree) -> Result<Tree, SyntaxError> {
        let negated = self.take_word("not");
        let end = self.peek().span.end;
        if !self.take_word("null") {
            return Err(self.unexpected("`null` or `not null` after `is`"));
        }
        let span = subject.expression.span.start..end;
        node(
            Node::IsNull {
                subject: Box::new(subject.expression),
                negated,
            },
            span,
            subject.depth,
        )
    }

    fn comma(&mut self, open: &Span) -> Result<(), SyntaxError> {
        if self.peek().kind == TokenKind::Symbol(",") {
            self.at += 1;
            return Ok(());
        }
        if self.peek().kind == TokenKind::End {
            return Err(unclosed(open));
        }
        Err(self.unexpected("`,` or `)`"))
    }

    fn expect(&mut self, symbol: &'static str, open: &Span) -> Result<Span, SyntaxError> {
        let token = self.peek().clone();
        if token.kind == TokenKind::Symbol(symbol) {
            self.at += 1;
            return Ok(token.span);
        }
        if token.kind == TokenKind::End {
            return Err(unclosed(open));
        }
        Err(self.unexpected(&format!("`{symbol}`")))
    }

    /// The token to be read; the last one stays for ever.
    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn word_after(&self, word: &str) -> bool {
        self.tokens
            .get(self.at + 1)
            .is_some_and(|token| is_word(&token.kind, word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = is_word(&self.peek().kind, word);
        self.at += usize::from(found);
        found
    }

    fn step(&mut self, tree: Result<Tree, SyntaxError>) -> Result<Tree, SyntaxError> {
        self.at += 1;
        tree
    }

    fn unexpected(&self, expected: &str) -> SyntaxError {
        let Token { kind, span } = self.peek().clone();
        let found = match &kind {
            TokenKind::End if self.tokens.len() == 1 => "nothing".to_owned(),
            TokenKind::End => "the end".to_owned(),
            _ => format!("`{}`", &self.text[span.clone()]),
        };
        let advice = if is_word(&kind, "between") {
            ": write `x >= a and x <= b`"
        } else if is_word(&kind, "like") {
            ": patterns belong in `prepare`"
        } else {
            ""
        };
        SyntaxError {
            message: format!("expected {expected}, found {found}{advice}"),
            span,
        }
    }
}

fn is_word(token: &TokenKind, word: &str) -> bool {
    matches!(token, TokenKind::Word(found) if found.eq_ignore_ascii_case(word))
}

/// A node over parts of which the deepest has `depth` levels.
fn node(node: Node, span: Span, depth: usize) -> Result<Tree, SyntaxError> {
    if depth >= MAX_DEPTH {
        return Err(too_deep(span));
    }
    Ok(Tree {
        expression: Expression { node, span },
        depth: depth + 1,
    })
}

fn too_deep(span: Span) -> SyntaxError {
    let message =
        format!("the expression nests deeper than {MAX_DEPTH} levels: divide it into several");
    SyntaxError { message, span }
}

fn unclosed(open: &Span) -> SyntaxError {
    SyntaxError {
        message: "this `(` is never closed".into(),
        span: open.clone(),
    }
}

#[cfg(test)]
mod tests;
