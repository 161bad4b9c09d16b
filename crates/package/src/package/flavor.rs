//! Gives a model directory by others a graph beside what it has.

use std::fs;
use std::path::Path;

use super::files::{failed, read, write_durably};
use super::{Flavor, open};
use crate::Error;

/// The graph's name in a directory by others: no other tool writes a file of this name.
const GRAPH: &str = "everloop.onnx";
const HEAD: &str = "flavors:\n";

/// Adds an ONNX graph, as the flavour `onnx`, to a model directory that has none. Everything else, the flavour
/// `python_function` too, stays as it is: MLflow's client loads the model as before, Everloop runs the graph.
///
/// # Errors
///
/// Fails like [`open()`], if the directory has the flavour `onnx` already, if its `MLmodel` is not laid out as MLflow
/// writes it, and if the file system refuses.
pub fn add_graph(dir: &Path, graph: &Path) -> Result<(), Error> {
    let path = dir.join("MLmodel");
    let wrong = |problem: &str| Error::Package {
        path: path.clone(),
        problem: problem.to_owned(),
    };
    if matches!(open(dir)?.flavor, Flavor::Onnx(_)) {
        return Err(wrong("it has the flavor `onnx` already"));
    }
    let text = String::from_utf8(read(&path)?).map_err(|_| wrong("it is not UTF-8"))?;
    let at = match text.find(&format!("\n{HEAD}")) {
        _ if text.starts_with(HEAD) => HEAD.len(),
        Some(at) => at + 1 + HEAD.len(),
        None => return Err(wrong("its flavors are not laid out as MLflow writes them")),
    };
    let (before, after) = text.split_at(at);
    let flavor = format!(
        "  onnx:\n    code: null\n    data: {GRAPH}\n    onnx_session_options: null\n    onnx_version: 1.16.0\n    providers:\n    - CPUExecutionProvider\n"
    );
    let target = dir.join(GRAPH);
    fs::copy(graph, &target).map_err(|source| failed("copy to", &target, source))?;
    write_durably(&path, format!("{before}{flavor}{after}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MLMODEL: &str = "artifact_path: model\nflavors:\n  python_function:\n    loader_module: mlflow.sklearn\n  sklearn:\n    code: null\nmlflow_version: 3.17.2\n";

    #[test]
    fn the_graph_stands_beside_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let graph = dir.path().join("made.onnx");
        fs::write(&graph, "graph").unwrap();
        for text in [MLMODEL, &MLMODEL["artifact_path: model\n".len()..]] {
            fs::write(dir.path().join("MLmodel"), text).unwrap();
            add_graph(dir.path(), &graph).unwrap();
            let package = open(dir.path()).unwrap();
            assert_eq!(package.flavor, Flavor::Onnx(dir.path().join(GRAPH)));
            let written = fs::read_to_string(dir.path().join("MLmodel")).unwrap();
            assert!(written.contains("  python_function:\n    loader_module: mlflow.sklearn\n"));
            let again = add_graph(dir.path(), &graph).unwrap_err().to_string();
            assert!(again.contains("has the flavor `onnx` already"), "{again}");
        }
    }

    #[test]
    fn a_file_of_another_layout_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let text = "{flavors: {python_function: {loader_module: mlflow.sklearn}}}\n";
        fs::write(dir.path().join("MLmodel"), text).unwrap();
        let error = add_graph(dir.path(), Path::new("x"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("not laid out as MLflow writes them"),
            "{error}"
        );
        assert_eq!(
            fs::read_to_string(dir.path().join("MLmodel")).unwrap(),
            text
        );
    }
}
