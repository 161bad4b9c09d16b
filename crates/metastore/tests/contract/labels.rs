//! Labels.

use everloop_domain::{ModelName, RequestId, Value};
use everloop_metastore::Metastore;

use super::{at, read, write};

fn model() -> ModelName {
    "bikes".parse().unwrap()
}

fn id(text: &str) -> RequestId {
    RequestId(text.to_owned())
}

fn insert(store: &Metastore, labels: &[(&str, Value)], now: i64) -> usize {
    let labels: Vec<_> = labels
        .iter()
        .map(|(text, value)| (id(text), value.clone()))
        .collect();
    write(store, move |tx| {
        tx.labels().insert(&model(), &labels, at(now))
    })
}

pub(crate) fn a_label_is_replaced_and_counted_once(store: &Metastore) {
    let (one, two) = (Value::Integer(1), Value::Integer(2));
    assert_eq!(
        insert(
            store,
            &[("a", one.clone()), ("b", one.clone()), ("a", two.clone())],
            1
        ),
        2
    );
    assert_eq!(insert(store, &[("a", one.clone()), ("c", two)], 2), 1);
    assert_eq!(read(store, |tx| tx.labels().count(&model())), 3);
    let found = read(store, |tx| tx.labels().for_ids(&model(), &[id("a")]));
    assert_eq!(found, [(id("a"), one)]);
}

pub(crate) fn a_replaced_label_is_found_again_after_the_cursor(store: &Metastore) {
    insert(
        store,
        &[("a", Value::Integer(1)), ("b", Value::Integer(1))],
        1,
    );
    let labels = read(store, |tx| tx.labels().since(&model(), 0, 10));
    let cursor = labels.last().unwrap().cursor;
    insert(store, &[("b", Value::Integer(0))], 2);
    let later = read(store, |tx| tx.labels().since(&model(), cursor, 10));
    assert_eq!(
        (later.len(), &later[0].id, later[0].received_at),
        (1, &id("b"), at(2))
    );
    assert_eq!(read(store, |tx| tx.labels().since(&model(), 0, 1)).len(), 1);
}

pub(crate) fn labels_are_found_by_id(store: &Metastore) {
    let values = [
        ("text", Value::Text("yes".to_owned())),
        ("number", Value::Number(0.5)),
        ("boolean", Value::Boolean(true)),
    ];
    insert(store, &values, 1);
    let ids = ["number", "absent", "text", "boolean"].map(id);
    let found = read(store, |tx| tx.labels().for_ids(&model(), &ids));
    let expected = [
        (id("number"), Value::Number(0.5)),
        (id("text"), Value::Text("yes".to_owned())),
        (id("boolean"), Value::Boolean(true)),
    ];
    assert_eq!(found, expected);
    let other: ModelName = "other".parse().unwrap();
    assert!(read(store, |tx| tx.labels().for_ids(&other, &ids)).is_empty());
}
