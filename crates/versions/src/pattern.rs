//! Patterns of `.dvcignore` and `.gitignore`.
//!
//! A pattern becomes a regular expression as in DVC, because both tools must leave out the same files.

use std::fmt::Write as _;

use regex::Regex;

/// Patterns of one file, in their order: the last one that matches decides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    regex: Regex,
    is_ignoring: bool,
    is_for_dirs: bool,
}

impl Patterns {
    /// Reads the lines of a file; blank ones, comments and broken ones say nothing.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Self {
        Self {
            rules: text.lines().filter_map(Rule::parse).collect(),
        }
    }

    /// Whether they say nothing.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What they say of a path relative to their directory: to ignore it, not to, or nothing. Directories above the path
    /// are not looked at.
    #[must_use]
    pub(crate) fn of(&self, path: &str, is_dir: bool) -> Option<bool> {
        self.rules
            .iter()
            .rev()
            .filter(|rule| is_dir || !rule.is_for_dirs)
            .find(|rule| rule.regex.is_match(path))
            .map(|rule| rule.is_ignoring)
    }
}

impl Rule {
    fn parse(line: &str) -> Option<Self> {
        let line = if line.ends_with("\\ ") {
            line
        } else {
            line.trim_end()
        };
        if line.is_empty() || line.starts_with('#') || line == "/" {
            return None;
        }
        let (is_ignoring, line) = match line.strip_prefix('!') {
            Some(rest) => (false, rest),
            None => (true, line),
        };
        let is_for_dirs = line.ends_with('/');
        let body = line.strip_suffix('/').unwrap_or(line);
        let is_anchored = body.contains('/');
        let body = body.strip_prefix('/').unwrap_or(body);
        let mut segments: Vec<&str> = body.split('/').collect();
        if !is_anchored {
            segments.insert(0, "**");
        }
        segments.dedup_by(|next, kept| *next == "**" && *kept == "**");
        let regex = Regex::new(&expression(&segments)?).ok()?;
        Some(Self {
            regex,
            is_ignoring,
            is_for_dirs,
        })
    }
}

/// The expression of a path that the segments match as a whole.
fn expression(segments: &[&str]) -> Option<String> {
    let mut text = "(?s)^".to_owned();
    let last = segments.len() - 1;
    let mut needs_slash = false;
    for (index, segment) in segments.iter().enumerate() {
        match *segment {
            "**" if last == 0 => text.push_str(".+"),
            "**" if index == 0 => text.push_str("(?:.+/)?"),
            "**" if index == last => text.push_str("/.+"),
            "**" => {
                text.push_str("(?:/.+)?");
                needs_slash = true;
            }
            segment => {
                if needs_slash {
                    text.push('/');
                }
                if segment == "*" {
                    text.push_str("[^/]+");
                } else {
                    glob(segment, &mut text)?;
                }
                needs_slash = true;
            }
        }
        if *segment == "**" && index == 0 {
            needs_slash = false;
        }
    }
    text.push('$');
    Some(text)
}

/// Appends a name with `*`, `?`, `[..]` and `\`; `None` for a broken one.
fn glob(segment: &str, text: &mut String) -> Option<()> {
    let chars: Vec<char> = segment.chars().collect();
    let mut index = 0;
    while let Some(&c) = chars.get(index) {
        index += 1;
        match c {
            '*' => text.push_str("[^/]*"),
            '?' => text.push_str("[^/]"),
            '\\' => {
                literal(*chars.get(index)?, text);
                index += 1;
            }
            '[' => {
                let is_negated = matches!(chars.get(index), Some('!' | '^'));
                let start = index + usize::from(is_negated);
                let close = (start + 1..chars.len()).find(|&at| chars[at] == ']')?;
                text.push_str(if is_negated { "[^/" } else { "[" });
                for &c in &chars[start..close] {
                    if c == '-' {
                        text.push('-');
                    } else {
                        literal(c, text);
                    }
                }
                text.push(']');
                index = close + 1;
            }
            c => literal(c, text),
        }
    }
    Some(())
}

fn literal(c: char, text: &mut String) {
    if c.is_ascii() && !c.is_ascii_alphanumeric() {
        let _ = write!(text, "\\x{{{:x}}}", u32::from(c));
    } else {
        text.push(c);
    }
}

/// A path as a pattern of itself.
pub(crate) fn escape(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for c in path.chars() {
        if "\\[]!*#?".contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(patterns: &str, path: &str, expected: Option<bool>) {
        let (name, is_dir) = match path.strip_suffix('/') {
            Some(name) => (name, true),
            None => (path, false),
        };
        let said = Patterns::parse(patterns).of(name, is_dir);
        assert_eq!(said, expected, "{patterns:?} of {path}");
    }

    #[test]
    fn patterns_match_as_in_git() {
        check("*.tmp", "a/b.tmp", Some(true));
        check("*.tmp", "a/b.tmpx", None);
        check("/a.txt", "a.txt", Some(true));
        check("/a.txt", "d/a.txt", None);
        check("d/x", "d/x", Some(true));
        check("d/x", "e/d/x", None);
        check("cache/", "cache", None);
        check("cache/", "a/cache/", Some(true));
        check("**/x", "x", Some(true));
        check("**/x", "a/b/x", Some(true));
        check("a/**/x", "a/x", Some(true));
        check("a/**/x", "a/b/c/x", Some(true));
        check("a/**", "a/b/c", Some(true));
        check("a/**", "a/", None);
        check("*", "anything/below", Some(true));
        check("x?[0-9]", "xa7", Some(true));
        check("x[!a]", "xa", None);
        check("x[]a]", "x]", Some(true));
        check("\\#a", "#a", Some(true));
        check("# a", "# a", None);
        check("*.a\n!keep.a", "keep.a", Some(false));
        check("é*", "élan", Some(true));
        check("[", "[", None);
        check("a+b(c)", "a+b(c)", Some(true));
    }

    #[derive(serde::Deserialize)]
    struct Golden {
        name: String,
        gitignore: String,
    }

    #[test]
    fn escaped_names_are_those_of_dvc_and_match_themselves() {
        let rows: Vec<Golden> =
            serde_json::from_str(include_str!("../tests/golden/names.json")).unwrap();
        for Golden { name, gitignore } in rows {
            assert_eq!(escape(&format!("/{name}")), gitignore);
        }
    }
}
