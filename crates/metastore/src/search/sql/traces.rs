//! Conditions on what only traces have: spans, assessments, and what they belong to.

use super::{Condition, Statement, Subject, Test};
use crate::AssessmentKind;
use crate::search::Link;
use crate::session::Value;
use crate::traces::SESSION_KEY;

/// Whether a condition is a test of a span.
pub(super) fn is_of_span(condition: &Condition) -> bool {
    matches!(
        condition,
        Condition::Holds(Subject::Span(_) | Subject::SpanAttribute(_), _)
    )
}

impl Statement {
    /// That a span passes all of these tests; nothing without any.
    pub(super) fn some_span(&mut self, tests: &[&Condition]) -> Option<String> {
        let mut sql = String::new();
        for condition in tests {
            let (column, test) = match condition {
                Condition::Holds(Subject::Span(column), test) => (column.sql.to_owned(), test),
                Condition::Holds(Subject::SpanAttribute(key), test) => {
                    let place = self.bind(Value::text(key.as_str()));
                    (self.dialect.attribute_of("s.content", &place), test)
                }
                _ => continue,
            };
            sql += &format!(" and {}", self.test(&column, test));
        }
        let found = format!("exists (select 1 from spans s where s.trace = traces.id{sql})");
        (!sql.is_empty()).then_some(found)
    }

    /// That a trace, or its session, has a valid assessment that passes.
    pub(super) fn assessed(&mut self, kind: AssessmentKind, name: &str, test: &Test) -> String {
        let kind = kind.as_str();
        let name = self.bind(Value::text(name));
        let key = self.bind(Value::text(SESSION_KEY));
        let of_session = format!(
            "s.session = (select m.value from trace_metadata m where m.trace = traces.id and m.key = {key}) \
             and exists (select 1 from traces t where t.id = s.trace and t.experiment = traces.experiment)"
        );
        let negation = if *test == Test::Missing { "not " } else { "" };
        let test = match test {
            Test::Missing | Test::Present => String::new(),
            Test::Number(..) => format!(" and {}", self.test("s.value_number", test)),
            // What has another value is found; so is what has several, if one of them differs.
            test => format!(" and {}", self.test("s.value_text", test)),
        };
        format!(
            "{negation}exists (select 1 from assessments s where s.kind = '{kind}' and s.name = {name} and s.is_valid = 1 \
             and (s.trace = traces.id or {of_session}){test})"
        )
    }

    /// That a trace belongs to something.
    pub(super) fn linked(&mut self, link: Link, test: &Test) -> String {
        let (table, column) = match link {
            Link::Run => ("trace_runs", "s.run"),
            Link::Prompt => ("trace_prompts", "s.prompt"),
        };
        let test = self.test(column, test);
        format!("exists (select 1 from {table} s where s.trace = traces.id and {test})")
    }
}
