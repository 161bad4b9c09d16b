//! Projects that several tests use.

use std::fmt::Write as _;
use std::path::Path;

use everloop_testkit::{TestProject, shared_data};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_everloop");

/// A project that `everloop init` makes.
pub(crate) fn sample() -> TestProject {
    let project = TestProject::new(BINARY, "");
    std::fs::remove_file(project.dir().join("everloop.yaml")).unwrap();
    project.succeed(&["init"]);
    project
}

/// A small regression project: `y` is about `2 x`, `group` has two values, `id` is unique.
pub(crate) fn line(n_rows: usize) -> TestProject {
    let project = TestProject::new(BINARY, LINE);
    project.write("data/line.csv", line_rows(0, n_rows, 2.0));
    project
}

/// Rows of [`line`] with a slope.
pub(crate) fn line_rows(first: usize, n_rows: usize, slope: f64) -> String {
    let mut text = String::from("id,x,group,y\n");
    for id in first..first + n_rows {
        let x = (id * 37 % 101) as f64 / 10.0;
        let noise = (id * 17 % 23) as f64 / 100.0;
        let _ = writeln!(
            text,
            "{id},{x},{},{:.3}",
            ["a", "b"][id % 2],
            slope * x + noise
        );
    }
    text
}

const LINE: &str = "
version: 1
project: line
sources:
  rows: {path: data/line.csv}
checks:
  rows:
    columns: {id: {unique: true}, y: {type: number, required: true}}
dataset: {table: rows, target: y, exclude: [id]}
split: {by: random, train: 0.6, validation: 0.2, test: 0.2}
train: {task: regression, trainer: linear}
evaluate: {metrics: [rmse, mae, r2], slices: [group]}
gates: [rmse < 5]
monitor:
  window: 50
  labels: {key: id, delay: 1s}
retrain:
  when: ['rmse > 1.5 * baseline.rmse']
  cooldown: 1s
";

/// The bike-sharing project, with the benchmark's lifecycle file and more.
pub(crate) fn bike(lifecycle: &str) -> Option<TestProject> {
    let data = shared_data("bike_sharing/hour.csv")?;
    let project = TestProject::new(BINARY, lifecycle);
    project.copy(&data, "data/hour.csv");
    Some(project)
}

/// Copies every file of a data set whose name ends so.
pub(crate) fn copy_all(project: &TestProject, folder: &Path, ending: &str) -> usize {
    let mut n_copied = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(ending) {
            project.copy(&path, &format!("data/{name}"));
            n_copied += 1;
        }
    }
    n_copied
}
