//! Texts to typed columns: every cell of a column is looked at before its type is told.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMillisecondBuilder,
};
use everloop_domain::{ColumnType, Timestamp};

/// Days are counted in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// What a column could be, as far as its cells have been seen.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one flag a type, and they are independent"
)]
pub(super) struct Candidates {
    integer: bool,
    number: bool,
    boolean: bool,
    date: bool,
    timestamp: bool,
    has_values: bool,
}

impl Candidates {
    /// Nothing has been seen.
    pub(super) fn new() -> Self {
        Self {
            integer: true,
            number: true,
            boolean: true,
            date: true,
            timestamp: true,
            has_values: false,
        }
    }

    /// Looks at a cell that is not missing. A quoted JSON text is no number, even if it looks like one.
    pub(super) fn see(&mut self, cell: &str, is_text: bool) {
        self.has_values = true;
        self.integer = self.integer && !is_text && integer(cell).is_some();
        self.number = self.number && !is_text && number(cell).is_some();
        self.boolean = self.boolean && !is_text && boolean(cell).is_some();
        self.date = self.date && date(cell).is_some();
        self.timestamp = self.timestamp && timestamp(cell).is_some();
    }

    /// The narrowest type that holds all cells; text if there were none.
    pub(super) fn column_type(self) -> ColumnType {
        match self {
            Self {
                has_values: false, ..
            } => ColumnType::Text,
            Self { integer: true, .. } => ColumnType::Integer,
            Self { number: true, .. } => ColumnType::Number,
            Self { boolean: true, .. } => ColumnType::Boolean,
            Self { date: true, .. } => ColumnType::Date,
            Self {
                timestamp: true, ..
            } => ColumnType::Timestamp,
            _ => ColumnType::Text,
        }
    }
}

/// A column under construction.
pub(super) enum Builder {
    Integer(Int64Builder),
    Number(Float64Builder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMillisecondBuilder),
    Text(StringBuilder),
}

impl Builder {
    pub(super) fn new(column_type: ColumnType) -> Self {
        match column_type {
            ColumnType::Integer => Self::Integer(Int64Builder::new()),
            ColumnType::Number => Self::Number(Float64Builder::new()),
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnType::Date => Self::Date(Date32Builder::new()),
            ColumnType::Timestamp => Self::Timestamp(TimestampMillisecondBuilder::new()),
            ColumnType::Text => Self::Text(StringBuilder::new()),
        }
    }

    /// Adds a cell; nothing means missing.
    pub(super) fn push(&mut self, cell: Option<&str>) {
        match self {
            Self::Integer(builder) => builder.append_option(cell.and_then(integer)),
            Self::Number(builder) => {
                builder.append_option(cell.and_then(number).filter(|value| !value.is_nan()));
            }
            Self::Boolean(builder) => builder.append_option(cell.and_then(boolean)),
            Self::Date(builder) => builder.append_option(cell.and_then(date)),
            Self::Timestamp(builder) => builder.append_option(cell.and_then(timestamp)),
            Self::Text(builder) => builder.append_option(cell),
        }
    }

    pub(super) fn finish(self) -> ArrayRef {
        match self {
            Self::Integer(mut builder) => Arc::new(builder.finish()),
            Self::Number(mut builder) => Arc::new(builder.finish()),
            Self::Boolean(mut builder) => Arc::new(builder.finish()),
            Self::Date(mut builder) => Arc::new(builder.finish()),
            Self::Timestamp(mut builder) => Arc::new(builder.finish()),
            Self::Text(mut builder) => Arc::new(builder.finish()),
        }
    }
}

fn integer(cell: &str) -> Option<i64> {
    cell.trim().parse().ok()
}

/// Decimal and scientific notation, and NaN; not the words for infinity that Rust would take.
fn number(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    if cell.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    let is_numeric = cell
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
    if is_numeric { cell.parse().ok() } else { None }
}

fn boolean(cell: &str) -> Option<bool> {
    match cell.trim() {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

fn date(cell: &str) -> Option<i32> {
    let cell = cell.trim();
    let is_shaped = cell.len() == 10 && cell.as_bytes()[4] == b'-' && cell.as_bytes()[7] == b'-';
    let moment: Timestamp = if is_shaped {
        cell.parse().ok()?
    } else {
        return None;
    };
    i32::try_from(moment.as_millis().div_euclid(DAY_MS)).ok()
}

fn timestamp(cell: &str) -> Option<i64> {
    let cell = cell.trim();
    let is_shaped = cell.len() >= 10 && cell.as_bytes()[4] == b'-' && cell.as_bytes()[7] == b'-';
    if is_shaped {
        Some(cell.parse::<Timestamp>().ok()?.as_millis())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cells: &[&str], expected: ColumnType) {
        let mut candidates = Candidates::new();
        for cell in cells {
            candidates.see(cell, false);
        }
        assert_eq!(candidates.column_type(), expected, "{cells:?}");
    }

    #[test]
    fn the_narrowest_type_wins() {
        check(&["1", "-2", "30"], ColumnType::Integer);
        check(&["1", "2.5", "1e3", "NaN"], ColumnType::Number);
        check(&["99999999999999999999"], ColumnType::Number);
        check(&["true", "False"], ColumnType::Boolean);
        check(&["2011-01-01", "2012-02-29"], ColumnType::Date);
        check(
            &["2011-01-01", "2012-02-29 10:00:00"],
            ColumnType::Timestamp,
        );
        check(&["2011-01-01T00:00:00Z"], ColumnType::Timestamp);
    }

    #[test]
    fn one_cell_makes_a_column_text() {
        check(&["1", "2", "x"], ColumnType::Text);
        check(&["1,000"], ColumnType::Text);
        check(&["inf"], ColumnType::Text);
        check(&["2012-02-30"], ColumnType::Text);
        check(&[], ColumnType::Text);
        check(&["日本語日本語日本語x"], ColumnType::Text);
    }

    #[test]
    fn a_json_text_is_no_number() {
        let mut candidates = Candidates::new();
        candidates.see("12", true);
        assert_eq!(candidates.column_type(), ColumnType::Text);
    }
}
