//! Bike sharing: demand grows, the loop has to follow. Rows of 2011 and 2012, hour by hour.

use crate::projects::bike;

const LIFECYCLE: &str = "
version: 1
project: bike-demand
sources:
  rides: {path: data/hour.csv}
checks:
  rides:
    columns:
      cnt:     {type: integer, required: true, min: 0}
      season:  {in: [1, 2, 3, 4]}
      instant: {unique: true}
    rows: {min: 1000}
    rules: [{name: parts add up, sql: casual + registered = cnt}]
features:
  hour_sin: sin(2 * pi() * hr / 24)
  hour_cos: cos(2 * pi() * hr / 24)
dataset: {table: rides, target: cnt, time: dteday, exclude: [instant, casual, registered]}
split: {by: time, train: 0.8, validation: 0.1, test: 0.1}
train:
  task: regression
  trainer: boosting
  parameters: {trees: 100, learning_rate: 0.1}
evaluate: {metrics: [rmse, mae, r2], slices: [season, workingday]}
gates:
  - rmse < 120
  - rmse <= champion.rmse * 1.02
deploy: {model: bike-demand}
monitor:
  window: 7d
  labels: {key: instant, delay: 2d}
  drift: {columns: all, false_alarm_rate: 0.01}
retrain:
  schedule: monthly
  when: [drift, 'rmse > 1.2 * baseline.rmse']
  cooldown: 14d
";

#[test]
fn the_loop_follows_growing_demand() {
    let Some(project) = bike(LIFECYCLE) else {
        return;
    };
    let report = project
        .succeed(&["replay", "--from", "2011-07-01", "--format", "json"])
        .json();
    let served = report["served"]["rmse"].as_f64().unwrap();
    let first = report["first_model"]["rmse"].as_f64().unwrap();
    println!(
        "rmse as served {served:.1}, first model {first:.1}, cycles {}",
        report["cycles"]
    );
    assert!(
        served <= 0.85 * first,
        "served {served}, first model {first}"
    );
    assert!(
        report["cycles"]["promoted"].as_u64().unwrap() >= 2,
        "{}",
        report["cycles"]
    );
    assert_eq!(
        report["n_rows"].as_u64().unwrap(),
        17_379 - 4_250,
        "every hour since July is served once"
    );

    let status = project.status();
    let reasons: Vec<&str> = status["cycles"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|cycle| cycle["reason"].as_str())
        .collect();
    assert!(reasons.contains(&"drift"), "{reasons:?}");
}
