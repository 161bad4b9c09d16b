//! New York property sales: eight dirty exports whose columns changed from year to year.

use everloop_testkit::{TestProject, shared_data};

use crate::projects::{BINARY, copy_all};

const LIFECYCLE: &str = r#"
version: 1
project: property-sales
sources:
  sales2018: {path: data/2018_*.csv.gz}
  sales2019: {path: data/2019_*.csv.gz}
  rolling: {path: data/rollingsales_*.csv.gz}
checks:
  sales2019:
    columns:
      SALE PRICE: {type: number, severity: warn}
      YEAR BUILT: {min: 1700, max: 2020, severity: warn}
    rules: [{name: sold for money, sql: "\"SALE PRICE\" not in ('0', '1')", severity: warn}]
prepare:
  - table: joined
    sql: >
      select "NEIGHBORHOOD" as neighborhood, "BUILDING CLASS CATEGORY" as category, "ZIP CODE" as zip,
        "YEAR BUILT" as year_built, "GROSS SQUARE FEET" as area, "SALE PRICE" as price from sales2018
      union all
      select "NEIGHBORHOOD", "BUILDING CLASS CATEGORY", "ZIP CODE", "YEAR BUILT", "GROSS SQUARE FEET", "SALE PRICE" from sales2019
  - table: clean
    sql: >
      select trim(neighborhood) as neighborhood, trim(category) as category,
        cast(year_built as double) as year_built,
        try_cast(regexp_replace(cast(area as varchar), '[^0-9.]', '', 'g') as double) as area,
        try_cast(regexp_replace(cast(price as varchar), '[^0-9.]', '', 'g') as double) as price
      from joined
  - deduplicate: {table: clean, by: []}
  - table: usable
    sql: select neighborhood, category, nullif(year_built, 0) as year_built, area, ln(price) as log_price from clean where price > 10000
dataset: {table: usable, target: log_price}
split: {by: random}
train: {task: regression, trainer: boosting}
evaluate: {metrics: [r2, rmse]}
"#;

fn project() -> Option<TestProject> {
    let folder = shared_data("nyc_property_sales_messy")?;
    let project = TestProject::new(BINARY, LIFECYCLE);
    assert_eq!(copy_all(&project, &folder, ".csv.gz"), 7);
    Some(project)
}

#[test]
fn a_messy_export_can_be_profiled() {
    let Some(project) = project() else { return };
    let profile = project
        .succeed(&[
            "data",
            "profile",
            "data/2018_manhattan.csv.gz",
            "--format",
            "json",
        ])
        .json();
    let text = profile.to_string();
    assert!(
        text.contains("SALE PRICE") && text.contains("17041"),
        "{}",
        &text[..500]
    );
}

#[test]
fn checks_name_what_is_wrong_and_sql_makes_it_usable() {
    let Some(project) = project() else { return };
    let ran = project.succeed(&["data", "check"]);
    assert!(
        ran.stdout.contains("YEAR BUILT") && ran.stdout.contains("FAIL"),
        "{}",
        ran.stdout
    );
    let report = project.succeed(&["run", "--format", "json"]).json();
    assert_eq!(report["outcome"], "promoted");
    assert!(
        report["metrics"]["r2"].as_f64().unwrap() > 0.3,
        "{}",
        report["metrics"]
    );
    assert!(
        project
            .dir()
            .join(".everloop/quarantine/cycle-1/sales2019.parquet")
            .is_file()
    );
}
