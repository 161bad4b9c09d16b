//! The runner as its users have it: the library, the program, and a program in C.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use everloop_domain::Value;
use everloop_edge::{HEADER, Model};
use everloop_package::Kind;
use everloop_package::graph::GraphBuilder;

const ROWS: &str = r#"[{"size": 2.5, "plan": "a, {b}"}, {"plan": null, "other": [1, {"x": "]"}]}, {"size": -1, "plan": "c"}]"#;
/// `10 size + 1` where the plan is known, else `10 size`; a missing size counts as 4.
const ANSWERS: &str = "{\"prediction\":26.0}\n{\"prediction\":40.0}\n{\"prediction\":-10.0}\n";

/// A directory with a model.
fn model() -> tempfile::TempDir {
    let mut builder = GraphBuilder::new();
    let size = builder.input("size", Kind::Number);
    let plan = builder.input("plan", Kind::Text);
    let size = builder.impute(&size, 4.0);
    let size = builder.column_matrix(&[size]);
    let plan = builder.one_hot(&plan, &[Value::Text("a, {b}".to_owned())]);
    let both = builder.concat(&[size, plan]);
    let sum = builder.linear(&both, &[10.0, 1.0], &[0.0]);
    let graph = builder.finish_regression(&sum).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("model.onnx"), graph.to_bytes()).unwrap();
    dir
}

#[test]
fn the_library_answers() {
    let dir = model();
    let model = Model::open(dir.path()).unwrap();
    let lines = ROWS.replace("}, {\"plan\": null", "}\n{\"plan\": null");
    for rows in [ROWS, lines.trim_matches(['[', ']'])] {
        let mut answer = Vec::new();
        assert_eq!(model.predict(rows.as_bytes(), &mut answer).unwrap(), 3);
        assert_eq!(String::from_utf8(answer).unwrap(), ANSWERS);
    }
}

#[test]
fn what_cannot_be_answered_is_said() {
    let dir = model();
    let error = Model::open(&dir.path().join("none.onnx")).unwrap_err();
    assert!(error.to_string().contains("none.onnx"), "{error}");
    let model = Model::open(dir.path()).unwrap();
    for rows in ["{\"size\": \"x\"}", "{\"size\": ", "7", "size\n1\n"] {
        let error = model.predict(rows.as_bytes(), &mut Vec::new()).unwrap_err();
        let words = error.to_string();
        assert!(words.contains("not JSON objects"), "{rows}: {words}");
    }
    std::fs::write(dir.path().join("model.onnx"), b"not a graph").unwrap();
    assert!(Model::open(dir.path()).is_err());
}

#[test]
fn the_program_answers() {
    let dir = model();
    let run = |arguments: &[&Path]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_everloop-edge"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that refuses its arguments reads nothing.
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), ROWS.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    assert_eq!(run(&[dir.path()]).1, ANSWERS);
    let (code, _, words) = run(&[]);
    assert!(code == Some(2) && words.starts_with("usage"), "{words}");
    let (code, _, words) = run(&[Path::new("nowhere")]);
    assert!(code == Some(1) && words.contains("`nowhere`"), "{words}");
    let signature = run(&[dir.path(), Path::new("--signature")]).1;
    assert_eq!(
        signature,
        "input size: number\ninput plan: text\noutput prediction: number\n"
    );
}

const PROGRAM: &str = r#"
#include <stdio.h>
#include "everloop_edge.h"
int main(int n, char **words) {
    char *error = NULL;
    everloop_edge_model *model = everloop_edge_open(words[1], &error);
    if (!model) { puts(error); everloop_edge_free(error); return 1; }
    char *answer = everloop_edge_predict(model, words[2], &error);
    fputs(answer ? answer : error, stdout);
    everloop_edge_free(answer);
    everloop_edge_close(model);
    everloop_edge_free(NULL);
    everloop_edge_close(NULL);
    return answer ? 0 : 2;
}
"#;

#[test]
fn a_program_in_c_answers() {
    let dir = model();
    std::fs::write(dir.path().join("everloop_edge.h"), HEADER).unwrap();
    std::fs::write(dir.path().join("main.c"), PROGRAM).unwrap();
    // Cargo leaves the library of a test in its own directory.
    let program = PathBuf::from(env!("CARGO_BIN_EXE_everloop-edge"));
    let libraries = &program.parent().unwrap().join("deps");
    let compiled = Command::new("cc")
        .current_dir(dir.path())
        .args(["-Wall", "-Werror", "main.c", "-o", "main", "-L"])
        .arg(libraries)
        .arg("-leverloop_edge")
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{words}");
    let run = |path: &str, rows: &str| {
        let output = Command::new(dir.path().join("main"))
            .current_dir(dir.path())
            .args([path, rows])
            .env("LD_LIBRARY_PATH", libraries)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text)
    };
    assert_eq!(run("model.onnx", ROWS), (Some(0), ANSWERS.to_owned()));
    assert_eq!(run("none", ROWS).0, Some(1));
    let (code, words) = run(".", "{\"size\": true}");
    assert!(
        code == Some(2) && words.contains("not JSON objects"),
        "{words}"
    );
}
