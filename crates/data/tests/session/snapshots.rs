//! Snapshots: the same rows have the same bytes, whatever they came from.

use crate::tables::{Files, show, source};

#[tokio::test]
async fn the_digest_is_of_the_rows_and_not_of_their_file() {
    let files = Files::new(&[
        ("a.csv", "x,y\n1,a\n2,b\n"),
        (
            "b.jsonl",
            "{\"x\": 1, \"y\": \"a\"}\n{\"x\": 2, \"y\": \"b\"}\n",
        ),
        ("c.csv", "x,y\n2,b\n1,a\n"),
    ]);
    let mut digests = Vec::new();
    for name in ["a.csv", "b.jsonl", "c.csv"] {
        let session = files.table(name).await.unwrap();
        let path = files.dir.path().join(format!("{name}.parquet"));
        digests.push(session.write_snapshot("t", &path).await.unwrap().digest);
    }
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2], "the order of rows counts");
}

#[tokio::test]
async fn a_snapshot_reads_back_as_it_was() {
    let text = "n,f,t,b,d\n1,0.1,x,true,2020-02-29\n,,,,\n-3,1e300,\"a,b\",false,1999-12-31\n";
    let files = Files::new(&[("t.csv", text)]);
    let session = files.table("t.csv").await.unwrap();
    session
        .write_snapshot("t", &files.dir.path().join("s.parquet"))
        .await
        .unwrap();
    let again = files.session();
    again
        .register_source(&source("t", "s.parquet"))
        .await
        .unwrap();
    let (before, after) = (
        session.rows("t").await.unwrap(),
        again.rows("t").await.unwrap(),
    );
    assert_eq!(show(&before), show(&after));
    assert_eq!(before.schema().fields(), after.schema().fields());
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_written_leaves_nothing() {
    let files = Files::new(&[("t.csv", "x\n1\n")]);
    let session = files.table("t.csv").await.unwrap();
    // Below a file there is no directory.
    let path = files.dir.path().join("t.csv/t.parquet");
    assert!(session.write_snapshot("t", &path).await.is_err());
    let entries = std::fs::read_dir(files.dir.path()).unwrap();
    assert_eq!(entries.count(), 1);
}
