//! Old line breaks to those of today.
//!
//! DVC writes the whole file whenever it writes any of it, and versions of it broke long lines at different words. So that both
//! tools leave the same file, stages that stay as they are get today's breaks when another one changes. Stages with comments, or
//! with anything else that would be lost, keep their lines.

use super::Lock;
use crate::diagnostic::Report;
use crate::dvc::emit;
use crate::dvc::value::Value;
use crate::yaml::{Dialect, read_as};

impl Lock {
    /// Breaks the lines of all stages as DVC does today.
    pub(super) fn refold(&mut self) {
        for stage in &mut self.stages {
            if let Some(lines) = stage.lines.as_mut()
                && let Some(folded) = folded(lines)
            {
                *lines = folded;
            }
        }
        self.is_folded = true;
    }
}

/// The lines with other breaks; nothing if more than the breaks would change.
fn folded(lines: &str) -> Option<String> {
    if lines
        .lines()
        .all(|line| line.len() <= 80 && !is_broken(line))
    {
        return None;
    }
    let mut report = Report::new(lines);
    let tree = read_as(Dialect::Dvc, lines, &mut report)?;
    let Value::Map(entries) = Value::of(&tree) else {
        return None;
    };
    let folded = emit::write_map(&entries, 2);
    (!report.has_errors() && inked(&folded) == inked(lines)).then_some(folded)
}

/// Whether a line may be the end of one that was broken: it starts no key and no element.
fn is_broken(line: &str) -> bool {
    let words = line.trim_start();
    !words.starts_with("- ") && !words.contains(": ") && !words.ends_with(':')
}

/// What is left without white space and the backslashes at the breaks of quoted texts.
fn inked(text: &str) -> String {
    let is_ink = |c: &char| !c.is_whitespace() && *c != '\\';
    text.chars().filter(is_ink).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dvc::lock::{Command, StageLock};

    #[track_caller]
    fn check(long: &str, expected: &str) {
        let text = format!("schema: '2.0'\nstages:\n{long}  b:\n    cmd: b\n");
        let (lock, _) = Lock::read(&text);
        let mut lock = lock.unwrap();
        assert_eq!(lock.write(), text);
        let other = |line: &str| StageLock {
            cmd: Command::One(line.to_owned()),
            deps: Vec::new(),
            params: Vec::new(),
            outs: Vec::new(),
        };
        lock.set("b", other("b"));
        assert_eq!(lock.write(), text, "nothing has changed");
        lock.set("b", other("c"));
        let expected = format!("schema: '2.0'\nstages:\n{expected}  b:\n    cmd: c\n");
        assert_eq!(lock.write(), expected);
    }

    const WORDS: &str =
        "python3 src/stages/train.py --params params.yaml --features data/features --model";

    #[test]
    fn stages_that_stay_get_the_breaks_of_today() {
        // As DVC 2 broke it, and as DVC 3.67.1 does.
        check(
            &format!(
                "  a:\n    cmd: {WORDS}\n      model.pkl\n    outs:\n    - path: model.pkl\n      md5: b1946ac92492d2347c6235b4d2611184\n"
            ),
            "  a:\n    cmd: python3 src/stages/train.py --params params.yaml --features \n      data/features --model model.pkl\n    outs:\n    - path: model.pkl\n      md5: b1946ac92492d2347c6235b4d2611184\n",
        );
    }

    #[test]
    fn what_would_be_lost_is_kept() {
        let commented = format!("  a:\n    # mine\n    cmd: {WORDS}\n      model.pkl\n");
        check(&commented, &commented);
        let number = format!(
            "  a:\n    cmd: {WORDS}\n      model.pkl\n    params:\n      params.yaml:\n        rate: 1.0e-05\n"
        );
        check(&number, &number);
    }
}
