//! Properties of the readers: what was written is what is read, and nothing makes them panic.

use proptest::prelude::*;

use crate::tables::{Files, show};

/// Text as a CSV cell; quoted, so that commas, quotes and line ends survive.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn read(name: &str, bytes: &[u8]) -> Result<Vec<String>, String> {
    let files = Files::new(&[]);
    std::fs::write(files.dir.path().join(name), bytes).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let session = files.table(name).await.map_err(|error| error.to_string())?;
        Ok(show(&session.rows("t").await.unwrap()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn quoted_cells_come_back(cells in proptest::collection::vec("[ -~éß\n]{1,12}x", 1..20)) {
        let text: String = std::iter::once("cell\n".to_owned())
            .chain(cells.iter().map(|cell| format!("{}\n", quoted(cell))))
            .collect();
        prop_assert_eq!(read("t.csv", text.as_bytes()).unwrap(), cells);
    }

    #[test]
    fn numbers_come_back(numbers in proptest::collection::vec(any::<i64>(), 1..20)) {
        let text: String = std::iter::once("n\n".to_owned())
            .chain(numbers.iter().map(|number| format!("{number}\n")))
            .collect();
        let expected: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        prop_assert_eq!(read("t.csv", text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn any_bytes_are_rows_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for name in ["t.csv", "t.jsonl", "t.parquet", "t.csv.gz", "t.jsonl.zst"] {
            if let Err(text) = read(name, &bytes) {
                prop_assert!(text.contains("t."), "{}", text);
            }
        }
    }
}
