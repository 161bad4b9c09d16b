//! MLflow's database with rows that make no sense.

use super::*;

/// A database with the tables and columns that are read, and some rows.
fn database(rows: &str) -> (tempfile::TempDir, Result<MlflowDatabase, Error>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mlflow.db");
    let made = rusqlite::Connection::open(&path).unwrap();
    made.execute_batch(
        "create table alembic_version (version_num);
         create table runs (run_uuid, experiment_id, name, user_id, status, start_time, end_time, artifact_uri,
           lifecycle_stage, deleted_time);
         create table experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time);
         create table experiment_tags (experiment_id, key, value);
         create table logged_models (model_id, experiment_id, name, artifact_location, status, model_type, source_run_id,
           creation_timestamp_ms, last_updated_timestamp_ms, status_message, lifecycle_stage);
         create table logged_model_tags (model_id, tag_key, tag_value);
         create table logged_model_params (model_id, param_key, param_value);
         create table logged_model_metrics (model_id, run_id, metric_name, metric_value, metric_timestamp_ms, metric_step,
           dataset_name, dataset_digest);
         create table registered_models (name, description, creation_time, last_updated_time);
         create table registered_model_tags (name, key, value);
         create table registered_model_aliases (name, alias, version);
         create table model_versions (name, version, source, run_id, description, current_stage, creation_time,
           last_updated_time);
         create table model_version_tags (name, version, key, value);",
    )
    .unwrap();
    made.execute_batch(rows).unwrap();
    let opened = MlflowDatabase::open(&format!("sqlite:///{}", path.display()));
    (dir, opened)
}

const KNOWN: &str = "insert into alembic_version values ('dc11669786a5');";

#[track_caller]
fn words<T: std::fmt::Debug>(result: &Result<T, Error>) -> String {
    result.as_ref().unwrap_err().to_string()
}

#[test]
fn one_bad_row_spoils_itself_only() {
    let rows = format!(
        "{KNOWN}
         insert into experiments values (1, 'good', null, 'active', 1, 1), (2, null, null, 'active', 1, 1);
         insert into experiment_tags values (1, 'a', null);
         insert into logged_models values ('m-1', 1, 'm', 'x', 2, null, null, 1, 1, null, 'active'),
           ('m-2', 1, 'm', 'x', 'ready', null, null, 1, 1, null, 'active'),
           ('m-3', 1, 'm', 'x', 2, null, null, 1, 1, null, 'deleted');
         insert into registered_models values ('M', null, 1, 1), ('a:b', null, 1, 1);
         insert into registered_model_aliases values ('M', 'champion', 1);
         insert into model_versions values ('M', 1, 's', null, null, 'None', 1, 1), ('M', 'two', 's', null, null, 'None', 1, 1),
           ('M', 3, 's', null, null, 'Deleted_Internal', 1, 1);"
    );
    let (_dir, opened) = database(&rows);
    let found = opened.unwrap();
    let experiments = found.experiments().unwrap();
    assert_eq!(experiments[0].as_ref().unwrap().tags["a"], "");
    assert_eq!(
        words(&experiments[1]),
        "table `experiments` holds nonsense in column `name`, row `2`: it is empty or of another kind"
    );
    let models = found.logged_models(ExperimentId(1)).unwrap();
    assert_eq!(models.len(), 2);
    assert!(words(&models[1]).contains("column `status`, row `m-2`"));
    assert_eq!(found.n_deleted_logged_models(ExperimentId(1)).unwrap(), 1);
    let models = found.models().unwrap();
    let model = models[0].as_ref().unwrap();
    assert_eq!(model.aliases["champion"].0, 1);
    assert!(words(&models[1]).contains("`a:b`"));
    let versions = found.versions(&model.model).unwrap();
    let numbers: Vec<_> = versions.iter().flatten().map(|found| found.0.0).collect();
    assert_eq!(numbers, [1, 3]);
    assert!(versions.iter().any(|one| {
        one.as_ref()
            .is_err_and(|error| error.to_string().contains("table `model_versions`"))
    }));
}

#[test]
fn a_missing_table_of_aliases_is_no_absence_of_aliases() {
    let rows = format!(
        "{KNOWN} insert into registered_models values ('M', null, 1, 1); drop table registered_model_aliases;"
    );
    let (_dir, opened) = database(&rows);
    assert!(opened.unwrap().models().unwrap()[0].is_err());
}

#[test]
fn other_schemas_are_refused() {
    for (revision, expected) in [
        ("ffffffffffff", "newer everloop"),
        ("0c779009ac13", "db upgrade"),
    ] {
        let rows = format!("insert into alembic_version values ('{revision}');");
        let (_dir, opened) = database(&rows);
        let words = words(&opened);
        assert!(
            words.contains(revision) && words.contains(expected),
            "{words}"
        );
    }
}
