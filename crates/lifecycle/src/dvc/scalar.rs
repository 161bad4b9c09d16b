//! What plain YAML scalars mean to DVC, whose YAML (1.2, by `ruamel.yaml`) knows more forms of
//! numbers than the core schema, and dates.

use super::value::Value;

/// What a plain scalar means.
pub(crate) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Boolean(true),
        "false" | "False" | "FALSE" => return Value::Boolean(false),
        _ => {}
    }
    if !starts_like_number(text) {
        return Value::Text(text.to_owned());
    }
    let value = if is_float(text) {
        number(text)
    } else if is_integer(text) {
        integer(text)
    } else if is_time(text) {
        Some(Value::Time(text.to_owned()))
    } else {
        None
    };
    value.unwrap_or_else(|| Value::Text(text.to_owned()))
}

/// Whether a text means something else when it stands without quotes.
pub(super) fn needs_quotes(text: &str) -> bool {
    let is_reserved = matches!(text, "=" | "<<");
    let is_like_number = starts_like_number(text) && (is_float(text) || is_integer(text));
    is_reserved || is_like_number || !matches!(resolve(text), Value::Text(_))
}

fn starts_like_number(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
}

/// Walks over a text.
struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    /// Takes the bytes that fit, and says how many there were.
    fn take(&mut self, fits: impl Fn(u8) -> bool) -> usize {
        let n_taken = self.0.bytes().take_while(|byte| fits(*byte)).count();
        self.0 = &self.0[n_taken..];
        n_taken
    }

    fn digits(&mut self) -> usize {
        self.take(|byte| byte.is_ascii_digit())
    }

    /// Takes one of the characters, if it comes next.
    fn one(&mut self, of: &str) -> bool {
        let is_next = self.0.starts_with(|next| of.contains(next));
        if is_next {
            self.0 = &self.0[1..];
        }
        is_next
    }
}

fn is_digit_or_bar(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

fn is_float(text: &str) -> bool {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let mut cursor = Cursor(text);
    cursor.one("+-");
    if matches!(cursor.0, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let starts_with_digit = cursor.0.starts_with(|next: char| next.is_ascii_digit());
    let n_whole = if starts_with_digit {
        cursor.take(is_digit_or_bar)
    } else {
        0
    };
    let has_point = cursor.one(".");
    let n_fraction = if has_point {
        cursor.take(is_digit_or_bar)
    } else {
        0
    };
    if n_whole == 0 && n_fraction == 0 {
        return false;
    }
    if cursor.0.is_empty() {
        return has_point;
    }
    // After a number that starts with its point, the exponent needs a sign.
    let is_exponent = cursor.one("eE");
    let has_sign = cursor.one("+-");
    is_exponent && (has_sign || n_whole > 0) && cursor.digits() > 0 && cursor.0.is_empty()
}

fn is_integer(text: &str) -> bool {
    let mut cursor = Cursor(text);
    cursor.one("+-");
    let rest = cursor.0;
    let is_all = |digits: &str, fits: fn(u8) -> bool| {
        !digits.is_empty() && digits.bytes().all(|byte| byte == b'_' || fits(byte))
    };
    if let Some(digits) = rest.strip_prefix("0b") {
        return is_all(digits, |byte| matches!(byte, b'0' | b'1'));
    }
    if let Some(digits) = rest.strip_prefix("0o") {
        return is_all(digits, |byte| matches!(byte, b'0'..=b'7'));
    }
    if let Some(digits) = rest.strip_prefix("0x") {
        return is_all(digits, |byte| byte.is_ascii_hexdigit());
    }
    is_all(rest, |byte| byte.is_ascii_digit())
}

/// Whether a text is a date (`2020-01-31`), or a date with a time of day and perhaps a zone.
fn is_time(text: &str) -> bool {
    let mut cursor = Cursor(text);
    let year = cursor.digits();
    let is_dashed = cursor.one("-");
    let month = cursor.digits();
    let is_date = year == 4 && is_dashed && cursor.one("-");
    let day = cursor.digits();
    if !is_date || !(1..=2).contains(&month) || !(1..=2).contains(&day) {
        return false;
    }
    if cursor.0.is_empty() {
        return month == 2 && day == 2;
    }
    if !cursor.one("Tt") && cursor.take(|byte| byte == b' ' || byte == b'\t') == 0 {
        return false;
    }
    let has_time = (1..=2).contains(&cursor.digits())
        && cursor.one(":")
        && cursor.digits() == 2
        && cursor.one(":")
        && cursor.digits() == 2;
    if cursor.one(".") {
        cursor.digits();
    }
    has_time && is_zone(cursor.0)
}

fn is_zone(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let mut cursor = Cursor(text.trim_start_matches([' ', '\t']));
    if cursor.one("Z") {
        return cursor.0.is_empty();
    }
    let has_hours = cursor.one("+-") && (1..=2).contains(&cursor.digits());
    has_hours
        && (cursor.0.is_empty() || (cursor.one(":") && cursor.digits() == 2 && cursor.0.is_empty()))
}

fn number(text: &str) -> Option<Value> {
    let text = text.replace('_', "").to_ascii_lowercase();
    let number = match text.trim_start_matches(['+', '-']) {
        ".inf" if text.starts_with('-') => f64::NEG_INFINITY,
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        _ => text.parse().ok()?,
    };
    Some(Value::Number(number))
}

fn integer(text: &str) -> Option<Value> {
    let text = text.replace('_', "");
    let digits = text.trim_start_matches(['+', '-']);
    let (digits, radix) = match digits.get(..2) {
        Some("0b") => (&digits[2..], 2),
        Some("0o") => (&digits[2..], 8),
        Some("0x") => (&digits[2..], 16),
        _ => (digits, 10),
    };
    let whole = i128::from_str_radix(digits, radix).ok()?;
    Some(Value::Integer(if text.starts_with('-') {
        -whole
    } else {
        whole
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(texts: &[&str], expected: &Value) {
        for text in texts {
            assert_eq!(resolve(text), *expected, "{text}");
        }
    }

    #[test]
    fn numbers_have_many_forms() {
        check(
            &["16", "+16", "0x10", "0o20", "0b1_0000", "1_6", "016"],
            &Value::Integer(16),
        );
        check(
            &["1.5", "1.5e0", "+.15e+1", "15e-1", "1_.5"],
            &Value::Number(1.5),
        );
        check(&["-.inf", "-.INF"], &Value::Number(f64::NEG_INFINITY));
    }

    #[test]
    fn other_plain_scalars_are_texts() {
        for text in [
            "1.5.2", "yes", "1:20", ".5e5", "0o8", "-", "2020-1-1", "1e", "nan", "é", "...",
        ] {
            assert_eq!(resolve(text), Value::Text(text.to_owned()));
        }
    }

    #[test]
    fn dates_are_not_texts() {
        for text in [
            "2020-01-31",
            "2020-1-1 1:00:00",
            "2020-01-31T01:02:03.5Z",
            "2020-01-31 01:02:03 +1:00",
        ] {
            assert_eq!(resolve(text), Value::Time(text.to_owned()));
        }
    }
}
