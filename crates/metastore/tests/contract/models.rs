//! Registered models, versions, aliases.

use everloop_domain::{ModelName, VersionNumber};
use everloop_metastore::{Metastore, NewVersion};

use super::{at, read, refused, run_id, write};

fn name() -> ModelName {
    "bikes".parse().unwrap()
}

fn new_version(now: i64) -> NewVersion {
    NewVersion {
        name: name(),
        source: "/models/1".to_owned(),
        run_id: Some(run_id(1).to_string()),
        model_id: Some("m-1".to_owned()),
        tags: [("t".to_owned(), "1".to_owned())].into(),
        description: None,
        now: at(now),
    }
}

/// Makes the model with versions 1 to 2.
fn with_versions(store: &Metastore) {
    write(store, |tx| {
        tx.models().create(&name(), "demand", &[].into(), at(1))?;
        tx.models().create_version(&new_version(2))?;
        tx.models().create_version(&new_version(3))
    });
}

pub(crate) fn a_model_is_made_once(store: &Metastore) {
    assert_eq!(read(store, |tx| tx.models().find(&name())), None);
    write(store, |tx| {
        tx.models().create(&name(), "demand", &[].into(), at(1))?;
        tx.models().ensure(&name(), at(2))
    });
    let words = refused(store, |tx| {
        tx.models().create(&name(), "", &[].into(), at(3))
    });
    assert_eq!(words, "registered model `bikes` exists already");
    let model = read(store, |tx| tx.models().get(&name()));
    assert_eq!(
        (model.description.as_str(), model.created_at),
        ("demand", at(1))
    );
    assert_eq!(read(store, |tx| tx.models().list()), [model]);
}

pub(crate) fn versions_are_counted_from_one(store: &Metastore) {
    with_versions(store);
    let versions = read(store, |tx| tx.models().list_versions(&name()));
    let numbers: Vec<_> = versions.iter().map(|one| one.version.0).collect();
    assert_eq!(numbers, [2, 1]);
    let first = &versions[1];
    assert_eq!(
        (first.source.as_str(), &first.run_id),
        ("/models/1", &Some(run_id(1).to_string()))
    );
    assert_eq!(
        (first.model_id.as_deref(), first.stage.as_str()),
        (Some("m-1"), "None")
    );
    assert_eq!((first.created_at, first.tags["t"].as_str()), (at(2), "1"));
    assert_eq!(read(store, |tx| tx.models().get(&name())).updated_at, at(3));
}

pub(crate) fn an_alias_points_at_one_version(store: &Metastore) {
    with_versions(store);
    write(store, |tx| {
        tx.models()
            .set_alias(&name(), "champion", VersionNumber(1), at(4))?;
        tx.models()
            .set_alias(&name(), "previous", VersionNumber(1), at(4))?;
        tx.models()
            .set_alias(&name(), "champion", VersionNumber(2), at(5))
    });
    let aliases = read(store, |tx| tx.models().aliases(&name()));
    let expected = [("champion", 2), ("previous", 1)]
        .map(|(alias, version)| (alias.to_owned(), VersionNumber(version)));
    assert_eq!(aliases, expected.into());
    let champion = read(store, |tx| tx.models().find_by_alias(&name(), "champion")).unwrap();
    assert_eq!(champion.version, VersionNumber(2));
    write(store, |tx| {
        tx.models().delete_alias(&name(), "champion", at(6))?;
        tx.models().delete_alias(&name(), "champion", at(6))
    });
    assert_eq!(
        read(store, |tx| tx.models().find_by_alias(&name(), "champion")),
        None
    );
}

pub(crate) fn an_alias_needs_its_version(store: &Metastore) {
    with_versions(store);
    let words = refused(store, |tx| {
        tx.models()
            .set_alias(&name(), "champion", VersionNumber(3), at(4))
    });
    assert_eq!(words, "model version `bikes/3` does not exist");
}

pub(crate) fn tags_of_models_and_versions_are_replaced(store: &Metastore) {
    with_versions(store);
    write(store, |tx| {
        tx.models().set_tag(&name(), "k", "1", at(4))?;
        tx.models().set_tag(&name(), "k", "2", at(5))?;
        tx.models()
            .set_version_tag(&name(), VersionNumber(1), "t", "2", at(5))
    });
    assert_eq!(read(store, |tx| tx.models().get(&name())).tags["k"], "2");
    let version = read(store, |tx| {
        tx.models().get_version(&name(), VersionNumber(1))
    });
    assert_eq!(version.tags["t"], "2");
    let words = refused(store, |tx| {
        tx.models()
            .set_version_tag(&name(), VersionNumber(9), "t", "2", at(5))
    });
    assert_eq!(words, "model version `bikes/9` does not exist");
}

pub(crate) fn a_version_needs_its_model(store: &Metastore) {
    let words = refused(store, |tx| tx.models().create_version(&new_version(1)));
    assert_eq!(words, "registered model `bikes` does not exist");
    assert!(read(store, |tx| tx.models().list_versions(&name())).is_empty());
}

pub(crate) fn models_and_versions_are_cut_into_pages(store: &Metastore) {
    with_versions(store);
    let other: ModelName = "ants".parse().unwrap();
    write(store, move |tx| {
        tx.models()
            .create(&other, "", &std::collections::BTreeMap::new(), at(4))
    });
    let page = |after: &'static str| -> Vec<String> {
        let found = read(store, |tx| tx.models().after(after, 1));
        found.iter().map(|model| model.name.to_string()).collect()
    };
    assert_eq!(
        (page(""), page("ants")),
        (vec!["ants".to_owned()], vec!["bikes".to_owned()])
    );
    assert!(page("bikes").is_empty());
    let newest = read(store, |tx| tx.models().newest_versions(&name(), 1));
    assert_eq!(newest.len(), 1);
    assert_eq!(newest[0].version, VersionNumber(2));
    let made = read(store, |tx| tx.models().versions_of_run(&run_id(1)));
    let numbers: Vec<_> = made.iter().map(|one| one.version.0).collect();
    assert_eq!(numbers, [1, 2]);
    assert!(read(store, |tx| tx.models().versions_of_run(&run_id(2))).is_empty());
}
