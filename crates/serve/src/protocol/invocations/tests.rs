use everloop_package::{Input, Kind};
use serde_json::Value;

use super::*;
use crate::Error;
use crate::protocol::table::Table;

fn signature() -> Signature {
    let inputs = [
        ("a", Kind::Number),
        ("n", Kind::Integer),
        ("t", Kind::Text),
        ("b", Kind::Boolean),
    ];
    let input = |(name, kind): (&str, Kind)| Input {
        name: name.to_owned(),
        kind,
        required: true,
    };
    Signature {
        inputs: inputs.map(input).to_vec(),
        outputs: vec![],
    }
}

fn shown(table: Result<Table, Error>) -> String {
    match table {
        Ok(table) => {
            let column = |(name, values): &(String, Vec<Value>)| {
                format!("{name}: {}", Value::from(values.clone()))
            };
            let columns: Vec<String> = table.columns.iter().map(column).collect();
            format!("{} rows; {}", table.n_rows, columns.join("; "))
        }
        Err(error) => format!("error: {error}"),
    }
}

/// Each body with what was understood.
fn read(bodies: &[&str], parse: impl Fn(&str) -> Result<Table, Error>) -> String {
    let lines: Vec<String> = bodies
        .iter()
        .map(|body| format!("{body}\n  => {}", shown(parse(body))))
        .collect();
    lines.join("\n")
}

#[test]
fn json_bodies() {
    let bodies = [
        // The four forms.
        r#"{"dataframe_split": {"columns": ["a", "n"], "index": [7], "data": [[1.5, 2]]}}"#,
        r#"{"dataframe_split": {"data": [[1, 2, "x", true]]}}"#,
        r#"{"dataframe_records": [{"a": 1}, {"t": "x", "a": NaN}, {}]}"#,
        r#"{"instances": [{"a": 1}, {"a": 2}]}"#,
        r#"{"instances": [[1, 2, "x", false]]}"#,
        r#"{"inputs": {"a": [1, 2], "t": ["x", "y"]}}"#,
        r#"{"inputs": {"a": [[1], [2]]}}"#,
        r#"{"inputs": {"a": 1, "t": "x"}}"#,
        r#"{"inputs": [{"a": 1}]}"#,
        r#"{"params": {"x": 1}, "dataframe_records": []}"#,
        // What is wrong with them.
        "[]",
        "5",
        "{}",
        r#"{"params": {}}"#,
        r#"{"rows": []}"#,
        r#"{"instances": [], "inputs": []}"#,
        r#"{"dataframe_split": []}"#,
        r#"{"dataframe_split": {"columns": ["a"]}}"#,
        r#"{"dataframe_split": {"columns": "a", "data": []}}"#,
        r#"{"dataframe_split": {"columns": [["a"]], "data": []}}"#,
        r#"{"dataframe_split": {"columns": ["a", "a"], "data": []}}"#,
        r#"{"dataframe_split": {"columns": ["a", "n"], "data": [[1, 2], [1]]}}"#,
        r#"{"dataframe_split": {"columns": ["a"], "data": {"a": 1}}}"#,
        r#"{"dataframe_records": {"a": [1]}}"#,
        r#"{"dataframe_records": [{"a": 1}, [1]]}"#,
        r#"{"instances": {"a": [1]}}"#,
        r#"{"instances": [1, 2]}"#,
        r#"{"inputs": {"a": [1, 2], "t": ["x"]}}"#,
        r#"{"inputs": {"a": [1, 2], "t": "x"}}"#,
    ];
    let parse = |body: &str| rows::parse(json::parse(body.as_bytes())?, &signature());
    insta::assert_snapshot!(read(&bodies, parse));
}

#[test]
fn csv_bodies() {
    let bodies = [
        "a,n,t,b\n1.5,2,x,true\n,3.0,,False\n",
        "t,other\r\n\"x, y\",5\r\n",
        "a\nNaN\ninf\n-Infinity\n1e3\n",
        "n\ntwelve\n",
        "b\nyes\n1\n",
        "a,n\n",
        "",
        "a,a\n1,2\n",
        "a,n\n1,2\n3\n",
    ];
    insta::assert_snapshot!(read(&bodies, |body| csv::parse(
        body.as_bytes(),
        &signature()
    )));
    let error = csv::parse(b"t\n\xff\n", &signature())
        .unwrap_err()
        .to_string();
    assert!(error.contains("invalid UTF-8"), "{error}");
}

#[test]
fn nothing_makes_the_parsers_panic() {
    let good =
        br#"{"dataframe_split": {"columns": ["a", "n"], "data": [[1.5, NaN], [null, "x\"y"]]}}"#;
    let mut state = 1_u64;
    for _ in 0..20_000 {
        let mut body = good.to_vec();
        for _ in 0..3 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let at = (state >> 33) as usize % body.len();
            match state >> 60 {
                0..6 => body[at] = (state >> 20) as u8,
                6..10 => drop(body.remove(at)),
                _ => body.insert(at, b"[]{}\",:"[(state >> 40) as usize % 7]),
            }
        }
        if let Ok(value) = json::parse(&body) {
            let _ = rows::parse(value, &signature()).map(|table| table.rows(&signature()));
        }
        let _ = csv::parse(&body, &signature());
    }
}
