//! Texts that are not YAML, or use parts of it that are refused.

use insta::assert_snapshot;

use super::shown;

#[test]
fn syntax_errors_have_a_place() {
    assert_snapshot!(shown(&[("window: 1d", "window: {1d")]), @r"
error[E0101]: not YAML: invalid indentation in flow construct
   ╭─[everloop.yaml:21:3]
21 │   cooldown: 6h
   ·   ─
   ╰─
hint: texts with `: `, ` #` or a leading `{`, `[`, `*`, `&`, `%`, `@` need quotes; indent with spaces
");
}

#[test]
fn syntax_errors_in_quotes() {
    assert_snapshot!(shown(&[("- rmse < 80", "- \"rmse < 80")]), @r#"
error[E0101]: not YAML: invalid indentation in quoted scalar
   ╭─[everloop.yaml:17:5]
17 │   - "rmse < 80
   ·     ─
   ╰─
hint: texts with `: `, ` #` or a leading `{`, `[`, `*`, `&`, `%`, `@` need quotes; indent with spaces
"#);
}

#[test]
fn aliases_and_anchors_are_refused() {
    assert_snapshot!(shown(&[("{path: data/hour.csv}", "&here {path: data/hour.csv}\n  other: *here")]), @r"
error[E0102]: anchors are not accepted
  ╭─[everloop.yaml:4:10]
4 │   rides: &here {path: data/hour.csv}
  ·          ───────
  ╰─
hint: write the value out where it is needed
error[E0202]: `sources.other` must be a map, found nothing
  ╭─[everloop.yaml:5:3]
5 │   other: *here
  ·   ─────
  ╰─
error[E0102]: aliases are not accepted
  ╭─[everloop.yaml:5:10]
5 │   other: *here
  ·          ─────
  ╰─
hint: write the value out
");
}

#[test]
fn tags_are_refused() {
    assert_snapshot!(shown(&[("task: regression", "task: !!str regression")]), @r"
error[E0102]: tags are not accepted
   ╭─[everloop.yaml:14:9]
14 │   task: !!str regression
   ·         ────────────────
   ╰─
hint: remove the tag; quotes make a text of any value
");
}

#[test]
fn a_second_document_is_refused() {
    assert_snapshot!(shown(&[("  cooldown: 6h\n", "  cooldown: 6h\n---\nversion: 2\n")]), @r"
error[E0102]: the text holds more than one document
   ╭─[everloop.yaml:22:1]
22 │ ---
   · ───
   ╰─
hint: remove the line `---` and what follows, or keep it in a file of its own
");
}

#[test]
fn keys_are_texts() {
    assert_snapshot!(shown(&[("heat: temp * hum", "[a, b]: temp * hum")]), @r"
error[E0102]: a key must be text
   ╭─[everloop.yaml:10:3]
10 │   [a, b]: temp * hum
   ·   ──────
   ╰─
hint: a value that starts with `{` or `[` and is meant as text needs quotes
");
}

#[test]
fn keys_are_given_once() {
    assert_snapshot!(shown(&[("  trainer: boosting", "  trainer: boosting\n  task: binary")]), @r"
error[E0104]: the key `task` is given twice
   ╭─[everloop.yaml:16:3]
16 │   task: binary
   ·   ────
   ╰─
hint: it is given in line 14 already: keep one of the two
");
}

#[test]
fn an_empty_file_is_no_lifecycle() {
    assert_snapshot!(shown(&[("*", "# nothing yet\n")]), @r"
error[E0203]: the file is empty
  ╭─[everloop.yaml:1:1]
1 │ # nothing yet
  · ─
  ╰─
hint: `everloop init` writes one to start from
");
}

#[test]
fn a_file_is_a_map() {
    assert_snapshot!(shown(&[("*", "- version: 1\n")]), @r"
error[E0202]: the file must be a map, found a list
  ╭─[everloop.yaml:1:1]
1 │ - version: 1
  · ─
  ╰─
");
}
