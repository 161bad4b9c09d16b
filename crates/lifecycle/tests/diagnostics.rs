//! The diagnostics as people read them: one change to a good file, and all that is said about it.

#[path = "diagnostics/the_evaluation.rs"]
#[cfg(test)]
mod the_evaluation;
#[path = "diagnostics/the_fairness.rs"]
#[cfg(test)]
mod the_fairness;
#[path = "diagnostics/the_form.rs"]
mod the_form;
#[path = "diagnostics/the_learning.rs"]
#[cfg(test)]
mod the_learning;
#[path = "diagnostics/the_meaning.rs"]
mod the_meaning;
#[path = "diagnostics/the_mutations.rs"]
#[cfg(test)]
mod the_mutations;
#[path = "diagnostics/the_scrutiny.rs"]
#[cfg(test)]
mod the_scrutiny;
#[path = "diagnostics/the_search.rs"]
#[cfg(test)]
mod the_search;
#[path = "diagnostics/the_text.rs"]
mod the_text;
#[path = "diagnostics/the_tuning.rs"]
#[cfg(test)]
mod the_tuning;

use everloop_lifecycle::{codes, parse};

const GOOD: &str = "\
version: 1
project: bikes
sources:
  rides: {path: data/hour.csv}
prepare:
  - deduplicate: {table: rides, by: [instant]}
  - table: hourly
    sql: select * from rides
features:
  heat: temp * hum
dataset: {table: hourly, target: cnt, time: day}
split: {by: time, train: 0.7, validation: 0.15, test: 0.15}
train:
  task: regression
  trainer: boosting
gates:
  - rmse < 80
monitor:
  window: 1d
retrain:
  cooldown: 6h
";

/// What is said about the good file after some parts of it were replaced; `*` stands for all of it.
#[track_caller]
fn shown(changes: &[(&str, &str)]) -> String {
    let text = changes.iter().fold(GOOD.to_owned(), |text, (from, to)| {
        if *from == "*" {
            return (*to).to_owned();
        }
        assert!(text.contains(from), "`{from}` is not in the file");
        text.replacen(from, to, 1)
    });
    let parsed = parse(&text, &[]);
    let has_errors = parsed
        .diagnostics
        .iter()
        .any(|problem| problem.code.starts_with('E'));
    assert_eq!(parsed.lifecycle.is_none(), has_errors);
    parsed
        .diagnostics
        .iter()
        .map(|problem| problem.render("everloop.yaml", &text))
        .collect()
}

#[test]
fn the_good_file_is_good() {
    assert_eq!(shown(&[]), "");
}

#[test]
fn every_code_is_shown_in_a_test() {
    // These are made by `check_catalog` and by other crates, which know columns and parameters.
    let made_elsewhere = [
        codes::MISSING_COLUMN,
        codes::NOT_AN_INPUT,
        codes::TRAINER_PARAMETER,
        codes::SOURCE_UNREADABLE,
        codes::SQL_INVALID,
    ];
    // These have tests of their own: the text is too long to be shown, the override has no place.
    let shown_apart = [codes::TOO_LARGE, codes::BAD_OVERRIDE];
    let tests = [
        include_str!("diagnostics/the_form.rs"),
        include_str!("diagnostics/the_meaning.rs"),
        include_str!("diagnostics/the_text.rs"),
    ];
    // Those of `dvc.yaml` and `dvc.lock`, by the code alone.
    let of_dvc = [
        include_str!("dvc/locks.rs"),
        include_str!("dvc/verdicts.rs"),
    ];
    for (code, _) in everloop_lifecycle::codes() {
        let is_of_dvc = code.starts_with("E05")
            && of_dvc
                .iter()
                .any(|test| test.contains(&format!("\"{code}\"")));
        let is_shown = is_of_dvc || tests.iter().any(|test| test.contains(&format!("[{code}]")));
        let is_elsewhere = made_elsewhere.contains(code) || shown_apart.contains(code);
        assert!(is_shown != is_elsewhere, "{code}");
    }
}
