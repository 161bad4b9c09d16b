//! `train.tune`: searches from end to end, as people and MLflow's client see them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use everloop_testkit::{TestProject, Up, test_python};
use serde_json::Value;

use crate::projects::{BINARY, line_rows};

/// A project that searches; `train` is the whole section.
fn searching(n_rows: usize, train: &str) -> TestProject {
    let lifecycle = format!(
        "
version: 1
project: line
sources:
  rows: {{path: data/line.csv}}
dataset: {{table: rows, target: y}}
split: {{by: random, train: 0.6, validation: 0.2, test: 0.2}}
train:
{train}
evaluate: {{metrics: [rmse, mae]}}
"
    );
    let project = TestProject::new(BINARY, &lifecycle);
    project.write("data/line.csv", line_rows(0, n_rows, 2.0));
    project
}

const TREE: &str = "
  task: regression
  trainer: tree
  parameters: {min_samples_leaf: 2}
  tune:
    trials: 6
    minimize: rmse
    sampler: random
    space: {depth: {low: 1, high: 9}}
";

fn run(project: &TestProject) -> Value {
    project.succeed(&["run", "--format", "json"]).json()
}

/// The runs of the trials of the latest cycle, by number.
fn trials(project: &TestProject) -> Vec<Value> {
    let listed = project
        .succeed(&["runs", "list", "--limit", "1000", "--format", "json"])
        .json();
    let mut trials: Vec<Value> = listed.as_array().unwrap().clone();
    trials.retain(|run| run["tags"]["everloop.trial"].is_string());
    trials.sort_by_key(|run| {
        run["tags"]["everloop.trial"]
            .as_str()
            .unwrap()
            .parse::<usize>()
            .unwrap()
    });
    trials
}

fn parent(project: &TestProject) -> Value {
    let listed = project
        .succeed(&["runs", "list", "--limit", "1000", "--format", "json"])
        .json();
    let runs = listed.as_array().unwrap();
    runs.iter()
        .find(|run| run["tags"]["everloop.best_trial"].is_string())
        .unwrap()
        .clone()
}

/// A file among the artifacts of a run.
fn artifact(project: &TestProject, name: &str) -> String {
    let mut dirs = vec![project.dir().join(".everloop/artifacts")];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            if entry.path().is_dir() {
                dirs.push(entry.path());
            } else if entry.file_name() == name {
                return std::fs::read_to_string(entry.path()).unwrap();
            }
        }
    }
    panic!("no artifact `{name}`");
}

#[test]
fn the_best_parameters_are_found_trained_with_and_shown() {
    let project = searching(300, TREE);
    let ran = project.succeed(&["run"]);
    assert!(
        ran.stderr.contains("the best parameters, to be pasted"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("/6  trial 0: rmse"), "{}", ran.stderr);
    let (trials, parent) = (trials(&project), parent(&project));
    assert_eq!(trials.len(), 6);
    let score = |run: &Value| run["metrics"]["rmse"].as_f64().unwrap();
    let best = trials
        .iter()
        .min_by(|left, right| score(left).total_cmp(&score(right)))
        .unwrap();
    assert_eq!(
        best["tags"]["everloop.trial"],
        parent["tags"]["everloop.best_trial"]
    );
    assert!(
        trials
            .iter()
            .all(|trial| trial["tags"]["mlflow.parentRunId"] == parent["id"])
    );
    assert_eq!(parent["params"]["depth"], best["params"]["depth"]);
    assert_eq!(parent["params"]["min_samples_leaf"], "2");
    let depth = best["params"]["depth"].as_str().unwrap();
    assert!(
        ran.stderr.contains(&format!("    depth: {depth}\n")),
        "{}",
        ran.stderr
    );
    let record: Value = serde_json::from_str(&artifact(&project, "tuning.json")).unwrap();
    assert_eq!(record["trials"].as_array().unwrap().len(), 6);
    assert!(artifact(&project, "tuning.html").contains("Parallel coordinates"));
    assert!(artifact(&project, "best_parameters.yaml").contains(&format!("depth: {depth}")));
    assert_eq!(
        std::fs::read_dir(project.dir().join(".everloop/tuning"))
            .unwrap()
            .count(),
        0
    );

    let ran = project.succeed(&["run", "--format", "json"]);
    assert!(!ran.stderr.contains("/6  trial"), "{}", ran.stderr);
    let again = ran.json();
    assert_eq!(again["tuned"]["parameters"]["depth"].to_string(), depth);
    let id = parent["id"].as_str().unwrap();
    let compared = project.succeed(&["runs", "compare", id]);
    assert_eq!(
        compared
            .stdout
            .lines()
            .filter(|line| line.contains("trial-"))
            .count(),
        6,
        "{}",
        compared.stdout
    );
    assert_eq!(
        compared.stdout.matches("* ").count(),
        1,
        "{}",
        compared.stdout
    );
    let child = trials[0]["id"].as_str().unwrap();
    let refused = project.run(&["runs", "compare", child]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
}

#[test]
fn what_a_killed_search_has_found_is_kept() {
    let slow = "
  task: regression
  trainer: boosting
  tune:
    trials: 8
    minimize: rmse
    parallel: 2
    space: {trees: {low: 100, high: 200}, learning_rate: {low: 0.01, high: 0.3, log: true}}
";
    let whole = searching(2000, slow);
    let expected = run(&whole);
    let project = searching(2000, slow);
    let mut child = project
        .command(&["run"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let journal = project.dir().join(".everloop/tuning");
    let n_kept = || -> usize {
        let files = std::fs::read_dir(&journal).into_iter().flatten().flatten();
        files
            .map(|file| {
                std::fs::read_to_string(file.path())
                    .unwrap_or_default()
                    .lines()
                    .count()
            })
            .sum()
    };
    let began = Instant::now();
    while n_kept() < 3 && child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_mins(2), "no trial ended");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let n_kept = n_kept();
    assert!((3..8).contains(&n_kept), "{n_kept} trials were kept");
    let ran = project.succeed(&["run", "--format", "json"]);
    let told = ran
        .stderr
        .lines()
        .filter(|line| line.contains("/8  trial"))
        .count();
    assert_eq!(told, 8 - n_kept, "{}", ran.stderr);
    assert_eq!(
        ran.json()["tuned"]["parameters"],
        expected["tuned"]["parameters"]
    );
    let (trials, others) = (trials(&project), trials(&whole));
    assert_eq!(trials.len(), 8);
    for (trial, other) in trials.iter().zip(&others) {
        assert_eq!(trial["params"], other["params"]);
        assert_eq!(trial["metrics"], other["metrics"]);
        assert_eq!(trial["status"], "FINISHED", "{trial}");
    }
}

#[test]
fn trainers_compete_on_folds_and_a_failure_stops_nothing() {
    // Ten thousand rounds are late.
    let project = searching(
        20_000,
        "
  task: regression
  tune:
    sampler: grid
    minimize: [rmse, mae]
    cross_validation: {folds: 2, group: group}
    trial_timeout: 3s
    space:
      trainer: {choices: {boosting: {trees: 10000}, tree: {depth: [2, 4]}}}
",
    );
    let report = run(&project);
    assert_eq!(report["tuned"]["trainer"], "tree", "{report}");
    assert_eq!(report["tuned"]["n_trials"]["failed"], 1);
    let trials = trials(&project);
    assert_eq!(trials.len(), 3);
    let failed = trials
        .iter()
        .find(|trial| trial["params"]["trainer"] == "boosting")
        .unwrap();
    assert_eq!(failed["status"], "FAILED");
    assert!(
        failed["tags"]["everloop.trial.problem"]
            .as_str()
            .unwrap()
            .contains("took longer"),
        "{failed}"
    );
    assert_eq!(parent(&project)["params"]["everloop.trainer"], "tree");
    assert!(artifact(&project, "tuning.html").contains("Pareto front"));
}

#[test]
fn laggards_are_ended_early() {
    let project = searching(
        300,
        "
  task: regression
  trainer: boosting
  tune:
    trials: 12
    minimize: rmse
    sampler: random
    pruner: {asha: {min_resource: 2, reduction_factor: 2}}
    parallel: 1
    space: {learning_rate: {low: 0.001, high: 1, log: true}, trees: 16, depth: 2}
",
    );
    let report = run(&project);
    assert!(
        report["tuned"]["n_trials"]["pruned"].as_u64().unwrap() > 2,
        "{report}"
    );
    let trials = trials(&project);
    let pruned = trials
        .iter()
        .find(|trial| trial["tags"]["everloop.trial.state"] == "pruned")
        .unwrap();
    assert_eq!(pruned["status"], "KILLED");
    assert!(
        pruned["metrics"]["rmse"].is_number(),
        "what it saw on its way is kept: {pruned}"
    );
}

#[test]
fn searches_that_cannot_find_anything_say_why() {
    let check = |train: &str, code: i32, words: &str| {
        let project = searching(60, train);
        let ran = project.run(&["run"]);
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    };
    let tree = |tune: &str| format!("  task: regression\n  trainer: tree\n  tune: {tune}\n");
    check(
        &tree("{minimize: rmse, space: {dept: {low: 1, high: 2}}}"),
        10,
        "did you mean `depth`?",
    );
    check(
        &tree("{minimize: rmse, space: {depth: {low: 0, high: 2000}}}"),
        10,
        "parameter `depth` is 2000",
    );
    check(
        &tree("{minimize: rmse, space: {depth: [deep]}}"),
        10,
        "parameter `depth` is deep",
    );
    check(
        &tree("{maximize: rmse, space: {depth: [1, 2]}}"),
        10,
        "looks for the worst model",
    );
    let folds = "{minimize: rmse, cross_validation: {folds: 50}, space: {depth: [1, 2]}}";
    check(
        &tree(folds),
        20,
        "36 train rows cannot be divided into 50 folds",
    );
    let late = "{minimize: rmse, trials: 1000000, timeout: 1s, sampler: random, space: {depth: {low: 1, high: 9}}}";
    let project = searching(60, &tree(late));
    let report = run(&project);
    assert!(report["tuned"]["n_trials"]["complete"].as_u64().unwrap() < 1_000_000);
    let project = searching(
        60,
        &tree("{minimize: rmse, trials: 1, space: {depth: [3]}}"),
    );
    assert_eq!(run(&project)["tuned"]["parameters"]["depth"], 3);
    let all_fail = "  task: regression\n  trainer: linear\n  tune: {minimize: rmse, trials: 3, space: {l2: {low: 0.1, high: 1}}}\n";
    let project = searching(60, all_fail);
    // Squares of such errors are no numbers.
    let rows = line_rows(0, 60, 2.0)
        .replace(",a,", ",a,1e300")
        .replace(",b,", ",b,-1e300");
    let rows: Vec<&str> = rows.lines().collect();
    let huge = |line: &&str| {
        line.split_once("e300")
            .map_or((*line).to_owned(), |(start, _)| format!("{start}e300"))
    };
    project.write(
        "data/line.csv",
        rows.iter().map(huge).collect::<Vec<_>>().join("\n"),
    );
    let ran = project.run(&["run"]);
    assert_eq!(ran.code, 20, "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("none of 3 trials of `train.tune` could be scored; the first: "),
        "{}",
        ran.stderr
    );
}

fn client(python: PathBuf, project: &TestProject, arguments: &[&str]) {
    let up = Up::start(project.command(&["up", "--port", "0", "--no-controller"]));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/tuning.py");
    let output = Command::new(python)
        .arg(script)
        .arg(up.url())
        .args(arguments)
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert!(output.stdout.ends_with(b"ok\n"), "{words}");
    assert_eq!(up.stop(), 0);
}

#[test]
fn the_client_of_mlflow_sees_the_search_and_its_trials() {
    let Some(python) = test_python() else {
        return;
    };
    let project = searching(
        300,
        "
  task: regression
  trainer: boosting
  tune: {trials: 3, minimize: rmse, space: {learning_rate: {low: 0.05, high: 0.5}, trees: 8}}
",
    );
    project.succeed(&["run"]);
    client(python, &project, &["3"]);
}

/// Trains a model that the search scores by what it logs.
const SCRIPT: &str = "
import json, os
import mlflow, pandas
from sklearn.linear_model import Ridge
parameters = json.loads(os.environ['EVERLOOP_PARAMETERS'])
target = os.environ['EVERLOOP_TARGET']
train, validation = (pandas.read_parquet(os.environ[name])[['x', target]] for name in ('EVERLOOP_TRAIN', 'EVERLOOP_VALIDATION'))
model = Ridge(alpha=parameters['alpha']).fit(train[['x']], train[target])
error = ((model.predict(validation[['x']]) - validation[target]) ** 2).mean() ** 0.5
with mlflow.start_run():
    mlflow.log_metric('rmse', error)
mlflow.sklearn.save_model(model, os.environ['EVERLOOP_OUTPUT'] + '/model', input_example=train[['x']].head(3))
";

#[test]
fn commands_are_searched_by_what_they_log() {
    if test_python().is_none() {
        return;
    }
    let project = searching(
        120,
        "
  task: regression
  run: python train.py
  tune: {sampler: grid, minimize: rmse, space: {alpha: [100000.0, 0.001]}}
",
    );
    project.write("train.py", SCRIPT);
    let until_train = ["run", "--until", "train", "--format", "json"];
    let report = project.succeed(&until_train).json();
    assert_eq!(report["tuned"]["parameters"]["alpha"], 0.001, "{report}");
    assert_eq!(trials(&project).len(), 2);
}

#[test]
fn scores_of_trials_count_rows_by_their_weight() {
    let lifecycle = "
version: 1
project: weighted
sources:
  rows: {path: data/rows.csv}
dataset: {table: rows, target: y, weight: w}
split: {by: random}
train:
  task: regression
  trainer: tree
  tune: {trials: 2, minimize: rmse, space: {depth: {low: 5, high: 8}}}
evaluate: {metrics: [rmse]}
";
    let project = TestProject::new(BINARY, lifecycle);
    // Every other row is wrong, and does not count.
    let rows = (0..800).map(|row| match row % 2 {
        0 => format!("{row},{row},1\n"),
        _ => format!("{row},-5000,0\n"),
    });
    let rows = std::iter::once("x,y,w\n".to_owned()).chain(rows);
    project.write("data/rows.csv", rows.collect::<String>());
    run(&project);
    let trials = trials(&project);
    assert_eq!(trials.len(), 2);
    for trial in trials {
        let rmse = trial["metrics"]["rmse"].as_f64().unwrap();
        assert!(rmse < 100.0, "{trial}");
    }
}
