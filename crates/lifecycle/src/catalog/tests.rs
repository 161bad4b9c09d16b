//! What is said when the columns are known.

use insta::assert_snapshot;

use super::*;
use crate::parse;

const FILE: &str = "\
version: 1
project: bikes
sources:
  rides: {path: data/hour.csv}
checks:
  rides: {columns: {cnt: {min: 0}, season: {in: [1, 2]}}}
prepare:
  - deduplicate: {table: rides, by: [instant]}
features:
  heat: temp * hum
dataset: {table: rides, target: cnt, time: day, exclude: [instant]}
train: {task: regression, trainer: boosting}
evaluate: {slices: [season]}
monitor:
  labels: {source: rides, key: instant}
  drift: {columns: [temp]}
";

fn catalog() -> Catalog {
    let columns = [
        ("instant", ColumnType::Integer),
        ("day", ColumnType::Date),
        ("season", ColumnType::Integer),
        ("temp", ColumnType::Number),
        ("hum", ColumnType::Number),
        ("cnt", ColumnType::Integer),
    ];
    let mut catalog = Catalog::default();
    catalog.add(
        "rides",
        columns
            .map(|(name, column_type)| (name.to_owned(), column_type))
            .to_vec(),
    );
    catalog
}

fn found(text: &str) -> Vec<Diagnostic> {
    let parsed = parse(text, &[]);
    let Some(lifecycle) = parsed.lifecycle else {
        panic!("{:?}", parsed.diagnostics)
    };
    check_catalog(text, &lifecycle, &catalog())
}

fn shown(from: &str, to: &str) -> String {
    let text = FILE.replacen(from, to, 1);
    found(&text)
        .iter()
        .map(|problem| problem.render("everloop.yaml", &text))
        .collect()
}

#[test]
fn missing_columns_are_suggested() {
    assert_snapshot!(shown("season: {in", "seeson: {in"), @r"
error[E0307]: checked column `seeson` is not a column of `rides`
  ╭─[everloop.yaml:6:36]
6 │   rides: {columns: {cnt: {min: 0}, seeson: {in: [1, 2]}}}
  ·                                    ──────
  ╰─
hint: did you mean `season`?
");
}

#[test]
fn every_role_is_checked() {
    let text = FILE
        .replace("target: cnt", "target: count")
        .replace("time: day", "time: date")
        .replace("exclude: [instant]", "exclude: [id]")
        .replace("by: [instant]", "by: [season, key]")
        .replace("slices: [season]", "slices: [region]")
        .replace("temp * hum", "temp * humidity")
        .replace("key: instant", "key: ride_id")
        .replace("columns: [temp]", "columns: [tmp]");
    let messages: Vec<String> = found(&text)
        .into_iter()
        .map(|problem| problem.message)
        .collect();
    assert_eq!(
        messages,
        [
            "key `key` is not a column of `rides`",
            "input `humidity` is not a column of `rides`",
            "target `count` is not a column of `rides`",
            "time `date` is not a column of `rides`",
            "excluded column `id` is not a column of `rides`",
            "slice `region` is not a column of `rides`",
            "target `count` is not a column of `rides`",
            "key `ride_id` is not a column of `rides`",
            "watched column `tmp` is not a column of `rides`",
        ]
    );
}

#[test]
fn features_are_new_columns_made_from_numbers() {
    assert_snapshot!(shown("heat: temp * hum", "season: if(day = 1, 1, 0)"), @r"
error[E0311]: the feature `season` has the name of a column of `rides`
   ╭─[everloop.yaml:10:3]
10 │   season: if(day = 1, 1, 0)
   ·   ──────
   ╰─
hint: give it a name of its own
error[E0319]: `day` is a date: a feature cannot be computed from it
   ╭─[everloop.yaml:10:11]
10 │   season: if(day = 1, 1, 0)
   ·           ─────────────────
   ╰─
hint: derive numbers from it in `prepare`, for example `date_part('hour', ..)`
");
}

#[test]
fn only_inputs_are_watched() {
    assert_snapshot!(shown("columns: [temp]", "columns: [cnt, day]"), @r"
error[E0319]: `cnt` is not an input of the model: it is the target, the weight or excluded
   ╭─[everloop.yaml:16:21]
16 │   drift: {columns: [cnt, day]}
   ·                     ───
   ╰─
error[E0319]: `day` is not an input of the model: it is a date
   ╭─[everloop.yaml:16:26]
16 │   drift: {columns: [cnt, day]}
   ·                          ───
   ╰─
");
}

#[test]
fn unknown_tables_are_passed_over() {
    let lifecycle = parse(FILE, &[]).lifecycle.unwrap();
    assert_eq!(check_catalog(FILE, &lifecycle, &Catalog::default()), []);
}

#[test]
fn places_of_other_checks_are_found_by_path() {
    let at = |path: &[&str]| {
        let problem = Diagnostic::at_key(FILE, path, codes::TRAINER_PARAMETER, "wrong", None);
        problem.span.map(|span| &FILE[span])
    };
    assert_eq!(at(&["train", "trainer"]), Some("boosting"));
    assert_eq!(at(&["train", "parameters", "trees"]), Some("train"));
    assert_eq!(at(&["sources", "rides"]), Some("rides"));
    assert_eq!(
        at(&["prepare", "0"]),
        Some("deduplicate: {table: rides, by: [instant]}")
    );
    assert_eq!(at(&["prepare", "7"]), Some("prepare"));
    assert_eq!(at(&["nowhere"]), Some(""));
}
