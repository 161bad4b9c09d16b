//! Logged models.

use everloop_domain::ExperimentId;
use everloop_metastore::search::Query;
use everloop_metastore::{Metastore, NewLoggedModel};

use super::{at, read, refused, run_id, write};

fn new_model(id: &str, run: u8, now: i64) -> NewLoggedModel {
    NewLoggedModel {
        id: id.to_owned(),
        experiment: ExperimentId(0),
        name: "model".to_owned(),
        model_type: Some("boosting".to_owned()),
        source_run: Some(run_id(run).to_string()),
        tags: [("t".to_owned(), "1".to_owned())].into(),
        params: [("trees".to_owned(), "300".to_owned())].into(),
        now: at(now),
    }
}

pub(crate) fn a_logged_model_is_pending_until_told(store: &Metastore) {
    write(store, |tx| {
        tx.logged_models().create(&new_model("m-1", 1, 5))
    });
    let model = read(store, |tx| tx.logged_models().get("m-1"));
    assert_eq!(model.status, "LOGGED_MODEL_PENDING");
    assert_eq!(
        model.artifact_location,
        "mlflow-artifacts:/0/models/m-1/artifacts"
    );
    assert_eq!(
        (model.tags["t"].as_str(), model.params["trees"].as_str()),
        ("1", "300")
    );
    write(store, |tx| {
        tx.logged_models()
            .set_tags("m-1", &[("t".to_owned(), "2".to_owned())].into())?;
        tx.logged_models()
            .set_status("m-1", "LOGGED_MODEL_READY", at(6))
    });
    let model = read(store, |tx| tx.logged_models().get("m-1"));
    assert_eq!(
        (model.status.as_str(), model.updated_at),
        ("LOGGED_MODEL_READY", at(6))
    );
    assert_eq!(model.tags["t"], "2");
    assert_eq!(model.source_run, Some(run_id(1).to_string()));
}

pub(crate) fn logged_models_are_listed_by_run_and_experiment(store: &Metastore) {
    write(store, |tx| {
        tx.logged_models().create(&new_model("m-1", 1, 1))?;
        tx.logged_models().create(&new_model("m-2", 1, 2))?;
        tx.logged_models().create(&new_model("m-3", 2, 3))
    });
    let ids = |models: Vec<everloop_metastore::LoggedModel>| -> Vec<String> {
        models.into_iter().map(|model| model.id).collect()
    };
    let by_run = read(store, |tx| tx.logged_models().list_by_run(&run_id(1)));
    assert_eq!(ids(by_run), ["m-1", "m-2"]);
    let by_experiment = read(store, |tx| {
        let all = Query::everything(10);
        tx.logged_models().search(&[ExperimentId(0)], &[], &all)
    });
    assert_eq!(ids(by_experiment), ["m-3", "m-2", "m-1"]);
}

pub(crate) fn what_is_absent_cannot_be_changed(store: &Metastore) {
    let absent = "logged model `m-9` does not exist";
    assert_eq!(
        refused(store, |tx| tx.logged_models().set_status("m-9", "x", at(1))),
        absent
    );
    assert_eq!(
        refused(store, |tx| tx.logged_models().set_tags("m-9", &[].into())),
        absent
    );
    assert_eq!(
        refused(store, |tx| tx.logged_models().log_params("m-9", &[].into())),
        absent
    );
    let elsewhere = NewLoggedModel {
        experiment: ExperimentId(9),
        ..new_model("m-1", 1, 1)
    };
    let words = refused(store, move |tx| tx.logged_models().create(&elsewhere));
    assert_eq!(words, "experiment `9` does not exist");
}
