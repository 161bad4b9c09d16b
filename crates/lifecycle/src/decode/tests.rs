//! What a file is read as.

use std::time::Duration;

use everloop_domain::dataset::{ColumnRule, Format, PrepareStep, Severity};
use everloop_domain::{ColumnType, Value};

use super::*;
use crate::{Parsed, parse, plan};

/// The example of the design, as it stands there.
const DESIGN: &str = include_str!("../../tests/files/design.yaml");

/// Only what must be given.
const MINIMAL: &str = "\
version: 1
project: bikes
sources: {rides: {path: data/hour.csv}}
dataset: {table: rides, target: cnt}
train: {task: regression, trainer: linear}
";

fn read(text: &str) -> Lifecycle {
    let Parsed {
        lifecycle,
        diagnostics,
    } = parse(text, &[]);
    lifecycle.unwrap_or_else(|| panic!("{diagnostics:?}"))
}

#[test]
fn the_designs_example_is_read_whole() {
    let Parsed {
        lifecycle,
        diagnostics,
    } = parse(DESIGN, &[]);
    let codes: Vec<&str> = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect();
    assert_eq!(codes, ["W0402", "W0401", "W0401"], "{diagnostics:?}");
    let lifecycle = lifecycle.unwrap();
    assert_eq!(lifecycle.project, "bike-demand");
    assert_eq!(lifecycle.sources[0].path, "data/hour.csv");
    let rules: Vec<&ColumnRule> = lifecycle.checks[0]
        .columns
        .iter()
        .map(|check| &check.rule)
        .collect();
    assert_eq!(
        rules[..3],
        [
            &ColumnRule::Type(ColumnType::Integer),
            &ColumnRule::Required,
            &ColumnRule::Min(0.0)
        ]
    );
    assert_eq!(rules[4], &ColumnRule::Unique);
    assert_eq!(
        lifecycle.checks[0].rules[0].sql,
        "casual + registered = cnt"
    );
    let by = vec!["instant".to_owned()];
    assert_eq!(
        lifecycle.prepare[0],
        PrepareStep::Deduplicate {
            table: "rides".into(),
            by
        }
    );
    assert_eq!(lifecycle.features.len(), 2);
    assert_eq!(lifecycle.split.by, SplitBy::Time);
    assert_eq!(
        lifecycle.train.parameters["trees"],
        Value::Integer(300).into()
    );
    assert_eq!(
        lifecycle.train.parameters["learning_rate"],
        Value::Number(0.05).into()
    );
    let gates: Vec<&str> = lifecycle
        .gates
        .iter()
        .map(|gate| gate.text.as_str())
        .collect();
    assert_eq!(
        gates,
        [
            "rmse < 80",
            "rmse <= champion.rmse * 1.02",
            "latency_p99_ms < 5"
        ]
    );
    assert_eq!(
        lifecycle.monitor.labels.unwrap().delay,
        Duration::from_hours(48)
    );
    assert_eq!(lifecycle.retrain.schedule.unwrap().text(), "weekly");
}

#[test]
fn the_designs_example_is_up_to_date() {
    let design = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/design.md");
    let Ok(design) = std::fs::read_to_string(design) else {
        println!("skipped: the design is not here");
        return;
    };
    let example = design
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    assert_eq!(example, Some(DESIGN));
}

#[test]
fn a_minimal_file_gets_the_defaults() {
    let lifecycle = read(MINIMAL);
    assert!(lifecycle.sources[0].has_header);
    let split = Split {
        by: SplitBy::Random,
        train: 0.7,
        validation: 0.15,
        test: 0.15,
        seed: 0,
    };
    assert_eq!(lifecycle.split, split);
    assert_eq!(lifecycle.evaluate.metrics, ["rmse", "mae", "r2"]);
    assert_eq!(
        lifecycle.deploy,
        Deploy {
            model: "bikes".parse().unwrap(),
            approve: Approve::Auto
        }
    );
    assert_eq!(
        lifecycle.monitor.window,
        Window::Time(Duration::from_hours(24))
    );
    let drift = DriftSpec {
        columns: Columns::All,
        false_alarm_rate: 0.01,
        min_effect: 0.1,
    };
    assert_eq!(
        (lifecycle.monitor.drift, lifecycle.monitor.labels),
        (drift, None)
    );
    assert_eq!(lifecycle.retrain.cooldown, Duration::from_hours(6));
    assert_eq!(
        (lifecycle.retrain.when.len(), lifecycle.retrain.schedule),
        (0, None)
    );
}

#[test]
fn the_default_split_suits_the_data() {
    assert_eq!(
        read(&MINIMAL.replace("cnt}", "cnt, time: day}")).split.by,
        SplitBy::Time
    );
    let classes = MINIMAL.replace("regression, trainer: linear", "binary, trainer: logistic");
    let lifecycle = read(&classes);
    assert_eq!(lifecycle.split.by, SplitBy::Stratified);
    assert_eq!(lifecycle.evaluate.metrics.len(), 6);
}

#[test]
fn sections_may_be_commented_out() {
    let lifecycle = read(&(MINIMAL.to_owned() + "features:\n#  a: b\ngates:\nretrain:\n  when:\n"));
    assert!(lifecycle.features.is_empty() && lifecycle.gates.is_empty());
}

#[test]
fn sources_and_checks_take_their_settings() {
    let lifecycle = read(
        "
version: 1
project: bikes
sources:
  rides: {path: 'rides/*.txt', format: csv, delimiter: \"\\t\", header: false, null_values: [NA, -999]}
checks:
  rides:
    columns: {cnt: {min: 0, required: false, severity: warn}, plate: {pattern: '[A-Z]+', in: [a, 1, true]}}
    rows: {min: 10, severity: warn}
dataset: {table: rides, target: cnt}
split: {by: group, group: plate, seed: 7}
train: {task: regression, run: python train.py, deps: [train.py], timeout: 2h, seed: 3}
deploy: {approve: manual}
monitor: {window: 500, drift: {columns: [temp], min_effect: 0.2}}
",
    );
    let source = &lifecycle.sources[0];
    assert_eq!(
        (source.format, source.delimiter, source.has_header),
        (Some(Format::Csv), Some('\t'), false)
    );
    assert_eq!(source.null_values, ["NA", "-999"]);
    let checks = &lifecycle.checks[0];
    assert_eq!(
        (checks.columns.len(), checks.columns[0].severity),
        (3, Severity::Warn)
    );
    let set = vec![
        Value::Text("a".into()),
        Value::Integer(1),
        Value::Boolean(true),
    ];
    assert_eq!(checks.columns[2].rule, ColumnRule::In(set));
    assert_eq!(checks.rows.as_ref().unwrap().min, Some(10));
    assert_eq!(
        (&lifecycle.split.by, lifecycle.split.seed),
        (&SplitBy::Group("plate".into()), 7)
    );
    assert_eq!(
        lifecycle.train.trainer,
        Trainer::Command("python train.py".into())
    );
    assert_eq!(lifecycle.train.timeout, Some(Duration::from_hours(2)));
    assert_eq!(lifecycle.deploy.approve, Approve::Manual);
    assert_eq!(lifecycle.monitor.window, Window::Predictions(500));
    assert_eq!(
        lifecycle.monitor.drift.columns,
        Columns::Some(vec!["temp".into()])
    );
}

#[test]
fn features_stand_after_what_they_are_computed_from() {
    let lifecycle = read(&(MINIMAL.to_owned() + "features: {a: b + 1, b: c * 2, c: x, d: a}\n"));
    let names: Vec<&str> = lifecycle
        .features
        .iter()
        .map(|feature| feature.name.as_str())
        .collect();
    assert_eq!(names, ["c", "b", "a", "d"]);
}

#[test]
fn metrics_of_gates_and_conditions_are_measured() {
    let rest = "evaluate: {metrics: [r2]}\ngates: [mae < champion.mae]\nretrain: {when: [rmse > 1.2 * baseline.rmse]}\n";
    assert_eq!(
        read(&(MINIMAL.to_owned() + rest)).evaluate.metrics,
        ["r2", "mae", "rmse"]
    );
}

const BINARY: &str = "
version: 1
project: p
sources: {rows: {path: rows.csv}}
dataset: {table: rows, target: y}
train: {task: binary, trainer: logistic}
";

#[track_caller]
fn threshold(written: &str, expected: Option<crate::ThresholdGoal>) {
    let text = format!("{BINARY}evaluate: {{threshold: {written}}}\n");
    let lifecycle = crate::parse(&text, &[]).lifecycle;
    let found = lifecycle.map(|it| it.evaluate.threshold);
    assert_eq!(found, expected.map(Some), "{written}");
}

#[test]
fn thresholds_have_a_goal() {
    use crate::ThresholdGoal as Goal;
    let cost = Goal::Cost {
        false_positive: 1.0,
        false_negative: 5.0,
        true_positive: 0.0,
        true_negative: 0.0,
    };
    threshold("{minimize: cost, costs: {false_negative: 5}}", Some(cost));
    threshold("{maximize: f2}", Some(Goal::F { beta: 2.0 }));
    let recall = "{maximize: recall, where: precision >= 0.8}";
    threshold(recall, Some(Goal::RecallAtPrecision(0.8)));
    let precision = "{maximize: precision, where: recall >= 0.9}";
    threshold(precision, Some(Goal::PrecisionAtRecall(0.9)));
    threshold("{maximize: recall, where: precision <= 0.8}", None);
    threshold("{maximize: recall}", None);
    threshold("{minimize: cost, maximize: f1}", None);
    threshold("{}", None);
}

#[test]
fn whoever_writes_nothing_gets_all_of_it() {
    let evaluate = read(BINARY).evaluate;
    assert_eq!(evaluate.intervals.confidence, 0.95);
    assert_eq!(evaluate.intervals.method, crate::IntervalMethod::Auto);
    assert!(evaluate.weak_slices.max_slices > 0 && evaluate.explain.shap);
    assert!(evaluate.robustness.missing_column && evaluate.threshold.is_none());
}

#[test]
fn gates_may_warn_and_name_parts() {
    let rest = "evaluate: {metrics: [recall], slices: [city], fairness: {groups: [sex]}}
gates:
  - {gate: roc_auc.lower > 0.8, else: warn}
  - recall.city.min > 0.5
  - false_positive_rate.sex.max < 0.2 and champion.p_value < 0.05
  - {gate: f1_ratio.sex >= 0.8}
";
    let lifecycle = read(&(BINARY.to_owned() + rest));
    let warns: Vec<bool> = lifecycle.gates.iter().map(|gate| gate.warns).collect();
    assert_eq!(warns, [true, false, false, false]);
    let measured = ["recall", "roc_auc", "false_positive_rate"];
    assert_eq!(lifecycle.evaluate.metrics, measured);
}

#[track_caller]
fn refused(rest: &str, words: &str) {
    let parsed = crate::parse(&(BINARY.to_owned() + rest), &[]);
    let messages: Vec<&str> = parsed
        .diagnostics
        .iter()
        .map(|it| it.message.as_str())
        .collect();
    assert!(
        messages.iter().any(|message| message.contains(words)),
        "{messages:?}"
    );
}

#[test]
fn what_does_not_fit_together_is_told() {
    refused(
        "evaluate: {fairness: {groups: [sex], metrics: {f1_ratio: {}}}}",
        "has neither `min` nor `max`",
    );
    refused(
        "evaluate: {fairness: {groups: [sex], metrics: {f1_rato: {min: 1}}}}",
        "unknown key `f1_rato`",
    );
    let both = "evaluate: {threshold: {maximize: f1}, fairness: {groups: [sex], mitigate: group_thresholds}}";
    refused(both, "both choose thresholds");
    refused("gates: [recall.city.min > 0.5]", "there is no metric");
    refused(
        "gates: [{gate: nothing > 1, else: warn}]",
        "there is no metric `nothing`",
    );
    refused("gates: [{gate: f1 > 1, else: shout}]", "cannot be `shout`");
}

#[test]
fn the_plan_says_what_will_be_done() {
    let plan = plan(&read(DESIGN));
    let stages: Vec<String> = plan
        .stages()
        .iter()
        .map(|stage| format!("{}: {}", stage.name, stage.action))
        .collect();
    assert_eq!(
        stages,
        [
            "collect: read rides, 7 checks",
            "prepare: 2 steps, split by time 70/15/15 %",
            "train: fit boosting to cnt",
            "evaluate: measure rmse, mae, r2, 3 gates",
            "deploy: promote bike-demand",
            "monitor: watch windows of 1d",
        ]
    );
    assert!(plan.stages()[0].needs.is_empty());
    assert_eq!(plan.stages()[5].needs, [4]);
}
