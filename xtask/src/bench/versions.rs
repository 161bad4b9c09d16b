//! `bench versions`: data versions and pipelines, Everloop beside DVC: the same work on the same data in one run.
//!
//! Each row tells of both programs wall time, CPU time (`c`) and peak memory, then DVC's costs as multiples of Everloop's. The page
//! cache is warm, commands alternate between the programs, and of repeated commands the best time counts. Rows in `` ` `` are the least
//! that must be done, with the system's own tools.

mod cost;
mod generate;
mod options;
mod sides;
mod table;

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use self::cost::Meter;
use self::options::Options;
use self::sides::Sides;
use super::server::binary;
use crate::command::{cargo, run as run_command};
use crate::setup;

pub(super) fn run(words: &[&str]) -> Result<()> {
    let options = Options::parse(words)?;
    let python = setup::run()?.python;
    let binary = if let Some(binary) = &options.binary {
        binary.clone()
    } else {
        run_command(&mut cargo(&["build", "--release", "--workspace"]))?;
        binary()?
    };
    let work = options
        .dir
        .join(format!("everloop-bench-{}", std::process::id()));
    fs::create_dir_all(work.join("home"))?;
    let meter = Meter {
        home: work.join("home"),
        python: python.clone(),
    };
    let dvc = python.with_file_name("dvc");
    let dvc = (!options.is_alone && !options.makes_table).then_some(dvc.as_path());
    let result = Sides::new((&binary, dvc), meter, &work, options.n_times).and_then(|sides| {
        if options.makes_table {
            return table::write(&sides, &options);
        }
        compare(&sides, &options)
    });
    fs::remove_dir_all(&work)?;
    result
}

fn compare(sides: &Sides, options: &Options) -> Result<()> {
    if options.has("big") {
        big(sides, options.n_mib)?;
    }
    if options.has("small") {
        small(sides, options.n_files.unwrap_or(50_000))?;
    }
    if options.has("pipe") {
        pipeline(sides, options.n_stages.unwrap_or(200))?;
    }
    Ok(())
}

/// One large file, beside a pass of MD5 over it and a copy of it.
fn big(sides: &Sides, n_mib: usize) -> Result<()> {
    println!("\none file of {n_mib} MiB");
    sides.head();
    let source = sides.work.join("big.bin");
    generate::big(&source, n_mib)?;
    // What the system still writes of the copy would be a cost of whoever comes next.
    let renew = "rm -rf .dvc/cache big.bin*; cp ../big.bin big.bin; sync big.bin";
    sides.begin(None)?;
    let add = sides.measure("add", "add big.bin", renew)?;
    sides.check_same("big.bin.dvc")?;
    sides.measure("add again", "add big.bin", "true")?;
    sides.measure("status", "status", "true")?;
    sides.measure("checkout", "checkout", "rm big.bin")?;
    sides.each("rm -rf .dvc/cache")?;
    let md5 = sides.floor("md5sum big.bin", "true")?;
    if crate::command::succeeds("openssl", &["version"]) {
        sides.floor("openssl md5 big.bin", "true")?;
    }
    sides.floor("cp big.bin copy.bin", "rm -f copy.bin")?;
    println!(
        "everloop's add is {:.2} times a pass of md5sum",
        add.wall / md5.wall
    );
    fs::remove_file(source)?;
    fs::remove_file(sides.work.join("copy.bin"))?;
    Ok(())
}

/// Many small files, with both ways to keep them.
fn small(sides: &Sides, n_files: usize) -> Result<()> {
    let source = sides.work.join("small");
    generate::small(&source, n_files, (500, 4000))?;
    for kind in ["hardlink", "copy"] {
        println!("\n{n_files} small files, cache.type {kind}");
        sides.head();
        sides.begin(Some(kind))?;
        let renew = "away .dvc/cache data data.dvc; cp -r ../small data";
        sides.measure("add", "add data", renew)?;
        sides.check_same("data.dvc")?;
        let md5 = data_md5(&sides.work.join("everloop/data.dvc"))?;
        let (dir, name) = md5.split_at(2);
        sides.check_same(&format!(".dvc/cache/files/md5/{dir}/{name}"))?;
        sides.measure("status", "status", "true")?;
        sides.measure("add again", "add data", "true")?;
        sides.measure("checkout", "checkout", "away data")?;
        sides.each("away ../remote-$(basename $PWD)")?;
        sides.each("printf \"[core]\\n    remote = r\\n['remote \\\"r\\\"']\\n    url = ../../remote-$(basename $PWD)\\n\" >> .dvc/config")?;
        sides.measure_once("push", "push")?;
        sides.measure("push again", "push", "true")?;
        sides.each("away .dvc/cache data")?;
        sides.measure_once("pull", "pull")?;
        sides.each("diff -r ../small data")?;
        sides.each("away ../remote-$(basename $PWD) .dvc/cache data")?;
    }
    sides.floor("find small -printf '%s %T@ %i\\n'", "true")?;
    sides.floor("find small -type f -print0 | xargs -0 md5sum", "true")?;
    sides.floor("cp -r small copy", "away copy")?;
    sides.floor("cp -rl small linked", "away linked")?;
    sides.meter.shell("away copy linked small", &sides.work)
}

/// A pipeline, from nothing and when nothing is to be done.
fn pipeline(sides: &Sides, n_stages: usize) -> Result<()> {
    println!("\n{n_stages} trivial stages");
    sides.head();
    let source = sides.work.join("pipe");
    generate::pipeline(&source, n_stages)?;
    sides.begin(None)?;
    sides.each("cp -r ../pipe/. .; git add -A; git commit -q -m 1")?;
    sides.measure_once("repro, first", "repro")?;
    sides.check_same("dvc.lock")?;
    sides.each("git add -A; git commit -q -m 2")?;
    sides.measure("repro, nothing to do", "repro", "true")?;
    sides.measure("status of stages", "stages", "true")?;
    sides.floor("cd bare; sh all.sh", "away bare; cp -r pipe bare")?;
    sides.meter.shell("away pipe bare", &sides.work)
}

/// The digest that a `.dvc` file tells.
fn data_md5(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file)?;
    let md5 = text
        .split("md5: ")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    ensure!(md5.is_some(), "`{}` tells no digest", file.display());
    Ok(md5.unwrap_or_default().to_owned())
}
