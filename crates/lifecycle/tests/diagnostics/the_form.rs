//! Keys, types, words and forms.

use insta::assert_snapshot;

use super::shown;

#[test]
fn unknown_keys_are_suggested() {
    assert_snapshot!(shown(&[("trainer: boosting", "trianer: boosting")]), @r"
error[E0201]: unknown key `trianer` in `train`
   ╭─[everloop.yaml:15:3]
15 │   trianer: boosting
   ·   ───────
   ╰─
hint: did you mean `trainer`?
");
}

#[test]
fn unknown_keys_are_listed() {
    assert_snapshot!(shown(&[("  cooldown: 6h", "  cooldown: 6h\n  colour: red")]), @r"
error[E0201]: unknown key `colour` in `retrain`
   ╭─[everloop.yaml:22:3]
22 │   colour: red
   ·   ──────
   ╰─
hint: the keys of `retrain` are: schedule, when, cooldown
");
}

#[test]
fn all_problems_are_shown_at_once() {
    assert_snapshot!(shown(&[("version: 1", "version: 2"), ("project: bikes", "projekt: bikes"), ("train: 0.7", "train: most"), ("cooldown: 6h", "cooldown: 6 hours")]), @r"
error[E0207]: version 2 is not known
  ╭─[everloop.yaml:1:10]
1 │ version: 2
  ·          ─
  ╰─
hint: write `version: 1`; a newer file needs a newer `everloop`
error[E0201]: unknown key `projekt` in the file
  ╭─[everloop.yaml:2:1]
2 │ projekt: bikes
  · ───────
  ╰─
hint: did you mean `project`?
error[E0202]: `split.train` must be a number, found the text `most`
   ╭─[everloop.yaml:12:26]
12 │ split: {by: time, train: most, validation: 0.15, test: 0.15}
   ·                          ────
   ╰─
error[E0206]: `6 hours` is not a duration
   ╭─[everloop.yaml:21:13]
21 │   cooldown: 6 hours
   ·             ───────
   ╰─
hint: write a whole number and a unit: 90s, 10m, 6h, 2d or 1w
");
}

#[test]
fn wrong_types_name_what_was_found() {
    assert_snapshot!(shown(&[("window: 1d", "window: soon")]), @r"
error[E0202]: `monitor.window` must be a whole number or a duration such as `6h`, found the text `soon`
   ╭─[everloop.yaml:19:11]
19 │   window: soon
   ·           ────
   ╰─
");
}

#[test]
fn a_number_is_no_text() {
    assert_snapshot!(shown(&[("project: bikes", "project: 2024")]), @r#"
error[E0202]: `project` must be a name, found the number `2024`
  ╭─[everloop.yaml:2:10]
2 │ project: 2024
  ·          ────
  ╰─
hint: put it in quotes if it is meant as text: "2024"
"#);
}

#[test]
fn a_list_is_no_map() {
    assert_snapshot!(shown(&[("cooldown: 6h", "cooldown: [6h]")]), @r"
error[E0202]: `retrain.cooldown` must be a duration such as `6h`, found a list
   ╭─[everloop.yaml:21:3]
21 │   cooldown: [6h]
   ·   ────────
   ╰─
");
}

#[test]
fn missing_keys_say_what_they_are_for() {
    assert_snapshot!(shown(&[("dataset: {table: hourly, target: cnt, time: day}", "dataset: {table: hourly, time: day}")]), @r"
error[E0203]: `dataset` lacks the key `target`
   ╭─[everloop.yaml:11:1]
11 │ dataset: {table: hourly, time: day}
   · ───────
   ╰─
hint: `target`: the column to predict
");
}

#[test]
fn keys_with_nothing_behind_them_are_missing() {
    assert_snapshot!(shown(&[("table: hourly, target", "table: , target")]), @r"
error[E0203]: `dataset.table` must be text, found nothing
   ╭─[everloop.yaml:11:11]
11 │ dataset: {table: , target: cnt, time: day}
   ·           ─────
   ╰─
");
}

#[test]
fn sources_are_not_empty() {
    assert_snapshot!(shown(&[("sources:\n  rides: {path: data/hour.csv}", "sources: {}")]), @r"
error[E0203]: `sources` must name at least one table
  ╭─[everloop.yaml:3:1]
3 │ sources: {}
  · ───────
  ╰─
");
}

#[test]
fn words_are_suggested() {
    assert_snapshot!(shown(&[("task: regression", "task: regresion")]), @r"
error[E0204]: `train.task` cannot be `regresion`
   ╭─[everloop.yaml:14:9]
14 │   task: regresion
   ·         ─────────
   ╰─
hint: did you mean `regression`?
");
}

#[test]
fn unknown_trainers_are_suggested() {
    assert_snapshot!(shown(&[("trainer: boosting", "trainer: bosting")]), @r"
error[E0204]: `train.trainer` cannot be `bosting`
   ╭─[everloop.yaml:15:12]
15 │   trainer: bosting
   ·            ───────
   ╰─
hint: did you mean `boosting`?
");
}

#[test]
fn numbers_have_bounds() {
    assert_snapshot!(shown(&[("train: 0.7", "train: 1.7")]), @r"
error[E0205]: `split.train` is 1.7; it must be at most 1
   ╭─[everloop.yaml:12:26]
12 │ split: {by: time, train: 1.7, validation: 0.15, test: 0.15}
   ·                          ───
   ╰─
");
}

#[test]
fn rates_have_open_bounds() {
    assert_snapshot!(shown(&[("window: 1d", "window: 1d\n  drift: {false_alarm_rate: 0}")]), @r"
error[E0205]: `monitor.drift.false_alarm_rate` is 0; it must lie between 0 and 1
   ╭─[everloop.yaml:20:29]
20 │   drift: {false_alarm_rate: 0}
   ·                             ─
   ╰─
");
}

#[test]
fn durations_have_units() {
    assert_snapshot!(shown(&[("cooldown: 6h", "cooldown: 6 hours")]), @r"
error[E0206]: `6 hours` is not a duration
   ╭─[everloop.yaml:21:13]
21 │   cooldown: 6 hours
   ·             ───────
   ╰─
hint: write a whole number and a unit: 90s, 10m, 6h, 2d or 1w
");
}

#[test]
fn windows_are_not_empty() {
    assert_snapshot!(shown(&[("window: 1d", "window: 0d")]), @r"
error[E0205]: `monitor.window` must be longer than nothing
   ╭─[everloop.yaml:19:11]
19 │   window: 0d
   ·           ──
   ╰─
");
}

#[test]
fn percentages_have_a_sign() {
    assert_snapshot!(shown(&[("window: 1d", "window: 1d\ndeploy:\n  rollout: {canary: [10, 500%]}")]), @r"
warning[W0401]: `deploy.rollout` is checked, but this release does not carry it out
   ╭─[everloop.yaml:21:3]
21 │   rollout: {canary: [10, 500%]}
   ·   ───────
   ╰─
hint: a candidate that passed its gates takes over at once
error[E0202]: `deploy.rollout.canary.0` must be a percentage such as `10%`, found the number `10`
   ╭─[everloop.yaml:21:22]
21 │   rollout: {canary: [10, 500%]}
   ·                      ──
   ╰─
hint: write `10%`
error[E0206]: `500%` is not a percentage
   ╭─[everloop.yaml:21:26]
21 │   rollout: {canary: [10, 500%]}
   ·                          ────
   ╰─
hint: write a number from 0 to 100 and `%`: 10%
");
}

#[test]
fn patterns_are_regular_expressions() {
    assert_snapshot!(shown(&[("prepare:", "checks: {rides: {columns: {plate: {pattern: \"[a-\"}}}}\nprepare:")]), @r#"
error[E0206]: `[a-` is not a regular expression: unclosed character class
  ╭─[everloop.yaml:5:45]
5 │ checks: {rides: {columns: {plate: {pattern: "[a-"}}}}
  ·                                             ─────
  ╰─
"#);
}

#[test]
fn model_names_are_no_paths() {
    assert_snapshot!(shown(&[("project: bikes", "project: ../bikes")]), @r#"
error[E0206]: `project`: `../bikes` is not a model name: expected 1 to 255 characters without `/`, `\` and `:`
  ╭─[everloop.yaml:2:10]
2 │ project: ../bikes
  ·          ────────
  ╰─
"#);
}

#[test]
fn delimiters_are_one_character() {
    assert_snapshot!(shown(&[("{path: data/hour.csv}", "{path: data/hour.csv, delimiter: tab}")]), @r#"
error[E0206]: `sources.rides.delimiter` must be a single character, found `tab`
  ╭─[everloop.yaml:4:43]
4 │   rides: {path: data/hour.csv, delimiter: tab}
  ·                                           ───
  ╰─
hint: a tab is "\t"
"#);
}

#[test]
fn newer_versions_are_refused() {
    assert_snapshot!(shown(&[("version: 1", "version: 2")]), @r"
error[E0207]: version 2 is not known
  ╭─[everloop.yaml:1:10]
1 │ version: 2
  ·          ─
  ╰─
hint: write `version: 1`; a newer file needs a newer `everloop`
");
}

#[test]
fn other_sources_are_refused() {
    assert_snapshot!(shown(&[("{path: data/hour.csv}", "{url: 'https://example.org/w.parquet'}")]), @r"
error[E0208]: `sources.rides.url` cannot be read in this release
  ╭─[everloop.yaml:4:11]
4 │   rides: {url: 'https://example.org/w.parquet'}
  ·           ───
  ╰─
hint: fetch it to a file and name that: `path: data/rows.parquet`
");
}

#[test]
fn gates_point_at_the_byte() {
    assert_snapshot!(shown(&[("- rmse < 80", "- rmse < < 80")]), @r"
error[E0210]: `gates.0` is not an expression: expected an operand, found `<`
   ╭─[everloop.yaml:17:12]
17 │   - rmse < < 80
   ·            ─
   ╰─
");
}

#[test]
fn gates_in_quotes_point_at_the_byte() {
    assert_snapshot!(shown(&[("- rmse < 80", "- 'rmse < ''a'")]), @r"
error[E0210]: `gates.0` is not an expression: this text has no closing `'`
   ╭─[everloop.yaml:17:13]
17 │   - 'rmse < ''a'
   ·             ───
   ╰─
");
}

#[test]
fn features_point_at_the_byte() {
    assert_snapshot!(shown(&[("heat: temp * hum", "heat: \"temp * \\\"hum\\\" )\"")]), @r#"
error[E0210]: `features.heat` is not an expression: expected an operator or the end, found `)`
   ╭─[everloop.yaml:10:25]
10 │   heat: "temp * \"hum\" )"
   ·                         ─
   ╰─
"#);
}

#[test]
fn schedules_are_cron() {
    assert_snapshot!(shown(&[("cooldown: 6h", "schedule: fortnightly")]), @r#"
error[E0211]: `fortnightly` is not a schedule: it is no known word and does not have five fields
   ╭─[everloop.yaml:21:13]
21 │   schedule: fortnightly
   ·             ───────────
   ╰─
hint: write hourly, daily, weekly, monthly, or five fields: minute hour day month weekday, for example "0 6 * * 1"
"#);
}

#[test]
fn impossible_dates_are_refused_now() {
    assert_snapshot!(shown(&[("cooldown: 6h", "schedule: 0 0 30 2 *")]), @r#"
error[E0211]: the schedule `0 0 30 2 *` never comes due
   ╭─[everloop.yaml:21:13]
21 │   schedule: 0 0 30 2 *
   ·             ──────────
   ╰─
hint: write hourly, daily, weekly, monthly, or five fields: minute hour day month weekday, for example "0 6 * * 1"
"#);
}
