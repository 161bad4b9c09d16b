//! Evaluation from end to end: reports and model cards, gates that warn, thresholds, groups, champions.

use std::fmt::Write as _;
use std::path::PathBuf;

use everloop_testkit::{TestProject, shared_data};
use serde_json::Value;

use crate::projects::{BINARY, line};

/// An artifact of the newest cycle's run.
fn artifact(project: &TestProject, name: &str) -> PathBuf {
    let status = project.status();
    let run = status["cycles"][0]["run_id"].as_str().unwrap();
    let experiments = std::fs::read_dir(project.dir().join(".everloop/artifacts")).unwrap();
    let mut found = experiments.map(|it| it.unwrap().path().join(run).join("artifacts").join(name));
    found
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("no artifact `{name}`"))
}

fn text(project: &TestProject, name: &str) -> String {
    std::fs::read_to_string(artifact(project, name)).unwrap()
}

fn evaluation(project: &TestProject) -> Value {
    serde_json::from_str(&text(project, "evaluation.json")).unwrap()
}

/// A page that needs nothing from anywhere, and in which every picture has words.
#[track_caller]
fn check_page(page: &str, parts: &[&str]) {
    for part in ["http://", "https://", "<script", "NaN", "inf,"] {
        assert!(!page.contains(part), "`{part}` is in the page");
    }
    let n_pictures = page.matches("<svg").count();
    assert_eq!(
        page.matches("role=\"img\" aria-label=\"").count(),
        n_pictures
    );
    for part in parts {
        assert!(page.contains(part), "`{part}` is not in the page");
    }
}

const ADULT: &str = "
version: 1
project: adult
sources:
  train: {path: data/adult_train.parquet}
  test: {path: data/adult_test.parquet}
prepare:
  - table: people
    sql: >
      select *, case when row_number() over () % 10 = 0 then 'validation' else 'train' end as part from train
      union all select *, 'test' as part from test
dataset: {table: people, target: income, exclude: [part]}
split: {by: column, column: part}
train: {task: binary, trainer: boosting, parameters: {trees: 25}}
evaluate:
  slices: [sex]
  fairness: {groups: [sex, race], metrics: {selection_rate_difference: {max: 0.9}}}
  card: {intended_use: Research., owner: Ada}
gates:
  - roc_auc.lower > 0.8
  - accuracy.sex.min > 0.7
  - {gate: equalized_odds_difference <= 0.001, else: warn}
  - package_mb < 50 and train_seconds < 10000
";

#[test]
fn a_warning_does_not_refuse_and_everything_is_in_the_report() {
    let (Some(train), Some(test)) = (
        shared_data("adult_census/adult_train.parquet"),
        shared_data("adult_census/adult_test.parquet"),
    ) else {
        return;
    };
    let project = TestProject::new(BINARY, ADULT);
    project.copy(&train, "data/adult_train.parquet");
    project.copy(&test, "data/adult_test.parquet");
    let ran = project.succeed(&["run"]);
    assert!(
        ran.stderr
            .contains("warn   equalized_odds_difference <= 0.001"),
        "{}",
        ran.stderr
    );
    let status = project.status();
    let cycle = &status["cycles"][0];
    assert_eq!(cycle["outcome"], "promoted");
    let verdicts: Vec<&str> = cycle["gates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gate| gate["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts[..4], ["pass", "pass", "warn", "pass"], "{cycle}");
    assert!(
        cycle["gates"]
            .as_array()
            .unwrap()
            .iter()
            .all(|gate| gate["passed"] == true)
    );
    let found = evaluation(&project);
    assert_eq!(found["intervals"]["roc_auc"]["method"], "DeLong");
    assert_eq!(
        found["groups"].as_array().unwrap().len(),
        3,
        "two columns and both together"
    );
    assert!(!found["weak_slices"].as_array().unwrap().is_empty());
    assert!(found["explanation"]["shap"]["n_rows"].as_u64().unwrap() >= 20);
    check_page(
        &text(&project, "evaluation.html"),
        &[
            "Confusion matrix",
            "ROC curve",
            "Calibration",
            "SHAP values",
            "Partial dependence",
            "By sex, race",
            "Robustness",
            "badge warn",
        ],
    );
    check_page(
        &text(&project, "model_card.html"),
        &["Research.", "sha256:"],
    );
    let card = text(&project, "model_card.md");
    assert!(
        card.contains("| accuracy | 0.8") && card.contains("**owner**: Ada"),
        "{card}"
    );
}

/// People of two groups; of the second one `x` tells less, so that fewer of its good ones are found.
fn groups(evaluate: &str) -> TestProject {
    let lifecycle = format!(
        "
version: 1
project: groups
sources: {{rows: {{path: data/rows.csv}}}}
dataset: {{table: rows, target: y}}
split: {{by: random, train: 0.4, validation: 0.3, test: 0.3}}
train: {{task: binary, trainer: logistic}}
evaluate: {evaluate}
"
    );
    let project = TestProject::new(BINARY, &lifecycle);
    let mut rows = String::from("x,g,y\n");
    for id in 0..3000_u32 {
        let g = ["a", "b"][(id % 2) as usize];
        let worth = f64::from(id * 37 % 101) / 100.0;
        let noise = f64::from(id * 7919 % 97) / 97.0 - 0.5;
        let x = worth + noise * if g == "b" { 2.0 } else { 0.4 };
        let _ = writeln!(rows, "{x:.4},{g},{}", u8::from(worth > 0.6));
    }
    project.write("data/rows.csv", rows);
    project
}

#[test]
fn a_threshold_by_costs_is_part_of_the_model() {
    let wanted = "{threshold: {minimize: cost, costs: {false_positive: 1, false_negative: 8}}, metrics: [recall, accuracy]}";
    let (plain, cheap) = (groups("{metrics: [recall, accuracy]}"), groups(wanted));
    plain.succeed(&["run"]);
    cheap.succeed(&["run"]);
    let (before, after) = (evaluation(&plain), evaluation(&cheap));
    let recall = |it: &Value| it["metrics"]["recall"].as_f64().unwrap();
    assert!(
        recall(&after) > recall(&before),
        "{} {}",
        recall(&before),
        recall(&after)
    );
    let decided = &after["decided"][0];
    let cost = |when: &str| decided[when]["cost_per_row"].as_f64().unwrap();
    assert!(cost("after") < cost("before"), "{decided}");
    assert!(decided["threshold"].as_f64().unwrap() < 0.5, "{decided}");
    assert!(text(&cheap, "evaluation.html").contains("Decisions"));
}

#[test]
fn groups_get_thresholds_of_their_own() {
    let fairness = |mitigate: &str| format!("{{fairness: {{groups: [g]{mitigate}}}}}");
    let plain = groups(&fairness(", tolerance: 0.05"));
    let fair = groups(&fairness(
        ", mitigate: group_thresholds, parity: true_positive_rate, tolerance: 0.02",
    ));
    plain.succeed(&["run"]);
    fair.succeed(&["run"]);
    let name = "equal_opportunity_difference";
    let on_test = |project: &TestProject| evaluation(project)["metrics"][name].as_f64().unwrap();
    let decided = evaluation(&fair)["decided"][0].clone();
    assert!(
        decided["after"][name].as_f64().unwrap() <= 0.02 + 1e-9,
        "{decided}"
    );
    assert!(
        decided["after"][name].as_f64() < decided["before"][name].as_f64(),
        "{decided}"
    );
    assert!(
        on_test(&fair) < on_test(&plain),
        "{} {}",
        on_test(&fair),
        on_test(&plain)
    );
}

#[test]
fn reweighing_makes_the_target_independent_of_the_group() {
    let project = groups("{fairness: {groups: [g], mitigate: reweighing}}");
    project.succeed(&["run"]);
    let decided = evaluation(&project)["decided"][0].clone();
    assert!(
        decided["after"]["base_rate_difference"].as_f64().unwrap() < 1e-9,
        "{decided}"
    );
}

#[test]
fn thresholds_of_groups_need_the_column() {
    let project = groups("{fairness: {groups: [g], mitigate: group_thresholds}}");
    let ran = project.run(&["run", "--set", "dataset.exclude=[g]"]);
    assert_eq!(ran.code, 10, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("needs `g` as an input"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_same_inputs_give_the_same_card() {
    let (one, other) = (line(300), line(300));
    one.succeed(&["run"]);
    other.succeed(&["run"]);
    for name in ["model_card.md", "model_card.html"] {
        assert_eq!(text(&one, name), text(&other, name), "{name}");
    }
}

#[test]
fn candidate_and_champion_are_compared_in_pairs() {
    let project = line(400);
    project.succeed(&["run"]);
    let report = project
        .succeed(&[
            "run",
            "--format",
            "json",
            "--set",
            "train.parameters.l2=1000",
            "--set",
            "gates=[champion.p_value >= 0, champion.difference.upper > -1000, rmse.group.max < 1000]",
        ])
        .json();
    assert_eq!(report["outcome"], "promoted", "{report}");
    let found = evaluation(&project);
    let paired = found["comparison"].as_array().unwrap();
    assert_eq!(paired.len(), 3, "{paired:?}");
    assert_eq!(paired[0]["test"], "paired bootstrap");
    assert_eq!(paired[1]["test"], "paired normal");
    check_page(
        &text(&project, "evaluation.html"),
        &["Candidate less champion", "Residuals"],
    );
}
