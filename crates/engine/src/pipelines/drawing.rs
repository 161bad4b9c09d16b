//! The stages of a repository as a drawing sees them.

use std::collections::HashMap;

use super::project::Node;
use super::reproduce::{Besides, Request};
use super::{Error, Project};

/// What is to be drawn: things, and which is made from which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    /// The things; stages in the order in which they run.
    pub things: Vec<Thing>,
    /// Pairs of positions: the second is made from the first.
    pub arrows: Vec<(usize, usize)>,
}

/// A thing in a drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// Its name: of a stage or of a `.dvc` file, or a path.
    pub name: String,
    /// What it is.
    pub kind: ThingKind,
    /// What it does, for a stage.
    pub action: String,
}

/// What a thing in a drawing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThingKind {
    /// A stage.
    Stage,
    /// A stage that does not run again.
    Frozen,
    /// A `.dvc` file.
    Data,
    /// A file or directory.
    Path,
}

impl Project<'_> {
    /// What hangs together with the targets of a request (all, without any), with the paths that they read and make, if
    /// wanted.
    ///
    /// # Errors
    ///
    /// Fails if a target is not known.
    pub fn drawing(&self, request: &Request, has_paths: bool) -> Result<Drawing, Error> {
        let named = match (request.targets.is_empty(), request.besides) {
            (true, _) | (_, Besides::All) => Vec::new(),
            _ => self.find(request)?,
        };
        let order = self.graph.order(
            &named,
            match request.besides {
                Besides::Downstream => everloop_lifecycle::dvc::Selection::Downstream,
                Besides::Pipeline => everloop_lifecycle::dvc::Selection::Pipeline,
                Besides::Nothing | Besides::Upstream | Besides::All => {
                    everloop_lifecycle::dvc::Selection::Upstream
                }
            },
        );
        let mut drawing = Drawing::default();
        let mut places = HashMap::new();
        for at in &order {
            let member = &self.graph.members()[*at];
            let kind = match (&self.nodes[*at], member.is_frozen) {
                (Node::Data, _) => ThingKind::Data,
                (Node::Stage(_), true) => ThingKind::Frozen,
                (Node::Stage(_), false) => ThingKind::Stage,
            };
            let place = drawing.add(&member.address(), kind, &member.action);
            places.insert(*at, place);
        }
        let mut paths: HashMap<&str, usize> = HashMap::new();
        for (at, place) in order.iter().zip(0..) {
            let member = &self.graph.members()[*at];
            for read in self.graph.reads(*at) {
                let maker = &self.graph.members()[*read];
                // What has a path of its own is drawn through it.
                let is_shown = maker.outs.iter().any(|out| member.deps.contains(out));
                if let Some(source) = places.get(read).filter(|_| !(has_paths && is_shown)) {
                    drawing.arrows.push((*source, place));
                }
            }
            let deps = member.deps.iter().map(|dep| (dep, true));
            let outs = member.outs.iter().map(|out| (out, false));
            for (path, is_read) in deps.chain(outs).filter(|_| has_paths) {
                let path = *paths
                    .entry(path)
                    .or_insert_with(|| drawing.add(path, ThingKind::Path, ""));
                drawing.arrows.push(if is_read {
                    (path, place)
                } else {
                    (place, path)
                });
            }
        }
        drawing.arrows.sort_unstable();
        drawing.arrows.dedup();
        Ok(drawing)
    }
}

impl Drawing {
    fn add(&mut self, name: &str, kind: ThingKind, action: &str) -> usize {
        self.things.push(Thing {
            name: name.to_owned(),
            kind,
            action: action.to_owned(),
        });
        self.things.len() - 1
    }
}
