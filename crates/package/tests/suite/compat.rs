//! Packages of earlier releases must stay readable: `tests/compat/package/v<format version>`.
//!
//! A directory there is never edited. For a new format version, call [`write_fixture`] from a
//! temporary test, and add a directory and a test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::Float64Type;
use arrow::record_batch::RecordBatch;
use everloop_domain::expression::parse;
use everloop_domain::{Task, Value};
use everloop_package::graph::{Graph, GraphBuilder};
use everloop_package::native::NativeModel;
use everloop_package::{Kind, NewPackage, Scorer as _, Written, open, write};

use crate::models;

fn fixture(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/compat/package/v{version}"))
}

fn rows() -> RecordBatch {
    let columns: [(&str, ArrayRef); 4] = [
        (
            "amount",
            Arc::new(Float64Array::from(vec![12.5, f64::NAN, 300.0])),
        ),
        ("hour", Arc::new(Int64Array::from(vec![3, 14, 23]))),
        (
            "city",
            Arc::new(StringArray::from(vec!["Lyon", "", "Oslo"])),
        ),
        (
            "is_new",
            Arc::new(BooleanArray::from(vec![true, false, true])),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// A small model of each part: features, imputation, categories, trees, classes.
fn graph() -> Graph {
    let mut builder = GraphBuilder::new();
    let kinds = [
        ("amount", Kind::Number),
        ("hour", Kind::Integer),
        ("city", Kind::Text),
        ("is_new", Kind::Boolean),
    ];
    let columns: BTreeMap<_, _> = kinds
        .map(|(name, kind)| (name.to_owned(), builder.input(name, kind)))
        .into_iter()
        .collect();
    let night =
        parse("if(hour in (22, 23, 0, 1, 2, 3) and not is_new, 1, sin(2 * pi() * hour / 24))")
            .unwrap();
    let night = builder.expression(&night, &columns).unwrap();
    let amount = builder.impute(&columns["amount"], 20.0);
    let amount = builder.scale(&amount, 20.0, 0.01);
    let numbers = builder.column_matrix(&[night, amount, columns["amount"].clone()]);
    let cities = builder.one_hot(&columns["city"], &models::texts(&["Lyon", "Oslo"]));
    let features = builder.concat(&[numbers, cities]);
    let score = builder.trees(&features, &models::ensemble(3, 3, 5, 1, 9));
    let score = builder.sigmoid(&score);
    builder
        .finish_binary(
            &score,
            &[Value::Text("genuine".into()), Value::Text("fraud".into())],
        )
        .unwrap()
}

/// Writes the fixture of the current format version.
fn write_fixture(dir: &Path) -> Written {
    let (graph, rows) = (graph(), rows());
    let new = NewPackage {
        graph: &graph,
        task: Task::Binary,
        classes: &[Value::Text("genuine".into()), Value::Text("fraud".into())],
        name: "compat",
        input_example: &rows,
        metadata: [("trainer".to_owned(), "boosting".to_owned())].into(),
    };
    let expected = NativeModel::new(&graph).unwrap().score(&rows).unwrap();
    write(dir, &new, &rows, &expected).unwrap()
}

/// What the model of [`graph`] predicts for [`rows`], whenever it was written.
fn check(dir: &Path) {
    let package = open(dir).unwrap();
    assert_eq!(package.task, Some(Task::Binary));
    assert_eq!(package.classes, models::texts(&["genuine", "fraud"]));
    assert_eq!(package.metadata["trainer"], "boosting");
    let signature = package.signature.as_ref().unwrap();
    let rows = signature.conform(&rows()).unwrap();
    let found = NativeModel::new(&package.graph().unwrap())
        .unwrap()
        .score(&rows)
        .unwrap();
    let probabilities = found
        .column_by_name("probability")
        .unwrap()
        .as_primitive::<Float64Type>();
    let expected = [
        0.624_916_179_621_447_6,
        0.443_557_845_869_126_2,
        0.377_944_962_880_596_1,
    ];
    for (found, expected) in probabilities.values().iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} instead of {expected}"
        );
    }
    let labels: Vec<_> = found
        .column(0)
        .as_string::<i32>()
        .iter()
        .flatten()
        .collect();
    assert_eq!(labels, ["fraud", "genuine", "genuine"]);
}

#[test]
fn packages_of_version_1_are_read_and_score_as_ever() {
    check(&fixture(1));
    assert_eq!(
        open(&fixture(1)).unwrap().digest.to_string(),
        "sha256:ae875a76207e7a57199e18c93abdfb30ed1685fd2180296a16d6a9feae60184d",
    );
}

#[test]
fn packages_of_today_score_the_same() {
    let dir = tempfile::tempdir().unwrap();
    write_fixture(&dir.path().join("model"));
    check(&dir.path().join("model"));
}
