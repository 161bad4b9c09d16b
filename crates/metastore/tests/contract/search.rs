//! Searches, compared with a naive evaluation of the same condition over the same runs.

use everloop_domain::{ExperimentId, RunId, RunStatus};
use everloop_metastore::search::{Comparison, Condition, Order, Pattern, Query, Subject, Test};
use everloop_metastore::{Metastore, Metric, RUN_COLUMNS, Run, View};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use regex::Regex;

use super::{at, new_run, read, run_id, write};

const KEYS: [&str; 3] = ["a", "b c", "x/y"];
const TEXTS: [&str; 14] = [
    "red", "Red", "green", "a%b", "", "re_", "0.5", "-2", "1e1", "10 km", "grün", "a\nb", "é",
    "\\d",
];
/// Patterns, of which some match some of the texts.
const PATTERNS: [&str; 16] = [
    "",
    "^re",
    "d$",
    "^$",
    "(?i)RED",
    "r(e|ü)",
    "[^a-z]",
    r"\d",
    r"^\w+$",
    r"\s",
    "a.b",
    "(?s)a.b",
    r"\pL{3,}",
    "(e{2}|ed)",
    r"^[[:alpha:]_]+$",
    r"\\d",
];
const STATUSES: [RunStatus; 3] = [RunStatus::Running, RunStatus::Finished, RunStatus::Failed];

/// 40 runs in two experiments, with some metrics (NaN among them), parameters and tags each.
fn fill(store: &Metastore) {
    write(store, |tx| {
        let other = tx.experiments().create("other", None, at(1))?;
        for number in 0..40_u8 {
            let id = run_id(number);
            let experiment = if number % 3 == 0 {
                other
            } else {
                ExperimentId(0)
            };
            let mut run = new_run(number, experiment);
            run.start_time = at(i64::from(number % 7));
            tx.runs().create(&run)?;
            let pick = |list: &[&str], salt: u8| {
                list[usize::from(number / 2 + salt) % list.len()].to_owned()
            };
            for (place, key) in (0_u8..).zip(KEYS) {
                if (number + place) % 4 != 0 {
                    let value = if number % 11 == 5 {
                        f64::NAN
                    } else {
                        f64::from((number * 7 + place) % 5) - 2.0
                    };
                    let metric = Metric {
                        key: key.to_owned(),
                        value,
                        timestamp: at(1),
                        step: 0,
                    };
                    tx.runs().log_metrics(&id, &[metric])?;
                }
                if (number + place) % 3 != 0 {
                    tx.runs().log_param(&id, key, &pick(&TEXTS, place))?;
                    tx.runs().set_tag(&id, key, &pick(&TEXTS, place + 1))?;
                }
            }
            let status = STATUSES[usize::from(number) % STATUSES.len()];
            tx.runs()
                .update(&id, Some(status), (number % 2 == 0).then(|| at(100)), None)?;
        }
        Ok(())
    });
}

fn experiments() -> [ExperimentId; 2] {
    [ExperimentId(0), ExperimentId(1)]
}

fn search(store: &Metastore, query: &Query) -> Vec<RunId> {
    let query = query.clone();
    let found = read(store, move |tx| {
        tx.runs().search_infos(&experiments(), View::All, &query)
    });
    found.into_iter().map(|info| info.id).collect()
}

fn all(store: &Metastore) -> Vec<Run> {
    read(store, |tx| tx.runs().list(&experiments(), View::All, 1000))
}

/// What a subject is in a run, as text or number.
enum Found {
    Number(f64),
    Text(String),
    Nothing,
}

fn find(run: &Run, subject: &Subject) -> Found {
    let text =
        |text: Option<&String>| text.map_or(Found::Nothing, |text| Found::Text(text.clone()));
    match subject {
        Subject::Metric(key) => {
            let metric = run.metrics.iter().find(|metric| metric.key == *key);
            metric.map_or(Found::Nothing, |metric| Found::Number(metric.value))
        }
        Subject::Param(key) => text(run.params.get(key)),
        Subject::Tag(key) => text(run.tags.get(key)),
        Subject::Column(column) => match column.name {
            "status" => Found::Text(run.info.status.as_str().to_owned()),
            "run_id" => Found::Text(run.info.id.to_string()),
            "start_time" => Found::Number(run.info.start_time.as_millis() as f64),
            "end_time" => run
                .info
                .end_time
                .map_or(Found::Nothing, |end| Found::Number(end.as_millis() as f64)),
            other => panic!("{other} is not compared here"),
        },
        _ => Found::Nothing,
    }
}

fn compares<T: PartialOrd + ?Sized>(comparison: Comparison, left: &T, right: &T) -> bool {
    match comparison {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        Comparison::Less => left < right,
        Comparison::AtMost => left <= right,
        Comparison::Greater => left > right,
        Comparison::AtLeast => left >= right,
    }
}

/// `%` is any text, `_` any letter.
fn is_like(text: &[char], pattern: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('%', rest)), None) => is_like(text, rest),
        (Some(('%', rest)), Some((_, after))) => is_like(text, rest) || is_like(after, pattern),
        (Some(('_', rest)), Some((_, after))) => is_like(after, rest),
        (Some((wanted, rest)), Some((found, after))) => wanted == found && is_like(after, rest),
        _ => false,
    }
}

fn like(text: &str, pattern: &str) -> bool {
    let chars = |text: &str| text.chars().collect::<Vec<_>>();
    is_like(&chars(text), &chars(pattern))
}

fn holds(run: &Run, condition: &Condition) -> bool {
    match condition {
        Condition::All(list) => list.iter().all(|condition| holds(run, condition)),
        Condition::Any(list) => list.iter().any(|condition| holds(run, condition)),
        Condition::Not(inner) => !holds(run, inner),
        Condition::Holds(subject, test) => match (find(run, subject), test) {
            (Found::Nothing, test) => *test == Test::Missing,
            (_, Test::Missing) => false,
            (_, Test::Present) => true,
            (found, Test::Not(test)) => match number_or_text(&found, test) {
                Some(found) => !passes(&found, test),
                None => false,
            },
            (found, test) => number_or_text(&found, test).is_some_and(|found| passes(&found, test)),
        },
    }
}

/// What is looked at: a text that is asked for a number is one or nothing, and NaN is nothing.
fn number_or_text(found: &Found, test: &Test) -> Option<Found> {
    match (found, test) {
        (found, Test::Not(test)) => number_or_text(found, test),
        (Found::Text(text), Test::Number(..) | Test::InNumbers(_)) => {
            let is_written = text.ends_with(|last: char| last.is_ascii_digit() || last == '.');
            text.parse().ok().filter(|_| is_written).map(Found::Number)
        }
        (Found::Text(text), _) => Some(Found::Text(text.clone())),
        (Found::Number(number), _) => (!number.is_nan()).then_some(Found::Number(*number)),
        (Found::Nothing, _) => None,
    }
}

fn passes(found: &Found, test: &Test) -> bool {
    match (found, test) {
        (Found::Number(number), Test::Number(comparison, wanted)) => {
            compares(*comparison, number, wanted)
        }
        (Found::Number(number), Test::InNumbers(list)) => list.contains(number),
        (Found::Text(text), Test::Text(comparison, wanted)) => {
            compares(*comparison, text.as_str(), wanted.as_str())
        }
        (Found::Text(text), Test::Like(pattern)) => like(text, pattern),
        (Found::Text(text), Test::Ilike(pattern)) => {
            like(&text.to_lowercase(), &pattern.to_lowercase())
        }
        (Found::Text(text), Test::In(list)) => list.contains(text),
        (Found::Text(text), Test::Matches(pattern)) => {
            Regex::new(pattern.as_str()).unwrap().is_match(text)
        }
        (found, Test::Not(test)) => !passes(found, test),
        (_, test) => panic!("{test:?} is not compared here"),
    }
}

fn column(name: &str) -> Subject {
    let found = RUN_COLUMNS.iter().find(|column| column.name == name);
    Subject::Column(found.unwrap())
}

fn comparison() -> impl Strategy<Value = Comparison> {
    proptest::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::AtMost,
        Comparison::Greater,
        Comparison::AtLeast,
    ])
}

fn leaf() -> impl Strategy<Value = Condition> {
    let key = || proptest::sample::select(KEYS.to_vec()).prop_map(str::to_owned);
    let text = || proptest::sample::select(TEXTS.to_vec()).prop_map(str::to_owned);
    let pattern = proptest::sample::select(PATTERNS.to_vec());
    let text_test = or_not(prop_oneof![
        2 => (comparison(), text()).prop_map(|(comparison, text)| Test::Text(comparison, text)),
        1 => text().prop_map(|text| Test::Like(text.replace("re", "%"))),
        // Capital letters beyond ASCII are the databases' own business.
        1 => text().prop_filter("ascii", |text| text.is_ascii()).prop_map(Test::Ilike),
        1 => proptest::collection::vec(text(), 1..3).prop_map(Test::In),
        2 => pattern.prop_map(|pattern| Test::Matches(Pattern::parse(pattern).unwrap())),
    ]);
    let number_test = || {
        let number = || (-3_i32..4).prop_map(f64::from);
        or_not(prop_oneof![
            3 => (comparison(), number()).prop_map(|(comparison, number)| Test::Number(comparison, number)),
            1 => proptest::collection::vec(number(), 1..4).prop_map(Test::InNumbers),
        ])
    };
    let logged = || prop_oneof![key().prop_map(Subject::Param), key().prop_map(Subject::Tag),];
    let texts = prop_oneof![2 => logged(), 1 => Just(column("status"))];
    let numbers = prop_oneof![
        3 => key().prop_map(Subject::Metric),
        1 => Just(column("start_time")),
        1 => Just(column("end_time")),
    ];
    prop_oneof![
        (texts, text_test).prop_map(|(subject, test)| Condition::Holds(subject, test)),
        (numbers, number_test()).prop_map(|(subject, test)| Condition::Holds(subject, test)),
        (logged(), number_test()).prop_map(|(subject, test)| Condition::Holds(subject, test)),
    ]
}

/// A test, its opposite, or whether there is anything at all.
fn or_not(test: impl Strategy<Value = Test> + Clone) -> impl Strategy<Value = Test> {
    prop_oneof![
        4 => test.clone(),
        2 => test.prop_map(|test| Test::Not(Box::new(test))),
        1 => Just(Test::Missing),
        1 => Just(Test::Present),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    leaf().prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Condition::All),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Condition::Any),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

pub(crate) fn conditions_hold_as_a_naive_reader_would_say(store: &Metastore) {
    fill(store);
    let runs = all(store);
    let mut runner = TestRunner::deterministic();
    for _ in 0..400 {
        let condition = condition().new_tree(&mut runner).unwrap().current();
        let query = Query {
            condition,
            ..Query::everything(1000)
        };
        let expected: Vec<RunId> = runs
            .iter()
            .filter(|run| holds(run, &query.condition))
            .map(|run| run.info.id.clone())
            .collect();
        assert_eq!(search(store, &query), expected, "{:?}", query.condition);
    }
}

/// Numbers by value, then NaN, then nothing; equal ones by start, the latest first, then by id.
fn expected_order(runs: &[Run], order: &Order) -> Vec<RunId> {
    let rank = |run: &Run| match find(run, &order.subject) {
        Found::Number(number) if number.is_nan() => (1, 0.0, String::new()),
        Found::Number(number) => (0, number, String::new()),
        Found::Text(text) => (0, 0.0, text),
        Found::Nothing => (2, 0.0, String::new()),
    };
    let mut sorted: Vec<&Run> = runs.iter().collect();
    sorted.sort_by(|left, right| {
        let (left_rank, right_rank) = (rank(left), rank(right));
        let values = left_rank
            .1
            .total_cmp(&right_rank.1)
            .then(left_rank.2.cmp(&right_rank.2));
        let values = if order.is_descending {
            values.reverse()
        } else {
            values
        };
        left_rank
            .0
            .cmp(&right_rank.0)
            .then(values)
            .then(right.info.start_time.cmp(&left.info.start_time))
            .then(left.info.id.as_str().cmp(right.info.id.as_str()))
    });
    sorted.into_iter().map(|run| run.info.id.clone()).collect()
}

pub(crate) fn orders_put_what_is_missing_last_and_pages_cover_everything(store: &Metastore) {
    fill(store);
    let runs = all(store);
    for subject in [
        Subject::Metric("a".to_owned()),
        Subject::Metric("none".to_owned()),
        Subject::Param("b c".to_owned()),
        Subject::Tag("x/y".to_owned()),
        column("start_time"),
        column("end_time"),
        column("status"),
    ] {
        for is_descending in [false, true] {
            let order = Order {
                subject: subject.clone(),
                is_descending,
            };
            let expected = expected_order(&runs, &order);
            let mut found = Vec::new();
            for offset in (0..40).step_by(7) {
                let page = Query {
                    order: vec![order.clone()],
                    limit: 7,
                    offset,
                    ..Query::everything(0)
                };
                found.extend(search(store, &page));
            }
            assert_eq!(found, expected, "{order:?}");
        }
    }
}

pub(crate) fn several_orders_follow_each_other(store: &Metastore) {
    fill(store);
    let order = |subject, is_descending| Order {
        subject,
        is_descending,
    };
    let query = Query {
        order: vec![
            order(column("status"), false),
            order(Subject::Metric("a".to_owned()), true),
        ],
        ..Query::everything(1000)
    };
    let runs = all(store);
    let found = search(store, &query);
    let by_status = |id: &RunId| {
        runs.iter()
            .find(|run| run.info.id == *id)
            .unwrap()
            .info
            .status
            .as_str()
    };
    assert!(found.is_sorted_by_key(by_status));
    assert_eq!(found.len(), runs.len());
}

pub(crate) fn hidden_runs_and_other_experiments_are_left_out(store: &Metastore) {
    fill(store);
    write(store, |tx| tx.runs().delete(&run_id(1), at(9)));
    let query = Query::everything(1000);
    let only = |view, experiment: u64| {
        let query = query.clone();
        read(store, move |tx| {
            tx.runs().search(&[ExperimentId(experiment)], view, &query)
        })
    };
    assert!(
        only(View::Active, 0)
            .iter()
            .all(|run| run.info.experiment == ExperimentId(0))
    );
    assert_eq!(only(View::Deleted, 0).len(), 1);
    assert_eq!(only(View::All, 0).len(), only(View::Active, 0).len() + 1);
    assert!(only(View::All, 7).is_empty());
}

pub(crate) fn counts_agree_with_pages_and_beginnings_find_runs(store: &Metastore) {
    fill(store);
    let condition = Condition::Holds(
        Subject::Metric("a".to_owned()),
        Test::Number(Comparison::Greater, 0.0),
    );
    let query = Query {
        condition: condition.clone(),
        ..Query::everything(1000)
    };
    let count = read(store, move |tx| {
        tx.runs().count(&experiments(), View::All, &condition)
    });
    assert_eq!(count as usize, search(store, &query).len());
    assert!(count > 0);
    let id = run_id(7);
    let beginning = id.as_str()[..30].to_owned();
    let found = read(store, move |tx| tx.runs().list_by_beginning(&beginning, 50));
    assert!(found.iter().any(|run| run.info.id == id));
    let none = read(store, |tx| tx.runs().list_by_beginning("%", 50));
    assert!(none.is_empty(), "a pattern is no beginning");
}

pub(crate) fn large_patterns_are_refused_or_answered(store: &Metastore) {
    fill(store);
    for text in [
        "(a{90}){50}",
        r"\w{9}",
        "(.{0,20}){20}x",
        "((a*)*)*b",
        "(a|b|cd|ef|[g-x]){1,200}y",
        r"\PL{5}$",
    ] {
        let Ok(pattern) = Pattern::parse(text) else {
            continue;
        };
        let condition = Condition::Holds(column("status"), Test::Matches(pattern));
        let found =
            store.read_blocking(|tx| tx.runs().count(&experiments(), View::All, &condition));
        if let Err(error) = found {
            assert!(error.to_string().contains("pattern"), "{text}: {error}");
        }
    }
}

/// As much as the server lets people ask.
pub(crate) fn long_conditions_are_answered(store: &Metastore) {
    fill(store);
    let leaf = |number: usize| {
        let test = Test::Number(Comparison::Greater, number as f64);
        Condition::Holds(Subject::Param(format!("p{number}")), test)
    };
    let mut condition = Condition::Any((0..400).map(leaf).collect());
    for _ in 0..50 {
        condition = Condition::Not(Box::new(Condition::All(vec![condition])));
    }
    let texts: Vec<String> = (0..5000).map(|number| number.to_string()).collect();
    let listed = Condition::Holds(column("run_id"), Test::In(texts));
    let query = Query {
        condition: Condition::All(vec![condition, Condition::Not(Box::new(listed))]),
        order: (0..100)
            .map(|number| Order {
                subject: Subject::Metric(number.to_string()),
                is_descending: false,
            })
            .collect(),
        ..Query::everything(10)
    };
    assert!(search(store, &query).is_empty());
}
