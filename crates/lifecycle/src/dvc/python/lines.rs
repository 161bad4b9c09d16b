//! The logical lines of a Python file: their indentation and tokens.

use super::MAX_DEPTH;
use super::tokens::{Token, next};

/// A line with all that its brackets, strings and backslashes make part of it.
#[derive(Debug)]
pub(super) struct Line<'t> {
    /// The number of its first line in the file, from 1.
    pub(super) number: usize,
    /// The columns before it.
    pub(super) indent: usize,
    /// What stands in it: one token at least.
    pub(super) tokens: Vec<Token<'t>>,
}

/// Reads all lines.
///
/// # Errors
///
/// Fails if brackets, strings or indentations do not fit, with the line.
pub(super) fn read(text: &str) -> Result<Vec<Line<'_>>, String> {
    let mut lines = Vec::new();
    let mut levels = vec![0];
    let mut rest = text;
    let mut next_number = 1;
    while !rest.is_empty() {
        let number = next_number;
        let at_line = |problem: String| format!("{problem} (line {number})");
        let indent = indentation(rest);
        let (tokens, after) = logical_line(rest).map_err(at_line)?;
        let read = &rest[..rest.len() - after.len()];
        next_number += read.matches('\n').count();
        rest = after;
        if tokens.is_empty() {
            continue;
        }
        while levels.last().is_some_and(|level| *level > indent) {
            levels.pop();
        }
        if levels.last() != Some(&indent) {
            // Deeper than the line before is a block; anything between is an error.
            let is_block = lines
                .last()
                .is_none_or(|before: &Line| before.indent < indent);
            if !is_block || lines.is_empty() {
                return Err(at_line("the indentation fits no block".to_owned()));
            }
            levels.push(indent);
        }
        lines.push(Line {
            number,
            indent,
            tokens,
        });
    }
    Ok(lines)
}

fn indentation(text: &str) -> usize {
    let mut columns = 0;
    for c in text.chars() {
        columns = match c {
            ' ' => columns + 1,
            '\t' => columns / 8 * 8 + 8,
            '\x0c' => 0,
            _ => break,
        };
    }
    columns
}

/// The tokens up to the end of the line that is outside of brackets, and what comes after.
fn logical_line(text: &str) -> Result<(Vec<Token<'_>>, &str), String> {
    let mut tokens = Vec::new();
    let mut open: Vec<char> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match first {
            '#' => rest = &rest[rest.find('\n').unwrap_or(rest.len())..],
            '\n' if open.is_empty() => return Ok((tokens, &rest[1..])),
            ' ' | '\t' | '\x0c' | '\n' => rest = &rest[1..],
            '\\' => {
                let next = rest[1..].strip_prefix('\n');
                rest = next.ok_or("a backslash stands within the line")?;
            }
            _ => {
                let (token, after) = next(rest)?;
                bracket(&token, &mut open)?;
                tokens.push(token);
                rest = after;
            }
        }
    }
    match open.last() {
        Some(sign) => Err(format!("`{sign}` is not closed")),
        None => Ok((tokens, rest)),
    }
}

fn bracket(token: &Token, open: &mut Vec<char>) -> Result<(), String> {
    match token {
        Token::Sign(sign @ ('(' | '[' | '{')) => open.push(*sign),
        Token::Sign(sign @ (')' | ']' | '}')) => {
            let expected = match sign {
                ')' => '(',
                ']' => '[',
                _ => '{',
            };
            if open.pop() != Some(expected) {
                return Err(format!("`{sign}` closes nothing"));
            }
        }
        _ => {}
    }
    if open.len() > MAX_DEPTH {
        return Err(format!("brackets nest deeper than {MAX_DEPTH}"));
    }
    Ok(())
}
