//! The words of a filter.

use crate::mlflow::error::MlflowError;

/// A word, as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Letters, digits, `_`, `.` and `-`; parts in backticks or double quotes may follow a dot.
    Name(String),
    /// In single quotes.
    Text(String),
    /// In double quotes: a name on the left of an operator, a text on its right.
    Quoted(String),
    Number(String),
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`.
    Operator(String),
    Open,
    Close,
    Comma,
}

impl Token {
    /// The word in capital letters, if it is a bare one.
    pub(super) fn keyword(&self) -> Option<String> {
        match self {
            Self::Name(name) => Some(name.to_uppercase()),
            _ => None,
        }
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Self::Name(text) | Self::Number(text) | Self::Operator(text) => text.clone(),
            Self::Text(text) => format!("'{text}'"),
            Self::Quoted(text) => format!("\"{text}\""),
            Self::Open => "(".to_owned(),
            Self::Close => ")".to_owned(),
            Self::Comma => ",".to_owned(),
        }
    }
}

pub(super) fn tokens(filter: &str) -> Result<Vec<Token>, MlflowError> {
    let mut rest = filter;
    let mut tokens = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else {
            return Ok(tokens);
        };
        let (token, after) = match first {
            '(' => (Token::Open, &rest[1..]),
            ')' => (Token::Close, &rest[1..]),
            ',' => (Token::Comma, &rest[1..]),
            '\'' => {
                let (text, after) = quoted(rest, filter)?;
                (Token::Text(text), after)
            }
            '"' => {
                let (text, after) = quoted(rest, filter)?;
                (Token::Quoted(text), after)
            }
            '=' | '!' | '<' | '>' => operator(rest),
            _ => match number(rest) {
                Some(found) => found,
                None => name(rest, filter)?,
            },
        };
        tokens.push(token);
        rest = after;
    }
}

pub(super) fn invalid(filter: &str, found: &str) -> MlflowError {
    MlflowError::invalid(format!(
        "Invalid clause(s) in filter string: '{found}' in '{filter}'"
    ))
}

fn operator(rest: &str) -> (Token, &str) {
    let length = rest
        .find(|c| !matches!(c, '=' | '!' | '<' | '>'))
        .unwrap_or(rest.len());
    (Token::Operator(rest[..length].to_owned()), &rest[length..])
}

/// A number that no letter follows.
fn number(rest: &str) -> Option<(Token, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-');
    let starts = rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-'));
    let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let text = &rest[..length];
    let is_number = starts && !text.contains('_') && text.parse::<f64>().is_ok();
    is_number.then(|| (Token::Number(text.to_owned()), &rest[length..]))
}

/// What stands between two equal quotes; a doubled quote, or one after a backslash, stands for itself.
fn quoted<'t>(rest: &'t str, filter: &str) -> Result<(String, &'t str), MlflowError> {
    let mut chars = rest.char_indices();
    let quote = chars.next().map_or('\'', |(_, quote)| quote);
    let mut text = String::new();
    while let Some((at, c)) = chars.next() {
        let next = rest[at + c.len_utf8()..].chars().next();
        if c == '\\' && next == Some(quote) || c == quote && next == Some(quote) {
            text.push(quote);
            chars.next();
        } else if c == quote {
            return Ok((text, &rest[at + c.len_utf8()..]));
        } else {
            text.push(c);
        }
    }
    Err(invalid(filter, rest))
}

/// A name; what is quoted in it may hold anything.
fn name<'t>(rest: &'t str, filter: &str) -> Result<(Token, &'t str), MlflowError> {
    let mut name = String::new();
    let mut after = rest;
    loop {
        let length = after
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-')))
            .unwrap_or(after.len());
        name.push_str(&after[..length]);
        after = &after[length..];
        let opens_part = name.is_empty() || name.ends_with('.');
        if after.starts_with('`') || (after.starts_with('"') && opens_part) {
            let (part, behind) = quoted(after, filter)?;
            name.push_str(&part);
            after = behind;
        } else if name.is_empty() {
            return Err(invalid(filter, rest));
        } else {
            return Ok((Token::Name(name), after));
        }
        if !after.starts_with('.') {
            return Ok((Token::Name(name), after));
        }
    }
}
