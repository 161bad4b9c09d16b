//! Work that panics or fails takes nothing else with it.

use everloop_metastore::{Error, Metastore};

fn note(store: &Metastore, key: &'static str) -> Option<String> {
    store.read_blocking(move |tx| tx.notes().get(key)).unwrap()
}

#[test]
fn a_panic_leaves_the_writer_alive_and_its_work_undone() {
    let store = Metastore::in_memory().unwrap();
    let result: Result<(), Error> = store.write_blocking(|tx| {
        tx.notes().set("a", "1")?;
        panic!("on purpose")
    });
    let error = result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the metastore's writer went on after the work panicked"
    );
    assert_eq!(note(&store, "a"), None);
    store.write_blocking(|tx| tx.notes().set("a", "2")).unwrap();
    assert_eq!(note(&store, "a").as_deref(), Some("2"));
}

#[test]
fn a_reader_that_panics_leaves_room_for_others() {
    let store = Metastore::in_memory().unwrap();
    for _ in 0..20 {
        let store = store.clone();
        let reader = std::thread::spawn(move || {
            let _ = store.read_blocking(|_| -> Result<(), Error> { panic!("on purpose") });
        });
        assert!(reader.join().is_err());
    }
    assert_eq!(note(&store, "a"), None);
}

#[tokio::test]
async fn failures_in_a_group_undo_their_own_work_only() {
    let dir = tempfile::tempdir().unwrap();
    let store = Metastore::open(&dir.path().join("metastore.db")).unwrap();
    let writes = (0..200).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let written = store.write(move |tx| {
                tx.notes().set(&format!("n{number}"), "1")?;
                match number % 4 {
                    1 => Err(Error::Invalid("on purpose".to_owned())),
                    2 => panic!("on purpose"),
                    _ => Ok(number),
                }
            });
            written.await.is_ok()
        })
    });
    let writes: Vec<_> = writes.collect();
    for (number, write) in writes.into_iter().enumerate() {
        let is_kept = number % 4 == 0 || number % 4 == 3;
        assert_eq!(write.await.unwrap(), is_kept, "{number}");
        let found = store
            .read(move |tx| tx.notes().get(&format!("n{number}")))
            .await
            .unwrap();
        assert_eq!(found.is_some(), is_kept, "{number}");
    }
}

#[test]
fn the_last_clone_may_go_in_the_work_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metastore.db");
    let store = Metastore::open(&path).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = std::sync::mpsc::channel::<()>();
    let clone = store.clone();
    let waiting = std::thread::spawn(move || {
        // The caller has gone away before the work ends, and the work drops the store.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let held = clone.clone();
        let written = Box::pin(clone.write(move |tx| {
            tx.notes().set("a", "1")?;
            let _ = begun.send(());
            let _ = receiver.recv();
            drop(held);
            Ok(())
        }));
        runtime.block_on(async move {
            let _ = futures_poll_once(written).await;
        });
    });
    waiting.join().unwrap();
    has_begun.recv().unwrap();
    drop(sender);
    drop(store);
    let store = Metastore::open(&path).unwrap();
    // The writer of the first store may still be at it; a write waits for it.
    store.write_blocking(|tx| tx.notes().set("b", "1")).unwrap();
    assert_eq!(note(&store, "a").as_deref(), Some("1"));
}

/// Polls once and gives up, as a cancelled request does.
async fn futures_poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        let polled = std::pin::Pin::new(&mut future).poll(context);
        std::task::Poll::Ready(match polled {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
