//! Lines of `.dvcignore` files: which one decides about a path, and that the data is the same files.

use std::collections::BTreeSet;
use std::fs;

use crate::repositories::{Place, named};

/// Tells the line, and `!` before it where it keeps the path in.
fn rule(place: &Place, path: &str) -> Option<String> {
    let rule = place.repository.ignore_rule(&named(path)).unwrap()?;
    let mark = if rule.is_ignoring { "" } else { "!" };
    Some(format!("{mark}{}:{}", rule.file, rule.line))
}

/// Each path with the number of the line that decides; negative ones keep it in.
#[track_caller]
fn check(lines: &str, expected: &[(&str, isize)]) {
    let place = Place::new();
    place.write(".dvcignore", lines);
    for (path, line) in expected {
        let path_of_dir = path.strip_suffix('/');
        if let Some(dir) = path_of_dir {
            fs::create_dir_all(place.root().join(dir)).unwrap();
        }
        let mark = if *line < 0 { "!" } else { "" };
        let line = (*line != 0).then(|| format!("{mark}.dvcignore:{}", line.abs()));
        let told = rule(&place, path_of_dir.unwrap_or(path));
        assert_eq!(told, line, "{lines:?} of {path}");
    }
}

#[test]
fn anchored_lines_hold_where_they_stand() {
    check("/a", &[("a", 1), ("b/a", 0), ("a/b", 1), ("ab", 0)]);
    check("b/a", &[("b/a", 1), ("c/b/a", 0), ("b/a/c", 1)]);
    check(
        "/d/*.tmp",
        &[("d/x.tmp", 1), ("d/e/x.tmp", 0), ("x.tmp", 0)],
    );
    check("a", &[("a", 1), ("b/c/a", 1), ("A", 0), ("aa", 0)]);
}

#[test]
fn lines_of_directories_are_not_about_files() {
    check("logs/", &[("logs", 0), ("logs/x", 1), ("a/logs/b/x", 1)]);
    check("logs/", &[("a/logs/", 1), ("logs.d/x", 0)]);
    check(
        "/out/*/",
        &[
            ("out/x", 0),
            ("out/y/", 1),
            ("out/y/z", 1),
            ("a/out/y/z", 0),
        ],
    );
}

#[test]
fn the_last_line_decides_but_not_below_a_directory_that_is_left_out() {
    check(
        "*.log\n!keep.log",
        &[("a.log", 1), ("keep.log", -2), ("d/keep.log", -2)],
    );
    check("!keep.log\n*.log", &[("keep.log", 2)]);
    check("*.log\n\n# all\n*.log", &[("a.log", 4)]);
    check("d/\n!d/keep", &[("d/keep", 1), ("d/other", 1)]);
    check("d/*\n!d/keep", &[("d/keep", -2), ("d/other", 1)]);
    check(
        "*\n!*/\n!*.csv",
        &[("a.csv", -3), ("a.txt", 1), ("d/a.csv", -3), ("d/a.txt", 1)],
    );
}

#[test]
fn stars_and_classes_do_not_cross_directories_but_two_stars_do() {
    check("a/*/z", &[("a/b/z", 1), ("a/b/c/z", 0), ("a/z", 0)]);
    check(
        "a/**/z",
        &[("a/z", 1), ("a/b/z", 1), ("a/b/c/z", 1), ("b/a/z", 0)],
    );
    check("**/z/y", &[("z/y", 1), ("a/b/z/y", 1), ("z/a/y", 0)]);
    check("a/**", &[("a/b", 1), ("a/b/c", 1), ("a", 0), ("b/a/c", 0)]);
    check("a?c", &[("abc", 1), ("ac", 0), ("a/c", 0)]);
    check("x[0-2!]", &[("x1", 1), ("x!", 1), ("x3", 0)]);
    check("x[^0-2]", &[("x1", 0), ("x3", 1)]);
}

#[test]
fn escaped_characters_and_blanks_are_those_of_names() {
    check(
        "\\#a\n\\!b\n#c",
        &[("#a", 1), ("!b", 2), ("#c", 0), ("c", 0)],
    );
    check("a\\*b", &[("a*b", 1), ("axb", 0)]);
    check("a\\ ", &[("a ", 1), ("a", 0)]);
    check("a   ", &[("a", 1), ("a   ", 0)]);
    check("a.b", &[("a.b", 1), ("axb", 0)]);
    check("[\n\nok", &[("[", 0), ("ok", 3)]);
    check("a\r\nb\r\n", &[("a", 1), ("b", 2)]);
}

#[test]
fn files_of_directories_go_before_those_above() {
    let place = Place::new();
    place.write(".dvcignore", "*.csv\nsub/x\n");
    place.write("sub/.dvcignore", "/y\n!keep.csv\n");
    place.write("sub/deep/.dvcignore", "keep.csv\n!x\n");
    for (path, expected) in [
        ("a.csv", Some(".dvcignore:1")),
        ("sub/a.csv", Some(".dvcignore:1")),
        ("sub/keep.csv", Some("!sub/.dvcignore:2")),
        ("sub/deep/keep.csv", Some("sub/deep/.dvcignore:1")),
        ("sub/other/keep.csv", Some("!sub/.dvcignore:2")),
        ("sub/x", Some(".dvcignore:2")),
        ("sub/deep/x", Some("!sub/deep/.dvcignore:2")),
        ("sub/y", Some("sub/.dvcignore:1")),
        ("sub/deep/y", None),
        ("y", None),
    ] {
        assert_eq!(rule(&place, path).as_deref(), expected, "{path}");
    }
}

#[test]
fn what_is_recorded_is_what_no_line_leaves_out() {
    let place = Place::new();
    place.write(
        ".dvcignore",
        "*.tmp\nd/a/*\n!d/a/keep\n/d/**/gone/\n!b.tmp\n",
    );
    let files = [
        "d/x",
        "d/x.tmp",
        "d/b.tmp",
        "d/a/keep",
        "d/a/other",
        "d/a/s/keep",
        "d/e/f/gone/x",
        "d/e/gone",
        "d/gone/b.tmp",
    ];
    for file in files {
        place.write(file, file);
    }
    let kept: BTreeSet<&str> = files
        .into_iter()
        .filter(|file| rule(&place, file).is_none_or(|rule| rule.starts_with('!')))
        .collect();
    assert_eq!(
        kept,
        BTreeSet::from(["d/x", "d/b.tmp", "d/a/keep", "d/e/gone"])
    );
    place.add("d");
    fs::remove_dir_all(place.root().join("d")).unwrap();
    assert_eq!(place.checkout(false), None);
    let there = |file: &&str| place.root().join(file).exists();
    assert_eq!(
        files.into_iter().filter(there).collect::<BTreeSet<_>>(),
        kept
    );
}
