//! From conditions to SQL. Values are bound, never written into the text.

mod traces;

use std::borrow::Cow;

use super::{Column, Comparison, Condition, Order, Pattern, Query, Subject, Test};
use crate::Error;
use crate::session::{Dialect, Value};

/// A table beside the one that is searched, as `s`: rows of `key` and `value`.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) table: &'static str,
    /// What ties a row of it to the thing.
    pub(crate) tie: Cow<'static, str>,
}

impl Side {
    pub(crate) const fn new(table: &'static str, tie: &'static str) -> Self {
        let tie = Cow::Borrowed(tie);
        Self { table, tie }
    }
}

/// Where a resource is stored.
#[derive(Debug)]
pub(crate) struct Tables {
    /// What is selected, and from where.
    pub(crate) select: &'static str,
    /// How things are ordered that are equal otherwise.
    pub(crate) order: &'static str,
    pub(crate) metrics: Option<Side>,
    pub(crate) params: Option<Side>,
    pub(crate) tags: Option<Side>,
    pub(crate) metadata: Option<Side>,
    pub(crate) datasets: Option<Side>,
}

/// SQL text and its values.
#[derive(Debug)]
pub(crate) struct Statement {
    dialect: Dialect,
    pub(crate) sql: String,
    pub(crate) values: Vec<Value<'static>>,
}

impl Statement {
    /// No text yet, over values that are bound already.
    fn over(dialect: Dialect, values: Vec<Value<'static>>) -> Self {
        let sql = String::new();
        Self {
            dialect,
            sql,
            values,
        }
    }

    /// A page of a resource; the scope is a further condition, over values that are bound already.
    pub(crate) fn page(
        dialect: Dialect,
        tables: &Tables,
        scope: &str,
        values: Vec<Value<'static>>,
        query: &Query,
    ) -> Result<Self, Error> {
        let mut statement = Self::over(dialect, values);
        let condition = statement.condition(tables, &query.condition)?;
        let order = statement.order(tables, &query.order)?;
        let limit = statement.bind(Value::Integer(query.limit as i64));
        let offset = statement.bind(Value::Integer(query.offset as i64));
        let Tables {
            select,
            order: last,
            ..
        } = tables;
        statement.sql = format!(
            "{select} where {scope} and {condition} order by {order}{last} limit {limit} offset {offset}"
        );
        Ok(statement)
    }

    /// How many things there are; offset and limit do not count.
    pub(crate) fn count(
        dialect: Dialect,
        tables: &Tables,
        scope: &str,
        values: Vec<Value<'static>>,
        condition: &Condition,
    ) -> Result<Self, Error> {
        let mut statement = Self::over(dialect, values);
        let condition = statement.condition(tables, condition)?;
        let from = tables
            .select
            .find(" from ")
            .map_or("", |at| &tables.select[at..]);
        statement.sql = format!("select count(*){from} where {scope} and {condition}");
        Ok(statement)
    }

    /// The same page through the index of a metric's values: fast, and complete only if it is full, because it holds only
    /// things that have a number for the first metric of the order.
    pub(crate) fn page_by_metric(
        dialect: Dialect,
        tables: &Tables,
        scope: &str,
        values: Vec<Value<'static>>,
        query: &Query,
    ) -> Result<Option<Self>, Error> {
        let (
            Some(Order {
                subject: Subject::Metric(key),
                is_descending,
            }),
            Some(side),
        ) = (query.order.first(), &tables.metrics)
        else {
            return Ok(None);
        };
        let mut statement = Self::over(dialect, values);
        let key = statement.bind(Value::text(key.as_str()));
        let condition = statement.condition(tables, &query.condition)?;
        let order = statement.order(tables, &query.order[1..])?;
        let limit = statement.bind(Value::Integer(query.limit as i64));
        let offset = statement.bind(Value::Integer(query.offset as i64));
        let Tables {
            select,
            order: last,
            ..
        } = tables;
        let tie = side.tie.replacen("s.", "m.", 1);
        let direction = if *is_descending { "desc" } else { "asc" };
        // A cross join keeps SQLite from starting at the other table.
        let select = select.replacen(" from ", &format!(" from {} m cross join ", side.table), 1);
        statement.sql = format!(
            "{select} where {scope} and m.key = {key} and m.is_nan = 0 and {tie} and {condition} \
             order by m.value {direction}, {order}{last} limit {limit} offset {offset}"
        );
        Ok(Some(statement))
    }

    /// Binds a value and gives its place. SQLite counts `$1` by where it stands first in the text, so places must come
    /// into the text in the order in which they were bound.
    pub(crate) fn bind(&mut self, value: Value<'static>) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn text(&mut self, text: &str) -> String {
        self.bind(Value::text(text))
    }

    fn condition(&mut self, tables: &Tables, condition: &Condition) -> Result<String, Error> {
        let joined = |parts: Vec<String>, word: &str, none: &str| match parts.len() {
            0 => none.to_owned(),
            _ => format!("({})", parts.join(word)),
        };
        match condition {
            Condition::All(conditions) => {
                let (of_spans, others): (Vec<_>, Vec<_>) =
                    conditions.iter().partition(|one| traces::is_of_span(one));
                let mut parts = self.each(tables, others)?;
                parts.extend(self.some_span(&of_spans));
                Ok(joined(parts, " and ", "true"))
            }
            Condition::Any(conditions) => {
                Ok(joined(self.each(tables, conditions)?, " or ", "false"))
            }
            // Nothing is neither true nor false to SQL.
            Condition::Not(condition) => Ok(format!(
                "({} is not true)",
                self.condition(tables, condition)?
            )),
            Condition::Holds(Subject::Column(column), test) => Ok(self.test(column.sql, test)),
            Condition::Holds(Subject::Span(_) | Subject::SpanAttribute(_), _) => {
                Ok(self.some_span(&[condition]).unwrap_or_default())
            }
            Condition::Holds(Subject::Assessment(kind, name), test) => {
                Ok(self.assessed(*kind, name, test))
            }
            Condition::Holds(Subject::Link(link), test) => Ok(self.linked(*link, test)),
            Condition::Holds(subject, test) => self.beside(tables, subject, test),
        }
    }

    fn each<'c>(
        &mut self,
        tables: &Tables,
        conditions: impl IntoIterator<Item = &'c Condition>,
    ) -> Result<Vec<String>, Error> {
        let one = |condition| self.condition(tables, condition);
        conditions.into_iter().map(one).collect()
    }

    /// A test of something in a table beside.
    fn beside(&mut self, tables: &Tables, subject: &Subject, test: &Test) -> Result<String, Error> {
        let Side { table, tie } = side(tables, subject)?;
        let (column, selected) = match subject {
            Subject::Metric(key)
            | Subject::Param(key)
            | Subject::Tag(key)
            | Subject::Metadata(key) => ("s.value", format!(" and s.key = {}", self.text(key))),
            Subject::Dataset(column) | Subject::Column(column) | Subject::Span(column) => {
                (column.sql, String::new())
            }
            Subject::SpanAttribute(_) | Subject::Assessment(..) | Subject::Link(_) => {
                return Err(nothing_such("values of that kind"));
            }
        };
        let exists =
            |test: &str| format!("exists (select 1 from {table} s where {tie}{selected}{test})");
        Ok(match (test, subject) {
            (Test::Missing, _) => format!("not {}", exists("")),
            (Test::Present, _) => exists(""),
            (test, Subject::Metric(_)) => exists(&format!(
                " and s.is_nan = 0 and {}",
                self.test(column, test)
            )),
            (test, Subject::Param(_) | Subject::Tag(_)) if test.is_of_number() => {
                let number = self.number_in(column);
                exists(&format!(" and {}", self.test(&number, test)))
            }
            (test, _) => exists(&format!(" and {}", self.test(column, test))),
        })
    }

    fn test(&mut self, column: &str, test: &Test) -> String {
        match test {
            Test::Number(comparison, number) => {
                format!("{column} {} {}", comparison.sql(), self.number(*number))
            }
            Test::Text(comparison, text) => {
                let by = match comparison {
                    Comparison::Equal | Comparison::NotEqual => "",
                    _ => self.by_code_points(),
                };
                format!("{column}{by} {} {}", comparison.sql(), self.text(text))
            }
            Test::Like(pattern) => match self.dialect {
                // SQLite's own `like` does not tell capital letters apart.
                Dialect::Sqlite => format!("{column} glob {}", self.text(&glob(pattern))),
                Dialect::Postgres => format!("{column} like {} escape ''", self.text(pattern)),
            },
            Test::Ilike(pattern) => match self.dialect {
                Dialect::Sqlite => format!("{column} like {}", self.text(pattern)),
                Dialect::Postgres => format!("{column} ilike {} escape ''", self.text(pattern)),
            },
            Test::In(texts) => {
                let places: Vec<String> = texts.iter().map(|text| self.text(text)).collect();
                format!("{column} in ({})", places.join(", "))
            }
            Test::InNumbers(numbers) => {
                let places: Vec<String> =
                    numbers.iter().map(|number| self.number(*number)).collect();
                format!("{column} in ({})", places.join(", "))
            }
            Test::Matches(pattern) => self.matches(column, pattern),
            Test::Not(test) => format!("(not ({}))", self.test(column, test)),
            Test::Missing => format!("{column} is null"),
            Test::Present => format!("{column} is not null"),
        }
    }

    fn number(&mut self, number: f64) -> String {
        let place = self.bind(Value::Real(number));
        format!("cast({place} as double precision)")
    }

    fn matches(&mut self, column: &str, pattern: &Pattern) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("matches({column}, {})", self.text(pattern.as_str())),
            Dialect::Postgres => format!("{column} ~ {}", self.text(&pattern.for_postgres())),
        }
    }

    /// What follows a text that is ordered by its code points; Postgres' own order follows a language.
    fn by_code_points(&self) -> &'static str {
        match self.dialect {
            Dialect::Sqlite => "",
            Dialect::Postgres => " collate \"C\"",
        }
    }

    /// The number that a text is, or nothing. The pattern keeps the cast from failing.
    fn number_in(&mut self, column: &str) -> String {
        let is_number = self.matches(column, &Pattern::number());
        format!("case when {is_number} then cast({column} as double precision) end")
    }

    /// The terms of an order, each with a comma after it.
    fn order(&mut self, tables: &Tables, order: &[Order]) -> Result<String, Error> {
        let mut sql = String::new();
        for Order {
            subject,
            is_descending,
        } in order
        {
            let direction = if *is_descending { "desc" } else { "asc" };
            if let Subject::Column(Column {
                sql: column,
                is_number,
                ..
            }) = subject
            {
                let by = if *is_number {
                    ""
                } else {
                    self.by_code_points()
                };
                sql += &format!("{column} is null, {column}{by} {direction}, ");
                continue;
            }
            let Side { table, tie } = side(tables, subject)?;
            let (Subject::Metric(key)
            | Subject::Param(key)
            | Subject::Tag(key)
            | Subject::Metadata(key)) = subject
            else {
                return Err(Error::Invalid(
                    "nothing is ordered by its datasets".to_owned(),
                ));
            };
            let key = self.text(key);
            let value = |column| {
                format!("(select s.{column} from {table} s where {tie} and s.key = {key} limit 1)")
            };
            let is_metric = matches!(subject, Subject::Metric(_));
            if is_metric {
                sql += &format!("coalesce({}, 2), ", value("is_nan"));
            }
            let by = if is_metric { "" } else { self.by_code_points() };
            let value = value("value");
            sql += &format!("{value} is null, {value}{by} {direction}, ");
        }
        Ok(sql)
    }
}

fn side<'t>(tables: &'t Tables, subject: &Subject) -> Result<&'t Side, Error> {
    let (side, what) = match subject {
        Subject::Metric(_) => (&tables.metrics, "metrics"),
        Subject::Param(_) => (&tables.params, "parameters"),
        Subject::Tag(_) => (&tables.tags, "tags"),
        Subject::Metadata(_) => (&tables.metadata, "metadata"),
        Subject::Dataset(_) => (&tables.datasets, "datasets"),
        Subject::Column(_) => (&None, "columns beside it"),
        Subject::Span(_) | Subject::SpanAttribute(_) => (&None, "order by its spans"),
        Subject::Assessment(..) => (&None, "order by its assessments"),
        Subject::Link(_) => (&None, "order by what it belongs to"),
    };
    side.as_ref().ok_or_else(|| nothing_such(what))
}

fn nothing_such(what: &str) -> Error {
    Error::Invalid(format!("what is searched has no {what}"))
}

/// A pattern of `%` and `_` as one of SQLite's `glob`.
fn glob(pattern: &str) -> String {
    pattern
        .chars()
        .map(|c| match c {
            '%' => "*".to_owned(),
            '_' => "?".to_owned(),
            '*' | '?' | '[' => format!("[{c}]"),
            c => c.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_globs() {
        assert_eq!(glob("a%b_c"), "a*b?c");
        assert_eq!(glob("50*[x]?"), "50[*][[]x][?]");
    }

    const TABLES: Tables = Tables {
        select: "select id from runs",
        order: "id",
        metrics: Some(Side::new("latest_metrics", "s.run = runs.id")),
        params: None,
        tags: Some(Side::new("tags", "s.run = runs.id")),
        metadata: None,
        datasets: None,
    };

    #[test]
    fn values_are_bound_and_never_written() {
        let evil = "x'; drop table runs; --".to_owned();
        let condition = Condition::Not(Box::new(Condition::Holds(
            Subject::Tag(evil.clone()),
            Test::In(vec![evil.clone()]),
        )));
        let query = Query {
            condition,
            ..Query::everything(9)
        };
        let statement =
            Statement::page(Dialect::Sqlite, &TABLES, "true", Vec::new(), &query).unwrap();
        assert!(!statement.sql.contains("drop"), "{}", statement.sql);
        let n_bound = statement
            .values
            .iter()
            .filter(|value| **value == Value::text(evil.as_str()))
            .count();
        assert_eq!(n_bound, 2);
    }

    /// SQLite numbers `$1`, `$2` by their first place in the text.
    #[track_caller]
    fn check_places(statement: &Statement) {
        let mut next = 1;
        for (at, _) in statement.sql.match_indices('$') {
            let digits = statement.sql[at + 1..]
                .chars()
                .take_while(char::is_ascii_digit);
            let number: usize = digits.collect::<String>().parse().unwrap();
            assert!(number <= next, "{}", statement.sql);
            next = next.max(number + 1);
        }
        assert_eq!(next, statement.values.len() + 1, "{}", statement.sql);
    }

    #[test]
    fn values_are_bound_in_the_order_of_their_places() {
        let key = || Subject::Metric("m".to_owned());
        let query = Query {
            condition: Condition::Holds(Subject::Tag("t".to_owned()), Test::Like("a%".to_owned())),
            order: vec![
                Order {
                    subject: key(),
                    is_descending: true,
                },
                Order {
                    subject: Subject::Tag("u".to_owned()),
                    is_descending: false,
                },
            ],
            ..Query::everything(9)
        };
        let values = || vec![Value::text("[0]")];
        check_places(
            &Statement::page(Dialect::Sqlite, &TABLES, "x = $1", values(), &query).unwrap(),
        );
        let by_metric =
            Statement::page_by_metric(Dialect::Sqlite, &TABLES, "x = $1", values(), &query);
        check_places(&by_metric.unwrap().unwrap());
    }
}
