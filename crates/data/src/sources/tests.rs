//! Files in a temporary directory; tables are compared by their text form.

use std::io::Write as _;

use arrow::util::pretty::pretty_format_batches;

use super::*;

fn source(path: &str) -> Source {
    Source {
        name: "t".to_owned(),
        path: path.to_owned(),
        format: None,
        delimiter: None,
        has_header: true,
        null_values: Vec::new(),
    }
}

fn load(dir: &Path, source: &Source) -> Result<RecordBatch, Error> {
    read(source, &files(dir, source)?)
}

/// Cells by row, separated by spaces, after the types.
fn show(rows: &RecordBatch) -> String {
    let schema = rows.schema();
    let types: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| {
            format!(
                "{}:{}",
                field.name(),
                canonical::column_type(field.data_type())
            )
        })
        .collect();
    let table = pretty_format_batches(std::slice::from_ref(rows))
        .unwrap()
        .to_string();
    let cells: Vec<String> = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(1)
        .map(|line| {
            line.trim_matches('|')
                .split('|')
                .map(str::trim)
                .collect::<Vec<_>>()
                .join(",")
        })
        .collect();
    format!("{} / {}", types.join(" "), cells.join(" / "))
}

#[track_caller]
fn check(name: &str, text: &str, expected: &str) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(name), text).unwrap();
    assert_eq!(show(&load(dir.path(), &source(name)).unwrap()), expected);
}

#[track_caller]
fn refuse(name: &str, bytes: &[u8], expected: &str) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(name), bytes).unwrap();
    let error = load(dir.path(), &source(name)).unwrap_err().to_string();
    assert_eq!(
        error.replace(&format!("{}/", dir.path().display()), ""),
        expected
    );
}

#[test]
fn csv_is_typed_by_all_its_cells() {
    check(
        "a.csv",
        "a,b,c\n1,x,2011-01-01\n2,,2011-01-02\n",
        "a:integer b:text c:date / 1,x,2011-01-01 / 2,,2011-01-02",
    );
    check("a.csv", "a\n1\n2\nx\n", "a:text / 1 / 2 / x");
    check("a.csv", "a;b\n1,5;2\n", "a:text b:integer / 1,5,2");
    check("a.tsv", "a\tb\n1\t2\n", "a:integer b:integer / 1,2");
    check(
        "a.csv",
        "\u{feff}a,b\r\n1,2.5\r\n",
        "a:integer b:number / 1,2.5",
    );
    check(
        "a.csv",
        "\"SALE\nPRICE \",b\n\"1,000\",2\n",
        "SALE\nPRICE:text b:integer / PRICE, / 1,000,2",
    );
    check("a.csv", "a,b\n", "a:text b:text / ");
}

#[test]
fn malformed_csv_is_named_by_line() {
    refuse(
        "a.csv",
        b"a,b\n1,2\n3\n",
        "`a.csv`, line 3: 1 fields, expected 2 as in the header",
    );
    refuse(
        "a.csv",
        b"a,b\n1,2,3\n",
        "`a.csv`, line 2: 3 fields, expected 2 as in the header",
    );
    refuse(
        "a.csv",
        b"",
        "`a.csv`: it is empty; a header line was expected",
    );
    refuse(
        "a.csv",
        b"a,a\n1,2\n",
        "`a.csv`, line 1: two columns are named `a`",
    );
    refuse(
        "a.csv",
        b"a,\n1,2\n",
        "`a.csv`, line 1: column 2 has no name",
    );
    refuse(
        "a.csv",
        b"a\nx\n\xe9t\xe9\n",
        "`a.csv`, line 3: byte 4 (0xe9) is not UTF-8; if the file is Latin-1, convert it: `iconv -f LATIN1 -t UTF-8`",
    );
    refuse(
        "a.csv",
        b"\xff\xfea\0",
        "`a.csv`: it is UTF-16; convert it: `iconv -f UTF-16 -t UTF-8`",
    );
}

#[test]
fn json_lines_are_columns_by_key() {
    check(
        "a.jsonl",
        "{\"a\": 1, \"b\": \"x\"}\n\n{\"a\": null, \"c\": [1]}\n",
        "a:integer b:text c:text / 1,x, / ,,[1]",
    );
    check("a.json", "{\"a\": \"1\"}\n", "a:text / 1");
    refuse(
        "a.jsonl",
        b"{\"a\": 1}\n{\"a\": \n",
        "`a.jsonl`, line 2: not a JSON object: EOF while parsing a value at line 1 column 6",
    );
    refuse(
        "a.jsonl",
        b"[1]\n",
        "`a.jsonl`, line 1: a JSON object was expected",
    );
}

#[test]
fn compressed_files_and_patterns_follow_each_other_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(b"a\n1\n").unwrap();
    std::fs::create_dir_all(dir.path().join("d/e")).unwrap();
    std::fs::write(dir.path().join("d/1.csv.gz"), gz.finish().unwrap()).unwrap();
    std::fs::write(
        dir.path().join("d/2.csv.zst"),
        zstd::encode_all(&b"a\n2\n"[..], 1).unwrap(),
    )
    .unwrap();
    std::fs::write(dir.path().join("d/e/3.csv"), "a\n3\n").unwrap();
    let show_path = |path: &str| show(&load(dir.path(), &source(path)).unwrap());
    assert_eq!(show_path("d"), "a:integer / 1 / 2");
    assert_eq!(show_path("d/*.csv.*"), "a:integer / 1 / 2");
    assert_eq!(show_path("d/**/?.csv"), "a:integer / 3");
}

#[test]
fn files_of_one_source_must_agree() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("1.csv"), "a,b\n1,2\n").unwrap();
    std::fs::write(dir.path().join("2.csv"), "a,c\n1,2\n").unwrap();
    let error = load(dir.path(), &source("*.csv")).unwrap_err().to_string();
    assert!(
        error.contains("2.csv") && error.contains("missing: b; more: c"),
        "{error}"
    );
}

#[test]
fn what_is_not_there_is_named_with_its_neighbours() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("rides.csv"), "a\n").unwrap();
    let say = |path: &str| load(dir.path(), &source(path)).unwrap_err().to_string();
    assert_eq!(
        say("ride.csv"),
        "source `t`: nothing matches `ride.csv`; its directory holds rides.csv"
    );
    assert!(say("none/*.csv").contains("does not exist"));
}

#[test]
fn a_file_of_unknown_format_asks_for_it() {
    refuse(
        "a.dat",
        b"a\n",
        "`a.dat`: its name does not tell the format; set `format: csv`, `json`, `parquet` or `arrow`",
    );
}

#[test]
fn null_values_and_headerless_files() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.csv"), "1, ?\n2,3\n").unwrap();
    let source = Source {
        has_header: false,
        null_values: vec!["?".to_owned()],
        ..source("a.csv")
    };
    let rows = load(dir.path(), &source).unwrap();
    assert_eq!(show(&rows), "column_1:integer column_2:integer / 1, / 2,3");
}

#[test]
fn wide_tables_and_huge_cells_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let header: Vec<String> = (0..10_000).map(|index| format!("c{index}")).collect();
    let row: Vec<String> = (0..10_000).map(|index| index.to_string()).collect();
    std::fs::write(
        dir.path().join("wide.csv"),
        format!("{}\n{}\n", header.join(","), row.join(",")),
    )
    .unwrap();
    assert_eq!(
        load(dir.path(), &source("wide.csv")).unwrap().num_columns(),
        10_000
    );
    std::fs::write(
        dir.path().join("cell.csv"),
        format!("a,b\n1,{}\n", "x".repeat(5 << 20)),
    )
    .unwrap();
    assert_eq!(load(dir.path(), &source("cell.csv")).unwrap().num_rows(), 1);
}
