//! What is wrong with a lifecycle file, and where.

use everloop_domain::expression::Span;
use serde::Serialize;

use crate::yaml::{Node, Place, read};

/// One problem of a lifecycle file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The stable code, for example `E0201`: see [`crate::codes()`].
    pub code: &'static str,
    /// Whether it stops.
    pub severity: Severity,
    /// What is wrong: a fragment in lower case that names the thing and its value.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
    /// The place in the text, in bytes; absent when the value came from `--set`.
    pub span: Option<Span>,
    /// The line of the place, from 1; 0 when there is no place.
    pub line: usize,
    /// The column of the place in characters, from 1; 0 when there is no place.
    pub column: usize,
}

/// Whether a diagnostic stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is accepted.
    Warning,
}

impl Diagnostic {
    /// A diagnostic about the value at a path of keys, for checks that other crates make.
    ///
    /// Elements of lists are named by their index from 0. Where the path does not exist in the
    /// text (a default, an override), the place is the nearest part that does.
    #[must_use]
    pub fn at_key(
        text: &str,
        path: &[&str],
        code: &'static str,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Self {
        let mut report = Report::new(text);
        let tree = read(text, &mut Report::new(text));
        let place = tree.map_or_else(Place::default, |tree| tree.place_of(path));
        report.add(code, &place, message).help = help;
        report.diagnostics.remove(0)
    }

    /// The diagnostic as text: the message, the line with the place underlined, the way out.
    #[must_use]
    pub fn render(&self, file_name: &str, text: &str) -> String {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut shown = format!("{severity}[{}]: {}\n", self.code, self.message);
        if let Some(span) = &self.span {
            shown.push_str(&excerpt(file_name, text, span, self.line, self.column));
        }
        if let Some(help) = &self.help {
            shown.push_str("hint: ");
            shown.push_str(help);
            shown.push('\n');
        }
        shown
    }
}

/// The most characters of a line that are shown.
const MAX_SHOWN: usize = 160;

fn excerpt(file_name: &str, text: &str, span: &Span, line: usize, column: usize) -> String {
    let content = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let n_before = column.saturating_sub(1);
    let skipped = n_before.saturating_sub(MAX_SHOWN / 2);
    let shown: String = content
        .chars()
        .skip(skipped)
        .take(MAX_SHOWN)
        .map(|c| if c == '\t' { ' ' } else { c })
        .collect();
    let n_marked = text
        .get(span.clone())
        .and_then(|marked| marked.lines().next())
        .map_or(0, |line| line.chars().count());
    let n_marked = n_marked.clamp(1, MAX_SHOWN / 2);
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let indent = " ".repeat(n_before - skipped);
    format!(
        "{margin} ╭─[{file_name}:{line}:{column}]\n{number} │ {shown}\n{margin} · {indent}{}\n{margin} ╰─\n",
        "─".repeat(n_marked)
    )
}

/// Whether one of them stops.
pub(crate) fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    let mut severities = diagnostics.iter().map(|diagnostic| diagnostic.severity);
    severities.any(|severity| severity == Severity::Error)
}

/// Collects the diagnostics of one text.
pub(crate) struct Report<'a> {
    text: &'a str,
    line_starts: Vec<usize>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let starts = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        Self {
            text,
            line_starts: std::iter::once(0).chain(starts).collect(),
            diagnostics: Vec::new(),
        }
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// Adds a diagnostic; the code's first letter is its severity.
    pub(crate) fn add(
        &mut self,
        code: &'static str,
        place: &Place,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let severity = if code.starts_with('W') {
            Severity::Warning
        } else {
            Severity::Error
        };
        let mut message = message.into();
        if let Some(key) = &place.set_by {
            message = format!("{message} (from --set {key})");
        }
        let span = place.span.clone();
        let (line, column) = span
            .as_ref()
            .map_or((0, 0), |span| self.line_and_column(span.start));
        let index = self.diagnostics.len();
        self.diagnostics.push(Diagnostic {
            code,
            severity,
            message,
            help: None,
            span,
            line,
            column,
        });
        &mut self.diagnostics[index]
    }

    /// Adds a diagnostic about a value.
    pub(crate) fn at(
        &mut self,
        code: &'static str,
        node: &Node,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(code, &node.place(), message)
    }

    pub(crate) fn has_errors(&self) -> bool {
        has_errors(&self.diagnostics)
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at)
    }

    fn line_and_column(&self, at: usize) -> (usize, usize) {
        let line = self.line(at);
        let start = self.line_starts[line - 1];
        let before = self.text.get(start..at).unwrap_or_default();
        (
            line,
            before.trim_start_matches('\u{feff}').chars().count() + 1,
        )
    }

    /// All diagnostics, each once, in the order of the text; those without a place come last.
    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        let mut diagnostics = self.diagnostics;
        diagnostics.sort_by_key(|diagnostic| {
            diagnostic
                .span
                .as_ref()
                .map_or(usize::MAX, |span| span.start)
        });
        diagnostics.dedup();
        diagnostics
    }
}

impl Diagnostic {
    /// Sets the way out.
    pub(crate) fn hint(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }
}
