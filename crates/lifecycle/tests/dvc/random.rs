//! Random pipelines with templates, `foreach` and `matrix`, as DVC fills them in.

use everloop_lifecycle::dvc::{Command, Stage};
use serde_json::{Map, Value as Json, json};

use crate::golden::parse_in;

fn described(stage: &Stage) -> Json {
    let cmd = match &stage.cmd {
        Command::One(line) => json!(line),
        Command::Many(lines) => json!(lines),
    };
    let wdir = if stage.directory.is_empty() {
        "."
    } else {
        &stage.directory
    };
    let params = stage.params.iter();
    let params: Map<_, _> = params
        .map(|file| (file.path.clone(), json!(file.keys)))
        .collect();
    let outs = stage.outs.iter().map(|out| &out.path);
    json!({
        "cmd": cmd,
        "deps": stage.deps,
        "params": params,
        "outs": outs.collect::<Vec<_>>(),
        "wdir": wdir,
        "frozen": stage.is_frozen,
    })
}

#[test]
fn random_pipelines_are_filled_in_as_with_dvc() {
    let cases: Json = serde_json::from_str(include_str!("../golden/dvc/random.json")).unwrap();
    let mut problems = Vec::new();
    for case in cases.as_array().unwrap() {
        let parsed = parse_in(case["dvc.yaml"].as_str().unwrap(), case);
        let found = parsed.pipeline.map(|pipeline| {
            let stages = pipeline.stages.iter();
            let stages = stages.map(|stage| (stage.name.clone(), described(stage)));
            Json::Object(stages.collect())
        });
        let expected = &case["stages"];
        let is_right = match &found {
            Some(stages) if expected.is_object() => stages == expected,
            Some(_) => {
                // Of values that are no texts, Everloop takes more as paths and parameters than DVC.
                let error = case["error"].as_str().unwrap();
                !error.starts_with("ResolveError") && !error.starts_with("OutputDuplication")
            }
            None => expected.is_null(),
        };
        if !is_right {
            let said: Vec<&String> = parsed.diagnostics.iter().map(|one| &one.message).collect();
            problems.push(format!(
                "seed {}\n{}---\n{}DVC: {expected} {}\nEverloop: {} {said:?}",
                case["seed"],
                case["params.yaml"].as_str().unwrap(),
                case["dvc.yaml"].as_str().unwrap(),
                case["error"],
                found.unwrap_or_default(),
            ));
        }
    }
    let n_problems = problems.len();
    problems.truncate(4);
    assert!(
        problems.is_empty(),
        "{n_problems} differ:\n{}",
        problems.join("\n=====\n")
    );
}
