//! Orders of stages: depth first, each after those that it needs.

use super::{Graph, Selection};
use crate::order::walk;
use crate::plan::{Plan, PlannedStage, Work};

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

    /// The plan of some members in an order. Of two that use the same files the later waits for the earlier, even where it
    /// does not need it: so it is when they run one after the other.
    #[must_use]
    pub fn plan(&self, order: &[usize]) -> Plan {
        let mut positions = vec![None; self.members.len()];
        for (position, at) in order.iter().enumerate() {
            positions[*at] = Some(position);
        }
        let mut stages: Vec<PlannedStage> = order
            .iter()
            .enumerate()
            .map(|(position, at)| {
                let is_earlier = |other: &usize| *other < position;
                let of = |edges: &[usize]| -> Vec<usize> {
                    let found = edges.iter().filter_map(|other| positions[*other]);
                    found.filter(is_earlier).collect()
                };
                let needs = of(&self.needs[*at]);
                let mut after = of(&self.reads[*at]);
                after.retain(|other| !needs.contains(other));
                PlannedStage {
                    name: self.members[*at].address(),
                    needs,
                    after,
                    action: self.members[*at].action.clone(),
                    work: Work::Member(*at),
                }
            })
            .collect();
        for (position, at) in order.iter().enumerate() {
            for other in &self.reads[*at] {
                if let Some(later) = positions[*other].filter(|other| *other > position) {
                    stages[later].after.push(position);
                }
            }
        }
        Plan::of_checked(stages)
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
