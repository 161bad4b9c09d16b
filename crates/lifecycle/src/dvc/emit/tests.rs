//! Thousands of texts as DVC wrote them.

use super::write_map;
use crate::dvc::{Value, read_params};

fn cases(json: &str) -> Vec<(Value, String)> {
    let Ok(Value::List(cases)) = read_params("cases.json", json) else {
        panic!("the golden file is a list");
    };
    let field = |case: &Value, key: &str| case.get(key).cloned().expect("a golden case");
    let cases = cases.iter();
    cases
        .map(|case| (field(case, "tree"), field(case, "yaml").python()))
        .collect()
}

#[test]
fn trees_are_written_as_by_dvc() {
    let cases = cases(include_str!("../../../tests/golden/dvc/scalars.json"));
    let mut wrong = Vec::new();
    for (tree, expected) in &cases {
        let Value::Map(entries) = tree else {
            panic!("a golden tree is a map");
        };
        let written = write_map(entries, 0);
        let is_kept = |text: &str| read_params("x.yaml", text).as_ref() == Ok(tree);
        // Some texts of ruamel do not read back as what was written; ours do.
        let is_right = is_kept(&written) && (written == *expected || !is_kept(expected));
        if !is_right {
            wrong.push(format!("{expected:?}\n{written:?}"));
        }
    }
    let n_wrong = wrong.len();
    wrong.truncate(12);
    assert!(
        n_wrong == 0,
        "{n_wrong} of {}:\n{}",
        cases.len(),
        wrong.join("\n\n")
    );
}

#[test]
fn floats_are_written_as_by_python() {
    let cases: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../../tests/golden/dvc/floats.json")).unwrap();
    for case in cases {
        let number: f64 = case["json"].as_str().unwrap().parse().unwrap();
        let entries = [(Value::Text("x".to_owned()), Value::Number(number))];
        assert_eq!(write_map(&entries, 0), case["yaml"].as_str().unwrap());
    }
}
