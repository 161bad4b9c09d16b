//! Packages on disk: written, read, refused.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};
use everloop_domain::ErrorKind;
use everloop_domain::expression::parse;

use super::*;
use crate::graph::GraphBuilder;
use crate::{Input, Kind, Output};

fn rows() -> RecordBatch {
    let a: ArrayRef = Arc::new(Float64Array::from(vec![1.0, f64::NAN, 3.0]));
    let name: ArrayRef = Arc::new(StringArray::from(vec!["x", "it's", "\u{2028}"]));
    RecordBatch::try_from_iter([("it's 'a'\n", a), ("name", name)]).unwrap()
}

/// Predicts twice the first column, or -1 where it is missing.
fn graph() -> Graph {
    let mut builder = GraphBuilder::new();
    let a = builder.input("it's 'a'\n", Kind::Number);
    builder.input("name", Kind::Text);
    let result = builder
        .expression(
            &parse("coalesce(a * 2, -1)").unwrap(),
            &[("a".to_owned(), a)].into(),
        )
        .unwrap();
    let result = builder.column_matrix(&[result]);
    builder.finish_regression(&result).unwrap()
}

fn predictions(values: &[f64]) -> RecordBatch {
    let column: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
    RecordBatch::try_from_iter([("prediction", column)]).unwrap()
}

fn write_to(dir: &Path, expected: &[f64]) -> Result<Written, Error> {
    let (graph, rows) = (graph(), rows());
    let new = NewPackage {
        graph: &graph,
        task: Task::Regression,
        classes: &[],
        name: "doubled",
        input_example: &rows,
        metadata: [("data".to_owned(), "sha256:00".to_owned())].into(),
    };
    write(dir, &new, &rows, &predictions(expected))
}

#[test]
fn a_package_is_read_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    let written = write_to(&path, &[2.0, -1.0, 6.000_001]).unwrap();
    assert_eq!(written.parity.n_rows, 3);
    assert!((1e-8..1e-6).contains(&written.parity.max_difference));
    let package = open(&path).unwrap();
    assert_eq!(package.digest, written.digest);
    assert_eq!(package.flavor, Flavor::Onnx(path.join("model.onnx")));
    assert_eq!(package.signature.as_ref(), Some(graph().signature()));
    assert_eq!(
        (package.task, package.classes.len()),
        (Some(Task::Regression), 0)
    );
    assert_eq!(package.metadata["data"], "sha256:00");
    assert_eq!(package.graph().unwrap(), graph());
    let names: Vec<String> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["model"], "nothing is left beside it");
}

#[test]
fn the_same_model_has_the_same_digest_and_may_be_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let expected = [2.0, -1.0, 6.0];
    let first = write_to(&dir.path().join("one"), &expected).unwrap();
    assert_eq!(
        write_to(&dir.path().join("two"), &expected).unwrap().digest,
        first.digest
    );
    assert_eq!(
        write_to(&dir.path().join("one"), &expected).unwrap().digest,
        first.digest
    );
    fs::write(dir.path().join("one/requirements.txt"), "changed").unwrap();
    assert_ne!(digest(&dir.path().join("one")).unwrap(), first.digest);
    let error = write_to(&dir.path().join("one"), &expected).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn a_graph_that_disagrees_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    let error = write_to(&path, &[2.0, -1.0, 6.01]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the graph disagrees with the trainer in output `prediction`, row 2: the trainer predicted `6.01`, the graph \
         gives `6.0`; inputs: it's 'a'\n=3.0, name=\u{2028}"
    );
    let error = write_to(&path, &[2.0]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot build the model: there are 3 rows and 1 predictions of the trainer"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_label_may_differ_only_at_a_tie() {
    let mut builder = GraphBuilder::new();
    let p = builder.input("p", Kind::Number);
    let matrix = builder.column_matrix(&[p]);
    let classes = [Value::Text("no".into()), Value::Text("yes".into())];
    let graph = builder.finish_binary(&matrix, &classes).unwrap();
    let numbers = |values: &[f64]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let rows = RecordBatch::try_from_iter([("p", numbers(&[0.5, 0.9]))]).unwrap();
    let model = crate::native::NativeModel::new(&graph).unwrap();
    let compare = |labels: [&str; 2], probabilities: [f64; 2]| {
        let labels: ArrayRef = Arc::new(StringArray::from(labels.to_vec()));
        let columns = [
            ("prediction", labels),
            ("probability", numbers(&probabilities)),
        ];
        parity::check(&model, &rows, &RecordBatch::try_from_iter(columns).unwrap())
    };
    assert!(compare(["yes", "yes"], [0.500_001, 0.9]).is_ok());
    assert!(compare(["no", "yes"], [0.5, 0.9]).is_ok());
    let error = compare(["no", "no"], [0.5, 0.9]).unwrap_err().to_string();
    assert!(
        error.contains("row 1: the trainer predicted `no`, the graph gives `yes`"),
        "{error}"
    );
    let error = compare(["no", "yes"], [0.5, 0.8]).unwrap_err().to_string();
    assert!(error.contains("output `probability`, row 1"), "{error}");
}

/// Reads an `MLmodel` with this content in an otherwise empty directory.
fn open_text(text: &str) -> Result<Package, Error> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("MLmodel"), text).unwrap();
    open(dir.path())
}

/// What scikit-learn's flavour of MLflow 3.17.2 writes, lines folded by `PyYAML`.
const SKLEARN: &str = "\
artifact_path: model
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    model_path: model.pkl
    predict_fn: predict
    python_version: 3.11.7
  sklearn:
    code: null
    pickled_model: model.pkl
signature:
  inputs: '[{\"type\": \"double\", \"name\": \"age\", \"required\": false}, {\"type\": \"long\",
    \"name\": \"it''s a long name\", \"required\": true}, {\"type\": \"string\", \"name\": \"sex\",
    \"optional\": true}]'
  outputs: '[{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\": \"int64\", \"shape\": [-1]}}]'
  params: null
utc_time_created: '2026-11-20 23:35:13.751471'
";

#[test]
fn models_by_others_are_read() {
    let package = open_text(SKLEARN).unwrap();
    assert_eq!(package.flavor, Flavor::Python("mlflow.sklearn".to_owned()));
    assert_eq!(
        (package.task, package.classes.len(), package.metadata.len()),
        (None, 0, 0)
    );
    let input = |name: &str, kind, required| Input {
        name: name.to_owned(),
        kind,
        required,
    };
    let signature = package.signature.unwrap();
    assert_eq!(
        signature.inputs,
        [
            input("age", Kind::Number, false),
            input("it's a long name", Kind::Integer, true),
            input("sex", Kind::Text, false),
        ]
    );
    assert_eq!(
        signature.outputs,
        [Output {
            name: "prediction".to_owned(),
            kind: Kind::Integer
        }]
    );
}

#[test]
fn a_model_by_others_is_adopted_once_for_one_task() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("MLmodel"), SKLEARN).unwrap();
    let metadata = |key: &str| [(key.to_owned(), "1".to_owned())].into();
    let first = adopt(dir.path(), Task::Binary, &metadata("data")).unwrap();
    assert_eq!(
        adopt(dir.path(), Task::Binary, &metadata("data")).unwrap(),
        first
    );
    adopt(dir.path(), Task::Binary, &metadata("more")).unwrap();
    let package = open(dir.path()).unwrap();
    assert_eq!(
        (package.task, package.metadata.len()),
        (Some(Task::Binary), 2)
    );
    assert_eq!(package.flavor, Flavor::Python("mlflow.sklearn".to_owned()));
    let error = adopt(dir.path(), Task::Regression, &metadata("data"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("its task is binary, expected regression"),
        "{error}"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn a_signature_that_is_not_over_columns_counts_as_none() {
    for inputs in [
        "'[{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\": \"float64\", \"shape\": [-1, 4]}}]'",
        "'[{\"type\": \"datetime\", \"name\": \"when\"}]'",
        "'not json'",
        "7",
    ] {
        let text = format!(
            "flavors: {{python_function: {{loader_module: m}}}}\nsignature: {{inputs: {inputs}}}\n"
        );
        assert_eq!(open_text(&text).unwrap().signature, None, "{inputs}");
    }
    assert_eq!(
        open_text("flavors: {python_function: {loader_module: m}}")
            .unwrap()
            .signature,
        None
    );
}

#[test]
fn directories_that_are_no_packages_are_refused() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(open(empty.path()).unwrap_err().kind(), ErrorKind::NotFound);
    for (text, expected) in [
        ("", "it is not a mapping"),
        ("[1, 2]", "it is not a mapping"),
        ("a: [", "it is not YAML"),
        ("name: x", "it names no flavors"),
        (
            "flavors: {spark: {}}",
            "neither the flavor `onnx` nor `python_function`",
        ),
        (
            "flavors: {onnx: {data: ../../etc/passwd}}",
            "`../../etc/passwd` is not inside of the package",
        ),
        (
            "flavors: {onnx: {data: /etc/passwd}}",
            "`/etc/passwd` is not inside of the package",
        ),
        (
            "flavors: {onnx: {data: ''}}",
            "`` is not inside of the package",
        ),
    ] {
        let error = open_text(text).unwrap_err();
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_newer_layout_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    write_to(&path, &[2.0, -1.0, 6.0]).unwrap();
    fs::write(
        path.join("everloop.json"),
        "{\"format_version\": 2, \"news\": true}",
    )
    .unwrap();
    let error = open(&path).unwrap_err().to_string();
    assert!(
        error.contains("its format version is 2, this Everloop reads 1"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn links_have_no_place_in_a_package() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/zero", dir.path().join("endless")).unwrap();
    assert!(
        digest(dir.path())
            .unwrap_err()
            .to_string()
            .contains("neither a file nor a directory")
    );
}

proptest::proptest! {
    #[test]
    fn changed_texts_never_panic(
        at in 0..SKLEARN.len(),
        inserted in "[\\PC\n\t'\"&*{}\\[\\]:-]{0,8}",
        n_removed in 0_usize..20,
    ) {
        let mut text = SKLEARN.to_owned();
        text.replace_range(at..(at + n_removed).min(text.len()), &inserted);
        let _ = mlmodel::parse(Path::new("dir"), &text);
    }

    #[test]
    fn any_name_survives_the_signature(name in "\\PC{1,20}|[\u{0}-\u{2f}\u{7f}-\u{a0}\u{2028}\u{feff}]{1,9}") {
        let signature = Signature {
            inputs: vec![Input { name: name.clone(), kind: Kind::Text, required: true }],
            outputs: vec![Output { name, kind: Kind::Number }],
        };
        let text = mlmodel::text(&signature, &Digest::of("x"), 1);
        assert_eq!(mlmodel::parse(Path::new("dir"), &text).unwrap().signature, Some(signature));
    }
}

#[test]
fn endless_nesting_is_an_error() {
    let text = format!("flavors: {}", "[".repeat(200_000));
    assert!(mlmodel::parse(Path::new("dir"), &text).is_err());
    let json = "[".repeat(100_000);
    let text = format!(
        "flavors: {{python_function: {{loader_module: m}}}}\nsignature: {{inputs: '{json}'}}\n"
    );
    assert_eq!(
        mlmodel::parse(Path::new("dir"), &text).unwrap().signature,
        None
    );
}
