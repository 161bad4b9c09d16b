//! Which quotes a text needs.

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
}

/// Chooses the quotes of a text, which may mean something else without any.
pub(super) fn choose(text: &str, needs_quotes: bool, is_key: bool) -> Style {
    let has_break = text.contains(is_break);
    let is_plain = !needs_quotes && !has_break && !has_indicator(text) && !has_outer_space(text);
    if text.is_empty() {
        return Style::Single;
    }
    let is_special = text.chars().any(is_special) || has_space_at_break(text);
    if is_plain && !is_special {
        return Style::Plain;
    }
    if text.contains(['\'', '\n']) || is_special || (is_key && has_break) {
        Style::Double
    } else {
        Style::Single
    }
}

pub(super) fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_white(character: Option<char>) -> bool {
    character.is_none_or(|c| is_break(c) || matches!(c, '\0' | ' ' | '\t' | '\r'))
}

/// Whether only double quotes can hold the character, escaped.
fn is_special(character: char) -> bool {
    let is_printable =
        matches!(character, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..);
    !is_printable || character == '\u{feff}'
}

fn has_outer_space(text: &str) -> bool {
    text.starts_with(' ') || text.ends_with(' ')
}

fn has_space_at_break(text: &str) -> bool {
    let mut pairs = text.chars().zip(text.chars().skip(1));
    pairs.any(|(one, next)| (one == ' ' && is_break(next)) || (is_break(one) && next == ' '))
}

/// Whether a part of the text would be read as YAML's own.
fn has_indicator(text: &str) -> bool {
    if text.starts_with("---") || text.starts_with("...") {
        return true;
    }
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_followed_by_white = is_white(characters.peek().copied());
        let is_indicator = match (before, character) {
            (
                None,
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
                | '@' | '`',
            ) => true,
            (None, '?' | ':' | '-') | (Some(_), ':') => is_followed_by_white,
            (Some(_), '#') => is_white(before),
            _ => false,
        };
        if is_indicator {
            return true;
        }
        before = Some(character);
    }
    false
}
