//! Paths by their parts, to find what lies above and below a path.

use std::collections::HashMap;

/// The paths that stages make. Children keep the order in which they came: DVC's order of stages
/// depends on it.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    /// The paths with the stages that make them.
    outs: Vec<(String, usize)>,
}

#[derive(Debug, Default)]
struct Node {
    /// The index of the path that ends here.
    out: Option<usize>,
    children: Vec<usize>,
    names: HashMap<String, usize>,
}

/// Why a path cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clash {
    /// A stage makes it already.
    Same(usize),
    /// It lies in, or holds, the path of this index.
    Overlap(usize),
}

impl Default for Trie {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
            outs: Vec::new(),
        }
    }
}

/// Whether a path lies in a directory.
pub(super) fn is_inside(path: &str, directory: &str) -> bool {
    let rest = path.strip_prefix(directory);
    directory.is_empty() || rest.is_some_and(|rest| rest.starts_with('/'))
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(move |_| !path.is_empty())
}

impl Trie {
    /// Adds a path that a stage makes.
    pub(super) fn insert(&mut self, path: &str, stage: usize) -> Result<(), Clash> {
        let mut at = 0;
        let mut rest = parts(path).peekable();
        while let Some(part) = rest.peek() {
            if let Some(out) = self.nodes[at].out {
                return Err(Clash::Overlap(out));
            }
            let Some(next) = self.nodes[at].names.get(*part) else {
                break;
            };
            at = *next;
            rest.next();
        }
        if rest.peek().is_none() {
            if let Some(out) = self.nodes[at].out {
                return Err(Clash::Same(self.outs[out].1));
            }
            if let Some(out) = self.below(at).first() {
                return Err(Clash::Overlap(*out));
            }
        }
        for part in rest {
            let new = self.nodes.len();
            self.nodes.push(Node::default());
            self.nodes[at].names.insert(part.to_owned(), new);
            self.nodes[at].children.push(new);
            at = new;
        }
        self.nodes[at].out = Some(self.outs.len());
        self.outs.push((path.to_owned(), stage));
        Ok(())
    }

    /// The stages that make a path, a directory above it, or something in it.
    pub(super) fn overlapping(&self, path: &str) -> Vec<usize> {
        let mut at = 0;
        let mut found: Vec<usize> = self.nodes[at].out.into_iter().collect();
        for part in parts(path) {
            let Some(next) = self.nodes[at].names.get(part) else {
                return found.iter().map(|out| self.outs[*out].1).collect();
            };
            at = *next;
            found.extend(self.nodes[at].out);
        }
        found.extend(self.below(at));
        found.iter().map(|out| self.outs[*out].1).collect()
    }

    /// The stage that makes a directory above a file, and the directory.
    pub(super) fn holder(&self, file: &str) -> Option<(usize, &str)> {
        let mut at = 0;
        let mut rest = parts(file);
        loop {
            if let Some(out) = self.nodes[at].out {
                let (path, stage) = &self.outs[out];
                return Some((*stage, path));
            }
            at = *self.nodes[at].names.get(rest.next()?)?;
        }
    }

    /// The stage that makes a path, given its index.
    pub(super) fn owner(&self, out: usize) -> usize {
        self.outs[out].1
    }

    /// A path, given its index.
    pub(super) fn path(&self, out: usize) -> &str {
        &self.outs[out].0
    }

    /// The paths that end below a node, depth first.
    fn below(&self, at: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut open: Vec<usize> = self.nodes[at].children.iter().rev().copied().collect();
        while let Some(node) = open.pop() {
            found.extend(self.nodes[node].out);
            open.extend(self.nodes[node].children.iter().rev());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trie() -> Trie {
        let mut trie = Trie::default();
        for (stage, path) in ["d/a/x", "d/b", "d/a/y", "e"].iter().enumerate() {
            trie.insert(path, stage).unwrap();
        }
        trie
    }

    #[test]
    fn paths_in_each_others_way_clash() {
        let mut trie = trie();
        assert_eq!(trie.insert("d/b", 9), Err(Clash::Same(1)));
        assert_eq!(trie.insert("d/b/c", 9), Err(Clash::Overlap(1)));
        assert_eq!(trie.insert("d", 9), Err(Clash::Overlap(0)));
        assert_eq!(trie.insert("", 9), Err(Clash::Overlap(0)));
        assert_eq!(trie.insert("ee", 9), Ok(()));
    }

    #[test]
    fn a_directory_is_made_by_all_that_make_something_in_it() {
        assert_eq!(trie().overlapping("d"), [0, 2, 1]);
        assert_eq!(trie().overlapping("d/b/c"), [1]);
        assert_eq!(trie().overlapping("f"), [] as [usize; 0]);
        assert_eq!(trie().holder("e/dvc.yaml"), Some((3, "e")));
        assert_eq!(trie().holder("dvc.yaml"), None);
    }
}
