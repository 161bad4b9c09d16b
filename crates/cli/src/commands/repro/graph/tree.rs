//! A drawing as text: trees from the first things to the last, chains on one line.
//!
//! A thing that is made from several stands in full under the last of them; under the others it is only named, with `↓`.

use everloop_engine::pipelines::{Drawing, ThingKind};

use super::layout::layers;

/// How wide a line may be before a chain goes on in the next.
const WIDTH: usize = 100;

/// Draws trees.
pub(super) fn draw(drawing: &Drawing) -> String {
    let n_things = drawing.things.len();
    let (mut next, mut sources) = (vec![Vec::new(); n_things], vec![Vec::new(); n_things]);
    for (from, to) in &drawing.arrows {
        next[*from].push(*to);
        sources[*to].push(*from);
    }
    let layers = layers(drawing);
    let mut trees = Trees {
        drawing,
        homes: vec![None; n_things],
        next,
        text: String::new(),
    };
    // Under what each stands in full: the last of its sources in the order of the trees.
    let mut order: Vec<usize> = (0..n_things).collect();
    order.sort_by_key(|at| layers[*at]);
    let mut rank = vec![0; n_things];
    for (position, at) in order.iter().enumerate() {
        rank[*at] = position;
    }
    for (home, sources) in trees.homes.iter_mut().zip(&sources) {
        *home = sources.iter().copied().max_by_key(|source| rank[*source]);
    }
    for at in (0..n_things).filter(|at| sources[*at].is_empty()) {
        trees.tree(at);
    }
    trees.text
}

struct Trees<'a> {
    drawing: &'a Drawing,
    next: Vec<Vec<usize>>,
    homes: Vec<Option<usize>>,
    text: String,
}

impl Trees<'_> {
    /// Writes what begins with a thing, on a stack of its own: graphs can be deep.
    fn tree(&mut self, root: usize) {
        // Each thing with what stands before its first line and before those below it.
        let mut open = vec![(root, None, String::new(), String::new())];
        while let Some((at, from, before, below)) = open.pop() {
            if self.homes[at] != from {
                self.text
                    .push_str(&format!("{before}{} ↓\n", self.name(at)));
                continue;
            }
            let last = self.chain(at, &before, &below);
            let next = &self.next[last];
            for (position, to) in next.iter().enumerate().rev() {
                let (branch, trunk) = if position + 1 == next.len() {
                    ("└─ ", "   ")
                } else {
                    ("├─ ", "│  ")
                };
                let lines = (format!("{below}{branch}"), format!("{below}{trunk}"));
                open.push((*to, Some(last), lines.0, lines.1));
            }
        }
    }

    /// Writes a thing and those that follow it alone. Gives the last.
    fn chain(&mut self, first: usize, before: &str, below: &str) -> usize {
        let mut line = format!("{before}{}", self.name(first));
        let mut at = first;
        while let [next] = self.next[at][..]
            && self.homes[next] == Some(at)
        {
            let name = self.name(next);
            if line.chars().count() + name.chars().count() + 3 > WIDTH {
                self.text.push_str(&line);
                self.text.push('\n');
                line = format!("{below}  → {name}");
            } else {
                line.push_str(" → ");
                line.push_str(&name);
            }
            at = next;
        }
        self.text.push_str(&line);
        self.text.push('\n');
        at
    }

    fn name(&self, at: usize) -> String {
        let thing = &self.drawing.things[at];
        match thing.kind {
            ThingKind::Stage | ThingKind::Data => thing.name.clone(),
            ThingKind::Frozen => format!("{} (frozen)", thing.name),
            ThingKind::Path => format!("[{}]", thing.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::drawing;
    use super::*;

    #[test]
    fn chains_are_lines_and_forks_are_trees() {
        let text = draw(&drawing(
            "raw>clean>split>train>report split>test>report lone",
        ));
        let expected = "\
raw → clean → split
├─ train
│  └─ report ↓
└─ test → report
lone
";
        assert_eq!(text, expected);
    }

    #[test]
    fn long_chains_are_broken_and_need_no_stack() {
        let names: Vec<String> = (0..20_000).map(|at| format!("stage-{at}")).collect();
        let text = draw(&drawing(&names[..2000].join(">")));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        assert_eq!(text.matches('→').count(), 1999);
    }
}
