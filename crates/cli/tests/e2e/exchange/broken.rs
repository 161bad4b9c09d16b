//! Stores with damage, and with names that are taken here.

use std::path::Path;

use serde_json::Value;

use super::{export, import, kill_at, refused, report, report_with, start, tree};

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// The reason that a list of a report gives for something.
#[track_caller]
fn why(report: &Value, list: &str, what: &str) -> String {
    let told = report[list].as_array().unwrap();
    let found = told
        .iter()
        .find(|one| one["what"].as_str().unwrap().contains(what));
    let found = found.unwrap_or_else(|| panic!("nothing of {what}: {report}"));
    found["why"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_broken_is_named_and_the_rest_comes() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("mlruns");
    let write = |path: &str, text: &str| write(&root, path, text);
    let (good, bad, half) = ("a".repeat(32), "b".repeat(32), "c".repeat(32));
    write("5/meta.yaml", "name: e\n");
    write(&format!("5/{good}/meta.yaml"), "status: 3\nstart_time: 1\n");
    write(&format!("5/{good}/metrics/cut"), "1 0.5 0\n2 0.25 1");
    write(&format!("5/{bad}/meta.yaml"), "status: [\n");
    write(&format!("5/{half}/meta.yaml"), "status: 3\n");
    write(&format!("5/{half}/metrics/m"), "1 0.5 0\nnonsense\n2 1 1\n");
    write("5/not-a-run/meta.yaml", "status: 3\n");
    write("5/traces/tr-1/trace_info.yaml", "x: 1\n");
    write(
        "5/models/m-1/meta.yaml",
        "name: m\nstatus: 2\nlifecycle_stage: deleted\n",
    );
    write("models/M/meta.yaml", "name: M\n");
    write("models/M/version-1/meta.yaml", "source: [\n");
    write("models/M/version-2/meta.yaml", "source: s\n");
    write("models/M/aliases/lost", "1");
    write("models/N/meta.yaml", "name: a/b\n");
    let report = report_with(import(root.to_str().unwrap(), &dir.path().join("home")), 22);
    assert_eq!(report["runs"]["new"], 1, "{report}");
    assert_eq!(report["points"], 1, "{report}");
    assert_eq!(report["registered_models"]["new"], 1, "{report}");
    assert_eq!(report["versions"]["new"], 1, "{report}");
    let problem = |what: &str| why(&report, "problems", what);
    assert!(problem(&bad).contains("meta.yaml"));
    assert!(problem(&half).contains("line 2"));
    assert!(problem("not-a-run").contains("hexadecimal"));
    assert!(problem("metric `cut`").contains("never finished"));
    assert!(problem("a version of `M`").contains("version-1/meta.yaml"));
    assert!(problem("alias `lost`").contains("M/1"));
    assert!(problem("registered model").contains("a/b"));
    let remark = |what: &str| why(&report, "remarks", what);
    assert!(remark("1 logged model of experiment `e`").contains("deleted"));
    assert!(remark("1 trace of experiment `e`").contains("not taken over"));
    for (source, words) in [("/nowhere", "no such file"), ("ftp://x/y", "it is no")] {
        let said = refused(import(source, dir.path()), 2);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn artifacts_may_stay_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("mlruns");
    let (here, elsewhere) = ("a".repeat(32), "b".repeat(32));
    write(&root, "5/meta.yaml", "name: e\n");
    write(&root, &format!("5/{here}/meta.yaml"), "status: 3\n");
    write(&root, &format!("5/{here}/artifacts/f"), "x");
    let bucket = "status: 3\nartifact_uri: s3://bucket/b\n";
    write(&root, &format!("5/{elsewhere}/meta.yaml"), bucket);
    let source = root.to_str().unwrap();
    let with = |mut command: std::process::Command| {
        command.args(["--artifacts", "leave"]);
        command
    };
    let out = |home: &str, name: &str| export(&dir.path().join(home), &dir.path().join(name));
    let meta = |out: &str| {
        let files = tree(&dir.path().join(out));
        let meta = |run: &String| {
            let text = files[&format!("5/{run}/meta.yaml")].clone();
            String::from_utf8(text).unwrap()
        };
        let has_file = files.contains_key(&format!("5/{here}/artifacts/f"));
        (meta(&here), meta(&elsewhere), has_file)
    };

    let told = report(import(source, &dir.path().join("copied")));
    assert_eq!(told["files"], 1);
    let remark = why(&told, "remarks", &elsewhere);
    assert!(remark.contains("s3://bucket/b"), "{remark}");
    let told = report(with(out("copied", "out")));
    assert!(why(&told, "remarks", "1 location").contains("`mlflow-artifacts:`"));
    let (first, second, has_file) = meta("out");
    assert!(
        first.contains("mlflow-artifacts:/5/") && !has_file,
        "{first}"
    );
    assert!(second.contains("s3://bucket/b"), "{second}");

    let told = report(with(import(source, &dir.path().join("left"))));
    assert_eq!(told["files"], 0);
    let told = report(out("left", "out2"));
    assert!(why(&told, "remarks", &here).contains("mlruns/5"));
    let (first, _, has_file) = meta("out2");
    assert!(
        first.contains(&format!("{source}/5/{here}/artifacts")) && !has_file,
        "{first}"
    );
}

#[test]
fn an_export_that_is_stopped_leaves_nothing() {
    const N_RUNS: usize = 600;
    let dir = tempfile::tempdir().unwrap();
    let (root, home) = (dir.path().join("mlruns"), dir.path().join("home"));
    write(&root, "5/meta.yaml", "name: e\n");
    for number in 0..N_RUNS {
        write(&root, &format!("5/{number:032}/meta.yaml"), "status: 3\n");
    }
    report(import(root.to_str().unwrap(), &home));
    let place = dir.path().join("place");
    let out = || export(&home, &place.join("out"));
    let mut asked = start(out(), 1);
    let id = asked.id().to_string();
    let sent = std::process::Command::new("kill").arg(id).status();
    assert!(sent.unwrap().success());
    assert_eq!(asked.wait().unwrap().code(), Some(130));
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0);
    // Killed, it cannot clean up; but nothing looks like a store.
    assert!(kill_at(out(), 1));
    assert!(!place.join("out").exists());
    assert_eq!(report(out())["runs"]["new"], N_RUNS);
    assert!(tree(&place.join("out")).len() > N_RUNS);
}

#[test]
fn names_that_are_taken_here_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let runs = ["a".repeat(32), "b".repeat(32)];
    for (number, run) in runs.iter().enumerate() {
        let root = dir.path().join(format!("store-{number}"));
        let write = |path: &str, text: &str| write(&root, path, text);
        write(
            "5/meta.yaml",
            &format!("name: e\ncreation_time: {number}\n"),
        );
        write(&format!("5/{run}/meta.yaml"), "status: 3\n");
        write(
            "models/M/meta.yaml",
            &format!("name: M\ncreation_timestamp: {number}\n"),
        );
        let version = format!("source: s\nrun_id: {run}\n");
        write("models/M/version-1/meta.yaml", &version);
        if number == 1 {
            write("models/M/version-2/meta.yaml", &version);
        }
        write("models/M/aliases/champion", &(number + 1).to_string());
    }
    let source = |number: u32| dir.path().join(format!("store-{number}"));
    let code_of =
        |number: u32, code: i32| report_with(import(source(number).to_str().unwrap(), &home), code);
    let first = code_of(0, 0);
    assert_eq!(first["remarks"], serde_json::json!([]), "{first}");
    for expected in [1, 0] {
        let second = code_of(1, 22);
        assert_eq!(second["runs"]["new"], expected, "{second}");
        assert_eq!(second["versions"]["new"], expected, "{second}");
        assert!(why(&second, "problems", "version 1 of `M`").contains("another run"));
        assert!(why(&second, "remarks", "experiment `e`").contains("another one"));
        assert!(why(&second, "remarks", "registered model `M`").contains("another one"));
        assert!(why(&second, "remarks", "alias `champion` of `M`").contains("version 1 here"));
    }
    let again = code_of(0, 0);
    assert_eq!(again["remarks"], serde_json::json!([]), "{again}");
}
