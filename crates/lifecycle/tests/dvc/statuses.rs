//! What must run, and why: the verdict of `dvc status`.

use everloop_lifecycle::dvc::{
    Change, Current, Lock, Pipeline, Reason, Value, changes, read_params,
};
use serde_json::{Map, Value as Json, json};

use crate::golden::{pipeline, projects, texts};

fn current(facts: &Json) -> Current {
    let entries = |key: &str| facts[key].as_object().unwrap().clone();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    Current {
        digests: entries("digests")
            .iter()
            .map(|(path, digest)| (path.clone(), text(digest)))
            .collect(),
        not_in_cache: texts(&facts["uncached"])
            .into_iter()
            .map(str::to_owned)
            .collect(),
        params: entries("params")
            .iter()
            .map(|(path, content)| (path.clone(), read_params(path, &text(content)).unwrap()))
            .collect(),
    }
}

fn word<T>(change: &Change<T>) -> &'static str {
    match change {
        Change::Added(_) => "new",
        Change::Removed(_) => "deleted",
        Change::Modified { .. } => "modified",
    }
}

/// Files that DVC never saw are "modified" to it.
fn file_word<T>(change: &Change<T>) -> &'static str {
    match change {
        Change::Added(_) => "modified",
        other => word(other),
    }
}

/// The reasons in the form of `dvc status --json`.
fn status(reasons: &[Reason]) -> Vec<Json> {
    let (mut deps, mut outs, mut rest) = (Map::new(), Map::new(), Vec::new());
    let mut is_new_command = false;
    for reason in reasons {
        match reason {
            Reason::NeverRun => {}
            Reason::AlwaysChanged => rest.push(json!("always changed")),
            Reason::Command { .. } => is_new_command = true,
            Reason::Dependency { path, change } => {
                deps.insert(path.clone(), json!(file_word(change)));
            }
            Reason::ParamsFile { path, change } => {
                deps.insert(path.clone(), json!(word(change)));
            }
            Reason::Parameter { path, key, change } => {
                deps.entry(path.clone()).or_insert(json!({}))[key] = json!(word(change));
            }
            Reason::Output { path, change } => {
                outs.insert(path.clone(), json!(file_word(change)));
            }
            Reason::NotInCache { path } => {
                outs.insert(path.clone(), json!("not in cache"));
            }
        }
    }
    let mut entries = Vec::new();
    if !deps.is_empty() {
        entries.push(json!({"changed deps": deps}));
    }
    if !outs.is_empty() {
        entries.push(json!({"changed outs": outs}));
    }
    entries.extend(rest);
    if is_new_command {
        entries.push(json!("changed command"));
    }
    entries
}

/// DVC shows paths from where it is asked, so those of stages with a `wdir` differ from ours.
fn shown(path: &str, place: &str) -> String {
    if path.starts_with("./") || path.starts_with("../") || !place.ends_with(path) {
        place.to_owned()
    } else {
        path.to_owned()
    }
}

fn relocated(entries: Vec<Json>, stage: &everloop_lifecycle::dvc::Stage) -> Vec<Json> {
    let relocate = |entry: Json| match entry {
        Json::Object(kinds) => {
            let kinds = kinds.into_iter().map(|(kind, paths)| {
                let paths = paths.as_object().unwrap().iter();
                let paths: Map<String, Json> = paths
                    .map(|(path, value)| {
                        let place = stage.place(path);
                        let path = if stage.directory.is_empty() {
                            shown(path, &place)
                        } else {
                            place
                        };
                        (path, value.clone())
                    })
                    .collect();
                (kind, Json::Object(paths))
            });
            Json::Object(kinds.collect())
        }
        other => other,
    };
    entries.into_iter().map(relocate).collect()
}

fn check(name: &str, pipeline: &Pipeline, lock: &Lock, facts: &Json) {
    let current = current(facts);
    let mut found = Map::new();
    for stage in &pipeline.stages {
        let verdict = changes(stage, lock.find(&stage.name), &current);
        assert_eq!(verdict.is_frozen, stage.is_frozen);
        let entries = relocated(status(&verdict.reasons), stage);
        if !entries.is_empty() {
            found.insert(stage.name.clone(), Json::Array(entries));
        }
    }
    assert_eq!(Json::Object(found), facts["status"], "{name}");
}

#[test]
fn verdicts_are_those_of_dvc() {
    for (name, project) in projects() {
        let files = &project["files"];
        let first = pipeline(files["dvc.yaml"].as_str().unwrap(), files);
        check(
            &format!("{name} at first"),
            &first,
            &Lock::default(),
            &project["before"],
        );
        let lock = Lock::read(project["lock"].as_str().unwrap()).0.unwrap();
        for (index, facts) in project["statuses"].as_array().unwrap().iter().enumerate() {
            let mut files = files.clone();
            // Templates are filled in from the parameters of now.
            for (path, text) in facts["params"].as_object().unwrap() {
                files[path] = text.clone();
            }
            let now = pipeline(facts["dvc.yaml"].as_str().unwrap(), &files);
            check(&format!("{name}, change {index}"), &now, &lock, facts);
        }
    }
}

#[test]
fn reasons_have_old_and_new_values() {
    let files = json!({});
    let text = "stages: {a: {cmd: x, params: [lr, gone], frozen: false}}";
    let stage = &pipeline(text, &files).stages[0];
    let lock = Lock::read(
        "schema: '2.0'\nstages:\n  a:\n    cmd: y\n    params:\n      params.yaml:\n        gone: 1\n        lr: 0.1\n",
    );
    let lock = lock.0.unwrap();
    let mut current = Current::default();
    current.params.insert(
        "params.yaml".to_owned(),
        read_params("params.yaml", "lr: 0.2").unwrap(),
    );
    let verdict = changes(stage, lock.find("a"), &current);
    assert!(matches!(&verdict.reasons[0], Reason::Command { .. }));
    let parameter = |key: &str, change| Reason::Parameter {
        path: "params.yaml".to_owned(),
        key: key.to_owned(),
        change,
    };
    let lr = Change::Modified {
        before: Some(Value::Number(0.1)),
        now: Some(Value::Number(0.2)),
    };
    assert_eq!(verdict.reasons[1], parameter("lr", lr));
    assert_eq!(
        verdict.reasons[2],
        parameter("gone", Change::Removed(Some(Value::Integer(1))))
    );
    assert!(!verdict.is_up_to_date() && verdict.reasons.len() == 3);
}
