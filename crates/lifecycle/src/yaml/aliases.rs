//! Anchors and what aliases make of them.

use std::collections::HashMap;

use everloop_domain::expression::Span;

use super::{Data, Entry, Node, Reader, Stop, Style};
use crate::codes;
use crate::yaml::{Place, Scalar};

/// How many values all aliases of a text may add up to: a few lines of aliases of aliases would
/// otherwise fill any memory.
pub(super) const MAX_COPIES: usize = 100_000;

/// What anchors name, by the parser's numbers, and how many values were copied from them.
#[derive(Default)]
pub(super) struct Aliases {
    nodes: HashMap<usize, (Node, usize)>,
    n_copied: usize,
}

impl Reader<'_, '_, '_> {
    /// Remembers a node that has an anchor (its number is above 0).
    pub(super) fn named(&mut self, anchor: usize, node: Node) -> Node {
        if let Some(aliases) = self.aliases.as_mut().filter(|_| anchor > 0) {
            let size = size(&node);
            aliases.nodes.insert(anchor, (node.clone(), size));
        }
        node
    }

    /// The node that an alias stands for. It keeps the place of its anchor.
    pub(super) fn copy(&mut self, anchor: usize, span: Span) -> Result<Node, Stop> {
        let found = self.aliases.as_mut().and_then(|aliases| {
            let (node, size) = aliases.nodes.get(&anchor)?;
            aliases.n_copied += size;
            Some((aliases.n_copied, node))
        });
        match found {
            Some((n_copied, _)) if n_copied > MAX_COPIES => Err(Stop::TooManyCopies(span)),
            Some((_, node)) => Ok(node.clone()),
            None => {
                let message = "an alias stands inside what it names";
                self.report
                    .add(codes::YAML_FEATURE, &Place::at(span.clone()), message)
                    .hint("write the value out");
                Ok(Node::new(Data::Scalar(Scalar::null()), span))
            }
        }
    }
}

fn size(node: &Node) -> usize {
    let children = match &node.data {
        Data::Scalar(_) => 0,
        Data::List(elements) => elements.iter().map(size).sum(),
        Data::Map(entries) => entries.iter().map(|entry| size(&entry.value)).sum(),
    };
    1 + children
}

/// The entries with those of `<<` put in: before the others, which win over them.
pub(super) fn merged(entries: Vec<Entry>) -> Vec<Entry> {
    let is_merge =
        |entry: &Entry| entry.key == "<<" && entry.key_style == Style::Plain && can_merge(entry);
    if !entries.iter().any(is_merge) {
        return entries;
    }
    let (merges, own): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(is_merge);
    let mut all: Vec<Entry> = Vec::new();
    for merge in merges {
        let maps = match merge.value.data {
            Data::List(maps) => maps,
            _ => vec![merge.value],
        };
        for entry in maps.into_iter().flat_map(into_entries) {
            if !all.iter().any(|earlier| earlier.key == entry.key) {
                all.push(entry);
            }
        }
    }
    for entry in own {
        match all.iter_mut().find(|earlier| earlier.key == entry.key) {
            Some(earlier) => *earlier = entry,
            None => all.push(entry),
        }
    }
    all
}

fn can_merge(entry: &Entry) -> bool {
    entry.value.is_map()
        || (!entry.value.elements().is_empty() && entry.value.elements().iter().all(Node::is_map))
}

fn into_entries(node: Node) -> Vec<Entry> {
    match node.data {
        Data::Map(entries) => entries,
        _ => Vec::new(),
    }
}
