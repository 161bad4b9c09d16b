//! Orders of stages: depth first, each after those that it needs.

use super::{Graph, Selection};
use crate::order::walk;

/// The circles, each member needing the next. No circle is found twice.
pub(super) fn circles(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut circles = Vec::new();
    walk(
        0..needs.len(),
        needs,
        |_| true,
        |circle| circles.push(circle),
    );
    circles
}

impl Graph {
    /// The stages to run for some that are named (all, if none is), in the order in which DVC runs
    /// them one after the other.
    ///
    /// Where DVC leaves the order to chance (small parts of large graphs), it is that of the files.
    #[must_use]
    pub fn order(&self, targets: &[usize], selection: Selection) -> Vec<usize> {
        let all = 0..self.members.len();
        if targets.is_empty() {
            return walk(all, &self.needs, |_| true, drop);
        }
        if selection == Selection::Pipeline {
            return self.pipelines(targets);
        }
        let after;
        let edges = if selection == Selection::Downstream {
            after = self.after();
            &after
        } else {
            &self.needs
        };
        let chosen = reached(targets, edges);
        walk(
            all.filter(|at| chosen[*at]),
            &self.needs,
            |at| chosen[at],
            drop,
        )
    }

    /// The stages in turns: those of a turn need only stages of earlier turns, and may run at the
    /// same time.
    #[must_use]
    pub fn turns(&self, order: &[usize]) -> Vec<Vec<usize>> {
        let mut turn_of = vec![None; self.members.len()];
        let mut turns: Vec<Vec<usize>> = Vec::new();
        for at in order {
            let needed = self.needs[*at].iter().filter_map(|need| turn_of[*need]);
            let turn = needed.max().map_or(0, |latest: usize| latest + 1);
            turn_of[*at] = Some(turn);
            if turn == turns.len() {
                turns.push(Vec::new());
            }
            turns[turn].push(*at);
        }
        turns
    }

    /// Everything that hangs together with the targets, one pipeline after the other.
    fn pipelines(&self, targets: &[usize]) -> Vec<usize> {
        let after = self.after();
        let both: Vec<Vec<usize>> = self
            .needs
            .iter()
            .zip(&after)
            .map(|(needs, after)| [needs.as_slice(), after].concat())
            .collect();
        let mut order = Vec::new();
        let mut is_taken = vec![false; both.len()];
        for target in targets {
            if is_taken[*target] {
                continue;
            }
            let chosen = reached(&[*target], &both);
            for at in walk(
                (0..both.len()).filter(|at| chosen[*at]),
                &self.needs,
                |_| true,
                drop,
            ) {
                is_taken[at] = true;
                order.push(at);
            }
        }
        order
    }

    /// For each stage those that need it.
    fn after(&self) -> Vec<Vec<usize>> {
        let mut after = vec![Vec::new(); self.needs.len()];
        for (at, needs) in self.needs.iter().enumerate() {
            for need in needs {
                after[*need].push(at);
            }
        }
        after
    }
}

/// Which stages can be reached from some.
fn reached(from: &[usize], edges: &[Vec<usize>]) -> Vec<bool> {
    let mut is_reached = vec![false; edges.len()];
    let mut open = from.to_vec();
    while let Some(at) = open.pop() {
        if !is_reached[at] {
            is_reached[at] = true;
            open.extend(&edges[at]);
        }
    }
    is_reached
}
