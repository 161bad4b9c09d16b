//! The table of costs against sizes, `docs/versions-cost.md`.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};

use super::cost::Cost;
use super::generate;
use super::options::Options;
use super::sides::Sides;
use crate::command::root;

const N_FILES: [usize; 4] = [1000, 10_000, 100_000, 1_000_000];
const N_STAGES: [usize; 4] = [10, 100, 1000, 2000];
/// Bytes of each file: small, so that what a file costs is seen rather than what its bytes do.
const SIZES: (u64, u64) = (50, 150);

/// Measures Everloop and writes the page.
pub(super) fn write(sides: &Sides, options: &Options) -> Result<()> {
    let is_wanted = |most: Option<usize>| move |n: &usize| most.is_none_or(|most| *n <= most);
    let mut text = format!(
        "# What data versions and pipelines cost\n\n\
         Written by `cargo xtask bench versions --table` on {}. Wall time, and in brackets peak memory;\n\
         the page cache is warm. Beside DVC: `cargo xtask bench versions`.\n\n\
         Files of {} to {} bytes in directories of 500, `cache.type = hardlink`; `status` finds nothing changed, `checkout` finds none\n\
         of them, `push` goes to a directory and `pull` comes from it into an empty cache:\n\n\
         | files | add | status | checkout | push | pull |\n|---|---|---|---|---|---|\n",
        machine()?,
        SIZES.0,
        SIZES.1
    );
    for n_files in N_FILES.into_iter().filter(is_wanted(options.n_files)) {
        text += &files(sides, n_files)?;
    }
    text += "\nTrivial stages (`cat | head` of two files and a parameter); the first `repro` starts three processes for each:\n\n\
             | stages | first `repro` | `repro`, nothing to do | `repro --dry` |\n|---|---|---|---|\n";
    for n_stages in N_STAGES.into_iter().filter(is_wanted(options.n_stages)) {
        text += &stages(sides, n_stages)?;
    }
    let path = root().join("docs/versions-cost.md");
    fs::write(&path, text)?;
    println!("wrote {}", path.display());
    Ok(())
}

fn files(sides: &Sides, n_files: usize) -> Result<String> {
    println!("\n{n_files} files");
    generate::small(&sides.work.join("small"), n_files, SIZES)?;
    sides.begin(Some("hardlink"))?;
    sides.each("mv ../small data")?;
    let add = sides.measure_once("add", "add data")?;
    let status = sides.measure("status", "status", "true")?;
    let checkout = sides.measure("checkout", "checkout", "away data")?;
    sides.each("printf \"[core]\\n    remote = r\\n['remote \\\"r\\\"']\\n    url = ../../remote\\n\" >> .dvc/config")?;
    let push = sides.measure_once("push", "push")?;
    sides.each("away .dvc/cache data")?;
    let pull = sides.measure_once("pull", "pull")?;
    sides.each("away .dvc/cache data ../remote")?;
    row(n_files, &[add, status, checkout, push, pull])
}

fn stages(sides: &Sides, n_stages: usize) -> Result<String> {
    println!("\n{n_stages} stages");
    sides.begin(None)?;
    generate::pipeline(&sides.work.join("everloop"), n_stages)?;
    sides.each("git add -A; git commit -q -m 1")?;
    let first = sides.measure_once("repro, first", "repro")?;
    sides.each("git add -A; git commit -q -m 2")?;
    let again = sides.measure("repro, nothing to do", "repro", "true")?;
    let dry = sides.measure("repro --dry", "stages", "true")?;
    row(n_stages, &[first, again, dry])
}

fn row(n_things: usize, costs: &[Cost]) -> Result<String> {
    let mut line = format!("| {} |", with_commas(n_things));
    for cost in costs {
        let megabytes = cost.memory / 1e6;
        let time = match cost.wall {
            wall if wall < 1.0 => format!("{:.0} ms", wall * 1e3),
            wall => format!("{wall:.1} s"),
        };
        write!(line, " {time} ({megabytes:.0} MB) |")?;
    }
    Ok(line + "\n")
}

/// `1000000` as `1,000,000`.
fn with_commas(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The processor, how many cores there are, and the day.
fn machine() -> Result<String> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|rest| rest.split_once(": "))
        .map_or("an unknown processor", |(_, name)| name);
    let n_cores = std::thread::available_parallelism()?;
    let today = std::process::Command::new("date")
        .args(["-u", "+%F"])
        .output()?;
    let today = String::from_utf8(today.stdout).context("an odd date")?;
    Ok(format!("{n_cores} cores of {model}, {}", today.trim()))
}
