//! Strings of Python, with their prefixes, quotes and escapes.

/// Reads the string that a text starts with: its value (none for bytes, f-strings and what needs
/// the names of characters), and what comes after. Nothing comes back where there is no string.
///
/// # Errors
///
/// Fails if it does not end, or if an escape is none of Python's.
pub(super) fn read(text: &str) -> Result<Option<Found<'_>>, String> {
    read_nested(text, 0)
}

/// The value of a string, if it is of a kind that is read, and what comes after.
type Found<'t> = (Option<String>, &'t str);

fn read_nested(text: &str, nesting: usize) -> Result<Option<Found<'_>>, String> {
    let mut start = text.char_indices().take(3);
    let Some((at, _)) = start.find(|(_, c)| matches!(c, '"' | '\'')) else {
        return Ok(None);
    };
    let prefix = text[..at].to_ascii_lowercase();
    let (is_raw, is_formatted, is_text) = match prefix.as_str() {
        "" | "u" => (false, false, true),
        "r" => (true, false, true),
        "b" => (false, false, false),
        "br" | "rb" => (true, false, false),
        "f" | "t" => (false, true, false),
        "fr" | "rf" | "tr" | "rt" => (true, true, false),
        _ => return Ok(None),
    };
    let quoted = &text[at..];
    let quote = &quoted[..1];
    let triple = quote.repeat(3);
    let quote = if quoted.starts_with(&triple) {
        triple.as_str()
    } else {
        quote
    };
    let inner = &quoted[quote.len()..];
    let end = end_of(inner, quote, is_formatted.then_some(nesting))?;
    let (content, rest) = (&inner[..end], &inner[end + quote.len()..]);
    let value = match (is_text, is_raw) {
        (false, _) => None,
        (true, true) => Some(content.to_owned()),
        (true, false) => unescaped(content)?,
    };
    Ok(Some((value, rest)))
}

/// Where the closing quote stands. An f-string has fields, and is within others.
fn end_of(inner: &str, quote: &str, nesting: Option<usize>) -> Result<usize, String> {
    let open = || "a string does not end".to_owned();
    let mut at = 0;
    while let Some(c) = inner[at..].chars().next() {
        if inner[at..].starts_with(quote) {
            return Ok(at);
        }
        at += match c {
            '\\' => {
                let escaped = inner[at + 1..].chars().next().ok_or_else(open)?;
                1 + escaped.len_utf8()
            }
            '\n' if quote.len() == 1 => return Err(open()),
            '{' if inner[at + 1..].starts_with('{') => 2,
            '{' => match nesting {
                Some(nesting) => 1 + field_end(&inner[at + 1..], quote, nesting + 1)?,
                None => 1,
            },
            _ => c.len_utf8(),
        };
    }
    Err(open())
}

/// Where a `{…}` of an f-string ends, after its `}`. Since Python 3.12 it may hold any string.
fn field_end(inner: &str, quote: &str, nesting: usize) -> Result<usize, String> {
    let open = || "a field of an f-string does not end".to_owned();
    if nesting > super::MAX_DEPTH {
        return Err(open());
    }
    let (mut at, mut depth, mut is_form) = (0, 0_usize, false);
    while let Some(c) = inner[at..].chars().next() {
        if is_form && quote.len() == 1 && inner[at..].starts_with(quote) {
            return Err(open());
        }
        if !is_form && let Some((_, rest)) = read_nested(&inner[at..], nesting + 1)? {
            at = inner.len() - rest.len();
            continue;
        }
        at += c.len_utf8();
        match c {
            '{' if is_form => at += field_end(&inner[at..], quote, nesting + 1)?,
            '(' | '[' | '{' if !is_form => depth += 1,
            '}' if depth == 0 => return Ok(at),
            ')' | ']' | '}' if !is_form => depth = depth.saturating_sub(1),
            ':' if depth == 0 => is_form = true,
            '\n' if quote.len() == 1 && is_form => return Err(open()),
            _ => {}
        }
    }
    Err(open())
}

/// The content with its escapes read; none where a character is named, or is half a character.
fn unescaped(content: &str) -> Result<Option<String>, String> {
    let mut value = String::new();
    let mut rest = content;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let Some(kind) = escape.chars().next() else {
            break;
        };
        rest = &escape[kind.len_utf8()..];
        let plain = match kind {
            '\n' => continue,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'v' => '\x0b',
            '\\' | '\'' | '"' => kind,
            'N' => return Ok(None),
            'x' | 'u' | 'U' | '0'..='7' => {
                let (digits, radix) = match kind {
                    'x' => (hexadecimal(rest, 2)?, 16),
                    'u' => (hexadecimal(rest, 4)?, 16),
                    'U' => (hexadecimal(rest, 8)?, 16),
                    _ => (octal(escape), 8),
                };
                rest = &escape[digits.len() + usize::from(radix == 16)..];
                let code = u32::from_str_radix(digits, radix).unwrap_or(u32::MAX);
                if code > 0x10_FFFF {
                    return Err(format!("`\\{kind}{digits}` is no character"));
                }
                match char::from_u32(code) {
                    Some(character) => character,
                    None => return Ok(None),
                }
            }
            // An unknown escape stands for itself.
            other => {
                value.push('\\');
                other
            }
        };
        value.push(plain);
    }
    value.push_str(rest);
    Ok(Some(value))
}

fn hexadecimal(text: &str, n_digits: usize) -> Result<&str, String> {
    let digits = text.get(..n_digits).filter(|digits| {
        let mut digits = digits.bytes();
        digits.all(|digit| digit.is_ascii_hexdigit())
    });
    digits.ok_or_else(|| format!("an escape of a string needs {n_digits} hexadecimal digits"))
}

/// The one to three octal digits that a text starts with.
fn octal(text: &str) -> &str {
    let is_octal = |digit: &u8| (b'0'..=b'7').contains(digit);
    let n_digits = text.bytes().take(3).take_while(is_octal).count();
    &text[..n_digits]
}
