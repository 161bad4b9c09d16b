//! Runs, their parameters, tags, datasets and outputs.

use everloop_domain::{ExperimentId, RunStatus};
use everloop_metastore::{Dataset, DatasetInput, Lifecycle, Metastore, Metric, Output, View};

use super::{at, new_run, read, refused, run_id, with_run, write};

pub(crate) fn a_new_run_is_running_and_named(store: &Metastore) {
    let id = with_run(store);
    let run = read(store, |tx| tx.runs().get(&id));
    assert_eq!(run.info.status, RunStatus::Running);
    assert_eq!((run.info.start_time, run.info.end_time), (at(1), None));
    assert_eq!(run.info.name, "01010101");
    assert_eq!(run.tags["mlflow.runName"], "01010101");
    assert_eq!(
        run.info.artifact_uri,
        format!("mlflow-artifacts:/0/{id}/artifacts")
    );
}

pub(crate) fn a_run_needs_an_active_experiment_and_a_free_id(store: &Metastore) {
    let id = with_run(store);
    let words = refused(store, |tx| tx.runs().create(&new_run(2, ExperimentId(7))));
    assert_eq!(words, "experiment `7` does not exist");
    let words = refused(store, |tx| tx.runs().create(&new_run(1, ExperimentId(0))));
    assert_eq!(words, format!("run `{id}` exists already"));
    write(store, |tx| tx.experiments().delete(ExperimentId(0), at(2)));
    let words = refused(store, |tx| tx.runs().create(&new_run(2, ExperimentId(0))));
    assert_eq!(
        words,
        "The experiment 0 must be in the 'active' state. Current state is deleted."
    );
}

pub(crate) fn the_name_and_its_tag_are_one(store: &Metastore) {
    let id = with_run(store);
    write(store, |tx| {
        tx.runs().set_tag(&run_id(1), "mlflow.runName", "by tag")
    });
    assert_eq!(read(store, |tx| tx.runs().info(&id)).name, "by tag");
    write(store, |tx| {
        tx.runs().update(&run_id(1), None, None, Some("by name"))
    });
    let run = read(store, |tx| tx.runs().get(&id));
    assert_eq!(run.tags["mlflow.runName"], "by name");
}

pub(crate) fn an_update_leaves_what_is_absent(store: &Metastore) {
    with_run(store);
    let info = write(store, |tx| {
        tx.runs()
            .update(&run_id(1), Some(RunStatus::Finished), Some(at(9)), None)?;
        tx.runs().update(&run_id(1), None, None, Some("n"))
    });
    assert_eq!(
        (info.status, info.end_time),
        (RunStatus::Finished, Some(at(9)))
    );
    let words = refused(store, |tx| tx.runs().update(&run_id(2), None, None, None));
    assert_eq!(words, format!("run `{}` does not exist", run_id(2)));
}

pub(crate) fn a_parameter_never_changes(store: &Metastore) {
    let id = with_run(store);
    write(store, |tx| {
        tx.runs().log_param(&run_id(1), "p", "1")?;
        tx.runs().log_param(&run_id(1), "p", "1")
    });
    let words = refused(store, |tx| tx.runs().log_param(&run_id(1), "p", "2"));
    assert_eq!(
        words,
        format!(
            "Changing param values is not allowed. Param with key='p' was already logged with value='1' for run ID='{id}'. \
             Attempted logging new value '2'."
        )
    );
    assert_eq!(read(store, |tx| tx.runs().get(&id)).params["p"], "1");
}

pub(crate) fn a_batch_is_kept_whole_or_not_at_all(store: &Metastore) {
    let id = with_run(store);
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let metric = Metric {
        key: "m".to_owned(),
        value: 1.0,
        timestamp: at(1),
        step: 0,
    };
    write(store, move |tx| {
        let tags = [pair("t", "first"), pair("t", "last")];
        tx.runs()
            .log_batch(&run_id(1), &[], &[pair("p", "1")], &tags)
    });
    let words = refused(store, move |tx| {
        let params = [pair("q", "new"), pair("p", "CHANGED")];
        tx.runs().log_batch(&run_id(1), &[metric], &params, &[])
    });
    assert_eq!(
        words,
        format!(
            "Changing param values is not allowed. Params were already logged='[{{'key': 'p', 'old_value': '1', \
             'new_value': 'CHANGED'}}]' for run ID='{id}'."
        )
    );
    let words = refused(store, move |tx| {
        tx.runs()
            .log_batch(&run_id(1), &[], &[pair("r", "1"), pair("r", "1")], &[])
    });
    assert!(words.starts_with("Duplicate parameter keys"), "{words}");
    let run = read(store, |tx| tx.runs().get(&id));
    assert_eq!(run.params, [pair("p", "1")].into());
    assert!(run.metrics.is_empty());
    assert_eq!(run.tags["t"], "last");
}

pub(crate) fn a_deleted_run_takes_nothing(store: &Metastore) {
    let id = with_run(store);
    write(store, |tx| {
        tx.runs().delete(&run_id(1), at(2))?;
        tx.runs().delete(&run_id(1), at(3))
    });
    let expected = format!("The run {id} must be in the 'active' state. Current state is deleted.");
    let words = refused(store, |tx| tx.runs().log_param(&run_id(1), "p", "1"));
    assert_eq!(words, expected);
    let words = refused(store, |tx| tx.runs().log_metrics(&run_id(1), &[]));
    assert_eq!(words, expected);
    let words = refused(store, |tx| tx.runs().set_tag(&run_id(1), "t", "1"));
    assert_eq!(words, expected);
    write(store, |tx| tx.runs().restore(&run_id(1)));
    let info = read(store, |tx| tx.runs().info(&id));
    assert_eq!(info.lifecycle, Lifecycle::Active);
}

pub(crate) fn an_absent_tag_cannot_be_deleted(store: &Metastore) {
    with_run(store);
    write(store, |tx| {
        tx.runs().set_tag(&run_id(1), "t", "1")?;
        tx.runs().delete_tag(&run_id(1), "t")
    });
    let words = refused(store, |tx| tx.runs().delete_tag(&run_id(1), "t"));
    assert_eq!(words, "tag `t` does not exist");
}

pub(crate) fn lists_show_the_latest_start_first(store: &Metastore) {
    write(store, |tx| {
        let other = tx.experiments().create("other", None, at(0))?;
        for number in [2, 1, 3] {
            tx.runs().create(&new_run(number, ExperimentId(0)))?;
        }
        tx.runs().create(&new_run(4, other))?;
        tx.runs().delete(&run_id(3), at(9))
    });
    let check = |experiments: &[u64], view, limit, expected: &[u8]| {
        let ids: Vec<_> = experiments.iter().copied().map(ExperimentId).collect();
        let listed = read(store, |tx| tx.runs().list(&ids, view, limit));
        let found: Vec<_> = listed.into_iter().map(|run| run.info.id).collect();
        let expected: Vec<_> = expected.iter().copied().map(run_id).collect();
        assert_eq!(found, expected);
    };
    check(&[0], View::Active, 10, &[2, 1]);
    check(&[0], View::Deleted, 10, &[3]);
    check(&[0, 1], View::All, 3, &[4, 3, 2]);
    check(&[], View::All, 10, &[]);
}

pub(crate) fn datasets_and_outputs_are_kept_once(store: &Metastore) {
    let id = with_run(store);
    let dataset = Dataset {
        name: "rides".to_owned(),
        digest: "abc".to_owned(),
        source_type: "local".to_owned(),
        source: "{}".to_owned(),
        schema: Some("{}".to_owned()),
        profile: None,
    };
    let output = Output {
        model_id: "m-1".to_owned(),
        step: 2,
    };
    let (logged, made) = (dataset.clone(), output.clone());
    write(store, move |tx| {
        for context in ["train", "test", "train"] {
            let input = DatasetInput::in_context(logged.clone(), context);
            tx.runs().log_dataset(&run_id(1), &input)?;
        }
        tx.runs().log_outputs(&run_id(1), &[made.clone(), made])
    });
    let run = read(store, |tx| tx.runs().get(&id));
    let expected = [
        DatasetInput::in_context(dataset.clone(), "test"),
        DatasetInput::in_context(dataset, "train"),
    ];
    assert_eq!(run.datasets, expected);
    assert_eq!(run.outputs, [output]);
}

pub(crate) fn readers_of_a_path_are_found(store: &Metastore) {
    let _ = with_run(store);
    write(store, |tx| tx.runs().create(&new_run(2, ExperimentId(0))));
    let input = |name: &str, digest: &str| {
        let dataset = Dataset {
            name: name.to_owned(),
            digest: digest.to_owned(),
            source_type: "local".to_owned(),
            source: "{}".to_owned(),
            schema: None,
            profile: None,
        };
        DatasetInput::in_context(dataset, "source")
    };
    let inputs = [
        (1, input("data/a.csv", "1")),
        (2, input("data/a.csv", "2")),
        (2, input("data/a.csv2", "3")),
        (2, input("data_b", "4")),
    ];
    write(store, move |tx| {
        let mut inputs = inputs.iter();
        inputs.try_for_each(|(run, input)| tx.runs().log_dataset(&run_id(*run), input))
    });
    let check = |path: &str, expected: &[(u8, &str)]| {
        let path = path.to_owned();
        let found = read(store, move |tx| tx.runs().readings(&path));
        let mut found: Vec<_> = found.iter().map(|one| (&one.run, &*one.digest)).collect();
        found.sort();
        let ids: Vec<_> = expected.iter().map(|(run, _)| run_id(*run)).collect();
        let expected: Vec<_> = ids
            .iter()
            .zip(expected)
            .map(|(id, one)| (id, one.1))
            .collect();
        assert_eq!(found, expected);
    };
    check("data/a.csv", &[(1, "1"), (2, "2")]);
    check("data", &[(1, "1"), (2, "2"), (2, "3")]);
    check("", &[(1, "1"), (2, "2"), (2, "3"), (2, "4")]);
    check("dat", &[]);
    write(store, |tx| tx.runs().delete(&run_id(2), at(9)));
    check("data", &[(1, "1")]);
}
