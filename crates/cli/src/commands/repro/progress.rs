//! How a run of stages goes: live on a terminal, plain lines elsewhere.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use everloop_engine::pipelines::{Outcome, Progress, StageReport};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{reason_text, words};

/// How often what turns and counts is drawn anew.
const TICK: Duration = Duration::from_millis(120);

/// Tells people how a run goes.
pub(super) struct Display {
    /// Whether several stages may run at the same time: then their words are told apart.
    is_parallel: bool,
    live: Option<Live>,
}

/// What is drawn below the words.
struct Live {
    bars: MultiProgress,
    all: ProgressBar,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: HashMap<String, ProgressBar>,
    counts: Counts,
}

/// How many stages there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    running: usize,
    run: usize,
    cached: usize,
    failed: usize,
}

impl Display {
    pub(super) fn new(is_parallel: bool) -> Self {
        let is_live = is_parallel && std::io::stderr().is_terminal();
        Self {
            is_parallel,
            live: is_live.then(Live::new),
        }
    }

    /// Whether words of commands must go through here.
    pub(super) fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// Tells of something that happens.
    pub(super) fn tell(&self, progress: &Progress<'_>) {
        for line in self.lines(progress) {
            match &self.live {
                // A terminal that is gone needs no words.
                Some(live) => drop(live.bars.println(line)),
                None => eprintln!("{line}"),
            }
        }
        if let Some(live) = &self.live {
            live.tell(progress);
        }
    }

    /// Takes away what was drawn.
    pub(super) fn end(&self) {
        if let Some(live) = &self.live {
            live.all.finish_and_clear();
            drop(live.bars.clear());
        }
    }

    fn lines(&self, progress: &Progress<'_>) -> Vec<String> {
        match progress {
            Progress::Planned { .. } | Progress::Looking { .. } => Vec::new(),
            Progress::Stage { stage } => vec![format!("{stage}: running")],
            Progress::Command { stage, line } if self.is_parallel => {
                vec![format!("{stage} > {line}")]
            }
            Progress::Command { line, .. } => vec![format!("> {line}")],
            Progress::Words { stage, line } => vec![format!("{stage} | {line}")],
            Progress::Done(stage) => done_lines(stage),
        }
    }
}

fn done_lines(stage: &StageReport) -> Vec<String> {
    let took = match stage.outcome {
        Outcome::Ran | Outcome::Failed if stage.duration >= Duration::from_secs(1) => {
            format!(" ({:.1} s)", stage.duration.as_secs_f64())
        }
        _ => String::new(),
    };
    let mut lines = vec![format!("{}: {}{took}", stage.stage, words(stage.outcome))];
    match (&stage.problem, stage.outcome) {
        (Some(problem), Outcome::Skipped) => lines[0] = format!("{}, {problem}", lines[0]),
        (Some(problem), _) => lines.push(format!("error: {problem}")),
        (None, _) => {}
    }
    if stage.outcome == Outcome::WouldRun {
        let reasons = stage.reasons.iter();
        lines.extend(reasons.map(|reason| format!("  {}", reason_text(reason))));
    }
    lines
}

impl Counts {
    fn end(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Ran => self.run += 1,
            Outcome::Failed | Outcome::Skipped => self.failed += 1,
            _ => self.cached += 1,
        }
    }

    fn words(self) -> String {
        let parts = [
            (self.running, "running"),
            (self.run, "run"),
            (self.cached, "cached"),
            (self.failed, "failed"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        parts.join(", ")
    }
}

fn style(template: &str) -> ProgressStyle {
    // A template that is wrong is drawn plainly.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Live {
    fn new() -> Self {
        let bars = MultiProgress::new();
        let all = bars.add(ProgressBar::no_length());
        all.set_style(style("{pos}/{len} stages [{bar:24}] {elapsed}  {msg}"));
        Self {
            bars,
            all,
            state: Mutex::default(),
        }
    }

    fn tell(&self, progress: &Progress<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match progress {
            Progress::Planned { n_stages } => {
                self.all.set_length(*n_stages as u64);
                self.all.enable_steady_tick(TICK);
            }
            Progress::Stage { stage } => {
                let bar = self
                    .bars
                    .insert_before(&self.all, ProgressBar::new_spinner());
                bar.set_style(style("  {spinner} {prefix} {elapsed}  {wide_msg}"));
                bar.set_prefix((*stage).to_owned());
                bar.enable_steady_tick(TICK);
                state.running.insert((*stage).to_owned(), bar);
                state.counts.running += 1;
            }
            Progress::Command { stage, line } | Progress::Words { stage, line } => {
                if let Some(bar) = state.running.get(*stage) {
                    bar.set_message((*line).to_owned());
                }
            }
            Progress::Done(report) => {
                if let Some(bar) = state.running.remove(&report.stage) {
                    bar.finish_and_clear();
                    self.bars.remove(&bar);
                    state.counts.running -= 1;
                }
                state.counts.end(report.outcome);
                self.all.inc(1);
            }
            Progress::Looking { .. } => {}
        }
        self.all.set_message(state.counts.words());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcome: Outcome, problem: Option<&str>) -> StageReport {
        StageReport {
            stage: "train".to_owned(),
            outcome,
            reasons: Vec::new(),
            problem: problem.map(str::to_owned),
            duration: Duration::from_millis(1500),
        }
    }

    #[test]
    fn ends_are_told_in_a_line_or_two() {
        let table = [
            (Outcome::Ran, None, "train: run (1.5 s)"),
            (Outcome::UpToDate, None, "train: up to date"),
            (
                Outcome::Failed,
                Some("oh"),
                "train: failed (1.5 s)\nerror: oh",
            ),
            (
                Outcome::Skipped,
                Some("`a` failed"),
                "train: skipped, `a` failed",
            ),
        ];
        for (outcome, problem, expected) in table {
            assert_eq!(done_lines(&report(outcome, problem)).join("\n"), expected);
        }
    }

    #[test]
    fn stages_are_counted_by_what_became_of_them() {
        let mut counts = Counts {
            running: 2,
            ..Counts::default()
        };
        for outcome in [Outcome::Ran, Outcome::UpToDate, Outcome::Restored] {
            counts.end(outcome);
        }
        assert_eq!(counts.words(), "2 running, 1 run, 2 cached");
    }
}
