//! Notes.

use everloop_metastore::Metastore;

use super::{read, write};

pub(crate) fn a_note_is_replaced(store: &Metastore) {
    assert_eq!(read(store, |tx| tx.notes().get("replay")), None);
    write(store, |tx| tx.notes().set("replay", "{\"day\": 1}"));
    write(store, |tx| tx.notes().set("replay", "{\"day\": 2}"));
    assert_eq!(
        read(store, |tx| tx.notes().get("replay")).as_deref(),
        Some("{\"day\": 2}")
    );
    assert_eq!(read(store, |tx| tx.notes().get("other")), None);
}
