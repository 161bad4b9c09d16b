//! What keys mean together.

use insta::assert_snapshot;

use super::shown;

#[test]
fn unknown_tables_are_suggested() {
    assert_snapshot!(shown(&[("table: hourly, target", "table: hourely, target")]), @r"
error[E0301]: there is no table `hourely`
   ╭─[everloop.yaml:11:18]
11 │ dataset: {table: hourely, target: cnt, time: day}
   ·                  ───────
   ╰─
hint: did you mean `hourly`?
");
}

#[test]
fn unknown_tables_in_queries_are_found() {
    assert_snapshot!(shown(&[("select * from rides", "select * from rides join weathr on true")]), @r"
error[E0301]: there is no table `weathr`
  ╭─[everloop.yaml:8:35]
8 │     sql: select * from rides join weathr on true
  ·                                   ──────
  ╰─
hint: the tables are: rides
");
}

#[test]
fn checks_name_tables() {
    assert_snapshot!(shown(&[("prepare:", "checks: {ride: {rows: {min: 1}}}\nprepare:")]), @r"
error[E0301]: there is no table `ride`
  ╭─[everloop.yaml:5:10]
5 │ checks: {ride: {rows: {min: 1}}}
  ·          ────
  ╰─
hint: did you mean `rides`?
");
}

#[test]
fn tables_are_made_once() {
    assert_snapshot!(shown(&[("- table: hourly\n", "- table: rides\n")]), @r"
error[E0302]: there is a table `rides` already
  ╭─[everloop.yaml:7:12]
7 │   - table: rides
  ·            ─────
  ╰─
hint: give the new table a name of its own
error[E0301]: there is no table `hourly`
   ╭─[everloop.yaml:11:18]
11 │ dataset: {table: hourly, target: cnt, time: day}
   ·                  ──────
   ╰─
hint: the tables are: rides
");
}

#[test]
fn a_table_is_not_made_from_itself() {
    assert_snapshot!(shown(&[("select * from rides", "select * from hourly")]), @r"
error[E0303]: tables are made from each other: hourly <- hourly
  ╭─[everloop.yaml:8:24]
8 │     sql: select * from hourly
  ·                        ──────
  ╰─
hint: a query may read sources and the tables of earlier steps
");
}

#[test]
fn tables_are_not_made_in_a_circle() {
    assert_snapshot!(shown(&[("select * from rides", "select * from daily\n  - table: daily\n    sql: select * from hourly")]), @r"
error[E0303]: tables are made from each other: hourly <- daily <- hourly
  ╭─[everloop.yaml:8:24]
8 │     sql: select * from daily
  ·                        ─────
  ╰─
hint: a query may read sources and the tables of earlier steps
");
}

#[test]
fn tables_are_made_before_they_are_read() {
    assert_snapshot!(shown(&[("select * from rides", "select * from daily\n  - table: daily\n    sql: select * from rides")]), @r"
error[E0303]: `hourly` reads the table `daily`, which is made later
  ╭─[everloop.yaml:8:24]
8 │     sql: select * from daily
  ·                        ─────
  ╰─
hint: move the step that makes `daily` before this one
");
}

#[test]
fn shares_sum_to_one() {
    assert_snapshot!(shown(&[("test: 0.15", "test: 0.25")]), @r"
error[E0304]: the shares sum to 1.1: train 0.7 + validation 0.15 + test 0.25
   ╭─[everloop.yaml:12:26]
12 │ split: {by: time, train: 0.7, validation: 0.15, test: 0.25}
   ·                          ───
   ╰─
hint: give all three so that they sum to 1
");
}

#[test]
fn parts_are_not_empty() {
    assert_snapshot!(shown(&[("train: 0.7", "train: 0.85"), ("test: 0.15", "test: 0")]), @r"
error[E0304]: the test part is empty: no rows would be left to measure on
   ╭─[everloop.yaml:12:56]
12 │ split: {by: time, train: 0.85, validation: 0.15, test: 0}
   ·                                                        ─
   ╰─
hint: for example: train 0.7, validation 0.15, test 0.15
");
}

#[test]
fn time_splits_need_a_time() {
    assert_snapshot!(shown(&[(", time: day", ", exclude: [day]")]), @r"
error[E0304]: rows cannot be divided by time: `dataset.time` is not set
   ╭─[everloop.yaml:12:13]
12 │ split: {by: time, train: 0.7, validation: 0.15, test: 0.15}
   ·             ────
   ╰─
hint: set `dataset.time` to the column that orders rows, or choose `by: random`
");
}

#[test]
fn numbers_have_no_strata() {
    assert_snapshot!(shown(&[("by: time", "by: stratified")]), @r"
error[E0304]: rows cannot be stratified: the target of `task: regression` has no classes
   ╭─[everloop.yaml:12:13]
12 │ split: {by: stratified, train: 0.7, validation: 0.15, test: 0.15}
   ·             ──────────
   ╰─
hint: choose `by: random` or `by: time`
");
}

#[test]
fn group_splits_need_a_group() {
    assert_snapshot!(shown(&[("by: time", "by: group")]), @r"
error[E0304]: rows cannot be divided by group: `split.group` is not set
   ╭─[everloop.yaml:12:13]
12 │ split: {by: group, train: 0.7, validation: 0.15, test: 0.15}
   ·             ─────
   ╰─
hint: set `split.group` to the column that holds the groups
");
}

#[test]
fn column_splits_need_a_column() {
    assert_snapshot!(shown(&[("by: time", "by: column, group: day")]), @r"
error[E0304]: rows cannot be divided by column: `split.column` is not set
   ╭─[everloop.yaml:12:13]
12 │ split: {by: column, group: day, train: 0.7, validation: 0.15, test: 0.15}
   ·             ──────
   ╰─
hint: set `split.column` to the column that holds `train`, `validation` or `test`
warning[W0402]: `split.group` has no effect
   ╭─[everloop.yaml:12:21]
12 │ split: {by: column, group: day, train: 0.7, validation: 0.15, test: 0.15}
   ·                     ─────
   ╰─
hint: write `by: group`, or remove it
");
}

#[test]
fn gates_name_metrics() {
    assert_snapshot!(shown(&[("rmse < 80", "rsme < 80")]), @r"
error[E0305]: there is no metric `rsme`
   ╭─[everloop.yaml:17:5]
17 │   - rsme < 80
   ·     ────
   ╰─
hint: did you mean `rmse`?
");
}

#[test]
fn champions_have_metrics() {
    assert_snapshot!(shown(&[("rmse < 80", "rmse < champion.rsme * 1.02")]), @r"
error[E0305]: there is no metric `champion.rsme`
   ╭─[everloop.yaml:17:12]
17 │   - rmse < champion.rsme * 1.02
   ·            ─────────────
   ╰─
hint: did you mean `champion.rmse`?
");
}

#[test]
fn metrics_suit_the_task() {
    assert_snapshot!(shown(&[("rmse < 80", "accuracy > 0.9")]), @r"
error[E0306]: the metric `accuracy` does not suit the task `regression`
   ╭─[everloop.yaml:17:5]
17 │   - accuracy > 0.9
   ·     ────────
   ╰─
hint: those that do: rmse, mae, r2, … (30 in all)
");
}

#[test]
fn listed_metrics_suit_the_task() {
    assert_snapshot!(shown(&[("gates:", "evaluate: {metrics: [rmse, roc_auc]}\ngates:")]), @r"
error[E0306]: the metric `roc_auc` does not suit the task `regression`
   ╭─[everloop.yaml:16:28]
16 │ evaluate: {metrics: [rmse, roc_auc]}
   ·                            ───────
   ╰─
hint: those that do: rmse, mae, r2, … (30 in all)
");
}

#[test]
fn fairness_is_measured_for_groups() {
    assert_snapshot!(shown(&[("task: regression", "task: binary"), ("rmse < 80", "equalized_odds_difference < 0.1")]), @r"
error[E0306]: `equalized_odds_difference` is not measured
   ╭─[everloop.yaml:17:5]
17 │   - equalized_odds_difference < 0.1
   ·     ─────────────────────────
   ╰─
hint: set `evaluate.fairness: {groups: [sex]}`
");
}

#[test]
fn gates_are_conditions() {
    assert_snapshot!(shown(&[("rmse < 80", "rmse * 2")]), @r"
error[E0318]: `rmse * 2` is not a condition
   ╭─[everloop.yaml:17:5]
17 │   - rmse * 2
   ·     ────────
   ╰─
hint: compare it: `rmse < 80`
");
}

#[test]
fn service_values_are_not_gated() {
    assert_snapshot!(shown(&[("rmse < 80", "error_rate < 0.1")]), @r"
error[E0305]: there is no metric `error_rate`
   ╭─[everloop.yaml:17:5]
17 │   - error_rate < 0.1
   ·     ──────────
   ╰─
hint: it is measured in service only: use it in `retrain.when`
");
}

#[test]
fn conditions_name_what_is_measured() {
    assert_snapshot!(shown(&[("cooldown: 6h", "when: [drfit, \"rmse > 1.2 * baselin.rmse\"]")]), @r#"
error[E0305]: there is no metric `drfit`
   ╭─[everloop.yaml:21:10]
21 │   when: [drfit, "rmse > 1.2 * baselin.rmse"]
   ·          ─────
   ╰─
hint: did you mean `drift`?
error[E0305]: there is no metric `baselin.rmse`
   ╭─[everloop.yaml:21:31]
21 │   when: [drfit, "rmse > 1.2 * baselin.rmse"]
   ·                               ────────────
   ╰─
hint: did you mean `baseline.rmse`?
"#);
}

#[test]
fn gates_are_about_numbers() {
    assert_snapshot!(shown(&[("- rmse < 80", "- rmse in (1, 2)\n  - sin(rmse) < 1\n  - if(drift, 1, 2) < 2\n  - abs(rmse - champion.rmse) < 3")]), @r"
error[E0318]: a condition cannot use `in`
   ╭─[everloop.yaml:17:5]
17 │   - rmse in (1, 2)
   ·     ──────────────
   ╰─
hint: compare metrics with numbers and with each other, joined by `and`, `or`, `not`
error[E0312]: a condition cannot use the function `sin`
   ╭─[everloop.yaml:18:5]
18 │   - sin(rmse) < 1
   ·     ─────────
   ╰─
hint: the functions of conditions are: abs, max, min, sqrt
error[E0318]: a condition cannot use `case` or `if`
   ╭─[everloop.yaml:19:5]
19 │   - if(drift, 1, 2) < 2
   ·     ───────────────
   ╰─
hint: compare metrics with numbers and with each other, joined by `and`, `or`, `not`
error[E0305]: there is no metric `drift`
   ╭─[everloop.yaml:19:8]
19 │   - if(drift, 1, 2) < 2
   ·        ─────
   ╰─
hint: it is measured in service only: use it in `retrain.when`
");
}

#[test]
fn gates_know_no_baseline() {
    assert_snapshot!(shown(&[("rmse < 80", "rmse < baseline.rmse")]), @r"
error[E0305]: there is no metric `baseline.rmse`
   ╭─[everloop.yaml:17:12]
17 │   - rmse < baseline.rmse
   ·            ─────────────
   ╰─
hint: a gate compares with the champion: `champion.rmse`
");
}

#[test]
fn trainers_suit_the_task() {
    assert_snapshot!(shown(&[("trainer: boosting", "trainer: logistic")]), @r"
error[E0308]: the trainer `logistic` does not suit the task `regression`
   ╭─[everloop.yaml:15:12]
15 │   trainer: logistic
   ·            ────────
   ╰─
hint: `linear` is the linear model of numbers
");
}

#[test]
fn trainer_and_run_exclude_each_other() {
    assert_snapshot!(shown(&[("trainer: boosting", "trainer: boosting\n  run: python train.py")]), @r"
error[E0309]: both `trainer` and `run` are given
   ╭─[everloop.yaml:16:3]
16 │   run: python train.py
   ·   ───
   ╰─
hint: keep `trainer` for a built-in one, or `run` for a command of your own
");
}

#[test]
fn trainer_or_run_is_needed() {
    assert_snapshot!(shown(&[("  trainer: boosting\n", "")]), @r"
error[E0309]: neither `trainer` nor `run` is given
   ╭─[everloop.yaml:13:1]
13 │ train:
   · ─────
   ╰─
hint: write `trainer: boosting`, or `run: python train.py`
");
}

#[test]
fn features_are_not_circular() {
    assert_snapshot!(shown(&[("heat: temp * hum", "heat: cold + 1\n  cold: heat - 1")]), @r"
error[E0310]: features are computed from each other: heat <- cold <- heat
   ╭─[everloop.yaml:10:3]
10 │   heat: cold + 1
   ·   ────
   ╰─
hint: a feature may use columns and other features, but not lead back to itself
");
}

#[test]
fn features_do_not_take_the_name_of_the_target() {
    assert_snapshot!(shown(&[("heat: temp * hum", "cnt: temp * hum")]), @r"
error[E0311]: the feature `cnt` has the name of the target column
   ╭─[everloop.yaml:10:3]
10 │   cnt: temp * hum
   ·   ───
   ╰─
hint: give it a name of its own
");
}

#[test]
fn features_do_not_read_the_target() {
    assert_snapshot!(shown(&[("heat: temp * hum", "heat: temp * cnt")]), @r"
error[E0317]: the feature `heat` is computed from the target `cnt`
   ╭─[everloop.yaml:10:16]
10 │   heat: temp * cnt
   ·                ───
   ╰─
hint: the target is not known when a prediction is asked for
");
}

#[test]
fn functions_exist() {
    assert_snapshot!(shown(&[("heat: temp * hum", "heat: sqr(temp) + median(hum)")]), @r"
error[E0312]: there is no function `sqr`
   ╭─[everloop.yaml:10:9]
10 │   heat: sqr(temp) + median(hum)
   ·         ─────────
   ╰─
hint: did you mean `sqrt`?
error[E0312]: there is no function `median`
   ╭─[everloop.yaml:10:21]
10 │   heat: sqr(temp) + median(hum)
   ·                     ───────────
   ╰─
hint: the functions are: abs, sign, sqrt, exp, ln, log10, log2, pow, floor, ceil, round, sin, cos, tan, asin, acos, atan, tanh, pi, clip, min, max, least, greatest, coalesce, if; what they cannot say belongs in `prepare`, in SQL
");
}

#[test]
fn functions_take_their_arguments() {
    assert_snapshot!(shown(&[("heat: temp * hum", "heat: pow(temp)")]), @r"
error[E0312]: `pow` takes 2 arguments, found 1
   ╭─[everloop.yaml:10:9]
10 │   heat: pow(temp)
   ·         ─────────
   ╰─
hint: `pow`: `pow(x, y)`: x to the power of y
");
}

#[test]
fn bounds_leave_room() {
    assert_snapshot!(shown(&[("prepare:", "checks: {rides: {columns: {cnt: {min: 5, max: 1}}}}\nprepare:")]), @r"
error[E0316]: nothing of `cnt` lies between min 5 and max 1
  ╭─[everloop.yaml:5:47]
5 │ checks: {rides: {columns: {cnt: {min: 5, max: 1}}}}
  ·                                               ─
  ╰─
");
}

#[test]
fn what_is_not_carried_out_is_said() {
    assert_snapshot!(shown(&[("monitor:", "deploy: {rollout: {hold: 10m}}\nmonitor:")]), @r"
warning[W0401]: `deploy.rollout` is checked, but this release does not carry it out
   ╭─[everloop.yaml:18:10]
18 │ deploy: {rollout: {hold: 10m}}
   ·          ───────
   ╰─
hint: a candidate that passed its gates takes over at once
");
}

#[test]
fn what_has_no_effect_is_said() {
    assert_snapshot!(shown(&[("  trainer: boosting", "  trainer: boosting\n  timeout: 1h")]), @r"
warning[W0402]: `train.timeout` has no effect on a built-in trainer
   ╭─[everloop.yaml:16:3]
16 │   timeout: 1h
   ·   ───────
   ╰─
hint: it belongs to `run`
");
}
