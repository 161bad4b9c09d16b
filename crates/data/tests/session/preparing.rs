//! Preparation steps: SQL over sources, and deduplication.

use everloop_data::Session;
use everloop_domain::dataset::PrepareStep;

use crate::tables::{Files, show, source};

const RIDES: &str = "id,hour,Count\n1,0,5\n2,1,7\n2,1,7\n3,2,\n4,3,1\n";

fn sql(table: &str, sql: &str) -> PrepareStep {
    PrepareStep::Sql {
        table: table.to_owned(),
        sql: sql.to_owned(),
    }
}

fn deduplicate(by: &[&str]) -> PrepareStep {
    PrepareStep::Deduplicate {
        table: "t".to_owned(),
        by: by.iter().map(|name| (*name).to_owned()).collect(),
    }
}

async fn rides() -> (Files, Session) {
    let files = Files::new(&[("rides.csv", RIDES)]);
    let session = files.table("rides.csv").await.unwrap();
    (files, session)
}

#[track_caller]
fn check_rows(found: &arrow::array::RecordBatch, expected: &[&str]) {
    assert_eq!(show(found), expected);
}

#[tokio::test]
async fn the_first_row_of_each_key_stays_in_its_place() {
    let (_files, session) = rides().await;
    session.run_step(&deduplicate(&["id"])).await.unwrap();
    check_rows(
        &session.rows("t").await.unwrap(),
        &["1 0 5", "2 1 7", "3 2 -", "4 3 1"],
    );
}

#[tokio::test]
async fn without_a_key_whole_rows_are_compared() {
    let files = Files::new(&[("a.csv", "x,y\n1,a\n1,b\n1,a\n")]);
    let session = files.table("a.csv").await.unwrap();
    session.run_step(&deduplicate(&[])).await.unwrap();
    check_rows(&session.rows("t").await.unwrap(), &["1 a", "1 b"]);
}

#[tokio::test]
async fn steps_build_on_each_other_and_keep_the_case_of_names() {
    let (_files, session) = rides().await;
    session.run_step(&deduplicate(&["id"])).await.unwrap();
    let lagged =
        "select id, Count, lag(Count, 1) over (order by hour) as before from t order by id";
    session.run_step(&sql("hourly", lagged)).await.unwrap();
    let kept = "select * from hourly where before is not null";
    session.run_step(&sql("hourly", kept)).await.unwrap();
    check_rows(&session.rows("hourly").await.unwrap(), &["2 7 5", "3 - 7"]);
}

#[tokio::test]
async fn tables_of_two_sources_join() {
    let files = Files::new(&[
        ("rides.csv", RIDES),
        (
            "sky.jsonl",
            "{\"hour\": 0, \"sky\": \"clear\"}\n{\"hour\": 3, \"sky\": \"rain\"}\n",
        ),
    ]);
    let session = files.table("rides.csv").await.unwrap();
    session
        .register_source(&source("sky", "sky.jsonl"))
        .await
        .unwrap();
    let join = "select t.id, sky.sky from t join sky on t.hour = sky.hour order by t.id";
    session.run_step(&sql("joined", join)).await.unwrap();
    check_rows(
        &session.rows("joined").await.unwrap(),
        &["1 clear", "4 rain"],
    );
}

#[tokio::test]
async fn a_step_that_cannot_be_planned_names_what_is_there() {
    let (_files, session) = rides().await;
    let wrong = session.plan_step(&sql("bad", "select hours from t")).await;
    let text = wrong.unwrap_err().to_string();
    assert!(
        text.contains("hours") && text.contains("`t` has id, hour, Count"),
        "{text}"
    );
    let wrong = session.run_step(&deduplicate(&["key"])).await;
    assert_eq!(
        wrong.unwrap_err().to_string(),
        "deduplicate `t`: there is no column `key`; there are id, hour, Count"
    );
}

#[tokio::test]
async fn planning_makes_tables_for_later_steps_and_runs_nothing() {
    let (_files, session) = rides().await;
    session
        .plan_step(&sql("a", "select id, Count * 2 as twice from t"))
        .await
        .unwrap();
    session
        .plan_step(&sql("b", "select twice from a"))
        .await
        .unwrap();
    let columns = session.schema("b").await.unwrap();
    assert_eq!(columns.len(), 1);
    assert_eq!(columns[0].0, "twice");
    assert_eq!(session.rows("a").await.unwrap().num_rows(), 0);
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named() {
    let (_files, session) = rides().await;
    assert!(
        session
            .rows("none")
            .await
            .unwrap_err()
            .to_string()
            .contains("`none`")
    );
}
