use serde_json::Value;

use super::*;

fn shown(body: &str) -> String {
    let parsed = json::parse(body.as_bytes()).and_then(tensors::parse);
    match parsed {
        Ok(parsed) => {
            let table = parsed.table;
            let column = |(name, values): &(String, Vec<Value>)| {
                format!("{name}: {}", Value::from(values.clone()))
            };
            let columns: Vec<String> = table.columns.iter().map(column).collect();
            format!(
                "{} rows; {}; id {:?}",
                table.n_rows,
                columns.join("; "),
                parsed.request_id
            )
        }
        Err(error) => format!("error: {error}"),
    }
}

fn tensor(shape: &str, datatype: &str, data: &str) -> String {
    format!(
        r#"{{"inputs": [{{"name": "a", "shape": {shape}, "datatype": "{datatype}", "data": {data}}}]}}"#
    )
}

#[test]
fn bodies() {
    let fixed = [
        r#"{"id": "r1", "parameters": {"any": 1}, "inputs": [], "outputs": [{"name": "prediction"}]}"#,
        r#"{"inputs": [{"name": "a", "shape": [1], "datatype": "FP64"}]}"#,
        r#"{"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}}]}"#,
        r#"{"parameters": {"binary_data_output": true}, "inputs": []}"#,
        r#"{"inputs": [], "outputs": [{"name": "p", "parameters": {"binary_data": true}}]}"#,
        r#"{"inputs": [{"name": "a", "shape": [1], "datatype": "BOOL", "data": [true]}, {"name": "a", "shape": [1], "datatype": "BOOL", "data": [true]}]}"#,
        r#"{"inputs": [{"name": "a", "shape": [1], "datatype": "BOOL", "data": [true]}, {"name": "b", "shape": [2], "datatype": "BYTES", "data": ["x", "y"]}]}"#,
        r#"{"instances": []}"#,
        "[1]",
    ];
    let tensors = [
        tensor("[2]", "FP64", "[1, NaN]"),
        tensor("[2, 1]", "FP32", "[[0.1], [\"Infinity\"]]"),
        tensor("[1]", "INT32", "[2147483648]"),
        tensor("[1]", "INT64", "[1.5]"),
        tensor("[1]", "BOOL", "[1]"),
        tensor("[2]", "BYTES", "[\"x\", null]"),
        tensor("[1]", "BYTES", "[5]"),
        tensor("[1]", "FP16", "[1]"),
        tensor("[1, 2]", "FP64", "[1, 2]"),
        tensor("[3]", "FP64", "[1, 2]"),
        tensor("[18446744073709551615]", "FP64", "[1, 2]"),
        tensor("[-1]", "FP64", "[]"),
        tensor("[]", "FP64", "[1]"),
    ];
    let bodies = fixed.map(str::to_owned).into_iter().chain(tensors);
    let lines: Vec<String> = bodies
        .map(|body| format!("{body}\n  => {}", shown(&body)))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
