//! Text to tokens.

use super::{Span, SyntaxError};

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A number; whole numbers that fit are kept whole.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// Text in single quotes.
    Text(String),
    /// A bare word: a name, possibly dotted, or a keyword.
    Word(String),
    /// A name in double quotes or backticks: never a keyword.
    Quoted(String),
    /// An operator or punctuation.
    Symbol(&'static str),
    /// After the last token.
    End,
}

/// Longer symbols first, so that `<=` is not read as `<` and `=`.
const SYMBOLS: [&str; 17] =
    ["<=", ">=", "<>", "!=", "==", "<", ">", "=", "+", "-", "*", "/", "%", "(", ")", ",", "!"];

/// Splits a text into tokens; the last one is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Span)>, SyntaxError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, len) = token(&text[at..], first).map_err(|(message, len)| SyntaxError {
            message,
            span: at..at + len,
        })?;
        tokens.push((token, at..at + len));
        at += len;
    }
    tokens.push((Token::End, text.len()..text.len()));
    Ok(tokens)
}

type Found = Result<(Token, usize), (String, usize)>;

fn token(rest: &str, first: char) -> Found {
    match first {
        '\'' => quoted(rest, '\'').map(|(text, len)| (Token::Text(text), len)),
        '"' | '`' => quoted(rest, first).map(|(text, len)| (Token::Quoted(text), len)),
        '0'..='9' => number(rest),
        '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => number(rest),
        _ if is_word_start(first) => Ok(word(rest)),
        _ => SYMBOLS
            .iter()
            .find(|symbol| rest.starts_with(**symbol) && **symbol != "!")
            .map(|symbol| (Token::Symbol(symbol), symbol.len()))
            .ok_or_else(|| (format!("`{first}` has no meaning here"), first.len_utf8())),
    }
}

/// Text up to the closing quote; a doubled quote stands for itself.
fn quoted(rest: &str, quote: char) -> Result<(String, usize), (String, usize)> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((index, found)) = chars.next() {
        if found != quote {
            text.push(found);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return Ok((text, index + 1));
        }
    }
    Err((format!("the quote `{quote}` is not closed"), rest.len()))
}

fn number(rest: &str) -> Found {
    let bytes = rest.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut len = digits(0);
    if bytes.get(len) == Some(&b'.') {
        len += 1 + digits(len + 1);
    }
    if matches!(bytes.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
        let exponent = bytes.get(len + 1 + sign).map_or(0, |_| digits(len + 1 + sign));
        if exponent > 0 {
            len += 1 + sign + exponent;
        }
    }
    if rest[len..].starts_with(is_word_start) {
        let len = len + word(&rest[len..]).1;
        return Err((format!("`{}` is neither a number nor a name", &rest[..len]), len));
    }
    let text = &rest[..len];
    if let Ok(whole) = text.parse() {
        return Ok((Token::Integer(whole), len));
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok((Token::Number(value), len)),
        _ => Err((format!("`{text}` is not a number that fits 64 bits"), len)),
    }
}

fn word(rest: &str) -> (Token, usize) {
    let is_part = |found: char| is_word_start(found) || found.is_ascii_digit() || found == '.';
    let len = rest.find(|found: char| !is_part(found)).unwrap_or(rest.len());
    // A dot at the end belongs to a sentence, not to a name.
    let len = rest[..len].trim_end_matches('.').len();
    (Token::Word(rest[..len].to_owned()), len)
}

fn is_word_start(found: char) -> bool {
    found.is_alphabetic() || found == '_'
}
