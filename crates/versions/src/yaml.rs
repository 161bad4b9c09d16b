//! Scalars as DVC writes them.
//!
//! DVC writes through ruamel.yaml, and people see the result in `git diff`: a file that both tools write must not change
//! between them. So names are quoted and folded as ruamel does it: plain where YAML 1.2 reads a string again, single quotes
//! where not, double quotes where something must be escaped, and lines broken after column 80. Golden values:
//! `tests/golden/names.json`, made by `tests/gen/names.py`.

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

const WIDTH: usize = 80;

/// What YAML 1.2, as ruamel knows it, reads as something else than a string.
static NOT_A_STRING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?:true|True|TRUE|false|False|FALSE|~|null|Null|NULL||<<|=",
        r"|[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+",
        r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        r"|[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+",
        r"|[0-9]{4}-[0-9]{2}-[0-9]{2}",
        r"|[0-9]{4}-[0-9]{2}?-[0-9]{2}?(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?",
        r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)$"
    ))
    .ok()
});

/// A string as the value of a key. `column` is the first one after the colon, `indent` how far a broken line goes in.
pub(crate) fn string(text: &str, column: usize, indent: usize) -> String {
    let shape = Shape::of(text);
    let is_string = !NOT_A_STRING
        .as_ref()
        .is_some_and(|pattern| pattern.is_match(text) && resolves(text));
    if is_string && shape.can_be_plain {
        plain(text, column, indent)
    } else if shape.can_be_single && !text.contains(['\'', '\n', '\u{85}', '\u{2028}', '\u{2029}'])
    {
        single(text, column + 1, indent)
    } else {
        double(text, column + 1, indent)
    }
}

/// ruamel looks at the first character before it tries its patterns: `_1` is never a number.
fn resolves(text: &str) -> bool {
    !text.starts_with('_')
}

/// Which styles a string allows.
struct Shape {
    can_be_plain: bool,
    can_be_single: bool,
}

impl Shape {
    fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let is_break = |c: char| matches!(c, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let is_white = |c: &char| matches!(c, '\0' | ' ' | '\t' | '\r') || is_break(*c);
        let mut can_be_plain = !(text.starts_with("---") || text.starts_with("..."));
        let mut can_be_single = true;
        for (index, &c) in chars.iter().enumerate() {
            let is_before_white = chars.get(index + 1).is_none_or(is_white);
            let previous = index.checked_sub(1).and_then(|index| chars.get(index));
            let is_after_white = previous.is_none_or(is_white);
            let is_indicator = if index == 0 {
                "#,[]{}&*!|>'\"%@`".contains(c) || ("?:-".contains(c) && is_before_white)
            } else {
                (c == ':' && is_before_white) || (c == '#' && is_after_white)
            };
            let is_special = !(c == '\n' || is_printable(c));
            let is_torn = previous.is_some_and(|&previous| {
                (is_break(previous) && c == ' ') || (previous == ' ' && is_break(c))
            });
            can_be_plain &= !is_indicator && !is_break(c);
            can_be_single &= !is_special && !is_torn;
        }
        let has_edge = |c: Option<&char>| c.is_some_and(|&c| c == ' ' || is_break(c));
        can_be_plain &= can_be_single && !has_edge(chars.first()) && !has_edge(chars.last());
        Self {
            can_be_plain,
            can_be_single,
        }
    }
}

fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && c != '\u{feff}'
}

/// Runs of spaces and of other characters, in their order.
fn runs(text: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut start = 0;
    let mut was_space = None;
    for (index, c) in text.char_indices() {
        if was_space.is_some_and(|was| was != (c == ' ')) {
            runs.push(&text[start..index]);
            start = index;
        }
        was_space = Some(c == ' ');
    }
    if start < text.len() {
        runs.push(&text[start..]);
    }
    runs
}

fn plain(text: &str, start: usize, indent: usize) -> String {
    let mut line = " ".to_owned();
    let mut column = start + 1;
    for run in runs(text) {
        let width = run.chars().count();
        if run == " " && column >= WIDTH {
            break_line(&mut line, &mut column, indent);
            continue;
        }
        if !run.starts_with(' ') && width + column > WIDTH && column > indent {
            break_line(&mut line, &mut column, indent);
        }
        line.push_str(run);
        column += width;
    }
    line
}

fn single(text: &str, start: usize, indent: usize) -> String {
    let mut line = " '".to_owned();
    let mut column = start + 1;
    let runs = runs(text);
    for (index, run) in runs.iter().enumerate() {
        let is_inner = index > 0 && index + 1 < runs.len();
        if *run == " " && column > WIDTH && is_inner {
            break_line(&mut line, &mut column, indent);
        } else {
            line.push_str(run);
            column += run.chars().count();
        }
    }
    line.push('\'');
    line
}

fn double(text: &str, start: usize, indent: usize) -> String {
    let mut line = " \"".to_owned();
    let mut column = start + 1;
    let runs = runs(text);
    for (index, run) in runs.iter().enumerate() {
        // Only between words: where ruamel breaks inside a word for the sake of an escape, the line stays long.
        let next = runs.get(index + 1).map_or("", |next| *next);
        let is_inner = index > 0 && !next.is_empty();
        if *run == " " && column > WIDTH && is_inner && !next.contains('"') {
            break_line(&mut line, &mut column, indent);
            continue;
        }
        for c in run.chars() {
            let escaped = escape(c);
            column += escaped.chars().count();
            line.push_str(&escaped);
        }
    }
    line.push('"');
    line
}

fn break_line(line: &mut String, column: &mut usize, indent: usize) {
    let _ = write!(line, "\n{:indent$}", "");
    *column = indent;
}

fn escape(c: char) -> String {
    let short = match c {
        '\0' => '0',
        '\x07' => 'a',
        '\x08' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\x0b' => 'v',
        '\x0c' => 'f',
        '\r' => 'r',
        '\x1b' => 'e',
        '"' | '\\' => c,
        '\u{85}' => 'N',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ if is_printable(c) => return c.to_string(),
        _ => {
            let code = u32::from(c);
            return match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            };
        }
    };
    format!("\\{short}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Golden {
        name: String,
        yaml: String,
    }

    #[test]
    fn names_are_written_as_ruamel_writes_them() {
        let rows: Vec<Golden> =
            serde_json::from_str(include_str!("../tests/golden/names.json")).unwrap();
        let mut n_different = 0;
        for row in &rows {
            if row.name.contains(['\u{85}', '\u{2028}']) {
                // ruamel loses these two: what it writes reads as another name.
                continue;
            }
            let ours = format!("outs:\n- hash: md5\n  path:{}\n", string(&row.name, 7, 4));
            if ours != row.yaml {
                println!("{:?}\n  ours {ours:?}\n  DVC  {:?}", row.name, row.yaml);
                n_different += 1;
            }
        }
        assert_eq!(n_different, 0, "of {}", rows.len());
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "",
            "~",
            "1e5",
            "a: b",
            "it's: #",
            "\u{7f}é\n",
            "<<",
            " x ",
            "n\u{1F600}",
        ] {
            let yaml = format!("path:{}\n", string(text, 5, 2));
            let read: std::collections::BTreeMap<String, String> =
                serde_saphyr::from_str(&yaml).unwrap();
            assert_eq!(read["path"], text, "{yaml}");
        }
    }
}
