//! What goes out of one store and comes into another.

use everloop_domain::{ExperimentId, VersionNumber};
use everloop_metastore::{
    Came, Dataset, DatasetInput, Experiment, Lifecycle, Metastore, Metric, ModelVersion,
    NewLoggedModel, NewVersion, Output, RegisteredModel, WholeRun,
};

use super::{at, new_run, read, refused, run_id, write};

fn point(key: &str, step: i64, value: f64) -> Metric {
    Metric {
        key: key.to_owned(),
        value,
        timestamp: at(10 + step),
        step,
    }
}

/// A run with everything that a run can have, deleted.
fn filled(store: &Metastore) -> WholeRun {
    let id = run_id(7);
    write(store, move |tx| {
        let runs = tx.runs();
        runs.create(&new_run(7, ExperimentId(0)))?;
        let points = [point("b", 0, 1.0), point("a", 0, 2.0), point("b", 1, 0.5)];
        runs.log_metrics(&id, &points)?;
        runs.log_param(&id, "p/q", "x")?;
        runs.set_tag(&id, "t", "y")?;
        let dataset = Dataset {
            name: "d".to_owned(),
            digest: "1".to_owned(),
            source_type: "local".to_owned(),
            source: "{}".to_owned(),
            schema: Some("{}".to_owned()),
            profile: None,
        };
        runs.log_dataset(&id, &DatasetInput::in_context(dataset, "train"))?;
        runs.log_model_input(&id, "m-1")?;
        let (model_id, step) = ("m-2".to_owned(), 4);
        runs.log_outputs(&id, &[Output { model_id, step }])?;
        runs.delete(&id, at(99))
    });
    read(store, |tx| tx.exports().run(&run_id(7)))
}

pub(crate) fn what_goes_out_comes_in_elsewhere(store: &Metastore) {
    let found = filled(store);
    assert_eq!(found.deleted_at, Some(at(99)));
    assert_eq!(found.points.len(), 3);
    assert_eq!(
        read(store, |tx| tx.exports().runs(ExperimentId(0))),
        [run_id(7)]
    );
    let other = Metastore::in_memory().unwrap();
    let whole = found.clone();
    assert!(write(&other, move |tx| tx
        .imports()
        .run(ExperimentId(0), &whole)));
    assert_eq!(read(&other, |tx| tx.exports().run(&run_id(7))), found);
    let words = store
        .read_blocking(|tx| tx.exports().run(&run_id(8)))
        .unwrap_err();
    assert!(words.to_string().contains("does not exist"), "{words}");

    write(store, |tx| {
        for id in ["m-1", "m-2"] {
            tx.logged_models().create(&NewLoggedModel {
                id: id.to_owned(),
                experiment: ExperimentId(0),
                name: "m".to_owned(),
                model_type: None,
                source_run: None,
                tags: [].into(),
                params: [].into(),
                now: at(1),
            })?;
        }
        tx.logged_models().delete("m-1", at(2))
    });
    let (models, n_deleted) = read(store, |tx| tx.exports().logged_models(ExperimentId(0)));
    assert_eq!((models.len(), n_deleted), (1, 1));
    assert_eq!(models[0].id, "m-2");
}

fn experiment(name: &str, id: u64, created_at: i64) -> Experiment {
    Experiment {
        id: ExperimentId(id),
        name: name.to_owned(),
        artifact_location: String::new(),
        lifecycle: Lifecycle::Active,
        created_at: at(created_at),
        updated_at: at(created_at),
        tags: [].into(),
    }
}

fn version(number: u64, created_at: i64) -> ModelVersion {
    ModelVersion {
        name: "M".parse().unwrap(),
        version: VersionNumber(number),
        source: "s".to_owned(),
        run_id: None,
        model_id: None,
        description: String::new(),
        stage: "None".to_owned(),
        created_at: at(created_at),
        updated_at: at(created_at),
        tags: [].into(),
    }
}

fn model(created_at: i64) -> RegisteredModel {
    RegisteredModel {
        name: "M".parse().unwrap(),
        description: String::new(),
        created_at: at(created_at),
        updated_at: at(created_at),
        tags: [].into(),
    }
}

pub(crate) fn others_of_the_same_name_are_told_apart(store: &Metastore) {
    for (name, id, created_at, expected) in [
        ("e", 5, 1, (ExperimentId(5), Came::New)),
        ("e", 5, 1, (ExperimentId(5), Came::Known)),
        ("e", 9, 2, (ExperimentId(5), Came::Clashed)),
        ("f", 5, 2, (ExperimentId(6), Came::New)),
        ("Default", 0, 77, (ExperimentId(0), Came::Known)),
    ] {
        let mut found = experiment(name, id, created_at);
        found.tags = [("made".to_owned(), created_at.to_string())].into();
        let came = write(store, move |tx| tx.imports().experiment(&found));
        assert_eq!(came, expected, "{name} {id}");
    }
    let tag = |id| read(store, |tx| tx.experiments().get(ExperimentId(id))).tags["made"].clone();
    assert_eq!((tag(0), tag(5)), ("77".to_owned(), "1".to_owned()));
    for (created_at, expected) in [(1, Came::New), (1, Came::Known), (2, Came::Clashed)] {
        let came = write(store, move |tx| tx.imports().model(&model(created_at)));
        assert_eq!(came, expected);
        let came = write(store, move |tx| {
            tx.imports().version(&version(3, created_at))
        });
        assert_eq!(came, expected);
    }
    let name = || "M".parse().unwrap();
    let alias = |number| {
        write(store, move |tx| {
            tx.imports().alias(&name(), "a", VersionNumber(number))
        })
    };
    assert_eq!(alias(3), VersionNumber(3));
    assert_eq!(alias(4), VersionNumber(3));
    let words = refused(store, move |tx| {
        tx.imports().alias(&name(), "b", VersionNumber(4))
    });
    assert!(words.contains("M/4"), "{words}");
    // A number that was given away is not given again, even if its version is gone.
    write(store, move |tx| {
        let new = NewVersion {
            name: name(),
            source: "s".to_owned(),
            run_id: None,
            model_id: None,
            tags: [].into(),
            description: None,
            now: at(3),
        };
        let number = tx.models().create_version(&new)?;
        tx.models().delete_version(&name(), number, at(4))
    });
    let next = read(store, |tx| tx.exports().next_version(&name()));
    assert_eq!(next, VersionNumber(5));
}
