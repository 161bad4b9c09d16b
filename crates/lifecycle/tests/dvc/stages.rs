//! Stages with everything filled in, as DVC fills it in.

use everloop_lifecycle::dvc::{Command, OutKind, Stage};
use serde_json::{Value as Json, json};

use crate::golden::{first_pipeline, projects};

fn described(stage: &Stage) -> Json {
    let cmd = match &stage.cmd {
        Command::One(line) => json!(line),
        Command::Many(lines) => json!(lines),
    };
    let directory = if stage.directory.is_empty() {
        "."
    } else {
        &stage.directory
    };
    let outs = stage.outs.iter().map(|out| {
        let kind = match out.kind {
            OutKind::Data => "out",
            OutKind::Metrics => "metric",
            OutKind::Plots => "plot",
        };
        json!([
            out.path,
            kind,
            out.is_cached,
            out.is_persistent,
            out.is_pushed
        ])
    });
    let params = stage
        .params
        .iter()
        .map(|file| json!([file.path, file.keys]));
    json!({
        "cmd": cmd,
        "wdir": directory,
        "deps": stage.deps,
        "params": params.collect::<Vec<_>>(),
        "outs": outs.collect::<Vec<_>>(),
        "frozen": stage.is_frozen,
        "always_changed": stage.is_always_changed,
    })
}

#[test]
fn stages_are_those_of_dvc() {
    for (name, project) in projects() {
        let pipeline = first_pipeline(&project);
        let expected = project["stages"].as_object().unwrap();
        let names: Vec<&str> = pipeline
            .stages
            .iter()
            .map(|stage| stage.name.as_str())
            .collect();
        assert_eq!(names, expected.keys().collect::<Vec<_>>(), "{name}");
        for stage in &pipeline.stages {
            assert_eq!(
                described(stage),
                expected[&stage.name],
                "{name}: {}",
                stage.name
            );
        }
        assert_eq!(json!(pipeline.params), project["top"]["params"], "{name}");
        assert_eq!(json!(pipeline.metrics), project["top"]["metrics"], "{name}");
        assert_eq!(
            pipeline.plots.len(),
            project["top"]["plots"].as_array().unwrap().len()
        );
        let artifacts: Vec<&String> = pipeline.artifacts.iter().map(|(name, _)| name).collect();
        assert_eq!(
            artifacts,
            project["top"]["artifacts"]
                .as_object()
                .unwrap()
                .keys()
                .collect::<Vec<_>>()
        );
    }
}
