//! Everloop and DVC, each with a repository of its own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::cost::{Cost, Meter};

/// A program and its repository.
pub(super) struct Side {
    pub(super) name: &'static str,
    program: String,
    /// Words before the verb of commands about data: DVC has none.
    noun: &'static [&'static str],
    pub(super) dir: PathBuf,
}

impl Side {
    /// The words of a command: `add data`, `repro`.
    fn words<'a>(&'a self, command: &'a str) -> Vec<&'a str> {
        let mut words = vec![self.program.as_str()];
        // Stages have a verb of their own; what differs is looked at without running anything.
        let is_ours = !self.noun.is_empty();
        match command {
            "repro" => words.push("repro"),
            "stages" if is_ours => words.extend(["repro", "--dry"]),
            "stages" => words.push("status"),
            command => {
                words.extend(self.noun);
                words.extend(command.split(' '));
            }
        }
        // DVC's bars cost it time.
        words.extend((!is_ours).then_some("-q"));
        words
    }

    pub(super) fn run(&self, meter: &Meter, command: &str) -> Result<Cost> {
        meter.run(&self.words(command), &self.dir)
    }
}

/// Both programs, or Everloop alone.
pub(super) struct Sides {
    pub(super) meter: Meter,
    both: Vec<Side>,
    pub(super) work: PathBuf,
    n_times: usize,
}

impl Sides {
    pub(super) fn new(
        (everloop, dvc): (&Path, Option<&Path>),
        meter: Meter,
        work: &Path,
        n_times: usize,
    ) -> Result<Self> {
        let side = |name, program: &Path, noun| -> Result<Side> {
            Ok(Side {
                name,
                program: program.to_str().context("an odd path")?.to_owned(),
                noun,
                dir: work.join(name),
            })
        };
        let mut sides = vec![side("everloop", everloop, &["data"])?];
        if let Some(dvc) = dvc {
            sides.push(side("dvc", dvc, &[])?);
        }
        Ok(Self {
            meter,
            both: sides,
            work: work.to_owned(),
            n_times,
        })
    }

    /// New repositories with git in them; `kinds` is the `cache.type`.
    pub(super) fn begin(&self, kinds: Option<&str>) -> Result<()> {
        for side in &self.both {
            self.meter
                .shell(&format!("away {}", side.name), &self.work)?;
            fs::create_dir_all(&side.dir)?;
            self.meter.shell("git init -q", &side.dir)?;
            side.run(&self.meter, "init")?;
            if let Some(kinds) = kinds {
                let config = format!("[cache]\n    type = {kinds}\n");
                fs::write(side.dir.join(".dvc/config"), config)?;
            }
        }
        Ok(())
    }

    /// Has the shell do something in each repository; it is not measured.
    pub(super) fn each(&self, line: &str) -> Result<()> {
        let mut sides = self.both.iter();
        sides.try_for_each(|side| self.meter.shell(line, &side.dir))
    }

    /// Measures a command on each side, one after the other, after `prepare`; prints a row.
    pub(super) fn measure(&self, what: &str, command: &str, prepare: &str) -> Result<Cost> {
        self.measured(what, command, prepare, self.n_times)
    }

    /// Measures a command that can be done once only.
    pub(super) fn measure_once(&self, what: &str, command: &str) -> Result<Cost> {
        self.measured(what, command, "true", 1)
    }

    fn measured(&self, what: &str, command: &str, prepare: &str, n_times: usize) -> Result<Cost> {
        let mut costs: Vec<Option<Cost>> = vec![None; self.both.len()];
        for _ in 0..n_times {
            for (side, cost) in self.both.iter().zip(&mut costs) {
                self.meter.shell(prepare, &side.dir)?;
                let new = side.run(&self.meter, command)?;
                *cost = Some(cost.map_or(new, |cost| cost.best(new)));
            }
        }
        let costs: Vec<Cost> = costs.into_iter().flatten().collect();
        let cells: Vec<String> = costs.iter().map(shown).collect();
        let ratio = match costs.as_slice() {
            [ours, theirs] => format!(
                "{:>7.1}x {:>7.1}x",
                theirs.wall / ours.wall,
                theirs.cpu / ours.cpu
            ),
            _ => String::new(),
        };
        println!("{what:<40} {} {ratio}", cells.join(" "));
        costs.first().copied().context("no program was measured")
    }

    /// Measures a command of the shell that does the least that must be done.
    pub(super) fn floor(&self, line: &str, prepare: &str) -> Result<Cost> {
        let mut best: Option<Cost> = None;
        for _ in 0..self.n_times.max(2) {
            self.meter.shell(prepare, &self.work)?;
            let new = self.meter.run(&["sh", "-ec", line], &self.work)?;
            best = Some(best.map_or(new, |best| best.best(new)));
        }
        let best = best.context("nothing was measured")?;
        println!("{:<40} {}", format!("  `{line}`"), shown(&best));
        Ok(best)
    }

    /// Both programs must have written the same bytes.
    pub(super) fn check_same(&self, file: &str) -> Result<()> {
        let read = |side: &Side| fs::read(side.dir.join(file)).context(file.to_owned());
        let texts: Vec<Vec<u8>> = self.both.iter().map(read).collect::<Result<_>>()?;
        for pair in texts.windows(2) {
            ensure!(pair[0] == pair[1], "`{file}` differs");
        }
        Ok(())
    }

    /// The names over the columns.
    pub(super) fn head(&self) {
        let names = self.both.iter().map(|side| format!("{:>28}", side.name));
        let names: Vec<String> = names.collect();
        let ratio = if names.len() > 1 { "wall      cpu" } else { "" };
        println!("{:<40} {} {ratio:>16}", "", names.join(" "));
    }
}

fn shown(cost: &Cost) -> String {
    let megabytes = cost.memory / 1e6;
    format!(
        "{:>8.3} s {:>7.2}c {megabytes:>5.0} MB",
        cost.wall, cost.cpu
    )
}
