//! `everloop server`: tracking without a project, through crashes.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use everloop_testkit::{Postgres, Up, post};
use serde_json::{Value, json};

use crate::projects::BINARY;

const N_CLIENTS: usize = 16;
const N_KILLS: usize = 10;

fn server(home: &Path) -> Up {
    let mut command = Command::new(BINARY);
    command.args(["server", "--port", "0", "--home"]).arg(home);
    Up::start(command)
}

/// A server whose database is elsewhere.
fn server_on(database: &str, home: &Path) -> Up {
    let mut command = Command::new(BINARY);
    command.args([
        "server",
        "--port",
        "0",
        "--backend-store-uri",
        database,
        "--home",
    ]);
    command.arg(home);
    Up::start(command)
}

/// What a client was told is kept.
#[derive(Default)]
struct Acknowledged {
    run: String,
    /// Steps of the metric `m`; numbers of the parameters, tags and files.
    steps: Vec<u64>,
    params: Vec<u64>,
    tags: Vec<u64>,
    files: Vec<u64>,
    versions: Vec<String>,
}

fn call(address: &str, endpoint: &str, body: &Value) -> Option<Value> {
    let path = format!("/api/2.0/mlflow/{endpoint}");
    let answer = post(
        address,
        &path,
        "application/json",
        body.to_string().as_bytes(),
    );
    (answer.status == 200).then(|| answer.json())
}

/// Writes until the server is gone.
fn write(address: &str, model: &str) -> Acknowledged {
    let mut kept = Acknowledged::default();
    let Some(run) = call(address, "runs/create", &json!({"experiment_id": "0"})) else {
        return kept;
    };
    kept.run = run["run"]["info"]["run_id"].as_str().unwrap().to_owned();
    for number in 0.. {
        let run = &kept.run;
        let metric = json!({"run_id": run, "key": "m", "value": number, "step": number, "timestamp": number});
        let param =
            json!({"run_id": run, "key": format!("p{number}"), "value": number.to_string()});
        let tag = json!({"run_id": run, "key": format!("t{number}"), "value": number.to_string()});
        if call(address, "runs/log-metric", &metric).is_none() {
            break;
        }
        kept.steps.push(number);
        if call(address, "runs/log-parameter", &param).is_none() {
            break;
        }
        kept.params.push(number);
        if call(address, "runs/set-tag", &tag).is_none() {
            break;
        }
        kept.tags.push(number);
        let path =
            format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=f{number}.txt");
        if post(address, &path, "text/plain", number.to_string().as_bytes()).status != 200 {
            break;
        }
        kept.files.push(number);
        let version = json!({"name": model, "source": "s3://bucket/model"});
        match call(address, "model-versions/create", &version) {
            None => break,
            Some(made) => {
                let number = &made["model_version"]["version"];
                kept.versions.push(number.as_str().unwrap().to_owned());
            }
        }
    }
    kept
}

fn check(up: &Up, kept: &Acknowledged) {
    let id = &kept.run;
    let run = up
        .get(&format!("/api/2.0/mlflow/runs/get?run_id={id}"))
        .ok()
        .json();
    let pairs = |field: &str| -> BTreeMap<String, String> {
        let list = run["run"]["data"][field]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        list.iter()
            .map(|pair| (text(&pair["key"]), text(&pair["value"])))
            .collect()
    };
    let (params, tags) = (pairs("params"), pairs("tags"));
    for number in &kept.params {
        assert_eq!(params.get(&format!("p{number}")), Some(&number.to_string()));
    }
    for number in &kept.tags {
        assert_eq!(tags.get(&format!("t{number}")), Some(&number.to_string()));
    }
    let path = format!("/api/2.0/mlflow/metrics/get-history?run_id={id}&metric_key=m");
    let history = up.get(&path).ok().json();
    let points = history["metrics"].as_array().cloned().unwrap_or_default();
    let steps: Vec<u64> = points
        .iter()
        .map(|point| point["step"].as_u64().unwrap())
        .collect();
    let expected: Vec<u64> = (0..steps.len() as u64).collect();
    assert_eq!(steps, expected, "each point is there once");
    assert!(steps.len() >= kept.steps.len() && steps.len() <= kept.steps.len() + 1);
    for number in &kept.files {
        let file = up
            .get(&format!("/get-artifact?run_id={id}&path=f{number}.txt"))
            .ok();
        assert_eq!(file.body, number.to_string());
    }
}

#[test]
fn what_clients_were_told_is_there_after_ten_kills() {
    let home = tempfile::tempdir().unwrap();
    let mut all: Vec<Acknowledged> = Vec::new();
    for round in 0..N_KILLS {
        let up = server(home.path());
        let address = up.address().to_owned();
        let writers: Vec<_> = (0..N_CLIENTS)
            .map(|client| {
                let (address, model) = (address.clone(), format!("M{client}"));
                // It exists already after the first round.
                let _ = call(
                    &address,
                    "registered-models/create",
                    &json!({"name": model}),
                );
                std::thread::spawn(move || write(&address, &model))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(120 + 37 * round as u64 % 200));
        up.kill();
        all.extend(writers.into_iter().map(|writer| writer.join().unwrap()));
    }
    let n_acknowledged: usize = all.iter().map(|kept| kept.steps.len()).sum();
    assert!(
        n_acknowledged > N_CLIENTS,
        "{n_acknowledged} points were written"
    );

    let up = server(home.path());
    check_all(&up, &all);
    assert_eq!(up.stop(), 0);
}

#[test]
fn four_servers_on_one_postgres_keep_what_clients_were_told() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let database = postgres.new_database();
    let servers: Vec<Up> = (0..4).map(|_| server_on(&database, home.path())).collect();
    let writers: Vec<_> = (0..N_CLIENTS)
        .map(|client| {
            let address = servers[client % servers.len()].address().to_owned();
            let model = format!("M{client}");
            call(
                &address,
                "registered-models/create",
                &json!({"name": model}),
            )
            .unwrap();
            std::thread::spawn(move || write(&address, &model))
        })
        .collect();
    std::thread::sleep(Duration::from_millis(1500));
    servers.into_iter().for_each(Up::kill);
    let all: Vec<Acknowledged> = writers
        .into_iter()
        .map(|writer| writer.join().unwrap())
        .collect();
    assert!(all.iter().all(|kept| !kept.steps.is_empty()));
    let up = server_on(&database, home.path());
    check_all(&up, &all);
    assert_eq!(up.stop(), 0);
}

/// Checks what each client was told; the clients' numbers name their models.
fn check_all(up: &Up, all: &[Acknowledged]) {
    for kept in all.iter().filter(|kept| !kept.run.is_empty()) {
        check(up, kept);
    }
    let found = up
        .get("/api/2.0/mlflow/model-versions/search?max_results=200000")
        .ok()
        .json();
    let found = found["model_versions"].as_array().unwrap();
    for (index, kept) in all.iter().enumerate() {
        let model = format!("M{}", index % N_CLIENTS);
        for version in &kept.versions {
            let n_found = found
                .iter()
                .filter(|one| one["name"] == model.as_str() && one["version"] == version.as_str())
                .count();
            assert_eq!(n_found, 1, "{model} version {version}");
        }
    }
}

#[test]
fn flags_of_mlflow_are_understood_or_refused_with_a_way_out() {
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(BINARY)
            .arg("server")
            .args(arguments)
            .current_dir(home.path())
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, words) = run(&["--backend-store-uri", "mysql://localhost/x"]);
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("sqlite:///"), "{words}");
    let (code, words) = run(&["--artifacts-destination", "ftp://bucket/x"]);
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("no path of `s3://`"), "{words}");
    let (code, words) = run(&["--host", "0.0.0.0"]);
    assert_eq!(code, Some(41), "{words}");
    assert!(words.contains("--insecure"), "{words}");
}
