//! Adult census: the published test split, and fairness that stops a promotion.

use everloop_testkit::{TestProject, shared_data};

use crate::projects::BINARY;

const LIFECYCLE: &str = "
version: 1
project: adult
sources:
  train: {path: data/adult_train.parquet}
  test: {path: data/adult_test.parquet}
checks:
  train:
    columns:
      income: {in: ['<=50K', '>50K']}
      age: {type: integer, min: 17, max: 90}
prepare:
  - table: people
    sql: >
      select *, case when row_number() over () % 10 = 0 then 'validation' else 'train' end as part from train
      union all select *, 'test' as part from test
dataset: {table: people, target: income, exclude: [part]}
split: {by: column, column: part}
train:
  task: binary
  trainer: boosting
evaluate:
  metrics: [accuracy, roc_auc, precision, recall, f1, log_loss]
  slices: [sex]
  fairness: {groups: [sex, race]}
gates: [accuracy >= 0.86]
";

fn project(gates: &str) -> Option<TestProject> {
    let train = shared_data("adult_census/adult_train.parquet")?;
    let test = shared_data("adult_census/adult_test.parquet")?;
    let project = TestProject::new(BINARY, &LIFECYCLE.replace("[accuracy >= 0.86]", gates));
    project.copy(&train, "data/adult_train.parquet");
    project.copy(&test, "data/adult_test.parquet");
    Some(project)
}

#[test]
fn boosting_reaches_86_percent_on_the_published_split() {
    let Some(project) = project("[accuracy >= 0.86]") else {
        return;
    };
    let report = project.succeed(&["run", "--format", "json"]).json();
    assert_eq!(report["outcome"], "promoted");
    assert!(
        report["metrics"]["accuracy"].as_f64().unwrap() >= 0.86,
        "{}",
        report["metrics"]
    );
    assert_eq!(report["metrics"]["n_rows"].as_f64(), Some(16_281.0));
    for name in [
        "demographic_parity_difference.sex",
        "equalized_odds_difference.race",
    ] {
        let value = report["metrics"][name].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&value), "{name} = {value}");
    }
}

#[test]
fn an_unfair_candidate_is_refused_by_name_of_the_group() {
    let Some(project) = project("[accuracy >= 0.86, equalized_odds_difference <= 0.05]") else {
        return;
    };
    let ran = project.run(&["run"]);
    assert_eq!(ran.code, 21, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("equalized_odds_difference"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("`sex`") || ran.stderr.contains("`race`"),
        "{}",
        ran.stderr
    );
    let status = project.status();
    assert_eq!(status["cycles"][0]["outcome"], "rejected");
    assert_eq!(
        status["cycles"][0]["champion_version"],
        serde_json::Value::Null
    );
}
