//! Models that leave: complete directories or none, and nothing that was there is lost.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use everloop_domain::Task;
use everloop_package::native::NativeModel;
use everloop_package::{Error, NewPackage, Scorer as _, Signature, export_graph, write};

use crate::models;

/// A package of Everloop in a directory.
fn packaged(dir: &Path) -> PathBuf {
    let graph = models::linear_regression();
    let rows = graph.signature().conform(&models::rows(20, 1)).unwrap();
    let results = NativeModel::new(&graph).unwrap().score(&rows).unwrap();
    let new = NewPackage {
        graph: &graph,
        task: Task::Regression,
        classes: &[],
        name: "linear",
        input_example: &rows,
        metadata: BTreeMap::new(),
    };
    write(&dir.join("package"), &new, &rows, &results).unwrap();
    dir.join("package")
}

/// The names in a directory, sorted.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_leaves_is_what_the_package_holds() {
    let dir = tempfile::tempdir().unwrap();
    let package = packaged(dir.path());
    let target = dir.path().join("gone");
    export_graph(&package, &target, &[]).unwrap();
    assert_eq!(
        names(&target),
        [
            "input_example.json",
            "model.onnx",
            "sbom.cdx.json",
            "signature.json"
        ]
    );
    for name in ["input_example.json", "model.onnx", "sbom.cdx.json"] {
        assert_eq!(
            fs::read(target.join(name)).unwrap(),
            fs::read(package.join(name)).unwrap(),
            "{name}"
        );
    }
    let signature = fs::read(target.join("signature.json")).unwrap();
    let signature: Signature = serde_json::from_slice(&signature).unwrap();
    assert_eq!(&signature, models::linear_regression().signature());
    assert_eq!(
        names(dir.path()),
        ["gone", "package"],
        "nothing is left beside it"
    );
}

#[test]
fn the_bill_of_materials_names_the_graph_that_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("gone");
    export_graph(&packaged(dir.path()), &target, &[]).unwrap();
    let bill = fs::read(target.join("sbom.cdx.json")).unwrap();
    let bill: serde_json::Value = serde_json::from_slice(&bill).unwrap();
    let graph = fs::read(target.join("model.onnx")).unwrap();
    let graph = everloop_domain::Digest::of(&graph);
    let model = &bill["metadata"]["component"];
    assert_eq!(model["hashes"][0]["content"], graph.hex());
    assert_eq!(bill["metadata"]["component"]["name"], "linear");
    let refs = bill["dependencies"][0]["dependsOn"].as_array().unwrap();
    let components = bill["components"].as_array().unwrap();
    assert_eq!(refs.len(), components.len());
    // A package without digests of data names no data sets, nor refers to any.
    let parameters = &model["modelCard"]["modelParameters"];
    assert_eq!(parameters["datasets"], serde_json::json!([]));
    assert_eq!(parameters["task"], "regression");
}

#[test]
fn an_empty_directory_is_filled() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("empty");
    fs::create_dir(&target).unwrap();
    export_graph(&packaged(dir.path()), &target, &[]).unwrap();
    assert!(target.join("model.onnx").is_file());
}

#[test]
fn what_stands_at_the_target_stays() {
    let dir = tempfile::tempdir().unwrap();
    let package = packaged(dir.path());
    let full = dir.path().join("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("model.onnx"), "of another").unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "a file").unwrap();
    for target in [&full, &file] {
        let error = export_graph(&package, target, &[]).unwrap_err();
        let is_told = matches!(&error, Error::AlreadyExists { path } if path == target);
        assert!(is_told, "{error}");
    }
    assert_eq!(names(&full), ["model.onnx"]);
    assert_eq!(fs::read(full.join("model.onnx")).unwrap(), b"of another");
    assert_eq!(fs::read(&file).unwrap(), b"a file");
    assert_eq!(names(dir.path()), ["file", "full", "package"]);
}

#[test]
fn a_model_that_needs_python_stays() {
    let dir = tempfile::tempdir().unwrap();
    let package = dir.path().join("package");
    fs::create_dir(&package).unwrap();
    let text = "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n";
    fs::write(package.join("MLmodel"), text).unwrap();
    let target = dir.path().join("gone");
    let error = export_graph(&package, &target, &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("it needs Python to run"), "{error}");
    assert_eq!(names(dir.path()), ["package"]);
}

#[test]
fn models_by_others_leave_with_the_signature_of_their_graph() {
    let dir = tempfile::tempdir().unwrap();
    let package = dir.path().join("package");
    fs::create_dir(&package).unwrap();
    let text = "flavors:\n  onnx:\n    data: model.onnx\n";
    fs::write(package.join("MLmodel"), text).unwrap();
    let graph = models::forest();
    fs::write(package.join("model.onnx"), graph.to_bytes()).unwrap();
    let target = dir.path().join("gone");
    export_graph(&package, &target, &[]).unwrap();
    assert_eq!(names(&target), ["model.onnx", "signature.json"]);
    let signature = fs::read(target.join("signature.json")).unwrap();
    let signature: Signature = serde_json::from_slice(&signature).unwrap();
    assert_eq!(&signature, graph.signature());
}

#[test]
fn programs_beside_the_model_stay_programs() {
    let dir = tempfile::tempdir().unwrap();
    let package = packaged(dir.path());
    let (program, text) = (dir.path().join("program"), dir.path().join("text"));
    for (path, mode) in [(&program, 0o755), (&text, 0o640)] {
        fs::write(path, "content").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let target = dir.path().join("gone");
    export_graph(&package, &target, &[("run", &program), ("README", &text)]).unwrap();
    for (name, mode) in [("run", 0o755), ("README", 0o640)] {
        let file = target.join(name);
        assert_eq!(fs::read(&file).unwrap(), b"content");
        let found = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{name}: {found:o}");
    }
}

#[test]
fn nothing_is_left_of_an_export_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    let package = packaged(dir.path());
    let target = dir.path().join("gone");
    let absent = dir.path().join("absent");
    let graph = package.join("model.onnx");
    for others in [[("run", absent.as_path())], [("no/such/place", &graph)]] {
        let error = export_graph(&package, &target, &others).unwrap_err();
        let is_told = matches!(
            &error,
            Error::Io {
                action: "copy to",
                ..
            }
        );
        assert!(is_told, "{error}");
        assert_eq!(names(dir.path()), ["package"]);
    }
    fs::remove_file(&graph).unwrap();
    export_graph(&package, &target, &[]).unwrap_err();
    assert_eq!(names(dir.path()), ["package"]);
}
