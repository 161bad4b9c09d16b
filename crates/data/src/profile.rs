//! Profiles: what is in the columns of a table.

use std::collections::HashMap;
use std::fmt;

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::util::display::array_value_to_string;
use everloop_domain::ColumnType;
use serde::{Deserialize, Serialize};

use crate::{Error, Session, canonical};

/// Frequent values that a profile shows.
const N_TOP: usize = 5;

/// What is in a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The table.
    pub table: String,
    /// Rows.
    pub n_rows: u64,
    /// Rows that occurred before, whole.
    pub n_duplicates: u64,
    /// Columns, in order.
    pub columns: Vec<ColumnProfile>,
}

/// What is in a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// Rows without a value; empty text counts.
    pub n_missing: u64,
    /// Different values.
    pub n_distinct: u64,
    /// The smallest value.
    pub min: Option<String>,
    /// The greatest value.
    pub max: Option<String>,
    /// The mean of numbers.
    pub mean: Option<f64>,
    /// The standard deviation of numbers (of the population).
    pub std: Option<f64>,
    /// The most frequent values and how often they occur.
    pub top: Vec<(String, u64)>,
}

impl Session {
    /// Looks at all rows of a table.
    ///
    /// # Errors
    ///
    /// [`Error::NoTable`] if there is none.
    pub async fn profile(&self, table: &str) -> Result<Profile, Error> {
        let rows = self.rows(table).await?;
        let schema = rows.schema();
        let columns = schema
            .fields()
            .iter()
            .zip(rows.columns())
            .map(|(field, column)| profile(field.name(), column))
            .collect();
        let n_different = canonical::deduplicate(&rows, &[])?.num_rows();
        Ok(Profile {
            table: table.to_owned(),
            n_rows: rows.num_rows() as u64,
            n_duplicates: (rows.num_rows() - n_different) as u64,
            columns,
        })
    }
}

fn profile(name: &str, column: &ArrayRef) -> ColumnProfile {
    let mut counts: HashMap<String, u64> = HashMap::new();
    let mut n_missing = 0;
    for row in 0..column.len() {
        let text = if column.is_null(row) {
            String::new()
        } else {
            array_value_to_string(column, row).unwrap_or_default()
        };
        if text.trim().is_empty() {
            n_missing += 1;
        } else {
            *counts.entry(text).or_default() += 1;
        }
    }
    let numbers = numbers(column);
    let (mean, std) = moments(&numbers);
    let (min, max) = if numbers.is_empty() {
        (counts.keys().min().cloned(), counts.keys().max().cloned())
    } else {
        let shown = |value: Option<f64>| value.map(|value| value.to_string());
        (
            shown(numbers.iter().copied().min_by(f64::total_cmp)),
            shown(numbers.iter().copied().max_by(f64::total_cmp)),
        )
    };
    let n_distinct = counts.len() as u64;
    let mut top: Vec<(String, u64)> = counts.into_iter().collect();
    top.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    top.truncate(N_TOP);
    ColumnProfile {
        name: name.to_owned(),
        column_type: canonical::column_type(column.data_type()),
        n_missing,
        n_distinct,
        min,
        max,
        mean,
        std,
        top,
    }
}

fn numbers(column: &ArrayRef) -> Vec<f64> {
    let rows = (0..column.len()).filter(|row| !column.is_null(*row));
    match column.data_type() {
        DataType::Int64 => rows
            .map(|row| column.as_primitive::<Int64Type>().value(row) as f64)
            .collect(),
        DataType::Float64 => rows
            .map(|row| column.as_primitive::<Float64Type>().value(row))
            .collect(),
        _ => Vec::new(),
    }
}

fn moments(values: &[f64]) -> (Option<f64>, Option<f64>) {
    if values.is_empty() {
        return (None, None);
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / count;
    (Some(mean), Some(variance.sqrt()))
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} rows, {} of them duplicates",
            self.table, self.n_rows, self.n_duplicates
        )?;
        let width = self
            .columns
            .iter()
            .map(|column| shown(&column.name).chars().count())
            .max()
            .unwrap_or(0)
            .max(6);
        writeln!(
            f,
            "{:<width$}  {:<9}  {:>8}  {:>8}  values",
            "column", "type", "missing", "distinct"
        )?;
        for column in &self.columns {
            let share = 100.0 * column.n_missing as f64 / self.n_rows.max(1) as f64;
            let name = shown(&column.name);
            let column_type = column.column_type.as_str();
            writeln!(
                f,
                "{name:<width$}  {column_type:<9}  {share:>6.1} %  {:>8}  {}",
                column.n_distinct,
                column.values()
            )?;
        }
        Ok(())
    }
}

impl ColumnProfile {
    fn values(&self) -> String {
        if let (Some(mean), Some(std), Some(min), Some(max)) =
            (self.mean, self.std, &self.min, &self.max)
        {
            return format!("{min} to {max}, mean {mean:.4}, std {std:.4}");
        }
        let top: Vec<String> = self
            .top
            .iter()
            .map(|(value, count)| format!("{} ({count})", shown(value)))
            .collect();
        top.join(", ")
    }
}

/// A name or value on one line.
fn shown(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|found| if found.is_control() { ' ' } else { found })
        .collect();
    if text.chars().count() > 40 {
        text.chars().take(39).chain(['…']).collect()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, StringArray};

    use super::*;

    #[test]
    fn numbers_have_moments() {
        let column: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None, Some(3.0)]));
        let found = profile("x", &column);
        assert_eq!(
            (found.n_missing, found.mean, found.std),
            (1, Some(2.0), Some(1.0))
        );
        assert_eq!(
            (found.min.as_deref(), found.max.as_deref()),
            (Some("1"), Some("3"))
        );
    }

    #[test]
    fn texts_have_frequent_values() {
        let column: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a", " "]));
        let found = profile("x", &column);
        assert_eq!((found.n_missing, found.n_distinct), (1, 2));
        assert_eq!(found.top, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    }

    #[tokio::test]
    async fn a_table_shows_its_columns() {
        let session = Session::new(
            std::path::Path::new("."),
            &crate::Settings {
                memory_bytes: 1 << 26,
            },
        );
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "a"]));
        let rows = arrow::array::RecordBatch::try_from_iter(vec![("a\nb", texts)]).unwrap();
        session.register("t", &rows).unwrap();
        let profile = session.profile("t").await.unwrap();
        assert_eq!(
            profile.to_string(),
            "t: 2 rows, 1 of them duplicates\ncolumn  type        missing  distinct  values\n\
             a b     text          0.0 %         1  a (2)\n"
        );
    }
}
