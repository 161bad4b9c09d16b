//! Checks: what must hold of a table, and which rows do not.

mod conditions;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, Int64Array, RecordBatch, StringArray,
    UInt32Array,
};
use arrow::datatypes::Field;
use arrow::util::display::array_value_to_string;
use everloop_domain::dataset::{RowCountCheck, Severity, TableChecks};
use serde::{Deserialize, Serialize};

use crate::session::quoted;
use crate::{Error, Session, write_parquet};
use conditions::Condition;

/// Failing rows that a result shows.
const N_EXAMPLES: usize = 5;
/// Longer values are cut in examples.
const MAX_EXAMPLE: usize = 60;

/// What the checks of a table found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// A result a check, in the order of the file.
    pub results: Vec<CheckResult>,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check in words: `cnt: at least 0`.
    pub name: String,
    /// The table.
    pub table: String,
    /// The column, if it is about one.
    pub column: Option<String>,
    /// What happens if it does not hold.
    pub severity: Severity,
    /// Rows for which it does not hold; 1 if it is not about rows.
    pub n_failed: u64,
    /// Rows that were looked at.
    pub n_rows: u64,
    /// Failing rows with their values, or why it could not be checked.
    pub examples: Vec<String>,
}

impl CheckResult {
    /// Whether it holds.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.n_failed == 0
    }
}

impl fmt::Display for CheckResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}`: {} fails for {} of {} rows",
            self.table, self.name, self.n_failed, self.n_rows
        )?;
        if !self.examples.is_empty() {
            write!(f, " ({})", self.examples.join("; "))?;
        }
        Ok(())
    }
}

/// The rows of a table, and for each condition which of them fail.
struct Checked {
    rows: RecordBatch,
    conditions: Vec<(Condition, Result<BooleanArray, String>)>,
}

impl Session {
    /// Runs the checks of a table.
    ///
    /// A check that cannot be made (its column is absent, its SQL is wrong) fails and says so.
    ///
    /// # Errors
    ///
    /// [`Error::NoTable`] if there is no such table.
    pub async fn check(&self, checks: &TableChecks) -> Result<CheckReport, Error> {
        let checked = self.checked(checks).await?;
        let n_rows = checked.rows.num_rows() as u64;
        let mut results: Vec<CheckResult> = checked
            .conditions
            .iter()
            .map(|(condition, failing)| result(&checks.table, condition, failing, &checked.rows))
            .collect();
        if let Some(rows) = &checks.rows {
            results.push(row_count(&checks.table, rows, n_rows));
        }
        Ok(CheckReport { results })
    }

    /// Writes the rows that fail a check, with `_row` (counted from 1), `_reasons` and `_severity`. Gives their number.
    ///
    /// # Errors
    ///
    /// Fails if there is no such table or the file cannot be written.
    pub async fn write_quarantine(&self, checks: &TableChecks, path: &Path) -> Result<u64, Error> {
        let checked = self.checked(checks).await?;
        let mut picked = Vec::new();
        let (mut reasons, mut severities) = (Vec::new(), Vec::new());
        for row in 0..checked.rows.num_rows() {
            let failed: Vec<&Condition> = checked
                .conditions
                .iter()
                .filter(|(_, failing)| failing.as_ref().is_ok_and(|failing| failing.value(row)))
                .map(|(condition, _)| condition)
                .collect();
            if failed.is_empty() {
                continue;
            }
            picked.push(row as u32);
            reasons.push(
                failed
                    .iter()
                    .map(|condition| condition.name.as_str())
                    .collect::<Vec<_>>()
                    .join("; "),
            );
            let is_error = failed
                .iter()
                .any(|condition| condition.severity == Severity::Error);
            severities.push(if is_error { "error" } else { "warn" });
        }
        let numbers = Int64Array::from_iter_values(picked.iter().map(|row| i64::from(*row) + 1));
        let n_rows = picked.len() as u64;
        let rows = arrow::compute::take_record_batch(&checked.rows, &UInt32Array::from(picked))?;
        let own: [(&str, ArrayRef); 3] = [
            ("_row", Arc::new(numbers)),
            ("_reasons", Arc::new(StringArray::from(reasons))),
            ("_severity", Arc::new(StringArray::from(severities))),
        ];
        write_parquet(path, &with_columns(&rows, own)?)?;
        Ok(n_rows)
    }

    async fn checked(&self, checks: &TableChecks) -> Result<Checked, Error> {
        let rows = self.rows(&checks.table).await?;
        let schema = self.schema(&checks.table).await?;
        let mut conditions = Vec::new();
        for condition in conditions::all(checks, &schema) {
            let failing = match &condition.fails_where {
                Ok(sql) => self
                    .failing(&checks.table, sql)
                    .await
                    .map_err(|error| error.to_string()),
                Err(problem) => Err(problem.clone()),
            };
            conditions.push((condition, failing));
        }
        Ok(Checked { rows, conditions })
    }

    /// For each row of a table whether a condition holds; null counts as no.
    async fn failing(&self, table: &str, condition: &str) -> Result<BooleanArray, Error> {
        // A window in the condition sorts the rows, so they are numbered before and put back in order after.
        let name = quoted(table);
        let query = format!(
            "select failing from (select coalesce({condition}, false) as failing, \"_everloop_row\" \
             from (select *, row_number() over () as \"_everloop_row\" from {name}) as {name}) \
             order by \"_everloop_row\""
        );
        let found = self.sql(&query).await?;
        let column = found
            .first()
            .and_then(|rows| rows.column(0).as_boolean_opt().cloned());
        column.ok_or_else(|| Error::Sql {
            what: format!("table `{table}`"),
            problem: format!("`{condition}` is not a condition"),
        })
    }
}

fn with_columns<const N: usize>(
    rows: &RecordBatch,
    own: [(&str, ArrayRef); N],
) -> Result<RecordBatch, Error> {
    let mut fields: Vec<Field> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| field.as_ref().clone())
        .collect();
    let mut columns = rows.columns().to_vec();
    for (name, column) in own {
        fields.push(Field::new(name, column.data_type().clone(), true));
        columns.push(column);
    }
    Ok(RecordBatch::try_new(
        Arc::new(arrow::datatypes::Schema::new(fields)),
        columns,
    )?)
}

fn result(
    table: &str,
    condition: &Condition,
    failing: &Result<BooleanArray, String>,
    rows: &RecordBatch,
) -> CheckResult {
    let n_rows = rows.num_rows() as u64;
    let (n_failed, examples) = match failing {
        Ok(failing) => (
            failing.true_count() as u64,
            examples(condition, failing, rows),
        ),
        Err(problem) => (n_rows.max(1), vec![problem.clone()]),
    };
    CheckResult {
        name: condition.name.clone(),
        table: table.to_owned(),
        column: condition.column.clone(),
        severity: condition.severity,
        n_failed,
        n_rows,
        examples,
    }
}

fn examples(condition: &Condition, failing: &BooleanArray, rows: &RecordBatch) -> Vec<String> {
    let column = condition
        .column
        .as_ref()
        .and_then(|name| rows.column_by_name(name));
    (0..failing.len())
        .filter(|row| failing.value(*row))
        .take(N_EXAMPLES)
        .map(|row| match column {
            Some(column) if column.is_null(row) => format!("row {}: missing", row + 1),
            Some(column) => format!(
                "row {}: {}",
                row + 1,
                cut(&array_value_to_string(column, row).unwrap_or_default())
            ),
            None => format!("row {}", row + 1),
        })
        .collect()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_EXAMPLE {
        return text.to_owned();
    }
    text.chars().take(MAX_EXAMPLE).chain(['…']).collect()
}

fn row_count(table: &str, check: &RowCountCheck, n_rows: u64) -> CheckResult {
    let is_low = check.min.is_some_and(|min| n_rows < min);
    let is_high = check.max.is_some_and(|max| n_rows > max);
    let bounds = [
        check.min.map(|min| format!("at least {min}")),
        check.max.map(|max| format!("at most {max}")),
    ];
    let bounds: Vec<String> = bounds.into_iter().flatten().collect();
    CheckResult {
        name: format!("rows: {}", bounds.join(", ")),
        table: table.to_owned(),
        column: None,
        severity: check.severity,
        n_failed: u64::from(is_low || is_high),
        n_rows,
        examples: if is_low || is_high {
            vec![format!("there are {n_rows} rows")]
        } else {
            Vec::new()
        },
    }
}

#[cfg(test)]
mod tests;
