//! The data and the pipelines that are worked on: the same in each run.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Result;

/// Files of a directory.
const N_TOGETHER: usize = 500;
/// Stages of a layer; each needs two of the layer before it.
const WIDTH: usize = 10;

/// A generator of numbers (xorshift) with a fixed seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A file of so many MiB.
pub(super) fn big(path: &Path, n_mib: usize) -> Result<()> {
    let mut numbers = Numbers(1);
    let mut file = BufWriter::new(File::create(path)?);
    let mut chunk = vec![0; 1 << 20];
    for _ in 0..n_mib {
        numbers.fill(&mut chunk);
        file.write_all(&chunk)?;
    }
    file.flush()?;
    Ok(())
}

/// A directory of files of `least..most` bytes.
pub(super) fn small(dir: &Path, n_files: usize, (least, most): (u64, u64)) -> Result<()> {
    let mut numbers = Numbers(2);
    let mut bytes = Vec::new();
    for index in 0..n_files {
        let below = dir.join(format!("{:04}", index / N_TOGETHER));
        if index % N_TOGETHER == 0 {
            fs::create_dir_all(&below)?;
        }
        let size = least + numbers.next() % (most - least);
        bytes.resize(usize::try_from(size)?, 0);
        numbers.fill(&mut bytes);
        let name = format!("f{:03}.bin", index % N_TOGETHER);
        fs::write(below.join(name), &bytes)?;
    }
    Ok(())
}

/// A pipeline of trivial stages: a script, two files and a parameter go into each.
pub(super) fn pipeline(dir: &Path, n_stages: usize) -> Result<()> {
    fs::create_dir_all(dir.join("out"))?;
    fs::write(dir.join("out/.keep"), "")?;
    fs::write(dir.join("work.sh"), "cat \"$@\" | head -c 64\n")?;
    fs::write(dir.join("seed.txt"), "seed\n")?;
    let (mut params, mut stages) = (String::new(), String::from("stages:\n"));
    for index in 0..n_stages {
        let (layer, place) = (index / WIDTH, index % WIDTH);
        let needed = match layer.checked_sub(1) {
            None => vec!["seed.txt".to_owned()],
            Some(above) => [place, (place + 3) % WIDTH]
                .map(|place| format!("out/s{}.txt", above * WIDTH + place))
                .into(),
        };
        let out = format!("out/s{index}.txt");
        writeln!(params, "p{index}: {index}")?;
        write!(
            stages,
            "  s{index}:\n    cmd: sh work.sh {} > {out}; echo {index} >> {out}\n    deps:\n    - work.sh\n",
            needed.join(" ")
        )?;
        for path in &needed {
            writeln!(stages, "    - {path}")?;
        }
        write!(
            stages,
            "    params:\n    - p{index}\n    outs:\n    - {out}\n"
        )?;
    }
    fs::write(dir.join("params.yaml"), params)?;
    fs::write(dir.join("dvc.yaml"), stages)?;
    // The same commands without any tool.
    let lines = fs::read_to_string(dir.join("dvc.yaml"))?;
    let commands = lines
        .lines()
        .filter_map(|line| line.trim().strip_prefix("cmd: "))
        .fold(String::new(), |all, line| all + "sh -c '" + line + "'\n");
    fs::write(dir.join("all.sh"), commands)?;
    Ok(())
}
