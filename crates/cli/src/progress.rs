//! How far long work has come: a live line on a terminal, a plain line now and then elsewhere. All of it goes to standard error.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use everloop_versions::{Counts, Progress};
use indicatif::{DecimalBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{Format, duration};

/// How often a live line is drawn, and how often a plain one is written.
const LIVE: Duration = Duration::from_millis(100);
const PLAIN: Duration = Duration::from_secs(5);

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Not at all.
    Quiet,
    /// As a line that changes.
    Live,
    /// As lines, for long work only.
    Plain,
}

impl Look {
    /// Programs that read JSON do not want lines that change.
    pub(crate) fn new(is_quiet: bool, format: Format) -> Self {
        if is_quiet {
            Self::Quiet
        } else if format == Format::Text && std::io::stderr().is_terminal() {
            Self::Live
        } else {
            Self::Plain
        }
    }
}

/// Does something, and shows meanwhile how far it is. `doing` names it: `adding`.
pub(crate) fn during<T>(
    look: Look,
    doing: &'static str,
    progress: &Arc<Progress>,
    work: impl FnOnce() -> T,
) -> T {
    let _shown = (look != Look::Quiet).then(|| Shown::start(look, doing, progress.clone()));
    work()
}

/// Progress that is shown by a thread until this is dropped.
struct Shown {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Shown {
    fn start(look: Look, doing: &'static str, progress: Arc<Progress>) -> Self {
        let (end, ended) = channel();
        let before = progress.counts();
        let work = move || {
            let line = (look == Look::Live).then(live_line);
            let every = if line.is_some() { LIVE } else { PLAIN };
            // What is done before the first look is too short to be shown.
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                let now = since(before, progress.counts());
                match &line {
                    Some(line) => draw(line, doing, now),
                    None => eprintln!("{doing}: {}", done(now)),
                }
            }
            if let Some(line) = line {
                line.finish_and_clear();
            }
        };
        Self {
            end: Some(end),
            // Without a thread nothing is shown; the work goes on.
            thread: std::thread::Builder::new().spawn(work).ok(),
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            // Whatever became of it: nothing more is shown.
            let _ = thread.join();
        }
    }
}

fn live_line() -> ProgressBar {
    let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {msg}") {
        line.set_style(style.progress_chars("█░"));
    }
    line
}

fn draw(line: &ProgressBar, doing: &str, now: Counts) {
    let is_of_bytes = now.n_bytes_expected > 0;
    let (n_done, n_expected) = if is_of_bytes {
        (now.n_bytes, now.n_bytes_expected)
    } else {
        (now.n_done, now.n_expected)
    };
    let mut text = format!("{doing}: {}", done(now));
    if n_expected > 0 {
        line.set_length(n_expected);
        line.set_position(n_done.min(n_expected));
        let rate = line.per_sec();
        let rate = if is_of_bytes {
            format!("{}/s", DecimalBytes(rate as u64))
        } else {
            format!("{rate:.0} files/s")
        };
        text += &format!(", {rate}, {} left", duration(line.eta()));
    }
    line.set_message(text);
    line.tick();
}

/// `120 of 500 files, 1.20 MB of 3.00 MB`, as far as it is known.
fn done(now: Counts) -> String {
    if now.n_expected == 0 {
        return format!("{} files found", now.n_found);
    }
    let files = format!("{} of {} files", now.n_done, now.n_expected);
    match (now.n_bytes, now.n_bytes_expected) {
        (0, 0) => files,
        (n_bytes, 0) => format!("{files}, {}", DecimalBytes(n_bytes)),
        (n_bytes, n_expected) => {
            let (n_bytes, n_expected) = (DecimalBytes(n_bytes), DecimalBytes(n_expected));
            format!("{files}, {n_bytes} of {n_expected}")
        }
    }
}

/// What was counted in between.
fn since(before: Counts, now: Counts) -> Counts {
    Counts {
        n_found: now.n_found - before.n_found,
        n_expected: now.n_expected - before.n_expected,
        n_done: now.n_done - before.n_done,
        n_bytes_expected: now.n_bytes_expected - before.n_bytes_expected,
        n_bytes: now.n_bytes - before.n_bytes,
    }
}

/// How imports and exports show their runs.
pub(crate) fn of_runs() -> fn(u64, u64) {
    if std::io::stderr().is_terminal() {
        draw_runs
    } else {
        say_runs
    }
}

/// Takes the line of runs away.
pub(crate) fn end_runs() {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
}

fn draw_runs(n_done: u64, n_all: u64) {
    const WIDTH: u64 = 24;
    let filled = n_done * WIDTH / n_all.max(1);
    let bar: String = (0..WIDTH)
        .map(|place| if place < filled { '█' } else { '░' })
        .collect();
    eprint!("\r{bar} {n_done} of {n_all} runs");
    let _ = std::io::stderr().flush();
}

/// Says each tenth.
fn say_runs(n_done: u64, n_all: u64) {
    let tenth = |n_done: u64| n_done * 10 / n_all.max(1);
    if tenth(n_done) > tenth(n_done.saturating_sub(1)) {
        eprintln!("{n_done} of {n_all} runs");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check([n_found, n_done, n_expected, n_bytes, n_bytes_expected]: [u64; 5], words: &str) {
        let counts = Counts {
            n_found,
            n_expected,
            n_done,
            n_bytes_expected,
            n_bytes,
        };
        assert_eq!(done(counts), words);
        assert_eq!(since(Counts::default(), counts), counts);
    }

    #[test]
    fn what_is_known_is_said() {
        check([70, 0, 0, 0, 0], "70 files found");
        check([70, 3, 70, 0, 0], "3 of 70 files");
        check([0, 3, 70, 1_200_000, 0], "3 of 70 files, 1.20 MB");
        check(
            [70, 3, 70, 1_200_000, 3_000_000],
            "3 of 70 files, 1.20 MB of 3.00 MB",
        );
    }
}
