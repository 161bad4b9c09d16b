//! Which stage of a plan comes next.

use std::collections::BTreeSet;

use everloop_lifecycle::Plan;

/// The stages of a plan that have not begun, and what they wait for.
#[derive(Debug)]
pub(super) struct Schedule {
    /// For each stage how many it still waits for.
    n_awaited: Vec<usize>,
    /// For each stage those that need it.
    needed_by: Vec<Vec<usize>>,
    /// For each stage those that wait for its end only.
    before: Vec<Vec<usize>>,
    /// Those that wait for nothing.
    ready: BTreeSet<usize>,
    is_skipped: Vec<bool>,
}

impl Schedule {
    pub(super) fn new(plan: &Plan) -> Self {
        let n_stages = plan.stages().len();
        let mut schedule = Self {
            n_awaited: vec![0; n_stages],
            needed_by: vec![Vec::new(); n_stages],
            before: vec![Vec::new(); n_stages],
            ready: BTreeSet::new(),
            is_skipped: vec![false; n_stages],
        };
        for (at, stage) in plan.stages().iter().enumerate() {
            schedule.n_awaited[at] = stage.needs.len() + stage.after.len();
            for need in &stage.needs {
                schedule.needed_by[*need].push(at);
            }
            for other in &stage.after {
                schedule.before[*other].push(at);
            }
            if schedule.n_awaited[at] == 0 {
                schedule.ready.insert(at);
            }
        }
        schedule
    }

    /// The next stage that may begin, in the order of the plan.
    pub(super) fn next(&mut self) -> Option<usize> {
        self.ready.pop_first()
    }

    /// A stage has ended. Unless it is passed, those that need it never begin: they come back, with the stage whose end skips
    /// them.
    pub(super) fn ended(&mut self, stage: usize, is_passed: bool) -> Vec<(usize, usize)> {
        let mut skipped = Vec::new();
        let mut open = vec![(stage, is_passed)];
        while let Some((at, is_passed)) = open.pop() {
            for other in std::mem::take(&mut self.before[at]) {
                self.release(other);
            }
            for other in std::mem::take(&mut self.needed_by[at]) {
                if is_passed {
                    self.release(other);
                } else if !self.is_skipped[other] {
                    self.is_skipped[other] = true;
                    self.ready.remove(&other);
                    skipped.push((other, stage));
                    open.push((other, false));
                }
            }
        }
        skipped.sort_unstable();
        skipped
    }

    fn release(&mut self, stage: usize) {
        self.n_awaited[stage] = self.n_awaited[stage].saturating_sub(1);
        if self.n_awaited[stage] == 0 && !self.is_skipped[stage] {
            self.ready.insert(stage);
        }
    }
}
