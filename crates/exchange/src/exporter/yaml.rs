//! `meta.yaml` files: plain maps of numbers and texts, the texts always between quotes.

use std::fmt::Write as _;

/// A file in the making.
#[derive(Debug, Default)]
pub(super) struct Meta(String);

impl Meta {
    pub(super) fn number(mut self, key: &str, value: i64) -> Self {
        let _ = writeln!(self.0, "{key}: {value}");
        self
    }

    pub(super) fn maybe_number(self, key: &str, value: Option<i64>) -> Self {
        match value {
            Some(value) => self.number(key, value),
            None => self.null(key),
        }
    }

    pub(super) fn text(mut self, key: &str, value: &str) -> Self {
        let _ = writeln!(self.0, "{key}: {}", quoted(value));
        self
    }

    pub(super) fn maybe_text(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(key, value),
            None => self.null(key),
        }
    }

    pub(super) fn texts<'t>(
        mut self,
        key: &str,
        texts: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Self {
        let pairs: Vec<String> = texts
            .into_iter()
            .map(|(key, value)| format!("{}: {}", quoted(key), quoted(value)))
            .collect();
        let _ = writeln!(self.0, "{key}: {{{}}}", pairs.join(", "));
        self
    }

    fn null(mut self, key: &str) -> Self {
        let _ = writeln!(self.0, "{key}: null");
        self
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A text between double quotes; what YAML cannot have as it is becomes an escape.
fn quoted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 2);
    shown.push('"');
    for c in text.chars() {
        let number = u32::from(c);
        match c {
            '"' | '\\' => shown.extend(['\\', c]),
            '\n' => shown.push_str("\\n"),
            ' '..='~' => shown.push(c),
            '\0'..='\u{9f}' => {
                let _ = write!(shown, "\\x{number:02x}");
            }
            // Breaks of lines and marks that readers drop.
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(shown, "\\u{number:04x}");
            }
            _ => shown.push(c),
        }
    }
    shown.push('"');
    shown
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_reads_as_one_expects() {
        let meta = Meta::default()
            .text("name", "a: \"b\"\n")
            .number("at", -5)
            .maybe_number("end", None)
            .maybe_text("type", None)
            .texts("tags", [("k", "v\u{7f}"), ("l", "")]);
        let expected = "name: \"a: \\\"b\\\"\\n\"\nat: -5\nend: null\ntype: null\ntags: {\"k\": \"v\\x7f\", \"l\": \"\"}\n";
        assert_eq!(meta.finish(), expected);
        assert_eq!(Meta::default().texts("t", []).finish(), "t: {}\n");
    }

    #[derive(serde::Deserialize, PartialEq, Debug)]
    #[serde(untagged)]
    enum Any {
        Text(String),
        Map(BTreeMap<String, String>),
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text: String, key in "[a-z]{1,5}") {
            let written = Meta::default().text(&key, &text).texts("~tags", [("k", text.as_str())]).finish();
            let read: BTreeMap<String, Any> = serde_saphyr::from_str(&written).unwrap();
            prop_assert_eq!(&read[&key], &Any::Text(text.clone()));
            prop_assert_eq!(&read["~tags"], &Any::Map([("k".to_owned(), text)].into()));
        }
    }
}
