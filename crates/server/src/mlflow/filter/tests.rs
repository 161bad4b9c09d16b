//! Filters as text in, conditions or errors as text out.

use everloop_metastore::search::{Subject, Test};
use proptest::prelude::*;

use super::*;

/// A condition in a short form.
fn show(condition: &Condition) -> String {
    let join = |list: &[Condition], word: &str| {
        let parts: Vec<String> = list.iter().map(show).collect();
        format!("({})", parts.join(word))
    };
    match condition {
        Condition::All(list) => join(list, " & "),
        Condition::Any(list) => join(list, " | "),
        Condition::Not(inner) => format!("!{}", show(inner)),
        Condition::Holds(subject, test) => {
            let subject = match subject {
                Subject::Column(column) => column.name.to_owned(),
                Subject::Dataset(column) => format!("dataset:{}", column.name),
                Subject::Metric(key) => format!("metric:{key}"),
                Subject::Param(key) => format!("param:{key}"),
                Subject::Tag(key) => format!("tag:{key}"),
                Subject::Metadata(key) => format!("metadata:{key}"),
                Subject::Span(column) => format!("span:{}", column.name),
                Subject::SpanAttribute(key) => format!("attribute:{key}"),
                Subject::Assessment(kind, name) => format!("{}:{name}", kind.as_str()),
                Subject::Link(link) => format!("{link:?}"),
            };
            let test = match test {
                Test::Number(comparison, number) => format!("{comparison:?} {number}"),
                Test::Text(comparison, text) => format!("{comparison:?} '{text}'"),
                other => format!("{other:?}"),
            };
            format!("{subject} {test}")
        }
    }
}

#[track_caller]
fn check_in(resource: Resource, grammar: Grammar, filter: &str, expected: &str) {
    let found = match condition(resource, grammar, Some(filter)) {
        Ok(condition) => show(&condition),
        Err(error) => format!("error: {}", error.message()),
    };
    assert_eq!(found, expected, "{filter}");
}

#[track_caller]
fn check(filter: &str, expected: &str) {
    check_in(Resource::Runs, Grammar::Mlflow, filter, expected);
}

#[test]
fn comparisons_of_everything_a_run_has() {
    check("metrics.rmse < 1", "metric:rmse Less 1");
    check("metric.`a b/c` >= -1e-1", "metric:a b/c AtLeast -0.1");
    check("params.\"x y\" = 'a'", "param:x y Equal 'a'");
    check("parameter.p != \"a\"", "param:p NotEqual 'a'");
    check(
        "tags.mlflow.runName LIKE '%x_'",
        "tag:mlflow.runName Like(\"%x_\")",
    );
    check("attributes.status = 'FINISHED'", "status Equal 'FINISHED'");
    check("run.start_time > 17", "start_time Greater 17");
    check("`run name` ilike 'a%'", "run_name Ilike(\"a%\")");
    check("datasets.name = 'rides'", "dataset:name Equal 'rides'");
    check("run_id IN ('a', 'b')", "run_id In([\"a\", \"b\"])");
    check("run_id not in ('a')", "run_id Not(In([\"a\"]))");
    check(
        "tags.t is null and params.p IS NOT NULL",
        "(tag:t Missing & param:p Present)",
    );
    check("  ", "()");
}

#[test]
fn several_clauses_combine_and_a_trailing_and_is_let_pass() {
    check(
        "metrics.a > 1 AND metrics.a < 2 and",
        "(metric:a Greater 1 & metric:a Less 2)",
    );
    check("tags.quote = 'it''s'", "tag:quote Equal 'it's'");
}

#[test]
fn what_mlflow_does_not_know_is_refused_in_its_words() {
    check(
        "acc > 1",
        "error: Invalid attribute key 'acc' specified. Valid keys are '{'run_id', 'run_name', 'status', 'user_id', \
         'artifact_uri', 'start_time', 'end_time'}'",
    );
    check(
        "foo.bar = 'x'",
        "error: Invalid entity type 'foo'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
    );
    check(
        "params.p > '1'",
        "error: Invalid comparator '>' not one of '{'=', '!=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL'}' for 'params.p'",
    );
    check(
        "metrics.m > '0.2'",
        "error: Expected numeric value type for metric. Found '0.2'",
    );
    check(
        "params.p = 1",
        "error: Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1",
    );
    check(
        "metrics.a > 1 OR metrics.b > 1",
        "error: Invalid clause(s) in filter string: 'OR' in 'metrics.a > 1 OR metrics.b > 1'",
    );
    for filter in [
        "metrics.m",
        "metrics.m >",
        "= 1",
        "metrics.m > 1 metrics.n > 2",
        "tags.t = 'x",
        "(metrics.m > 1)",
        ";",
    ] {
        assert!(
            condition(Resource::Runs, Grammar::Mlflow, Some(filter)).is_err(),
            "{filter}"
        );
    }
}

#[test]
fn the_full_grammar_nests() {
    let full = |filter, expected| check_in(Resource::Runs, Grammar::Full, filter, expected);
    full(
        "metrics.a > 1 or metrics.b > 1 and not (tags.t = 'x' or tags.t is null)",
        "(metric:a Greater 1 | (metric:b Greater 1 & !(tag:t Equal 'x' | tag:t Missing)))",
    );
    full(
        "metrics.a between 1 and 2 and status = 'FAILED'",
        "((metric:a AtLeast 1 & metric:a AtMost 2) & status Equal 'FAILED')",
    );
}

#[test]
fn every_operator_is_there_for_everything_in_the_full_grammar() {
    let full = |filter, expected| check_in(Resource::Runs, Grammar::Full, filter, expected);
    full("metrics.a in (1, 2.5)", "metric:a InNumbers([1.0, 2.5])");
    full("metrics.a not in (1)", "metric:a Not(InNumbers([1.0]))");
    full("metrics.a is null", "metric:a Missing");
    full(
        "metrics.a not between 1 and 2",
        "(metric:a Less 1 | metric:a Greater 2)",
    );
    full("params.p in ('a', 'b')", "param:p In([\"a\", \"b\"])");
    full("params.p < 0.5", "param:p Less 0.5");
    full("tags.t >= 'b'", "tag:t AtLeast 'b'");
    full("tags.t in (1, 2)", "tag:t InNumbers([1.0, 2.0])");
    full("tags.t not like 'a%'", "tag:t Not(Like(\"a%\"))");
    full(
        "run_name RLIKE '^a+$'",
        "run_name Matches(Pattern(\"^a+$\"))",
    );
    full(
        "datasets.name not regexp 'x|y'",
        "dataset:name Not(Matches(Pattern(\"x|y\")))",
    );
    full(
        "status between 'A' and 'B'",
        "(status AtLeast 'A' & status AtMost 'B')",
    );
    full("start_time >= '1970-01-02'", "start_time AtLeast 86400000");
    full("end_time is null", "end_time Missing");
}

#[test]
fn what_makes_no_sense_is_named_in_the_full_grammar() {
    let refused = |filter, expected: &str| {
        let problem = condition(Resource::Runs, Grammar::Full, Some(filter)).unwrap_err();
        assert!(
            problem.message().contains(expected),
            "{}",
            problem.message()
        );
    };
    refused(
        "metrics.a = 'x'",
        "`metrics.a` is compared with 'x': expected a number",
    );
    refused("metrics.a like '1%'", "expected a number");
    refused("status = 1", "expected a text in quotes");
    refused("params.p like 1", "`LIKE` is for texts");
    refused("params.p in (1, 'a')", "expected a text in quotes");
    refused("params.p rlike '('", "is not understood: unclosed group");
    refused("start_time > 'soon'", "is not a moment");
    refused("metrics.a between 1", "BETWEEN without AND");
    refused("metrics.a between 1 or 2", "BETWEEN without AND");
}

#[test]
fn mlflows_grammar_stays_its_own() {
    for filter in [
        "params.p rlike 'a'",
        "params.p not like 'a'",
        "params.p < 1",
        "params.p in ('a')",
        "metrics.a between 1 and 2",
        "metrics.a is null",
    ] {
        let read = condition(Resource::Runs, Grammar::Mlflow, Some(filter));
        assert!(read.is_err(), "{filter}");
    }
}

#[test]
fn long_filters_are_refused_before_a_database_does() {
    let many = |n| vec!["metrics.a > 1"; n].join(" or ");
    let problem = condition(Resource::Runs, Grammar::Full, Some(&many(401))).unwrap_err();
    assert!(problem.message().contains("more than 400 comparisons"));
    assert!(condition(Resource::Runs, Grammar::Full, Some(&many(400))).is_ok());
    let list = format!("run_id in ({})", vec!["'a'"; 5001].join(","));
    let problem = condition(Resource::Runs, Grammar::Mlflow, Some(&list)).unwrap_err();
    assert!(problem.message().contains("more than 5000 values"));
    let orders = vec!["metrics.a".to_owned(); 101];
    let problem = run_query(None, &orders, 1, 0).unwrap_err();
    assert!(problem.contains("more than 100 clauses"), "{problem}");
}

#[test]
fn deep_nesting_is_refused_and_does_not_end_the_stack() {
    let filter = format!("{}metrics.a > 1{}", "(".repeat(5000), ")".repeat(5000));
    check_in(
        Resource::Runs,
        Grammar::Full,
        &filter,
        "error: the filter is nested deeper than 50 levels",
    );
}

#[test]
fn each_resource_knows_its_own_names() {
    let of = |resource, filter, expected| check_in(resource, Grammar::Mlflow, filter, expected);
    of(
        Resource::Experiments,
        "name ILIKE 'a%'",
        "name Ilike(\"a%\")",
    );
    of(
        Resource::Experiments,
        "creation_time > 5",
        "creation_time Greater 5",
    );
    of(Resource::Models, "tags.stage = 'x'", "tag:stage Equal 'x'");
    of(
        Resource::Versions,
        "version_number = 2",
        "version_number Equal 2",
    );
    of(
        Resource::Versions,
        "source_path = 's3://x'",
        "source_path Equal 's3://x'",
    );
    of(
        Resource::LoggedModels,
        "creation_timestamp_ms >= 3",
        "creation_timestamp AtLeast 3",
    );
    of(
        Resource::LoggedModels,
        "metrics.acc > 0.5",
        "metric:acc Greater 0.5",
    );
    of(
        Resource::Models,
        "metrics.acc > 0.5",
        "error: Invalid entity type 'metrics'. Valid values are ['attribute', 'tag']",
    );
}

#[test]
fn traces_are_asked_for_all_that_they_have() {
    let of = |filter, expected| check_in(Resource::Traces, Grammar::Mlflow, filter, expected);
    of("status = 'OK'", "status Equal 'OK'");
    of(
        "trace.status IN ('OK', 'ERROR')",
        "status In([\"OK\", \"ERROR\"])",
    );
    of("timestamp > 5", "timestamp_ms Greater 5");
    of(
        "attributes.execution_time_ms <= 7",
        "execution_time_ms AtMost 7",
    );
    of("end_time < 9", "end_time_ms Less 9");
    of("request_id != 'tr-1'", "request_id NotEqual 'tr-1'");
    of(
        "name RLIKE '^a.b$'",
        "tag:mlflow.traceName Matches(Pattern(\"^a.b$\"))",
    );
    of("tags.name = 'x'", "tag:name Equal 'x'");
    of(
        "tag.k IS NULL and request_metadata.`a b` is not null",
        "(tag:k Missing & metadata:a b Present)",
    );
    of(
        "metadata.mlflow.trace.session ILIKE 's%'",
        "metadata:mlflow.trace.session Ilike(\"s%\")",
    );
    of(
        "run_id = 'r'",
        "(Run Equal 'r' | metadata:mlflow.sourceRun Equal 'r')",
    );
    of("run_id != 'r'", "metadata:mlflow.sourceRun NotEqual 'r'");
    of("prompt = 'p/1'", "Prompt Equal 'p/1'");
    of("span.type = 'LLM'", "span:type Equal 'LLM'");
    of("span.content LIKE '%x%'", "span:content Like(\"%x%\")");
    of("text ILIKE '%x%'", "span:content Ilike(\"%x%\")");
    of("span.attributes.`a.b` = 'x'", "attribute:a.b Equal 'x'");
    of("feedback.score > 0.5", "feedback:score Greater 0.5");
    of("feedback.correct = 'true'", "feedback:correct Equal 'true'");
    of(
        "expectation.answer IS NOT NULL",
        "expectation:answer Present",
    );
    of("issue.id = 'i-1'", "issue:i-1 Present");
}

#[test]
fn what_traces_do_not_have_is_refused() {
    let of = |filter, expected: &str| {
        let found = condition(Resource::Traces, Grammar::Mlflow, Some(filter)).unwrap_err();
        assert!(
            found.message().starts_with(expected),
            "{filter}: {}",
            found.message()
        );
    };
    of(
        "bogus = 1",
        "Invalid attribute key 'bogus' specified. Valid keys are '{'request_id', 'timestamp_ms',",
    );
    of(
        "metrics.m > 1",
        "Invalid entity type 'metrics'. Valid values are ['tag', 'request_metadata', ",
    );
    of(
        "timestamp = 'x'",
        "Expected numeric value type for attribute. Found 'x'",
    );
    of("timestamp LIKE 'x'", "Invalid comparator 'LIKE' not one of");
    of(
        "span.duration > 1",
        "Invalid span attribute 'duration'. Supported attributes: name, status, type, attributes.<attribute_name>.",
    );
    of(
        "span.content = 'x'",
        "span.content comparator '=' not one of '{'LIKE', 'ILIKE'}'",
    );
    of(
        "span.attributes. = 'x'",
        "Invalid span attribute 'attributes.'",
    );
    of(
        "feedback.score > '1'",
        "Expected numeric value type for feedback. Found '1'",
    );
    of(
        "feedback.score = 1",
        "Expected a quoted string value for feedback",
    );
    of(
        "issue.name = 'x'",
        "Invalid issue attribute 'name'. Supported attributes: id",
    );
    of("name IN ('a', 'b')", "Invalid comparator 'IN' not one of");
    of(
        "prompt LIKE 'p/%'",
        "Invalid comparator 'LIKE' for prompts filter. Only '=' is supported",
    );
    of(
        "prompt = 'p'",
        "Invalid prompts filter value 'p'. Expected format: prompt = \"name/version\"",
    );
    of(
        "name RLIKE '('",
        "the regular expression `(` is not understood",
    );
    of(
        "tags.t = 'x' OR tags.t = 'y'",
        "Invalid clause(s) in filter string: 'OR'",
    );
}

#[test]
fn traces_are_ordered_by_what_they_have_themselves() {
    let read = |clause: &str| {
        order(Resource::Traces, &[clause.to_owned()])
            .map(|found| show(&Condition::Holds(found[0].subject.clone(), Test::Present)))
            .map_err(|error| error.message().to_owned())
    };
    assert_eq!(read("timestamp_ms DESC").unwrap(), "timestamp_ms Present");
    assert_eq!(
        read("attributes.execution_time").unwrap(),
        "execution_time_ms Present"
    );
    assert_eq!(read("name").unwrap(), "tag:mlflow.traceName Present");
    assert_eq!(read("metadata.k").unwrap(), "metadata:k Present");
    assert_eq!(
        read("span.name").unwrap_err(),
        "Invalid order_by entity: span"
    );
    assert_eq!(
        read("feedback.f").unwrap_err(),
        "Invalid order_by entity: feedback"
    );
}

#[test]
fn orders_have_a_direction() {
    let read = |clause: &str| {
        order(Resource::Runs, &[clause.to_owned()])
            .map(|found| (found[0].subject.clone(), found[0].is_descending))
            .map_err(|error| error.message().to_owned())
    };
    assert_eq!(
        read("metrics.`a b` DESC"),
        Ok((Subject::Metric("a b".to_owned()), true))
    );
    assert_eq!(
        read("params.p asc"),
        Ok((Subject::Param("p".to_owned()), false))
    );
    assert_eq!(
        read("tags.\"x y\""),
        Ok((Subject::Tag("x y".to_owned()), false))
    );
    assert_eq!(
        read("metrics.acc FOO"),
        Err("Invalid ordering key in order_by clause 'metrics.acc FOO'.".to_owned())
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(filter in any::<String>()) {
        for grammar in [Grammar::Mlflow, Grammar::Full] {
            // What matters is that it ends, without a panic.
            let _ = condition(Resource::Runs, grammar, Some(&filter));
            let _ = condition(Resource::Traces, grammar, Some(&filter));
        }
        let _ = run_query(None, &[filter], 1, 0);
    }

    #[test]
    fn any_text_in_quotes_is_a_pattern_or_refused(pattern in any::<String>()) {
        let filter = format!("tags.t rlike '{}'", pattern.replace('\'', "''"));
        let _ = condition(Resource::Runs, Grammar::Full, Some(&filter));
    }

    #[test]
    fn words_in_any_order_are_read_or_refused(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "metrics.a", "tags.`x`", ">", "=", "!=", "1", "-2.5", "'t'", "\"q\"", "and", "OR", "not", "in", "(", ")", ",",
                "is", "null", "like", "between", "run_id", "rlike", "regexp", "ilike", "'a+(b|c)?'", "params.p", "datasets.name",
                "span.name", "feedback.f", "prompt", "issue.id", "start_time", "'2026-01-01'", "1e999", "nan", "`", "'", "\"", "\\", "\0", "\u{feff}", ".", "-", "é", "<>", "==",
            ]),
            0..24,
        ),
        between in proptest::sample::select(vec![" ", "", "\n"]),
    ) {
        for resource in [Resource::Runs, Resource::Versions, Resource::LoggedModels, Resource::Traces] {
            for grammar in [Grammar::Mlflow, Grammar::Full] {
                let _ = condition(resource, grammar, Some(&words.join(between)));
            }
        }
    }

    /// What one prints is read as it was meant.
    #[test]
    fn clauses_in_any_combination_are_read(
        clauses in proptest::collection::vec(
            proptest::sample::select(vec![
                ("metrics.a > 1", "metric:a Greater 1"),
                ("tags.t in ('x', 'y')", "tag:t In([\"x\", \"y\"])"),
                ("params.p rlike 'x'", "param:p Matches(Pattern(\"x\"))"),
                ("end_time is null", "end_time Missing"),
            ]),
            2..8,
        ),
        is_or in any::<bool>(),
    ) {
        let (word, sign) = if is_or { (" OR ", " | ") } else { (" and ", " & ") };
        let (filters, shown): (Vec<&str>, Vec<&str>) = clauses.into_iter().unzip();
        let filter = format!("NOT ({})", filters.join(word));
        let found = condition(Resource::Runs, Grammar::Full, Some(&filter)).unwrap();
        prop_assert_eq!(show(&found), format!("!({})", shown.join(sign)));
    }

    #[test]
    fn quoted_texts_come_back(text in "[^\\\\]{0,20}") {
        let filter = format!("tags.t = '{}'", text.replace('\'', "''"));
        let found = condition(Resource::Runs, Grammar::Mlflow, Some(&filter)).unwrap();
        let expected = Test::Text(everloop_metastore::search::Comparison::Equal, text);
        prop_assert_eq!(found, Condition::Holds(Subject::Tag("t".to_owned()), expected));
    }
}
