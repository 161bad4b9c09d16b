//! A web server that misbehaves, on a thread of the test.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use everloop_domain::ErrorKind;

use super::*;

/// Starts a server that gives its answers one after another, and closes; the requests are kept.
fn serve(answers: Vec<Vec<u8>>) -> (RemoteStore, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/data/", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&heard);
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                request.push(byte[0]);
            }
            let request = String::from_utf8(request).unwrap();
            all.lock().unwrap().push(request.to_lowercase());
            stream.write_all(&answer).unwrap();
        }
    });
    let location = Location::Web(WebLocation {
        url,
        ..WebLocation::default()
    });
    (RemoteStore::open(&location).unwrap(), heard)
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n{body}").into_bytes()
}

fn get(store: &RemoteStore) -> (Result<u64, Error>, String) {
    let mut got = Vec::new();
    let read = store.get("a/b", &mut |piece| {
        got.extend_from_slice(piece);
        Ok(())
    });
    (read, String::from_utf8(got).unwrap())
}

#[test]
fn what_passes_is_tried_again_and_what_broke_off_is_read_on() {
    let (store, heard) = serve(vec![
        answer("503 Busy", "content-length: 0\r\n", ""),
        answer("200 OK", "content-length: 10\r\n", "0123"),
        answer(
            "206 Partial Content",
            "content-length: 6\r\ncontent-range: bytes 4-9/10\r\n",
            "45",
        ),
        // One that knows no ranges.
        answer("200 OK", "content-length: 10\r\n", "0123456789"),
    ]);
    let (read, got) = get(&store);
    assert_eq!((read.unwrap(), got.as_str()), (10, "0123456789"));
    let heard = heard.lock().unwrap();
    assert!(heard[1].starts_with("get /data/a/b http"), "{heard:?}");
    assert!(!heard[1].contains("range:"));
    assert!(heard[2].contains("range: bytes=4-") && heard[3].contains("range: bytes=6-"));
}

#[track_caller]
fn refused(answer: Vec<u8>, kind: ErrorKind) {
    let (store, heard) = serve(vec![answer]);
    let error = get(&store).0.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(error.to_string().contains("a/b"), "{error}");
    assert_eq!(heard.lock().unwrap().len(), 1, "it is not asked again");
}

#[test]
fn what_does_not_pass_is_not_tried_again() {
    let empty = "content-length: 0\r\n";
    refused(answer("404 Not Found", empty, ""), ErrorKind::NotFound);
    refused(answer("403 No", empty, ""), ErrorKind::Forbidden);
    refused(answer("401 Who", empty, ""), ErrorKind::Unauthenticated);
    refused(answer("400 Bad", empty, ""), ErrorKind::Unavailable);
}

#[test]
fn a_server_that_never_comes_back_is_given_up() {
    let busy = || answer("500 Oh", "content-length: 0\r\n", "");
    let (store, heard) = serve((0..N_ATTEMPTS).map(|_| busy()).collect());
    let error = get(&store).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(heard.lock().unwrap().len(), N_ATTEMPTS as usize);
}

#[test]
fn a_part_that_starts_elsewhere_is_not_taken() {
    let (store, _) = serve(vec![
        answer("200 OK", "content-length: 10\r\n", "0123"),
        answer(
            "206 Partial Content",
            "content-length: 2\r\ncontent-range: bytes 8-9/10\r\n",
            "89",
        ),
    ]);
    let (read, got) = get(&store);
    assert!(read.is_err());
    assert_eq!(got, "0123");
}

#[test]
fn web_servers_are_only_read() {
    let (store, _) = serve(vec![
        answer("405 No", "content-length: 0\r\n", ""),
        answer("200 OK", "content-length: 2\r\n", "ab"),
        answer("404 Not Found", "content-length: 0\r\n", ""),
    ]);
    assert!(store.size("a").unwrap().is_some(), "asked without `HEAD`");
    assert_eq!(store.size("a").unwrap(), None);
    assert!(!store.can_be_listed());
    let error = store.put_bytes("a", b"x").unwrap_err().to_string();
    assert!(error.contains("only read"), "{error}");
    assert!(store.delete("a").is_err() && store.list("a", &mut |_, _| true).is_err());
}

#[test]
fn a_sink_that_takes_no_more_ends_it() {
    let (store, heard) = serve(vec![answer("200 OK", "content-length: 2\r\n", "ab")]);
    let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = store.get("a", &mut |_| Err(full())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    assert_eq!(heard.lock().unwrap().len(), 1);
}
