//! Experiments.

use everloop_domain::ExperimentId;
use everloop_metastore::{Lifecycle, Metastore, View};

use super::{at, new_run, read, refused, run_id, write};

pub(crate) fn the_default_experiment_is_there(store: &Metastore) {
    let experiment = read(store, |tx| tx.experiments().get(ExperimentId(0)));
    assert_eq!(
        (
            experiment.name.as_str(),
            experiment.artifact_location.as_str()
        ),
        ("Default", "mlflow-artifacts:/0")
    );
}

pub(crate) fn ids_and_locations_are_counted(store: &Metastore) {
    let (one, two) = write(store, |tx| {
        let one = tx.experiments().create("one", None, at(1))?;
        let two = tx
            .experiments()
            .create("two", Some("s3://bucket/two"), at(2))?;
        Ok((tx.experiments().get(one)?, tx.experiments().get(two)?))
    });
    assert_eq!((one.id, two.id), (ExperimentId(1), ExperimentId(2)));
    assert_eq!(one.artifact_location, "mlflow-artifacts:/1");
    assert_eq!(two.artifact_location, "s3://bucket/two");
    assert_eq!((two.created_at, two.updated_at), (at(2), at(2)));
}

pub(crate) fn a_name_is_taken_even_by_a_deleted_one(store: &Metastore) {
    write(store, |tx| {
        let id = tx.experiments().create("bikes", None, at(1))?;
        tx.experiments().delete(id, at(2))
    });
    let words = refused(store, |tx| tx.experiments().create("bikes", None, at(3)));
    assert_eq!(words, "experiment `bikes` exists already");
}

pub(crate) fn runs_go_and_come_back_with_their_experiment(store: &Metastore) {
    let of_run = |store: &Metastore| read(store, |tx| tx.runs().info(&run_id(1))).lifecycle;
    write(store, |tx| {
        tx.runs().create(&new_run(1, ExperimentId(0)))?;
        tx.experiments().delete(ExperimentId(0), at(5))
    });
    assert_eq!(of_run(store), Lifecycle::Deleted);
    write(store, |tx| tx.experiments().restore(ExperimentId(0), at(6)));
    assert_eq!(of_run(store), Lifecycle::Active);
}

pub(crate) fn deleting_and_restoring_follow_the_lifecycle(store: &Metastore) {
    let absent = "experiment `0` does not exist";
    let words = refused(store, |tx| tx.experiments().restore(ExperimentId(0), at(1)));
    assert_eq!(words, absent);
    write(store, |tx| tx.experiments().delete(ExperimentId(0), at(2)));
    let words = refused(store, |tx| tx.experiments().delete(ExperimentId(0), at(3)));
    assert_eq!(words, absent);
}

pub(crate) fn renaming_needs_a_free_name_and_an_active_experiment(store: &Metastore) {
    let id = write(store, |tx| tx.experiments().create("one", None, at(1)));
    write(store, move |tx| tx.experiments().rename(id, "uno", at(2)));
    let renamed = read(store, |tx| tx.experiments().find_by_name("uno")).unwrap();
    assert_eq!((renamed.id, renamed.updated_at), (id, at(2)));
    let words = refused(store, move |tx| {
        tx.experiments().rename(id, "Default", at(3))
    });
    assert_eq!(words, "experiment `Default` exists already");
    write(store, move |tx| tx.experiments().delete(id, at(4)));
    let words = refused(store, move |tx| tx.experiments().rename(id, "one", at(5)));
    assert_eq!(words, "Cannot rename a non-active experiment.");
}

pub(crate) fn a_tag_is_replaced(store: &Metastore) {
    write(store, |tx| {
        tx.experiments().set_tag(ExperimentId(0), "team", "a")?;
        tx.experiments().set_tag(ExperimentId(0), "team", "b")
    });
    let experiment = read(store, |tx| tx.experiments().get(ExperimentId(0)));
    assert_eq!(
        experiment.tags,
        [("team".to_owned(), "b".to_owned())].into()
    );
    let words = refused(store, |tx| {
        tx.experiments().set_tag(ExperimentId(9), "k", "v")
    });
    assert_eq!(words, "experiment `9` does not exist");
}

pub(crate) fn lists_show_the_newest_first(store: &Metastore) {
    write(store, |tx| {
        let gone = tx.experiments().create("gone", None, at(1))?;
        tx.experiments().create("kept", None, at(2))?;
        tx.experiments().delete(gone, at(3))
    });
    let check = |view, expected: &[&str]| {
        let listed = read(store, |tx| tx.experiments().list(view));
        let names: Vec<_> = listed.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, expected);
    };
    check(View::Active, &["kept", "Default"]);
    check(View::Deleted, &["gone"]);
    check(View::All, &["kept", "gone", "Default"]);
}
