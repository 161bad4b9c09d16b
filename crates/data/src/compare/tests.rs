use std::fmt::Write as _;
use std::fs;

use super::*;

fn compare(before: &str, after: &str, key: &str, limit: usize) -> Result<RowChanges, Error> {
    let dir = tempfile::tempdir().unwrap();
    let version = |name: &str, text: &str| {
        let file = dir.path().join(format!("{name}.csv"));
        fs::write(&file, text.replace('/', "\n")).unwrap();
        TableVersion {
            name: name.to_owned(),
            path: file,
        }
    };
    let key: Vec<String> = key
        .split(' ')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    compare_tables(&version("old", before), &version("new", after), &key, limit)
}

fn words(changes: &RowChanges) -> String {
    let cells = |row: &[(String, Value)]| {
        let cells = row.iter().map(|(name, value)| format!("{name}={value}"));
        cells.collect::<Vec<_>>().join(" ")
    };
    let mut text = String::new();
    for (name, kind) in &changes.columns.added {
        let _ = write!(text, "+{name}:{kind:?}; ");
    }
    for (name, kind) in &changes.columns.removed {
        let _ = write!(text, "-{name}:{kind:?}; ");
    }
    for (name, from, to) in &changes.columns.retyped {
        let _ = write!(text, "{name}:{from:?}>{to:?}; ");
    }
    for row in &changes.added {
        let _ = write!(text, "+{}; ", cells(row));
    }
    for row in &changes.removed {
        let _ = write!(text, "-{}; ", cells(row));
    }
    for row in &changes.changed {
        let _ = write!(text, "~{}", cells(&row.key));
        for (name, before, after) in &row.cells {
            let _ = write!(text, " {name} {before}>{after}");
        }
        text.push_str("; ");
    }
    text.trim_end_matches("; ").to_owned()
}

#[track_caller]
fn check(before: &str, after: &str, key: &str, expected: &str) {
    let changes = compare(before, after, key, 10).unwrap();
    assert_eq!(words(&changes), expected);
    assert_eq!(
        changes.n_before + changes.n_added,
        changes.n_after + changes.n_removed
    );
}

#[test]
fn rows_are_matched_by_their_key() {
    check(
        "id,x/1,a/2,b/3,c",
        "id,x/3,c/2,B/4,d",
        "id",
        "+id=4 x=\"d\"; -id=1 x=\"a\"; ~id=2 x \"b\">\"B\"",
    );
    check(
        "a,b,x/1,1,5/1,2,6",
        "b,a,x/2,1,7/1,1,5",
        "a b",
        "~a=1 b=2 x 6>7",
    );
    check(
        "id,x/1,/2,b",
        "id,x/1,a/2,",
        "id",
        "~id=1 x null>\"a\"; ~id=2 x \"b\">null",
    );
    check("id/1/2", "id/2/3", "id", "+id=3; -id=1");
    check("id,x", "id,x/1,2", "id", "+id=1 x=2");
}

#[test]
fn rows_without_a_key_are_counted() {
    check("x/1/1/2", "x/2/1/3", "", "+x=3; -x=1");
    check("x,y/1,2", "y,x/2,1", "", "");
}

#[test]
fn columns_that_came_went_or_changed_their_type_are_told() {
    check(
        "id,x/1,1/2,2",
        "id,y/1,1/2,2",
        "id",
        "+y:Integer; -x:Integer",
    );
    check(
        "id,x/1,1/2,2",
        "id,x/1,1.0/2,2.5",
        "id",
        "x:Integer>Number; ~id=2 x 2>2.5",
    );
    check(
        "id,x/1,1/2,2",
        "id,x/1,1/2,two",
        "id",
        "x:Integer>Text; ~id=2 x 2>\"two\"",
    );
}

#[test]
fn all_are_counted_and_few_are_shown() {
    let table = |shift: usize| {
        let rows = (0..500).map(|row| format!("/{row},{}", row % (7 + shift)));
        format!("id,x{}", rows.collect::<String>())
    };
    let changes = compare(&table(0), &table(1), "id", 3).unwrap();
    assert_eq!(changes.changed.len(), 3);
    let n_expected = (0..500).filter(|row| row % 7 != row % 8).count() as u64;
    assert_eq!((changes.n_changed, changes.n_added), (n_expected, 0));
    assert_eq!(changes.n_changed_cells, [("x".to_owned(), n_expected)]);
}

#[track_caller]
fn refused(before: &str, after: &str, key: &str, words: &str) {
    let error = compare(before, after, key, 3).unwrap_err().to_string();
    assert!(error.contains(words), "{error}");
}

#[test]
fn keys_that_are_none_are_refused() {
    refused("id,x/1,1", "id,x/1,1", "idd", "did you mean `id`?");
    refused("id,x/1,1", "x,y/1,1", "id", "`new`: it has no column `id`");
    refused("name,x/1,1", "name,x/1,1", "zzzz", "there are name, x");
    refused(
        "id,x/1,1/2,1/1,3",
        "id,x/1,1",
        "id",
        "`old`: the key `id` does not tell its rows apart: 1 rows repeat the key of another one (id=1)",
    );
    refused("id/1", "x/1", "", "no column in common");
    refused("id,x/1,1/2", "id/1", "id", "old.csv");
}
