//! YAML text to a tree in which every key and value knows its place.
//!
//! The tree is made from the parser's events rather than from its own document type, because that
//! one forgets duplicate keys and expands aliases. Lifecycle files do without anchors, aliases,
//! tags and several documents; all of them are refused, so no text can grow when it is read. The
//! files of DVC may have anchors; what their aliases add up to is bounded.

mod aliases;
mod offsets;
mod scalar;
mod tree;

use std::collections::BTreeMap;

use everloop_domain::expression::Span;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};

use crate::codes;
use crate::diagnostic::Report;
use aliases::Aliases;

pub(crate) use scalar::{Resolved, Scalar, Style};
pub(crate) use tree::{Data, Entry, Node, Place};

/// What a text may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `everloop.yaml`: short, without anchors.
    Lifecycle,
    /// The files of a DVC project: with anchors and merged maps, and of any length that people have.
    Dvc,
}

impl Dialect {
    /// The longest text that is read, in bytes.
    fn max_bytes(self) -> usize {
        match self {
            Self::Lifecycle => 1 << 20,
            Self::Dvc => 1 << 26,
        }
    }
}

/// How deep lists and maps may nest.
const MAX_DEPTH: usize = 64;

/// Reads the single document of a lifecycle file. What is wrong goes to the report; nothing comes
/// back if the text has no tree.
pub(crate) fn read(text: &str, report: &mut Report) -> Option<Node> {
    read_as(Dialect::Lifecycle, text, report)
}

/// Reads the single document of a text, as [`read`] does.
pub(crate) fn read_as(dialect: Dialect, text: &str, report: &mut Report) -> Option<Node> {
    let max_bytes = dialect.max_bytes();
    if text.len() > max_bytes {
        let message = format!(
            "the text has {} bytes; at most {max_bytes} are read",
            text.len()
        );
        report.add(codes::TOO_LARGE, &Place::at(0..0), message);
        return None;
    }
    let bytes: Vec<usize> = text
        .char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        text,
        bytes,
        report,
        aliases: (dialect == Dialect::Dvc).then(Aliases::default),
    };
    match reader.document() {
        Ok(node) => node,
        Err(stop) => {
            reader.stop(stop);
            None
        }
    }
}

/// Why reading ended before the end.
enum Stop {
    Syntax(ScanError),
    TooDeep(Span),
    TooManyCopies(Span),
}

struct Reader<'a, 'r, 't> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    /// The byte at which each character starts, and the end: the parser counts characters.
    bytes: Vec<usize>,
    report: &'r mut Report<'t>,
    /// What anchors name, where they are accepted.
    aliases: Option<Aliases>,
}

impl<'a> Reader<'a, '_, '_> {
    fn document(&mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::DocumentStart(_) if root.is_some() => {
                    let message = "the text holds more than one document";
                    let problem = self
                        .report
                        .add(codes::YAML_FEATURE, &Place::at(span), message);
                    problem.hint(
                        "remove the line `---` and what follows, or keep it in a file of its own",
                    );
                    return Ok(root);
                }
                Event::Scalar(..)
                | Event::SequenceStart(..)
                | Event::MappingStart(..)
                | Event::Alias(_) => {
                    root = Some(self.node(event, span, 0)?);
                }
                _ => {}
            }
        }
        Ok(root)
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Stop> {
        let Some(event) = self.parser.next_event() else {
            return Ok(None);
        };
        let (event, span) = event.map_err(Stop::Syntax)?;
        let span = self.byte(span.start.index())..self.byte(span.end.index());
        let n_trailing = self.text[span.clone()].len() - self.text[span.clone()].trim_end().len();
        Ok(Some((event, span.start..span.end - n_trailing)))
    }

    fn byte(&self, character: usize) -> usize {
        self.bytes
            .get(character)
            .copied()
            .unwrap_or(self.text.len())
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Stop> {
        if depth > MAX_DEPTH {
            return Err(Stop::TooDeep(span));
        }
        match event {
            Event::SequenceStart(anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), &span);
                let list = self.list(span, depth)?;
                Ok(self.named(anchor, list))
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), &span);
                let map = self.map(span, depth)?;
                Ok(self.named(anchor, map))
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), &span);
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
                    ScalarStyle::SingleQuoted | ScalarStyle::Literal | ScalarStyle::Folded => {
                        Style::Other
                    }
                };
                let scalar = Scalar {
                    text: text.into_owned(),
                    style,
                };
                Ok(self.named(anchor, Node::new(Data::Scalar(scalar), span)))
            }
            Event::Alias(anchor) if self.aliases.is_some() => self.copy(anchor, span),
            _ => {
                let problem = self.report.add(
                    codes::YAML_FEATURE,
                    &Place::at(span.clone()),
                    "aliases are not accepted",
                );
                problem.hint("write the value out");
                Ok(Node::new(Data::Scalar(Scalar::null()), span))
            }
        }
    }

    fn refuse_extras(&mut self, anchor: usize, is_tagged: bool, span: &Span) {
        for (is_there, what, way_out) in [
            (
                anchor > 0 && self.aliases.is_none(),
                "anchors are not accepted",
                "write the value out where it is needed",
            ),
            (
                is_tagged,
                "tags are not accepted",
                "remove the tag; quotes make a text of any value",
            ),
        ] {
            if is_there {
                self.report
                    .add(codes::YAML_FEATURE, &Place::at(span.clone()), what)
                    .hint(way_out);
            }
        }
    }

    fn list(&mut self, mut span: Span, depth: usize) -> Result<Node, Stop> {
        let mut elements = Vec::new();
        while let Some((event, inner)) = self.next()? {
            if event == Event::SequenceEnd {
                span.end = inner.end.max(span.end);
                break;
            }
            elements.push(self.node(event, inner, depth + 1)?);
        }
        Ok(Node::new(Data::List(elements), self.trimmed(span)))
    }

    fn map(&mut self, mut span: Span, depth: usize) -> Result<Node, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines: BTreeMap<String, usize> = BTreeMap::new();
        while let Some((event, inner)) = self.next()? {
            if event == Event::MappingEnd {
                span.end = inner.end.max(span.end);
                break;
            }
            let key = self.node(event, inner, depth + 1)?;
            let Some((event, inner)) = self.next()? else {
                break;
            };
            let value = self.node(event, inner, depth + 1)?;
            let Data::Scalar(scalar) = key.data else {
                let problem = self.report.add(
                    codes::YAML_FEATURE,
                    &Place::at(key.span),
                    "a key must be text",
                );
                problem
                    .hint("a value that starts with `{` or `[` and is meant as text needs quotes");
                continue;
            };
            if let Some(line) = lines.get(&scalar.text) {
                let message = format!("the key `{}` is given twice", scalar.text);
                let place = Place::at(key.span);
                let problem = self.report.add(codes::DUPLICATE_KEY, &place, message);
                problem.hint(format!(
                    "it is given in line {line} already: keep one of the two"
                ));
                continue;
            }
            lines.insert(scalar.text.clone(), self.report.line(key.span.start));
            entries.push(Entry {
                key: scalar.text,
                key_style: scalar.style,
                key_span: key.span,
                value,
            });
        }
        if self.aliases.is_some() {
            entries = aliases::merged(entries);
        }
        Ok(Node::new(Data::Map(entries), self.trimmed(span)))
    }

    /// A block ends where the next begins; its own text ends earlier.
    fn trimmed(&self, span: Span) -> Span {
        span.start..span.start + self.text[span].trim_end().len()
    }

    fn stop(&mut self, stop: Stop) {
        match stop {
            Stop::TooManyCopies(span) => {
                let message = format!(
                    "aliases make the document longer than {} values",
                    aliases::MAX_COPIES
                );
                self.report.add(codes::TOO_LARGE, &Place::at(span), message);
            }
            Stop::TooDeep(span) => {
                let message = format!("lists and maps nest deeper than {MAX_DEPTH} levels");
                self.report.add(codes::TOO_LARGE, &Place::at(span), message);
            }
            Stop::Syntax(error) => {
                let at = self.byte(error.marker().index());
                let length = self.text[at..]
                    .chars()
                    .next()
                    .filter(|c| *c != '\n')
                    .map_or(0, char::len_utf8);
                let message = format!("not YAML: {}", error.info());
                let problem =
                    self.report
                        .add(codes::YAML_SYNTAX, &Place::at(at..at + length), message);
                problem.hint(
                    "texts with `: `, ` #` or a leading `{`, `[`, `*`, `&`, `%`, `@` need quotes; indent with spaces",
                );
            }
        }
    }
}
