//! A bound of memory: an error that says what is needed, nothing half-written, and a next run that goes on.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use everloop_testkit::TestProject;

use crate::projects::BINARY;

const N_ROWS: usize = 40_000;

fn lifecycle(max_memory: &str) -> String {
    format!(
        "
version: 1
project: bounded
sources:
  rows: {{path: data/rows.csv}}
dataset: {{table: rows, target: y}}
split: {{by: random}}
train: {{task: regression, trainer: linear, max_memory: {max_memory}}}
gates: ['rmse < 100']
"
    )
}

fn rows() -> String {
    let mut text = String::from("a,b,c,y\n");
    for row in 0..N_ROWS {
        let noise = |step: usize| (row * step % 97) as f64;
        let (a, b, c) = (noise(31), noise(37), noise(53));
        let _ = writeln!(text, "{a},{b},{c},{}", a + 2.0 * b - c);
    }
    text
}

/// Files of this name below a directory.
fn files(dir: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else if entry.file_name() == name {
                found.push(entry.path());
            }
        }
    }
    found
}

#[test]
fn too_little_memory_is_an_error_and_leaves_nothing() {
    let project = TestProject::new(BINARY, &lifecycle("1MiB"));
    project.write("data/rows.csv", rows());
    let refused = project.run(&["run"]);
    assert_eq!(refused.code, 20, "{}", refused.stderr);
    assert!(
        refused
            .stderr
            .contains("of 3 encoded columns needs about 3 MiB, at most 1 MiB may be used")
            && refused.stderr.contains("`train.max_memory`"),
        "{}",
        refused.stderr
    );
    assert!(files(project.dir(), "model.onnx").is_empty());

    project.write("everloop.yaml", lifecycle("1GiB"));
    let report = project.succeed(&["run", "--format", "json"]).json();
    assert_eq!(report["outcome"], "promoted", "{report}");
}
