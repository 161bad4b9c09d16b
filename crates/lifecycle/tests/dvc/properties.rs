//! No text makes the readers panic; what is written reads back as the same.

use everloop_lifecycle::dvc::{Command, Lock, Recorded, StageLock, Value};
use proptest::prelude::*;
use serde_json::json;

use crate::golden::parse_in;

const PIECES: [&str; 40] = [
    "stages:",
    "vars: ",
    "  ",
    "\n",
    "a",
    ": ",
    "cmd: ",
    "${",
    "}",
    "${a}",
    "${item",
    "[0]",
    ".",
    "\\${",
    "foreach: ",
    "do: ",
    "matrix: ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "- ",
    "deps: ",
    "outs: ",
    "params: ",
    "p.yaml",
    "&a ",
    "*a",
    "<<: ",
    "'",
    "\"",
    "? ",
    "!!str ",
    "---\n",
    "\u{feff}",
    "\r\n",
    "é",
    "schema: '2.0'\n",
    "wdir: ../",
];

const WHOLE: &str = "vars: [{a: {b: [1, x]}}]\nstages:\n  s:\n    foreach: ${a.b}\n    do:\n      cmd: echo ${item}\n      outs: ['o${item}']\n  m:\n    matrix: {x: [1, 2], y: [p]}\n    cmd: [a, 'b ${key}']\n    params: [lr, {p.yaml: [a]}]\n    plots: [{'p${key}': {x: y}}]\n";

fn check(text: &str) {
    let parsed = parse_in(text, &json!({"p.yaml": "a: 1", "params.yaml": text}));
    let has_errors = parsed
        .diagnostics
        .iter()
        .any(|problem| problem.code.starts_with('E'));
    assert_eq!(
        parsed.pipeline.is_none(),
        has_errors,
        "{text:?} {:?}",
        parsed.diagnostics
    );
    for problem in &parsed.diagnostics {
        if let Some(span) = &problem.span {
            assert!(text.get(span.clone()).is_some(), "{text:?} {problem:?}");
        }
        assert!(problem.render("dvc.yaml", text).ends_with('\n'));
    }
    if let Some(lock) = Lock::read(text).0 {
        assert_eq!(
            Lock::read(&lock.write()).0.map(|lock| lock.write()),
            Some(lock.write())
        );
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(|whole| Value::Integer(i128::from(whole))),
        any::<f64>()
            .prop_filter("a number", |number| number.is_finite())
            .prop_map(Value::Number),
        text().prop_map(Value::Text),
    ]
}

/// Texts of all characters but the line breaks that YAML 1.2 does not have any more.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-z]{1,12}",
        "[ -~]{0,20}",
        "\\PC{0,6}",
        "[ \n\t'\"]{1,3}",
        "[0-9.eE+-]{1,6}"
    ];
    prop::collection::vec(word, 0..12).prop_map(|words| {
        words
            .concat()
            .replace(['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}'], "")
    })
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 24, 5, |inner| {
        let map = prop::collection::btree_map("[a-z0-9 :#.-]{1,9}", inner.clone(), 0..5);
        let map = map.prop_map(|map| {
            Value::Map(
                map.into_iter()
                    .map(|(key, value)| (Value::Text(key), value))
                    .collect(),
            )
        });
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::List),
            map
        ]
    })
}

fn recorded() -> impl Strategy<Value = Recorded> {
    (
        text(),
        "[0-9a-f]{32}",
        any::<bool>(),
        any::<Option<u32>>(),
        any::<bool>(),
    )
        .prop_map(|(path, md5, is_legacy, size, is_executable)| Recorded {
            path: format!("p{path}"),
            md5: Some(md5),
            is_legacy,
            size_bytes: size.map(u64::from),
            n_files: None,
            is_executable,
            others: Vec::new(),
        })
}

fn stage() -> impl Strategy<Value = StageLock> {
    let cmd = prop_oneof![
        text().prop_map(Command::One),
        prop::collection::vec(text(), 1..4).prop_map(Command::Many)
    ];
    let records = || prop::collection::btree_map("[a-z]{1,3}", recorded(), 0..3).prop_map(sorted);
    let params = prop::collection::btree_map("[a-z]{1,5}", value(), 1..4);
    (cmd, records(), prop::option::of(params), records()).prop_map(|(cmd, deps, params, outs)| {
        StageLock {
            cmd,
            deps,
            params: params
                .map(|params| ("params.yaml".to_owned(), params.into_iter().collect()))
                .into_iter()
                .collect(),
            outs,
        }
    })
}

fn sorted(records: std::collections::BTreeMap<String, Recorded>) -> Vec<Recorded> {
    let mut records: Vec<Recorded> = records.into_values().collect();
    records.sort_by(|one, other| one.path.cmp(&other.path));
    records
}

proptest! {
    #[test]
    fn no_text_makes_the_readers_panic(text in "\\PC{0,200}") {
        check(&text);
    }

    #[test]
    fn no_pieces_make_the_readers_panic(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40)) {
        check(&pieces.concat());
    }

    #[test]
    fn no_change_of_a_pipeline_makes_the_readers_panic(at in 0..WHOLE.len(), length in 0_usize..20, piece in prop::sample::select(PIECES.to_vec())) {
        let end = (at + length).min(WHOLE.len());
        check(&format!("{}{piece}{}", &WHOLE[..at], &WHOLE[end..]));
    }

    #[test]
    fn what_is_written_reads_back(name in "[a-z0-9@_ é-]{1,40}", stage in stage()) {
        let mut lock = Lock::default();
        lock.set(&name, stage.clone());
        let text = lock.write();
        let (read, diagnostics) = Lock::read(&text);
        let read = read.unwrap_or_else(|| panic!("{text}\n{diagnostics:?}"));
        prop_assert_eq!(read.find(&name), Some(&stage), "{}", text);
        prop_assert_eq!(read.write(), text);
    }
}

#[test]
fn variables_that_multiply_are_refused_soon() {
    let word = "x".repeat(1 << 19);
    let places = "${a}".repeat(50_000);
    let long = format!("vars: [{{a: {word}}}]\nstages:\n  s:\n    cmd: {places}\n");
    let elements = (0..5_000)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(",");
    let many = format!(
        "vars: [{{a: {word}}}]\nstages:\n  s:\n    foreach: [{elements}]\n    do:\n      cmd: echo ${{a}}\n"
    );
    for text in [long, many] {
        let parsed = parse_in(&text, &json!({}));
        let told: Vec<&str> = parsed.diagnostics.iter().map(|one| one.code).collect();
        assert!(told.contains(&"E0103") && told.len() < 3, "{told:?}");
    }
}
