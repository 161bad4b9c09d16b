//! `everloop up`, `everloop serve`, `everloop model predict`: the same answers on every road.

use std::time::Duration;

use everloop_testkit::{TestProject, Up, post};
use serde_json::{Value, json};

use crate::projects::{line, line_rows};

fn trained() -> TestProject {
    let project = line(300);
    project.succeed(&["run"]);
    project
}

fn up(project: &TestProject) -> Up {
    Up::start(project.command(&["up", "--port", "0", "--every", "1"]))
}

fn rows() -> Value {
    json!([{"id": 1, "x": 2.5, "group": "a"}, {"id": 2, "x": 7.0, "group": "never seen"}])
}

fn predictions(answer: &Value) -> Vec<f64> {
    answer["predictions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap_or(f64::NAN))
        .collect()
}

#[test]
fn all_forms_of_a_request_have_the_same_answer() {
    let project = trained();
    let up = up(&project);
    let records = up
        .post("/invocations", &json!({"dataframe_records": rows()}))
        .ok()
        .json();
    let expected = predictions(&records);
    assert!(
        (expected[0] - 5.1).abs() < 0.5 && (expected[1] - 14.1).abs() < 0.5,
        "{records}"
    );
    assert_eq!(records["ids"], json!(["1", "2"]));
    let split = json!({"dataframe_split": {"columns": ["x", "group"], "data": [[2.5, "a"], [7.0, "never seen"]]}});
    assert_eq!(
        predictions(&up.post("/invocations", &split).ok().json()),
        expected
    );
    let inputs = json!({"inputs": {"x": [2.5, 7.0], "group": ["a", "never seen"]}});
    assert_eq!(
        predictions(&up.post("/invocations", &inputs).ok().json()),
        expected
    );
    assert_eq!(
        predictions(
            &up.post("/invocations", &json!({"instances": rows()}))
                .ok()
                .json()
        ),
        expected
    );
    let tensors = json!({"inputs": [
        {"name": "x", "shape": [2], "datatype": "FP64", "data": [2.5, 7.0]},
        {"name": "group", "shape": [2], "datatype": "BYTES", "data": ["a", "never seen"]},
    ]});
    let answer = up.post("/v2/models/line/infer", &tensors).ok().json();
    let data: Vec<f64> = answer["outputs"][0]["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    assert_eq!(data, expected);
    assert_eq!(up.stop(), 0);
}

#[test]
fn what_is_wrong_with_a_request_is_named() {
    let project = trained();
    let up = up(&project);
    let say = |body: Value| {
        let answer = up.post("/invocations", &body);
        assert_eq!(answer.status, 400, "{}", answer.body);
        answer.body
    };
    assert!(say(json!({"dataframe_records": [{"group": "a"}]})).contains("`x`"));
    assert!(say(json!({"dataframe_records": [{"x": "many", "group": "a"}]})).contains("`x`"));
    assert!(!say(json!({})).is_empty());
    assert_eq!(
        post(up.address(), "/invocations", "application/json", b"{half").status,
        400
    );
    // NaN and the empty text mean missing.
    assert_eq!(
        up.post(
            "/invocations",
            &json!({"dataframe_records": [{"x": 1.0, "group": ""}]})
        )
        .status,
        200
    );
}

#[test]
fn the_batch_form_gives_the_answers_of_the_server() {
    let project = trained();
    let part = std::fs::read_dir(project.dir().join(".everloop/cache/prepare"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let input = part.join("test.parquet").display().to_string();
    let output = project.dir().join("out.parquet").display().to_string();
    project.succeed(&["model", "predict", "line", &input, &output]);
    let profile = project
        .succeed(&["data", "profile", "out.parquet", "--format", "json"])
        .json();
    let names: Vec<&str> = profile["columns"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|column| column["name"].as_str())
        .collect();
    assert!(
        names.contains(&"prediction") && names.contains(&"y"),
        "{names:?}"
    );
}

#[test]
fn a_promotion_switches_versions_without_a_lost_request() {
    let project = trained();
    let up = up(&project);
    let address = up.address().to_owned();
    let client = std::thread::spawn(move || {
        let body = json!({"dataframe_records": [{"x": 2.0, "group": "a"}]}).to_string();
        let mut versions = std::collections::BTreeSet::new();
        for _ in 0..10_000 {
            let answer = post(
                &address,
                "/invocations",
                "application/json",
                body.as_bytes(),
            );
            assert_eq!(answer.status, 200, "{}", answer.body);
            let version = answer
                .head
                .to_lowercase()
                .split("x-everloop-model-version: ")
                .nth(1)
                .map(|rest| rest[..1].to_owned());
            versions.insert(version.unwrap_or_default());
            if versions.len() == 2 {
                break;
            }
        }
        versions
    });
    project.write("data/line.csv", line_rows(0, 300, 3.0));
    project.succeed(&["run"]);
    assert_eq!(
        client.join().unwrap().into_iter().collect::<Vec<_>>(),
        ["1", "2"]
    );
}

#[test]
fn falling_quality_starts_a_cycle_that_is_promoted() {
    let project = trained();
    let up = up(&project);
    // The world has moved: the slope is 4 now.
    let world = line_rows(1000, 60, 4.0);
    for row in world.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let record = json!({"id": cells[0].parse::<i64>().unwrap(), "x": cells[1].parse::<f64>().unwrap(), "group": cells[2]});
        let _ = up
            .post("/invocations", &json!({"dataframe_records": [record]}))
            .ok();
        let label = json!({"id": cells[0], "label": cells[3].parse::<f64>().unwrap()});
        let _ = up.post("/feedback", &label).ok();
    }
    project.write("data/line.csv", line_rows(1000, 300, 4.0));
    let cycle = up.wait_for(Duration::from_mins(1), "retraining", |up| {
        let status = up.get("/api/v1/status").ok().json();
        let cycle = status["cycles"][0].clone();
        (cycle["number"].as_u64() > Some(1) && !cycle["outcome"].is_null()).then_some(cycle)
    });
    assert_eq!(
        (cycle["reason"].as_str(), cycle["outcome"].as_str()),
        (Some("performance"), Some("promoted")),
        "{cycle}"
    );
    assert!(
        cycle["why"].as_str().unwrap().contains("baseline.rmse"),
        "{cycle}"
    );
    let audit = up.get("/api/v1/audit").ok().json();
    assert!(audit.to_string().contains("decide.cycle"), "{audit}");
    assert!(up.get("/").ok().body.contains("promoted"));
    assert_eq!(up.stop(), 0);
}

#[test]
fn a_package_is_served_without_a_project() {
    let project = trained();
    let models = project
        .succeed(&["model", "list", "--format", "json"])
        .json();
    let source = models[0]["source"].as_str().unwrap().to_owned();
    let up = Up::start(project.command(&["serve", &source, "--name", "alone", "--port", "0"]));
    let answer = up
        .post("/invocations", &json!({"dataframe_records": rows()}))
        .ok()
        .json();
    assert_eq!(predictions(&answer).len(), 2);
}
