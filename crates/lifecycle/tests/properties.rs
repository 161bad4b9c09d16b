//! No text makes the reader panic, and every place lies within the text.

use everloop_lifecycle::{Override, parse};
use proptest::prelude::*;

const DESIGN: &str = include_str!("files/design.yaml");

/// Pieces that make a text look like a lifecycle file.
const PIECES: [&str; 32] = [
    "version: 1\n",
    "project: p\n",
    "sources:",
    "  ",
    "\n",
    "rides",
    ": ",
    "{path: a}",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "'",
    "\"",
    "- ",
    "? ",
    "&a ",
    "*a ",
    "!!str ",
    "---\n",
    "# c\n",
    "| \n",
    ">-\n",
    "gates: [rmse < ",
    "é",
    "\t",
    "\r\n",
    "train: {task: binary",
    "select * from ",
    "\\u00e9",
    "prepare:\n  - table: t\n    sql: ",
];

fn check(text: &str, overrides: &[Override]) {
    let parsed = parse(text, overrides);
    let has_errors = parsed
        .diagnostics
        .iter()
        .any(|problem| problem.code.starts_with('E'));
    assert_eq!(
        parsed.lifecycle.is_none(),
        has_errors,
        "{text:?} {:?}",
        parsed.diagnostics
    );
    for problem in &parsed.diagnostics {
        if let Some(span) = &problem.span {
            assert!(text.get(span.clone()).is_some(), "{text:?} {problem:?}");
            assert!(
                problem.line >= 1 && problem.line <= text.matches('\n').count() + 1,
                "{problem:?}"
            );
        }
        assert!(!problem.message.is_empty());
        assert!(problem.render("everloop.yaml", text).ends_with('\n'));
    }
}

/// The design's example with a part of it replaced.
fn mutated() -> impl Strategy<Value = String> {
    let starts: Vec<usize> = DESIGN.char_indices().map(|(at, _)| at).collect();
    let piece = prop_oneof![
        prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned),
        "\\PC{0,3}"
    ];
    (prop::sample::select(starts), 0_usize..40, piece).prop_map(|(at, length, piece)| {
        let end = (at..=DESIGN.len())
            .filter(|end| DESIGN.is_char_boundary(*end))
            .nth(length)
            .unwrap_or(DESIGN.len());
        format!("{}{piece}{}", &DESIGN[..at], &DESIGN[end..])
    })
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        check(&text, &[]);
    }

    #[test]
    fn any_pieces_are_read_or_refused(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..30)) {
        check(&pieces.concat(), &[]);
    }

    #[test]
    fn a_changed_file_is_read_or_refused(text in mutated()) {
        check(&text, &[]);
    }

    #[test]
    fn any_override_is_applied_or_refused(key in "(train|gates|project|a|0|1|é)(\\.(parameters|trees|0|9|by)){0,3}", value in "\\PC{0,12}") {
        check(DESIGN, &[Override { key, value }]);
    }
}

#[test]
fn a_cut_file_is_refused_at_a_place_within() {
    for (at, _) in DESIGN.char_indices() {
        check(&DESIGN[..at], &[]);
    }
}

#[test]
fn places_are_whole_characters() {
    check(&DESIGN.replace("- table: hourly", "- é: hourly"), &[]);
    check(&DESIGN.replace("- rmse < 80", "- 'rmse < é €'"), &[]);
    check(
        &DESIGN.replace("- rmse < 80", "- \"rmse < \\u00e9 €\""),
        &[],
    );
}

#[test]
fn large_and_deep_texts_are_refused() {
    let code = |text: &str| parse(text, &[]).diagnostics[0].code;
    assert_eq!(code(&"a".repeat((1 << 20) + 1)), "E0103");
    assert_eq!(code(&"- ".repeat(2000)), "E0103");
    assert_eq!(
        code(&format!("a: {}{}", "[".repeat(100), "]".repeat(100))),
        "E0103"
    );
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n";
    let problems = parse(bomb, &[]).diagnostics;
    assert_eq!(
        problems
            .iter()
            .filter(|problem| problem.code == "E0102")
            .count(),
        7
    );
}
