//! Text to tokens.

use super::{Span, SyntaxError};

/// A piece of the text with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

/// What a piece of the text is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// A bare word: a name, a function or a reserved word.
    Word(String),
    /// A name in double quotes or backticks.
    QuotedName(String),
    /// A text in single quotes.
    Text(String),
    /// A whole number that fits 64 bits.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// An operator or a mark of punctuation.
    Symbol(&'static str),
    /// The end of the text.
    End,
}

/// Symbols, longer ones before their beginnings.
const SYMBOLS: [&str; 17] = [
    "<=", ">=", "<>", "!=", "==", "=", "<", ">", "+", "-", "*", "/", "%", "(", ")", ",", ".",
];

/// What people write from habit in other languages, and what to write here.
const HABITS: [(&str, &str); 6] = [
    ("**", "use `pow(x, y)`"),
    ("^", "use `pow(x, y)`"),
    ("&&", "use `and`"),
    ("||", "use `or`"),
    ("!", "use `not`"),
    (";", "an expression has no `;`"),
];

/// Cuts the text into tokens; the last one is [`TokenKind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, SyntaxError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let is_end = token.kind == TokenKind::End;
        tokens.push(token);
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// The bytes of the rest that `belongs` holds for, from the first on.
    fn run_length(&self, belongs: impl Fn(char) -> bool) -> usize {
        let rest = self.rest();
        rest.find(|character| !belongs(character))
            .unwrap_or(rest.len())
    }

    fn next(&mut self) -> Result<Token, SyntaxError> {
        self.at += self.run_length(char::is_whitespace);
        let start = self.at;
        let mut characters = self.rest().chars();
        let second_is_digit = characters
            .clone()
            .nth(1)
            .is_some_and(|second| second.is_ascii_digit());
        let kind = match characters.next() {
            None => TokenKind::End,
            Some('\'') => TokenKind::Text(self.quoted('\'', "text")?),
            Some(quote @ ('"' | '`')) => TokenKind::QuotedName(self.quoted(quote, "name")?),
            Some('.') if second_is_digit => self.number()?,
            Some(first) if first.is_ascii_digit() => self.number()?,
            Some(first) if first.is_alphabetic() || first == '_' => {
                let length = self.run_length(|c| c.is_alphanumeric() || c == '_');
                self.at += length;
                TokenKind::Word(self.text[start..self.at].to_owned())
            }
            Some(other) => self.symbol(other)?,
        };
        Ok(Token {
            kind,
            span: start..self.at,
        })
    }

    fn symbol(&mut self, first: char) -> Result<TokenKind, SyntaxError> {
        let rest = self.rest();
        let habit = HABITS
            .iter()
            .find(|(habit, _)| rest.starts_with(habit) && !rest.starts_with("!="));
        if let Some((habit, advice)) = habit {
            return Err(SyntaxError {
                message: format!("`{habit}` is not an operator: {advice}"),
                span: self.at..self.at + habit.len(),
            });
        }
        let symbol = SYMBOLS
            .iter()
            .find(|symbol| rest.starts_with(**symbol))
            .ok_or_else(|| SyntaxError {
                message: format!("unexpected character `{first}`"),
                span: self.at..self.at + first.len_utf8(),
            })?;
        self.at += symbol.len();
        Ok(TokenKind::Symbol(symbol))
    }

    /// Reads what stands between two `quote`s; a doubled quote stands for itself.
    fn quoted(&mut self, quote: char, what: &str) -> Result<String, SyntaxError> {
        let start = self.at;
        let mut content = String::new();
        self.at += quote.len_utf8();
        loop {
            let length = self.run_length(|character| character != quote);
            content.push_str(&self.text[self.at..self.at + length]);
            self.at += length;
            if self.at == self.text.len() {
                let message = format!("this {what} has no closing `{quote}`");
                return Err(SyntaxError {
                    message,
                    span: start..self.at,
                });
            }
            self.at += quote.len_utf8();
            if !self.rest().starts_with(quote) {
                break;
            }
            content.push(quote);
            self.at += quote.len_utf8();
        }
        if content.is_empty() && what == "name" {
            return Err(SyntaxError {
                message: "a name cannot be empty".into(),
                span: start..self.at,
            });
        }
        Ok(content)
    }

    fn number(&mut self) -> Result<TokenKind, SyntaxError> {
        let start = self.at;
        self.at += self.run_length(|c| c.is_ascii_digit());
        let n_whole = self.at;
        if self.rest().starts_with('.') {
            self.at += 1;
            self.at += self.run_length(|c| c.is_ascii_digit());
        }
        self.exponent();
        if self
            .rest()
            .starts_with(|next: char| next.is_alphanumeric() || next == '_' || next == '.')
        {
            self.at += self.run_length(|c| c.is_alphanumeric() || c == '_' || c == '.');
            let message = format!("`{}` is not a number", &self.text[start..self.at]);
            return Err(SyntaxError {
                message,
                span: start..self.at,
            });
        }
        let digits = &self.text[start..self.at];
        if n_whole == self.at
            && let Ok(whole) = digits.parse()
        {
            return Ok(TokenKind::Integer(whole));
        }
        match digits.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(TokenKind::Number(number)),
            _ => Err(SyntaxError {
                message: format!("`{digits}` is too large"),
                span: start..self.at,
            }),
        }
    }

    /// Steps over `e-3` when it is one.
    fn exponent(&mut self) {
        let Some(rest) = self.rest().strip_prefix(['e', 'E']) else {
            return;
        };
        let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        let n_digits = digits
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(digits.len());
        if n_digits > 0 {
            self.at += 1 + rest.len() - digits.len() + n_digits;
        }
    }
}
