//! What was deleted softly, and its end.

use everloop_domain::{ExperimentId, RunId};
use everloop_metastore::{Metastore, Metric, NewLoggedModel, NewRun, View};

use super::{at, new_run, read, refused, run_id, with_run, write};

pub(crate) fn a_deleted_run_goes_with_all_that_it_logged(store: &Metastore) {
    let id = with_run(store);
    write(store, |tx| {
        let point = Metric {
            key: "m".to_owned(),
            value: 1.0,
            timestamp: at(1),
            step: 0,
        };
        tx.runs().log_metrics(&run_id(1), &[point])?;
        tx.runs().log_param(&run_id(1), "p", "1")
    });
    let words = refused(store, |tx| tx.trash().purge_run(&run_id(1)));
    assert!(words.contains("is not deleted"), "{words}");
    write(store, |tx| tx.runs().delete(&run_id(1), at(7)));
    let found = read(store, |tx| tx.trash().runs());
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].id, found[0].deleted_at), (&id, at(7)));
    assert!(found[0].artifacts.contains(id.as_str()));
    write(store, |tx| tx.trash().purge_run(&run_id(1)));
    assert!(read(store, |tx| tx.trash().runs()).is_empty());
    assert!(read(store, |tx| tx.runs().find(&id)).is_none());
    assert!(read(store, |tx| tx.runs().metric_history(&id, "m")).is_empty());
    // The id is free again, and nothing of the old run shows.
    with_run(store);
    assert!(read(store, |tx| tx.runs().get(&id)).params.is_empty());
}

pub(crate) fn a_deleted_experiment_goes_with_its_runs_and_models(store: &Metastore) {
    let experiment = write(store, |tx| tx.experiments().create("e", None, at(1)));
    let run: RunId = run_id(1);
    let made = NewRun {
        experiment,
        ..new_run(1, experiment)
    };
    write(store, move |tx| {
        tx.runs().create(&made)?;
        tx.logged_models().create(&NewLoggedModel {
            id: "m-1".to_owned(),
            experiment,
            name: "m".to_owned(),
            model_type: None,
            source_run: None,
            tags: [].into(),
            params: [].into(),
            now: at(1),
        })
    });
    let words = refused(store, move |tx| tx.trash().purge_experiment(experiment));
    assert!(words.contains("is not deleted"), "{words}");
    write(store, move |tx| tx.experiments().delete(experiment, at(9)));
    let found = read(store, |tx| tx.trash().experiments());
    assert_eq!((found[0].id, found[0].deleted_at), (experiment, at(9)));
    let runs = read(store, |tx| tx.trash().runs_of(experiment));
    assert_eq!(runs.len(), 1);
    write(store, move |tx| tx.trash().purge_experiment(experiment));
    assert!(read(store, |tx| tx.runs().find(&run)).is_none());
    let names = read(store, |tx| tx.experiments().list(View::All));
    assert_eq!(names.len(), 1);
    // The name is free again.
    write(store, |tx| tx.experiments().create("e", None, at(2)));
}

pub(crate) fn a_deleted_logged_model_goes(store: &Metastore) {
    write(store, |tx| {
        tx.logged_models().create(&NewLoggedModel {
            id: "m-1".to_owned(),
            experiment: ExperimentId(0),
            name: "m".to_owned(),
            model_type: None,
            source_run: None,
            tags: [("t".to_owned(), "1".to_owned())].into(),
            params: [].into(),
            now: at(1),
        })
    });
    let words = refused(store, |tx| tx.trash().purge_logged_model("m-1"));
    assert_eq!(words, "deleted logged model `m-1` does not exist");
    write(store, |tx| tx.logged_models().delete("m-1", at(5)));
    assert_eq!(read(store, |tx| tx.trash().logged_models())[0].id, "m-1");
    write(store, |tx| tx.trash().purge_logged_model("m-1"));
    assert!(read(store, |tx| tx.trash().logged_models()).is_empty());
}
