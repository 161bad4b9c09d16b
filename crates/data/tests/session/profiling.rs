//! Profiles of small tables whose numbers can be counted by hand.

use everloop_data::{ColumnProfile, Profile};
use everloop_domain::ColumnType;

use crate::tables::Files;

async fn profile(text: &str) -> Profile {
    let files = Files::new(&[("t.csv", text)]);
    files
        .table("t.csv")
        .await
        .unwrap()
        .profile("t")
        .await
        .unwrap()
}

fn column<'a>(profile: &'a Profile, name: &str) -> &'a ColumnProfile {
    profile
        .columns
        .iter()
        .find(|column| column.name == name)
        .unwrap()
}

#[tokio::test]
async fn numbers_have_a_mean_and_a_spread() {
    let profile = profile("x,y\n2,1.5\n4,\n4,0.5\n6,2.5\n").await;
    assert_eq!((profile.n_rows, profile.n_duplicates), (4, 0));
    let x = column(&profile, "x");
    assert_eq!(x.column_type, ColumnType::Integer);
    assert_eq!((x.n_missing, x.n_distinct), (0, 3));
    assert_eq!((x.min.as_deref(), x.max.as_deref()), (Some("2"), Some("6")));
    assert_eq!((x.mean, x.std), (Some(4.0), Some(2.0_f64.sqrt())));
    assert_eq!(x.top[0], ("4".to_owned(), 2));
    assert_eq!(column(&profile, "y").n_missing, 1);
}

#[tokio::test]
async fn texts_have_no_mean_and_empty_ones_are_missing() {
    let profile = profile("name,n\nb,1\na,1\n,1\nb,1\n").await;
    let name = column(&profile, "name");
    assert_eq!(name.column_type, ColumnType::Text);
    assert_eq!((name.n_missing, name.n_distinct, name.mean), (1, 2, None));
    assert_eq!(
        (name.min.as_deref(), name.max.as_deref()),
        (Some("a"), Some("b"))
    );
    assert_eq!(profile.n_duplicates, 1);
}

#[tokio::test]
async fn a_table_without_rows_has_a_profile() {
    let profile = profile("x,y\n").await;
    assert_eq!((profile.n_rows, profile.columns.len()), (0, 2));
    assert_eq!(column(&profile, "x").mean, None);
}
