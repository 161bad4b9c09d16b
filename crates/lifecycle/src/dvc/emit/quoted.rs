//! Texts in quotes.

use super::layout::{Layout, WIDTH, runs};
use super::style::is_break;

impl Layout {
    /// A text in single quotes; it has no line feeds. A single space beyond the width becomes a
    /// line break.
    pub(super) fn single_quoted(&mut self, text: &str, indent: usize, can_split: bool) {
        self.separate();
        self.push("'");
        let mut at = 0;
        for (is_space, run) in runs(text) {
            let is_inside = at > 0 && at + run.len() < text.len();
            at += run.len();
            if is_space && run.len() == 1 && self.would_cross(0) && can_split && is_inside {
                self.fold(indent);
            } else if is_space {
                self.push(run);
            } else {
                self.single_quoted_run(run, indent);
            }
        }
        self.push("'");
    }

    fn single_quoted_run(&mut self, run: &str, indent: usize) {
        let mut characters = run.chars().peekable();
        while let Some(character) = characters.next() {
            if is_break(character) {
                self.text.push(character);
                if !characters.peek().copied().is_some_and(is_break) {
                    self.column = 0;
                    self.push(&" ".repeat(indent));
                }
            } else {
                self.push(&character.to_string());
            }
        }
    }

    /// A text in double quotes, escaped. Lines break before a space or after an escape, with a
    /// backslash where the break alone would read back as another text.
    pub(super) fn double_quoted(&mut self, text: &str, indent: usize, can_split: bool) {
        self.separate();
        self.push("\"");
        let characters: Vec<char> = text.chars().collect();
        let mut written = 0;
        for (at, character) in characters.iter().copied().enumerate() {
            if let Some(escape) = escape(character) {
                self.push_all(&characters[written..at]);
                self.push(&escape);
                written = at + 1;
            }
            let is_inside = 0 < at && at + 1 < characters.len();
            let is_place = character == ' ' || written >= at;
            let is_crossing = self.column + at > WIDTH + written;
            if !(is_inside && is_place && is_crossing && can_split) {
                continue;
            }
            let needs_backslash = needs_backslash(&characters, written, at);
            if written < at {
                self.push_all(&characters[written..at]);
                written = at;
            }
            if needs_backslash {
                self.push("\\");
            }
            self.fold(indent);
            if characters.get(written) == Some(&' ') {
                if needs_backslash {
                    self.push("\\");
                } else {
                    written += 1;
                }
            }
        }
        if written < characters.len() {
            self.push_all(&characters[written..]);
        }
        self.push("\"");
    }

    fn push_all(&mut self, characters: &[char]) {
        self.push(&characters.iter().collect::<String>());
    }
}

/// Whether the break at a place needs a backslash: where it would swallow spaces, and (which is
/// ruamel's way) where quotes stand in the next word or no word follows.
fn needs_backslash(text: &[char], written: usize, at: usize) -> bool {
    // Between an escape and a word a break alone reads back as a space. ruamel writes it all the
    // same and then reads another text: to DVC such a command has changed whenever it looks.
    if written > at && text.get(written) != Some(&' ') {
        return true;
    }
    let Some(space) = text[at..].iter().position(|c| *c == ' ').map(|n| at + n) else {
        return true;
    };
    let stop = text[at..space]
        .iter()
        .position(|c| *c == '\n')
        .map_or(space, |n| at + n);
    let Some(next) = text.get(stop + 1) else {
        return true;
    };
    if text[stop] == '\n' && *next != ' ' {
        return true;
    }
    let word = &text[at..stop];
    let has_quotes = word.contains(&'"') || word.contains(&'\'');
    let is_double_space = text[at - 1] == ' ' && text[at] == ' ';
    has_quotes || matches!(next, ' ' | '\n') || is_double_space || written == at
}

/// The escape of a character that cannot stand as it is.
fn escape(character: char) -> Option<String> {
    let letter = match character {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        ' '..='~' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'.. => return None,
        _ => {
            let code = u32::from(character);
            return Some(match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
        }
    };
    Some(format!("\\{letter}"))
}
