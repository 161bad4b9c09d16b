use everloop_domain::RunStatus;

use super::*;

/// A store of files as paths and texts.
fn store(files: &[(&str, &str)]) -> (tempfile::TempDir, Option<FileStore>) {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let store = FileStore::open(dir.path());
    (dir, store)
}

const EXPERIMENT: (&str, &str) = (
    "123456789012345678/meta.yaml",
    "name: 'first: one'\nartifact_location: file:///x\nlifecycle_stage: active\ncreation_time: 5\nexperiment_id: '1'\n",
);
const RUN: &str = "123456789012345678/0123456789abcdef0123456789abcdef";

#[test]
fn an_experiment_is_named_by_its_directory() {
    let (_dir, store) = store(&[EXPERIMENT, (".trash/7/meta.yaml", "name: gone\n")]);
    let found = store.unwrap().experiments();
    let found: Vec<Experiment> = found.into_iter().map(Result::unwrap).collect();
    assert_eq!(found[0].id.0, 123_456_789_012_345_678);
    assert_eq!(found[0].name, "first: one");
    assert_eq!(found[0].created_at.as_millis(), 5);
    assert_eq!((found[1].id.0, found[1].lifecycle.as_str()), (7, "deleted"));
}

#[test]
fn a_run_is_read_with_keys_that_have_slashes() {
    let at = |path: &str| format!("{RUN}/{path}");
    let files = [
        (
            at("meta.yaml"),
            "run_name: r\nstatus: 3\nstart_time: 1\nend_time: null\nuser_id: me\n",
        ),
        (at("params/deep/er"), "x\ny"),
        (at("metrics/loss"), "1 0.5 0\n2 nan 1\n"),
        (at("tags/mlflow.note.content"), "näh"),
        (
            at("outputs/m-1/meta.yaml"),
            "source_type: RUN_OUTPUT\nsource_id: m-1\ndestination_id: m-1\nstep: 4\n",
        ),
    ];
    let mut all: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    all.push(EXPERIMENT);
    let (_dir, store) = store(&all);
    let store = store.unwrap();
    let experiment = store.experiments().remove(0).unwrap();
    let runs = store.runs(&experiment).unwrap();
    assert_eq!(runs.len(), 1);
    let found = store.run(&experiment, &runs[0].0).unwrap().thing;
    assert_eq!(found.run.params["deep/er"], "x\ny");
    assert_eq!(found.run.tags["mlflow.note.content"], "näh");
    assert_eq!(found.run.info.status, RunStatus::Finished);
    assert_eq!(found.points.len(), 2);
    assert_eq!(
        (
            found.run.outputs[0].model_id.as_str(),
            found.run.outputs[0].step
        ),
        ("m-1", 4)
    );
}

#[test]
fn damage_is_named_by_its_file() {
    let meta = format!("{RUN}/meta.yaml");
    let (_dir, store) = store(&[EXPERIMENT, (&meta, "status: [")]);
    let store = store.unwrap();
    let experiment = store.experiments().remove(0).unwrap();
    let id = store.runs(&experiment).unwrap().remove(0).0;
    let words = store.run(&experiment, &id).unwrap_err().to_string();
    assert!(
        words.contains("meta.yaml") && words.contains("makes no sense"),
        "{words}"
    );
}

#[test]
fn other_directories_are_no_stores() {
    assert!(store(&[("a/b.txt", "x")]).1.is_none());
    assert!(store(&[("5/no-meta.yaml", "x")]).1.is_none());
}
