//! From a place inside a scalar's content to the place in the file.
//!
//! Quotes, escapes and folded lines make the content differ from the text. The two are walked
//! side by side; where they part, the text is skipped until they meet again.

use everloop_domain::expression::Span;

use super::scalar::Style;

/// Where a part of the content stands in the text, given the scalar's own place.
pub(super) fn locate(text: &str, scalar: &Span, content: &str, style: Style, part: &Span) -> Span {
    let Some(raw) = text.get(scalar.clone()) else {
        return scalar.clone();
    };
    let starts = starts(raw, content, style);
    let at = |offset: usize| {
        let found = starts.iter().find(|(content_at, _)| *content_at >= offset);
        found.map_or(raw.len(), |(_, raw_at)| *raw_at)
    };
    let start = at(part.start);
    let end = if part.is_empty() {
        start
    } else {
        starts
            .iter()
            .rfind(|(content_at, _)| *content_at < part.end)
            .map_or(raw.len(), |(_, raw_at)| {
                *raw_at + width(raw, *raw_at, style)
            })
    };
    scalar.start + start..scalar.start + end.max(start)
}

/// For each character of the content, where it starts in the content and in the raw text; and
/// where both end.
fn starts(raw: &str, content: &str, style: Style) -> Vec<(usize, usize)> {
    let is_quoted = style == Style::DoubleQuoted || raw.starts_with('\'');
    let mut at = usize::from(is_quoted);
    let mut starts = Vec::with_capacity(content.len() + 1);
    for (content_at, character) in content.char_indices() {
        at += skipped(&raw[at..], character, style);
        starts.push((content_at, at));
        at += width(raw, at, style);
    }
    starts.push((content.len(), at));
    starts
}

/// How much of the raw text comes before the character.
fn skipped(raw: &str, character: char, style: Style) -> usize {
    if style == Style::DoubleQuoted && raw.starts_with('\\') {
        return 0;
    }
    let is_same =
        |found: char| found == character || (character.is_whitespace() && found.is_whitespace());
    raw.find(|found: char| is_same(found) || (style == Style::DoubleQuoted && found == '\\'))
        .unwrap_or(raw.len())
}

/// How many bytes the character at this place of the raw text takes.
fn width(raw: &str, at: usize, style: Style) -> usize {
    let mut rest = raw[at..].chars();
    let Some(first) = rest.next() else { return 0 };
    if first != '\\' || style != Style::DoubleQuoted {
        return first.len_utf8();
    }
    let escape = rest.next();
    let n_digits = match escape {
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        _ => 0,
    };
    let after = at + 1 + escape.map_or(0, char::len_utf8);
    let digits = raw[after..]
        .char_indices()
        .nth(n_digits)
        .map_or(raw.len() - after, |(length, _)| length);
    after + if n_digits == 0 { 0 } else { digits } - at
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds `part` of the content, and shows what stands at its place in the raw text.
    #[track_caller]
    fn check(raw: &str, content: &str, style: Style, part: &str, expected: &str) {
        let text = format!("k: {raw}");
        let start = content.find(part).unwrap();
        let span = locate(
            &text,
            &(3..text.len()),
            content,
            style,
            &(start..start + part.len()),
        );
        assert_eq!(&text[span], expected);
    }

    #[test]
    fn plain_text_is_itself() {
        check("rmse < < 80", "rmse < < 80", Style::Plain, "80", "80");
        check("größe < 80", "größe < 80", Style::Plain, "80", "80");
    }

    #[test]
    fn quotes_and_escapes_are_stepped_over() {
        check("'a = ''b'' + c'", "a = 'b' + c", Style::Other, "+ c", "+ c");
        check(
            r#""a = \"b\" + c""#,
            "a = \"b\" + c",
            Style::DoubleQuoted,
            "+ c",
            "+ c",
        );
        check(
            r#""\u00e9 + c\x41 d""#,
            "é + cA d",
            Style::DoubleQuoted,
            "cA",
            "c\\x41",
        );
        check(r#""a\tb c""#, "a\tb c", Style::DoubleQuoted, "b", "b");
    }

    #[test]
    fn folded_lines_are_followed() {
        check(
            "a +\n     b * c",
            "a + b * c",
            Style::Plain,
            "b * c",
            "b * c",
        );
    }

    #[test]
    fn the_end_lies_inside_the_quotes() {
        let text = "'rmse < '";
        assert_eq!(
            locate(text, &(0..9), "rmse < ", Style::Other, &(7..7)),
            8..8
        );
    }
}
