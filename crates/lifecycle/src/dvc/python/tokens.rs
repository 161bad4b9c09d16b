//! The tokens of a Python file, as far as literals and blocks need them.

use super::string;

/// A token. What is needed for no literal is [`Token::Other`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'t> {
    /// A name or keyword.
    Word(&'t str),
    /// A number as it is written.
    Number(&'t str),
    /// A text, or none where it is of a kind that is not read (bytes, f-strings, characters by name).
    Text(Option<String>),
    /// A sign of one character.
    Sign(char),
    /// A sign of several characters.
    Other,
}

/// Reads the token at the start of a text: it, and what comes after.
///
/// # Errors
///
/// Fails if a string does not end, or a character is none of Python's.
pub(super) fn next(text: &str) -> Result<(Token<'_>, &str), String> {
    if let Some((value, rest)) = string::read(text)? {
        return Ok((Token::Text(value), rest));
    }
    let mut characters = text.chars();
    let first = characters.next().unwrap_or_default();
    let is_fraction = first == '.' && characters.next().is_some_and(|c| c.is_ascii_digit());
    if first.is_ascii_digit() || is_fraction {
        let (number, rest) = text.split_at(number_end(text));
        return Ok((Token::Number(number), rest));
    }
    if is_of_name(first) {
        let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        return Ok((Token::Word(word), rest));
    }
    if let Some(length) = operator(text) {
        return Ok((Token::Other, &text[length..]));
    }
    if "()[]{},:;.=+-*/%@<>&|^~!".contains(first) {
        return Ok((Token::Sign(first), &text[first.len_utf8()..]));
    }
    Err(format!(
        "`{}` is no character of Python",
        first.escape_default()
    ))
}

fn is_of_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric() || (!c.is_ascii() && !c.is_whitespace() && !c.is_control())
}

/// Where a number ends: a sign is of it only after the `e` of an exponent.
fn number_end(text: &str) -> usize {
    let is_hex = matches!(text.as_bytes(), [b'0', b'x' | b'X', ..]);
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let is_exponent = !is_hex && matches!(before, 'e' | 'E') && matches!(c, '+' | '-');
        if !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || is_exponent) {
            return at;
        }
        before = c;
    }
    text.len()
}

/// The length of an operator of several characters.
fn operator(text: &str) -> Option<usize> {
    const OPERATORS: [&str; 24] = [
        "**=", "//=", ">>=", "<<=", "!=", "->", "==", "<=", ">=", ":=", "+=", "-=", "*=", "/=",
        "%=", "@=", "&=", "|=", "^=", "**", "//", "<<", ">>", "<>",
    ];
    let found = OPERATORS.iter().find(|sign| text.starts_with(**sign));
    found.map(|sign| sign.len())
}
