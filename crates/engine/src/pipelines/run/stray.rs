//! Writes beside the promised outputs: what a stage had made that changed while another one ran.

use std::time::{Duration, Instant};

use everloop_lifecycle::dvc::Stage;

use super::{Run, places};
use crate::pipelines::Error;
use crate::pipelines::project::Stamp;

/// How much older than it is a file may seem.
const GRAIN: Duration = Duration::from_millis(10);

/// What stages have made, and when commands ran.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// The stage, the path, and its stamp when the stage was done.
    outs: Vec<(usize, String, Option<Stamp>)>,
    /// The stage, and from when to when.
    ran: Vec<(usize, Instant, Instant)>,
}

impl Made {
    /// The outputs of a stage are as they shall stay.
    pub(super) fn note(&mut self, run: &Run<'_>, at: usize, stage: &Stage) -> Result<(), Error> {
        for path in places(stage)? {
            let stamp = Stamp::of(run.project.repository, path.as_str());
            self.outs.push((at, path.as_str().to_owned(), stamp));
        }
        Ok(())
    }

    /// The commands of a stage have ended.
    pub(super) fn ran(&mut self, at: usize, began: Instant) {
        self.ran.push((at, began, Instant::now()));
    }

    /// A note for each output that has changed after its stage was done.
    pub(super) fn strays(&self, run: &Run<'_>) -> Vec<String> {
        if self.ran.is_empty() {
            return Vec::new();
        }
        let name = |at: usize| run.plan.stages()[at].name.as_str();
        let mut notes = Vec::new();
        for (at, path, before) in &self.outs {
            let now = Stamp::of(run.project.repository, path);
            if now == *before {
                continue;
            }
            let age = now.and_then(|now| now.modified.elapsed().ok());
            let during = |(stage, began, ended): &&(usize, Instant, Instant)| {
                let then = ended.elapsed()..=began.elapsed() + GRAIN;
                *stage != *at && age.is_none_or(|age| then.contains(&age))
            };
            let suspects: Vec<String> = self
                .ran
                .iter()
                .filter(during)
                .map(|(stage, ..)| format!("`{}`", name(*stage)))
                .collect();
            let while_ran = match suspects.as_slice() {
                [] | [_, _, _, _, ..] => String::new(),
                few => format!(" while {} ran", few.join(", ")),
            };
            notes.push(format!(
                "`{path}`, which stage `{}` makes, changed{while_ran}; a stage should write its own outputs only",
                name(*at)
            ));
        }
        notes
    }
}
