//! Regular expressions with one meaning on both databases.
//!
//! A pattern is read by the parser of the crate `regex`. SQLite asks that crate; for Postgres the pattern is written anew in
//! words that mean the same there, since its own dialect differs (`\\b`, `.` and line ends, classes of letters). What has no
//! such words is refused on both. Matching takes time in proportion to the text, whatever the pattern.

use std::fmt::Write as _;

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};
use rusqlite::functions::Context;

use crate::Error;

/// How long a pattern may be, in bytes.
const MAX_LENGTH: usize = 500;
/// How large it may become as a machine, in bytes; it bounds what nested repetitions can do.
const MAX_SIZE: usize = 128 << 10;
/// How often a repetition may count: Postgres' own limit.
const MAX_COUNT: u32 = 255;

/// Texts that both databases turn into a number that is finite and not lost in rounding.
const NUMBER: &str = r"^[+-]?([0-9]{1,100}(\.[0-9]{0,100})?|\.[0-9]{1,100})([eE][+-]?[0-9]{1,2})?$";

/// A regular expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// Says what is wrong, too large, or different on the two databases.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |problem: &str| {
            Err(Error::Invalid(format!(
                "the regular expression `{text}` {problem}"
            )))
        };
        if text.len() > MAX_LENGTH {
            return refuse(&format!("is longer than {MAX_LENGTH} bytes"));
        }
        let hir = match regex_syntax::parse(text) {
            Ok(hir) => hir,
            Err(regex_syntax::Error::Parse(error)) => {
                return refuse(&format!("is not understood: {}", error.kind()));
            }
            Err(error) => return refuse(&format!("is not understood: {error}")),
        };
        if let Some(problem) = problem(&hir) {
            return refuse(problem);
        }
        match machine(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => refuse("is too large; count less in its repetitions"),
        }
    }

    /// What texts match that are numbers.
    pub(crate) fn number() -> Self {
        Self(NUMBER.to_owned())
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In Postgres' words.
    pub(crate) fn for_postgres(&self) -> String {
        let mut written = String::new();
        // It was parsed before.
        if let Ok(hir) = regex_syntax::parse(&self.0) {
            write(&hir, &mut written);
        }
        written
    }
}

fn machine(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).size_limit(MAX_SIZE).build()
}

/// SQLite's function `matches(text, pattern)`; the machine is kept for all rows of a statement.
pub(crate) fn matches(context: &Context<'_>) -> rusqlite::Result<Option<bool>> {
    let machine = context.get_or_create_aux(1, |pattern| {
        let text = pattern.as_str().map_err(Box::new)?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(machine(text)?)
    })?;
    let text = context.get_raw(0).as_str_or_null()?;
    Ok(text.map(|text| machine.is_match(text)))
}

/// Why a pattern cannot be written for Postgres, if it cannot.
fn problem(hir: &Hir) -> Option<&'static str> {
    match hir.kind() {
        HirKind::Look(Look::Start | Look::End) | HirKind::Empty => None,
        HirKind::Look(_) => Some(
            "has `\\b`, `\\B` or lines (`(?m)`), which the databases see differently; leave it out",
        ),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) if !text.contains('\0') => None,
            _ => Some("has a NUL character or bytes that are no text"),
        },
        HirKind::Class(Class::Bytes(class)) if !class.is_ascii() => {
            Some("has bytes that are no text")
        }
        HirKind::Class(_) => None,
        HirKind::Repetition(repetition) => repetition_problem(repetition),
        HirKind::Capture(capture) => problem(&capture.sub),
        HirKind::Concat(list) | HirKind::Alternation(list) => list.iter().find_map(problem),
    }
}

fn repetition_problem(repetition: &Repetition) -> Option<&'static str> {
    let counts = repetition.max.unwrap_or(0).max(repetition.min);
    if counts > MAX_COUNT {
        return Some("counts further than 255");
    }
    if repetition.sub.properties().maximum_len() == Some(0) {
        return Some("repeats what is empty");
    }
    problem(&repetition.sub)
}

fn write(hir: &Hir, out: &mut String) {
    match hir.kind() {
        HirKind::Empty => out.push_str("(?:)"),
        HirKind::Literal(literal) => {
            for letter in String::from_utf8_lossy(&literal.0).chars() {
                write_letter(letter, out);
            }
        }
        HirKind::Class(class) => write_class(class, out),
        HirKind::Look(look) => out.push_str(if *look == Look::Start { "\\A" } else { "\\Z" }),
        HirKind::Repetition(repetition) => {
            write_group(&repetition.sub, out);
            let _ = match (repetition.min, repetition.max) {
                (least, None) => write!(out, "{{{least},}}"),
                (least, Some(most)) => write!(out, "{{{least},{most}}}"),
            };
        }
        HirKind::Capture(capture) => write_group(&capture.sub, out),
        HirKind::Concat(list) => list.iter().for_each(|part| write(part, out)),
        HirKind::Alternation(list) => {
            out.push_str("(?:");
            for (place, part) in list.iter().enumerate() {
                out.push_str(if place > 0 { "|" } else { "" });
                write(part, out);
            }
            out.push(')');
        }
    }
}

fn write_group(hir: &Hir, out: &mut String) {
    out.push_str("(?:");
    write(hir, out);
    out.push(')');
}

fn write_class(class: &Class, out: &mut String) {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.iter().map(|one| (one.start(), one.end())).collect(),
        Class::Bytes(class) => class
            .iter()
            .map(|one| (char::from(one.start()), char::from(one.end())))
            .collect(),
    };
    if ranges.is_empty() {
        // Nothing is none of all letters.
        out.push_str("[^\\u0001-\\U0010FFFF]");
        return;
    }
    out.push('[');
    for (first, last) in ranges {
        // Postgres' texts have no NUL.
        write_letter(first.max('\u{1}'), out);
        out.push('-');
        write_letter(last.max('\u{1}'), out);
    }
    out.push(']');
}

/// A letter by its number, which nothing can be taken for an operator in.
fn write_letter(letter: char, out: &mut String) {
    let number = u32::from(letter);
    let _ = if number <= 0xFFFF {
        write!(out, "\\u{number:04X}")
    } else {
        write!(out, "\\U{number:08X}")
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, expected: &str) {
        let found = match Pattern::parse(pattern) {
            Ok(pattern) => pattern.for_postgres(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{pattern}");
    }

    #[track_caller]
    fn check_refused(pattern: &str, words: &str) {
        let problem = Pattern::parse(pattern).unwrap_err().to_string();
        assert!(problem.contains(words), "{problem}");
    }

    #[test]
    fn patterns_are_written_for_postgres() {
        check("a.", "\\u0061[\\u0001-\\u0009\\u000B-\\U0010FFFF]");
        check("^(x|yz)$", "\\A(?:(?:\\u0078|\\u0079\\u007A))\\Z");
        check("[ab]{2,}", "(?:[\\u0061-\\u0062]){2,}");
        check(
            "(?i)k?",
            "(?:[\\u004B-\\u004B\\u006B-\\u006B\\u212A-\\u212A]){0,1}",
        );
        check("a*?", "(?:\\u0061){0,}");
    }

    #[test]
    fn what_differs_or_grows_is_refused() {
        check_refused(r"\bx", "which the databases see differently");
        check_refused("(?m)^x", "which the databases see differently");
        check_refused("(", "is not understood: unclosed group");
        check_refused(
            r"(a)\1",
            "is not understood: backreferences are not supported",
        );
        check_refused("a{256}", "counts further than 255");
        check_refused("((a{200}){200}){200}", "is too large");
        check_refused("(?:^)*", "repeats what is empty");
        check_refused("\0", "NUL");
        check_refused(&"a".repeat(501), "is longer than 500 bytes");
    }

    #[test]
    fn numbers_are_told_from_texts() {
        let machine = Regex::new(NUMBER).unwrap();
        for text in ["1", "-0.5", "+.5", "1e-05", "3.", "007", "1E9"] {
            assert!(machine.is_match(text), "{text}");
            assert!(
                text.trim_start_matches('+').parse::<f64>().is_ok(),
                "{text}"
            );
        }
        for text in [
            "", ".", "1e", "nan", "inf", "1e400", "0x10", "1 ", "1,5", "e5",
        ] {
            assert!(!machine.is_match(text), "{text}");
        }
    }
}
