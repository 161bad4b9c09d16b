//! Parts of days and moments.
//!
//! Timestamps are milliseconds since 1970 as doubles, which hold them exactly; NaN goes through everything. The calendar
//! is the Gregorian one in UTC, for all times; months are counted as in Howard Hinnant's `civil_from_days`
//! (<https://howardhinnant.github.io/date_algorithms.html>): years begin in March there, so that leap days come last.

use crate::Kind;
use crate::graph::{Column, GraphBuilder};

const MILLIS_OF_DAY: f64 = 86_400_000.0;
const MILLIS_OF_HOUR: f64 = 3_600_000.0;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE: f64 = 719_468.0;
/// Days of 400, of 100 and of 4 years (one less where they end before a leap day), and of one.
const DAYS_OF_ERA: f64 = 146_097.0;
const DAYS_OF_CENTURY: f64 = 36_524.0;
const DAYS_OF_FOUR: f64 = 1_460.0;
const DAYS_OF_YEAR: f64 = 365.0;

impl GraphBuilder {
    /// Days since 1970 with their fraction, of a timestamp.
    pub fn days(&mut self, column: &Column) -> Column {
        let edge = self.timestamp(column);
        let days = self.with("Div", &edge, MILLIS_OF_DAY);
        number(days)
    }

    /// The hour of the day, 0 to 23, of a timestamp.
    pub fn hour(&mut self, column: &Column) -> Column {
        let edge = self.timestamp(column);
        let days = self.quotient(&edge, MILLIS_OF_DAY);
        let begun = self.with("Mul", &days, MILLIS_OF_DAY);
        let of_day = self.call("Sub", &[&edge, &begun]);
        number(self.quotient(&of_day, MILLIS_OF_HOUR))
    }

    /// The day of the week of a timestamp: 1 is Monday, 7 is Sunday, as in ISO 8601.
    pub fn weekday(&mut self, column: &Column) -> Column {
        let edge = self.timestamp(column);
        let days = self.quotient(&edge, MILLIS_OF_DAY);
        // 1970-01-01 was a Thursday.
        let days = self.with("Add", &days, 3.0);
        let of_week = self.rest(&days, 7.0);
        number(self.with("Add", &of_week, 1.0))
    }

    /// The month of a timestamp, 1 to 12.
    pub fn month(&mut self, column: &Column) -> Column {
        let edge = self.timestamp(column);
        let days = self.quotient(&edge, MILLIS_OF_DAY);
        let days = self.with("Add", &days, DAYS_BEFORE);
        let of_era = self.rest(&days, DAYS_OF_ERA);
        let year = self.year_of_era(&of_era);
        let of_year = self.day_of_year(&of_era, &year);
        let scaled = self.with("Mul", &of_year, 5.0);
        let scaled = self.with("Add", &scaled, 2.0);
        // 0 is March, 11 is February.
        let place = self.quotient(&scaled, 153.0);
        let place = self.with("Add", &place, 2.0);
        let month = self.rest(&place, 12.0);
        number(self.with("Add", &month, 1.0))
    }

    fn year_of_era(&mut self, day: &str) -> String {
        let fours = self.quotient(day, DAYS_OF_FOUR);
        let centuries = self.quotient(day, DAYS_OF_CENTURY);
        let eras = self.quotient(day, DAYS_OF_ERA - 1.0);
        let day = self.call("Sub", &[day, &fours]);
        let day = self.call("Add", &[&day, &centuries]);
        let day = self.call("Sub", &[&day, &eras]);
        self.quotient(&day, DAYS_OF_YEAR)
    }

    fn day_of_year(&mut self, day: &str, year: &str) -> String {
        let years = self.with("Mul", year, DAYS_OF_YEAR);
        let fours = self.quotient(year, 4.0);
        let centuries = self.quotient(year, 100.0);
        let day = self.call("Sub", &[day, &years]);
        let day = self.call("Sub", &[&day, &fours]);
        self.call("Add", &[&day, &centuries])
    }

    fn timestamp(&mut self, column: &Column) -> String {
        if column.kind != Kind::Timestamp {
            let (name, kind) = (&column.edge, column.kind.phrase());
            let problem = format!("`{name}` is {kind}: only timestamps have days and hours");
            self.refuse(problem);
        }
        column.edge.clone()
    }

    fn with(&mut self, operator: &str, edge: &str, value: f64) -> String {
        let value = self.number_constant(value);
        self.call(operator, &[edge, &value])
    }

    /// The whole number of times that a divisor is in each value, rounded down.
    fn quotient(&mut self, edge: &str, divisor: f64) -> String {
        let quotient = self.with("Div", edge, divisor);
        self.call("Floor", &[&quotient])
    }

    /// What is left of each value then: never negative.
    fn rest(&mut self, edge: &str, divisor: f64) -> String {
        let times = self.quotient(edge, divisor);
        let taken = self.with("Mul", &times, divisor);
        self.call("Sub", &[edge, &taken])
    }
}

fn number(edge: String) -> Column {
    Column {
        edge,
        kind: Kind::Number,
    }
}
