//! The golden projects: their files, and what DVC made of them.

use everloop_lifecycle::dvc::{Flags, Parsed, Pipeline, Surroundings, parse};
use serde_json::Value as Json;

/// All golden projects by name.
pub(crate) fn projects() -> Vec<(&'static str, Json)> {
    let texts = [
        ("anchors", include_str!("../golden/dvc/anchors.json")),
        ("basic", include_str!("../golden/dvc/basic.json")),
        ("diamond", include_str!("../golden/dvc/diamond.json")),
        ("forms", include_str!("../golden/dvc/forms.json")),
        ("templating", include_str!("../golden/dvc/templating.json")),
        ("windows", include_str!("../golden/dvc/windows.json")),
    ];
    let read = |(name, text)| (name, serde_json::from_str(text).unwrap());
    texts.into_iter().map(read).collect()
}

/// Parses a `dvc.yaml` beside the files of a project.
pub(crate) fn parse_in(text: &str, files: &Json) -> Parsed {
    let read = |path: &str| Ok(files[path].as_str().map(str::to_owned));
    let surroundings = Surroundings {
        file: "dvc.yaml",
        flags: Flags::default(),
        read: &read,
    };
    parse(text, surroundings)
}

/// The pipeline of a text that has one.
#[track_caller]
pub(crate) fn pipeline(text: &str, files: &Json) -> Pipeline {
    let parsed = parse_in(text, files);
    let shown: Vec<String> = parsed
        .diagnostics
        .iter()
        .map(|problem| problem.render("dvc.yaml", text))
        .collect();
    parsed
        .pipeline
        .unwrap_or_else(|| panic!("{}", shown.join("\n")))
}

/// The pipeline of a project as it is at first.
#[track_caller]
pub(crate) fn first_pipeline(project: &Json) -> Pipeline {
    let files = &project["files"];
    pipeline(files["dvc.yaml"].as_str().unwrap(), files)
}

/// The texts of a list.
pub(crate) fn texts(list: &Json) -> Vec<&str> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Json::as_str).collect()
}
