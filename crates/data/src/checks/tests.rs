//! Each rule on a small table: how many rows fail, and what is said of them.

use everloop_domain::dataset::{ColumnCheck, ColumnRule, RuleCheck};
use everloop_domain::{ColumnType, Value};

use super::*;
use crate::{Settings, read_parquet};

const CSV: &str = "id,text,number,price\n1,ab,0.5,10\n2,,-1,x\n2,cd,2,30\n,zz,,\n";

async fn session(dir: &Path) -> Session {
    std::fs::write(dir.join("t.csv"), CSV).unwrap();
    let session = Session::new(
        dir,
        &Settings {
            memory_bytes: 1 << 26,
        },
    );
    let source = everloop_domain::dataset::Source {
        name: "t".to_owned(),
        path: "t.csv".to_owned(),
        format: None,
        delimiter: None,
        has_header: true,
        null_values: Vec::new(),
    };
    session.register_source(&source).await.unwrap();
    session
}

fn column(column: &str, rule: ColumnRule) -> TableChecks {
    let check = ColumnCheck {
        column: column.to_owned(),
        rule,
        severity: Severity::Error,
    };
    TableChecks {
        table: "t".to_owned(),
        columns: vec![check],
        ..TableChecks::default()
    }
}

#[track_caller]
fn check(checks: &TableChecks, expected: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let report = runtime.block_on(async { session(dir.path()).await.check(checks).await.unwrap() });
    let result = &report.results[0];
    assert_eq!(
        format!(
            "{} {} {}",
            result.name,
            result.n_failed,
            result.examples.join("; ")
        )
        .trim_end(),
        expected
    );
}

#[test]
fn each_rule_finds_its_rows() {
    check(
        &column("id", ColumnRule::Required),
        "id: required 1 row 4: missing",
    );
    check(
        &column("text", ColumnRule::Required),
        "text: required 1 row 2: missing",
    );
    check(
        &column("id", ColumnRule::Unique),
        "id: unique 2 row 2: 2; row 3: 2",
    );
    check(
        &column("number", ColumnRule::Min(0.0)),
        "number: at least 0 1 row 2: -1.0",
    );
    check(
        &column("number", ColumnRule::Max(1.5)),
        "number: at most 1.5 1 row 3: 2.0",
    );
    check(
        &column("price", ColumnRule::Min(20.0)),
        "price: at least 20 1 row 1: 10",
    );
    check(
        &column(
            "text",
            ColumnRule::In(vec![Value::Text("ab".into()), Value::Text("zz".into())]),
        ),
        "text: one of ab, zz 1 row 3: cd",
    );
    check(
        &column("id", ColumnRule::In(vec![Value::Integer(1)])),
        "id: one of 1 2 row 2: 2; row 3: 2",
    );
    check(
        &column("text", ColumnRule::Pattern("[a-d]+".into())),
        "text: pattern [a-d]+ 1 row 4: zz",
    );
    check(
        &column("price", ColumnRule::Type(ColumnType::Integer)),
        "price: type integer 1 row 2: x",
    );
    check(
        &column("number", ColumnRule::Type(ColumnType::Integer)),
        "number: type integer 1 row 1: 0.5",
    );
    check(
        &column("id", ColumnRule::Type(ColumnType::Integer)),
        "id: type integer 0",
    );
    check(
        &column("id", ColumnRule::Type(ColumnType::Text)),
        "id: type text 0",
    );
}

#[test]
fn what_cannot_be_checked_fails_and_says_so() {
    check(
        &column("none", ColumnRule::Required),
        "none: required 4 there is no column `none`",
    );
    let bad = column("text", ColumnRule::Pattern("(".into()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let report = runtime.block_on(async { session(dir.path()).await.check(&bad).await.unwrap() });
    assert!(
        report.results[0].examples[0].contains("is not a pattern"),
        "{report:?}"
    );
}

#[test]
fn rules_and_row_counts() {
    let rule = |sql: &str| TableChecks {
        table: "t".to_owned(),
        rules: vec![RuleCheck {
            name: "rule".to_owned(),
            sql: sql.to_owned(),
            severity: Severity::Warn,
        }],
        ..TableChecks::default()
    };
    check(&rule("id < 2 or id is null"), "rule 2 row 2; row 3");
    check(&rule("number > -5"), "rule 0");
    let rows = |min, max| TableChecks {
        table: "t".to_owned(),
        rows: Some(RowCountCheck {
            min,
            max,
            severity: Severity::Error,
        }),
        ..TableChecks::default()
    };
    check(&rows(Some(5), None), "rows: at least 5 1 there are 4 rows");
    check(&rows(Some(1), Some(4)), "rows: at least 1, at most 4 0");
}

#[tokio::test]
async fn failing_rows_are_kept_with_their_reasons() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path()).await;
    let mut checks = column("id", ColumnRule::Unique);
    checks.columns.push(ColumnCheck {
        column: "number".into(),
        rule: ColumnRule::Min(0.0),
        severity: Severity::Warn,
    });
    let path = dir.path().join("q.parquet");
    assert_eq!(session.write_quarantine(&checks, &path).await.unwrap(), 2);
    let rows = read_parquet(&path).unwrap();
    let text = |name: &str, row| {
        rows.column_by_name(name)
            .unwrap()
            .as_string::<i32>()
            .value(row)
            .to_owned()
    };
    assert_eq!(text("_reasons", 0), "id: unique; number: at least 0");
    assert_eq!(text("_severity", 1), "error");
    assert_eq!(text("text", 1), "cd");
}

#[tokio::test]
async fn repeated_values_are_found_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path()).await;
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![3, 1, 3, 2]));
    let rows = RecordBatch::try_from_iter(vec![("id", ids)]).unwrap();
    session.register("t", &rows).unwrap();
    let checks = column("id", ColumnRule::Unique);
    let report = session.check(&checks).await.unwrap();
    assert_eq!(report.results[0].examples, ["row 1: 3", "row 3: 3"]);
}
