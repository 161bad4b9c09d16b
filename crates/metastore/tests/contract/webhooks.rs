//! Webhooks, and what they are still to be told.

use everloop_domain::{ModelName, RegistryEvent, Timestamp, VersionNumber};
use everloop_metastore::{Delivery, Happening, Lease, Metastore, NewVersion, Webhook};

use super::{at, read, refused, write};

fn model() -> ModelName {
    "bikes".parse().unwrap()
}

fn webhook(id: &str, events: &[RegistryEvent]) -> Webhook {
    Webhook {
        id: id.to_owned(),
        name: format!("name of {id}"),
        description: None,
        url: "https://example.org/hook?a=1".to_owned(),
        events: events.to_vec(),
        is_active: true,
        secret: Some("sealed".to_owned()),
        created_at: at(1),
        updated_at: at(1),
    }
}

/// Makes webhooks that listen to all events.
fn with_webhooks(store: &Metastore, ids: &'static [&'static str]) {
    write(store, move |tx| {
        ids.iter()
            .try_for_each(|id| tx.webhooks().create(&webhook(id, RegistryEvent::ALL)))
    });
}

/// Makes the model, which is the first thing to be told.
fn with_model(store: &Metastore, now: i64) {
    write(store, move |tx| {
        tx.models().create(&model(), "demand", &[].into(), at(now))
    });
}

fn lease(teller: &str, until: i64) -> Lease {
    Lease {
        teller: teller.to_owned(),
        until: at(until),
    }
}

fn take(store: &Metastore, webhook: &'static str, lease: Lease, now: i64) -> Option<Delivery> {
    write(store, move |tx| {
        tx.deliveries().take(webhook, &lease, at(now))
    })
}

/// All that a webhook is to be told, in its order, taken off the list.
fn told(store: &Metastore, webhook: &'static str) -> Vec<(RegistryEvent, Happening, Timestamp)> {
    std::iter::from_fn(|| {
        let delivery = take(store, webhook, lease("told", 2000), 1000)?;
        write(store, move |tx| tx.deliveries().settle(delivery.id));
        Some((delivery.event, delivery.happening, delivery.happened_at))
    })
    .collect()
}

fn events(store: &Metastore, webhook: &'static str) -> Vec<RegistryEvent> {
    let told = told(store, webhook);
    told.into_iter().map(|(event, ..)| event).collect()
}

pub(crate) fn a_webhook_comes_back_as_it_was_kept(store: &Metastore) {
    use RegistryEvent::{AliasCreated, ModelCreated, VersionCreated};
    let first = webhook("a", &[VersionCreated, ModelCreated]);
    let kept = first.clone();
    write(store, move |tx| tx.webhooks().create(&kept));
    assert_eq!(read(store, |tx| tx.webhooks().get("a")), first);
    let changed = Webhook {
        description: Some("why".to_owned()),
        events: vec![AliasCreated],
        secret: None,
        updated_at: at(5),
        ..first
    };
    let kept = changed.clone();
    write(store, move |tx| tx.webhooks().update(&kept));
    assert_eq!(read(store, |tx| tx.webhooks().get("a")), changed);
    write(store, |tx| tx.webhooks().delete("a"));
    let missing = "webhook `a` does not exist";
    assert_eq!(refused(store, |tx| tx.webhooks().get("a")), missing);
    assert_eq!(refused(store, |tx| tx.webhooks().delete("a")), missing);
    let words = refused(store, move |tx| tx.webhooks().update(&changed));
    assert_eq!(words, missing);
}

pub(crate) fn webhooks_are_listed_with_the_last_made_first(store: &Metastore) {
    write(store, |tx| {
        ["a", "b", "c"].iter().zip(1..).try_for_each(|(id, now)| {
            tx.webhooks().create(&Webhook {
                created_at: at(now),
                ..webhook(id, &[RegistryEvent::ModelCreated])
            })
        })
    });
    let ids = |limit, offset| -> Vec<String> {
        let found = read(store, |tx| tx.webhooks().list(limit, offset));
        found.into_iter().map(|webhook| webhook.id).collect()
    };
    assert_eq!(ids(10, 0), ["c", "b", "a"]);
    assert_eq!(ids(1, 1), ["b"]);
}

pub(crate) fn what_happens_is_told_in_its_order(store: &Metastore) {
    with_webhooks(store, &["all"]);
    let name = model();
    write(store, move |tx| {
        let (models, one) = (tx.models(), VersionNumber(1));
        models.create(&name, "demand", &[("t".into(), "1".into())].into(), at(2))?;
        models.create_version(&NewVersion {
            name: name.clone(),
            source: "s3://b/m".to_owned(),
            run_id: None,
            model_id: None,
            tags: [("v".to_owned(), "1".to_owned())].into(),
            description: None,
            now: at(3),
        })?;
        models.set_version_tag(&name, one, "k", "x", at(4))?;
        models.delete_version_tag(&name, one, "k", at(5))?;
        models.set_alias(&name, "champion", one, at(6))?;
        models.delete_alias(&name, "champion", at(7))?;
        // Nobody can ask for tags of models, and what was not there is not gone.
        models.set_tag(&name, "k", "x", at(8))?;
        models.delete_tag(&name, "k", at(8))?;
        models.delete_alias(&name, "champion", at(8))?;
        models.delete_version_tag(&name, one, "k", at(8))
    });
    let (model, version) = (model(), VersionNumber(1));
    let alias = "champion".to_owned();
    let (key, value) = ("k".to_owned(), "x".to_owned());
    let pair = |key: &str| [(key.to_owned(), "1".to_owned())].into();
    let expected = [
        Happening::ModelMade {
            model: model.clone(),
            description: "demand".to_owned(),
            tags: pair("t"),
        },
        Happening::VersionMade {
            model: model.clone(),
            version,
            source: "s3://b/m".to_owned(),
            run_id: None,
            description: None,
            tags: pair("v"),
        },
        Happening::VersionTagSet {
            model: model.clone(),
            version,
            key: key.clone(),
            value,
        },
        Happening::VersionTagDeleted {
            model: model.clone(),
            version,
            key,
        },
        Happening::AliasSet {
            model: model.clone(),
            alias: alias.clone(),
            version,
        },
        Happening::AliasDeleted { model, alias },
    ];
    let told = told(store, "all");
    let events = told.iter().map(|(event, ..)| *event);
    assert!(
        events.eq(RegistryEvent::ALL[..6].iter().copied()),
        "{told:?}"
    );
    let times = told.iter().map(|(_, _, moment)| moment.as_millis());
    assert!(times.eq(2..8), "{told:?}");
    let happenings = told.into_iter().map(|(_, happening, _)| happening);
    assert_eq!(happenings.collect::<Vec<_>>(), expected);
}

pub(crate) fn what_happens_to_prompts_has_its_own_events(store: &Metastore) {
    with_webhooks(store, &["all"]);
    let name = model();
    let is_prompt = ("mlflow.prompt.is_prompt".to_owned(), "True".to_owned());
    write(store, move |tx| {
        let models = tx.models();
        let tags = [is_prompt].into();
        models.create(&name, "", &tags, at(2))?;
        let version = models.create_version(&NewVersion {
            name: name.clone(),
            source: "prompt".to_owned(),
            run_id: None,
            model_id: None,
            tags,
            description: None,
            now: at(3),
        })?;
        models.set_tag(&name, "k", "x", at(4))?;
        models.delete_tag(&name, "k", at(4))?;
        models.set_version_tag(&name, version, "k", "x", at(4))?;
        models.delete_version_tag(&name, version, "k", at(4))?;
        models.set_alias(&name, "live", version, at(4))?;
        models.delete_alias(&name, "live", at(4))?;
        models.delete_tag(&name, "mlflow.prompt.is_prompt", at(4))?;
        models.set_alias(&name, "live", version, at(4))
    });
    let mut expected = RegistryEvent::ALL[6..14].to_vec();
    expected.push(RegistryEvent::PromptTagDeleted);
    expected.push(RegistryEvent::AliasCreated);
    assert_eq!(events(store, "all"), expected);
}

pub(crate) fn only_those_who_asked_and_are_active_are_told(store: &Metastore) {
    write(store, |tx| {
        let listening = [RegistryEvent::ModelCreated];
        tx.webhooks().create(&webhook("listens", &listening))?;
        tx.webhooks()
            .create(&webhook("other", &[RegistryEvent::AliasCreated]))?;
        tx.webhooks().create(&Webhook {
            is_active: false,
            ..webhook("silent", &listening)
        })
    });
    with_model(store, 2);
    let count = |id| read(store, |tx| tx.deliveries().count(id));
    assert_eq!(["listens", "other", "silent"].map(count), [1, 0, 0]);
    let due = read(store, |tx| tx.deliveries().due("x", at(2)));
    assert_eq!(due, ["listens"]);
    // Who is silenced forgets what was to come; what is undone was never to be told.
    let silenced = Webhook {
        is_active: false,
        ..webhook("listens", &[RegistryEvent::ModelCreated])
    };
    write(store, move |tx| tx.webhooks().update(&silenced));
    assert_eq!(count("listens"), 0);
    refused(store, |tx| {
        let other = "other".parse().unwrap();
        tx.models().create(&other, "", &[].into(), at(3))?;
        tx.models().get_version(&other, VersionNumber(9))
    });
    assert!(read(store, |tx| tx.deliveries().due("x", at(9))).is_empty());
}

pub(crate) fn what_an_import_brings_is_not_told(store: &Metastore) {
    with_webhooks(store, &["all"]);
    write(store, |tx| {
        let found = everloop_metastore::RegisteredModel {
            name: model(),
            description: String::new(),
            created_at: at(1),
            updated_at: at(1),
            tags: [("t".to_owned(), "1".to_owned())].into(),
        };
        tx.imports().model(&found)
    });
    assert_eq!(read(store, |tx| tx.deliveries().count("all")), 0);
}

pub(crate) fn one_server_tells_at_a_time(store: &Metastore) {
    with_webhooks(store, &["a"]);
    with_model(store, 2);
    let first = take(store, "a", lease("one", 100), 2).unwrap();
    assert_eq!(take(store, "a", lease("other", 100), 99), None);
    assert!(read(store, |tx| tx.deliveries().due("other", at(99))).is_empty());
    // The one who holds it goes on; when its time is over, another does.
    assert_eq!(take(store, "a", lease("one", 200), 50).unwrap(), first);
    assert_eq!(take(store, "a", lease("other", 300), 200).unwrap(), first);
    assert_eq!(take(store, "a", lease("one", 300), 250), None);
    write(store, |tx| tx.deliveries().release("one"));
    assert_eq!(take(store, "a", lease("one", 300), 250), None);
    write(store, |tx| tx.deliveries().release("other"));
    assert_eq!(take(store, "a", lease("one", 300), 250).unwrap(), first);
}

pub(crate) fn what_failed_holds_up_what_comes_later(store: &Metastore) {
    with_webhooks(store, &["a", "b"]);
    with_model(store, 2);
    write(store, |tx| {
        let models = tx.models();
        let other: ModelName = "other".parse().unwrap();
        models.create(&other, "", &[].into(), at(3))
    });
    let first = take(store, "a", lease("one", 100), 3).unwrap();
    assert_eq!((first.n_failed, first.happened_at), (0, at(2)));
    let id = first.id;
    write(store, move |tx| tx.deliveries().postpone(id, at(50)));
    assert_eq!(take(store, "a", lease("one", 100), 49), None);
    // It was left to others, who wait as well; the other webhook does not.
    assert_eq!(take(store, "a", lease("other", 100), 49), None);
    assert_eq!(read(store, |tx| tx.deliveries().due("x", at(49))), ["b"]);
    let again = take(store, "a", lease("other", 100), 50).unwrap();
    assert_eq!((again.id, again.n_failed), (id, 1));
    write(store, move |tx| tx.deliveries().settle(id));
    let next = take(store, "a", lease("other", 100), 50).unwrap();
    assert_eq!((next.n_failed, next.happened_at), (0, at(3)));
    assert!(next.id > id);
}

pub(crate) fn a_deleted_webhook_takes_along_what_it_was_to_be_told(store: &Metastore) {
    with_webhooks(store, &["a"]);
    with_model(store, 2);
    let first = take(store, "a", lease("one", 100), 2).unwrap();
    write(store, |tx| tx.webhooks().delete("a"));
    assert_eq!(take(store, "a", lease("one", 100), 2), None);
    // Whoever told it meanwhile settles what is gone.
    write(store, move |tx| tx.deliveries().settle(first.id));
    assert_eq!(read(store, |tx| tx.deliveries().count("a")), 0);
}
