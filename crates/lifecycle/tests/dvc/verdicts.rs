//! Which texts are pipelines: the verdict of DVC, and what people are told.

use everloop_lifecycle::dvc::Command;
use serde_json::{Value as Json, json};

use crate::golden::parse_in;

fn files() -> Json {
    json!({"p.yaml": "a: 1\nb: 2\n"})
}

/// Cases in which we differ on purpose, each with the reason.
const DIFFERENT: [(&str, &str); 3] = [
    ("cmd empty", "DVC stops when the stage runs"),
    ("matrix text", "DVC makes a stage for each letter"),
    (
        "exact cmd number",
        "DVC stops when the stage runs; to us the number is a text",
    ),
];

#[test]
fn what_dvc_takes_is_taken_and_what_it_refuses_is_refused() {
    let cases: Json = serde_json::from_str(include_str!("../golden/dvc/verdicts.json")).unwrap();
    let mut wrong = Vec::new();
    for (name, case) in cases.as_object().unwrap() {
        let text = case["text"].as_str().unwrap();
        let parsed = parse_in(text, &files());
        let is_refused = parsed.pipeline.is_none();
        if DIFFERENT.iter().any(|(other, _)| other == name) {
            continue;
        }
        if is_refused == case["error"].is_null() {
            wrong.push(format!(
                "{name}: DVC says {}, we say {:?}",
                case["error"], parsed.diagnostics
            ));
        }
        let Some(pipeline) = parsed.pipeline.filter(|_| case["error"].is_null()) else {
            continue;
        };
        let stages: Vec<Json> = pipeline
            .stages
            .iter()
            .map(|stage| json!(stage.name))
            .collect();
        let cmds = pipeline.stages.iter().map(|stage| match &stage.cmd {
            Command::One(line) => json!(line),
            Command::Many(lines) => json!(lines),
        });
        if Json::Array(stages.clone()) != case["stages"]
            || Json::Array(cmds.clone().collect()) != case["cmds"]
        {
            wrong.push(format!("{name}: {stages:?} {:?}", cmds.collect::<Vec<_>>()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[track_caller]
fn check(text: &str, code: &str, place: (usize, usize), message: &str, help: &str) {
    let parsed = parse_in(text, &files());
    let problem = parsed.diagnostics.first().expect("a diagnostic");
    assert_eq!(
        (problem.code, (problem.line, problem.column)),
        (code, place),
        "{problem:?}"
    );
    assert!(problem.message.contains(message), "{problem:?}");
    let given = problem.help.as_deref().unwrap_or_default();
    assert!(given.contains(help) && !given.is_empty(), "{problem:?}");
}

#[test]
fn people_are_told_what_where_and_what_now() {
    check(
        "stages:\n  a:\n    cmd: x\n    out: [y]\n",
        "E0201",
        (4, 5),
        "`out`",
        "did you mean `outs`?",
    );
    check(
        "stages:\n  a:\n    cmd: x\n    deps: y\n",
        "E0202",
        (4, 11),
        "`deps` takes a list of texts",
        "quotes",
    );
    check(
        "stages:\n  a:\n    deps: [y]\n",
        "E0203",
        (2, 3),
        "`a` has no `cmd`",
        "add `cmd: …`",
    );
    check(
        "vars: [{lrate: 1}]\nstages:\n  a:\n    cmd: x ${lrte}\n",
        "E0501",
        (4, 10),
        "`lrte`",
        "did you mean `lrate`?",
    );
    check(
        "stages:\n  a:\n    cmd: x ${a[}\n",
        "E0502",
        (3, 10),
        "`${a[}`",
        "a variable is a path",
    );
    check(
        "vars: [no.yaml]\nstages: {}\n",
        "E0505",
        (1, 8),
        "`no.yaml` does not exist",
        "`vars` takes files",
    );
    check(
        "stages:\n  a: {cmd: x, outs: [y]}\n  b: {cmd: x, outs: [y]}\n",
        "E0507",
        (3, 22),
        "`a` and `b`",
        "let one stage",
    );
    check(
        "stages:\n  a: {cmd: x, outs: [y]}\n  b: {cmd: x, outs: [y/z]}\n",
        "E0508",
        (3, 22),
        "`y/z`",
        "a directory",
    );
    check(
        "stages:\n  a: {cmd: x, deps: [y], outs: [z]}\n  b: {cmd: x, deps: [z], outs: [y]}\n",
        "E0509",
        (2, 22),
        "a -> b -> a",
        "remove one",
    );
}

#[test]
fn people_are_told_what_is_wrong_with_variables() {
    check(
        "vars: [{x: [1]}]\nstages:\n  a:\n    cmd: x ${x}\n",
        "E0503",
        (4, 10),
        "`x` is a list",
        "refer to a part of it",
    );
    check(
        "vars: [{x: 1}, {x: 2}]\nstages: {}\n",
        "E0504",
        (1, 16),
        "`x` is set by `vars[0]`",
        "another name",
    );
    check(
        "stages:\n  a:\n    foreach: x\n    do: {cmd: x}\n",
        "E0506",
        (3, 14),
        "`foreach` takes a list or a map",
        "`foreach: [a, b]`",
    );
}

#[test]
fn byte_order_marks_and_windows_line_ends_keep_places() {
    let text = "\u{feff}stages:\r\n  a:\r\n    cmd: x\r\n    out: [y]\r\n";
    check(text, "E0201", (4, 5), "`out`", "did you mean");
}

#[test]
fn bombs_are_refused() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, from) in ["b", "c", "d", "e", "f", "g", "h", "i"]
        .iter()
        .zip("abcdefgh".chars())
    {
        bomb.push_str(&format!("{name}: &{name} [*{from}, *{from}, *{from}, *{from}, *{from}, *{from}, *{from}, *{from}, *{from}]\n"));
    }
    let parsed = parse_in(&bomb, &files());
    assert!(parsed.pipeline.is_none() && parsed.diagnostics[0].code == "E0103");
    let list = (0..100)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let axes = ["a", "b", "c", "d", "e", "f"].map(|axis| format!("{axis}: [{list}]"));
    let axes = axes.join(", ");
    let parsed = parse_in(
        &format!("stages: {{s: {{matrix: {{{axes}}}, cmd: x}}}}"),
        &files(),
    );
    assert!(parsed.pipeline.is_none() && parsed.diagnostics[0].code == "E0103");
    let parsed = parse_in("stages: &a {b: *a}", &files());
    assert!(parsed.pipeline.is_none());
}
