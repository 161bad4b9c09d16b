//! Traces, their spans and assessments.

use everloop_domain::ExperimentId;
use everloop_metastore::search::{
    Comparison, Condition, Link, Order, Pattern, Query, Subject, Test,
};
use everloop_metastore::{
    Arrival, Assessment, AssessmentKind, Metastore, SPAN_COLUMNS, Span, TRACE_COLUMNS, Trace,
    TraceSelection, TraceState,
};
use serde_json::{Value, json};

use super::{at, read, refused, run_id, with_run, write};

const MILLI: i64 = 1_000_000;

fn new_trace(id: &str, requested_at: i64) -> Trace {
    Trace {
        id: id.to_owned(),
        experiment: ExperimentId(0),
        requested_at: at(requested_at),
        duration_ms: Some(10),
        state: TraceState::Ok,
        client_request: None,
        request_preview: Some("q".to_owned()),
        response_preview: None,
        tags: [("t".to_owned(), id.to_owned())].into(),
        metadata: [("m".to_owned(), "1".to_owned())].into(),
        assessments: Vec::new(),
    }
}

fn new_span(trace: &str, id: &str, parent: Option<&str>, start_ms: i64, end_ms: i64) -> Span {
    Span {
        trace: trace.to_owned(),
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        name: format!("span {id}"),
        kind: Some("LLM".to_owned()),
        status: "OK".to_owned(),
        start_ns: start_ms * MILLI,
        end_ns: Some(end_ms * MILLI),
        content: json!({"attributes": {"model": "big", "n": 7, "is_cached": true, "x.\"y\"": "z"}}),
    }
}

fn arrival(trace: &str, spans: Vec<Span>) -> Arrival {
    let is_whole = spans.iter().any(|span| span.parent.is_none());
    Arrival {
        trace: trace.to_owned(),
        state: is_whole.then_some(TraceState::Error),
        request_preview: is_whole.then(|| "root".to_owned()),
        metadata: [("mlflow.trace.session".to_owned(), "s".to_owned())].into(),
        tags: [("service".to_owned(), "shop".to_owned())].into(),
        spans,
        ..Arrival::default()
    }
}

fn new_assessment(id: &str, trace: &str, name: &str, value: Value) -> Assessment {
    Assessment {
        id: id.to_owned(),
        trace: trace.to_owned(),
        kind: AssessmentKind::Feedback,
        name: name.to_owned(),
        value,
        error: Value::Null,
        source_type: "HUMAN".to_owned(),
        source_id: "ada".to_owned(),
        span: None,
        rationale: None,
        metadata: [].into(),
        overrides: None,
        is_valid: true,
        created_at: at(1),
        updated_at: at(1),
    }
}

fn start(store: &Metastore, trace: Trace) {
    write(store, move |tx| tx.traces().start(&trace));
}

fn log(store: &Metastore, arrival: Arrival) {
    write(store, move |tx| tx.traces().log(ExperimentId(0), &arrival));
}

fn get(store: &Metastore, id: &str) -> Trace {
    let id = id.to_owned();
    read(store, move |tx| tx.traces().get(&id))
}

pub(crate) fn a_trace_comes_back_whole(store: &Metastore) {
    let mut trace = new_trace("tr-1", 5);
    trace.assessments = vec![new_assessment(
        "a-1",
        "tr-1",
        "f",
        json!({"deep": [1, "x"]}),
    )];
    start(store, trace.clone());
    let mut found = get(store, "tr-1");
    let place = found.tags.remove("mlflow.artifactLocation");
    assert_eq!(
        place.as_deref(),
        Some("mlflow-artifacts:/0/traces/tr-1/artifacts")
    );
    assert_eq!(found, trace);
    assert!(!found.has_spans_here());
    // What is told again replaces; tags are added to.
    trace.state = TraceState::Error;
    trace.tags = [("u".to_owned(), "2".to_owned())].into();
    trace.request_preview = None;
    start(store, trace);
    let found = get(store, "tr-1");
    assert_eq!((found.state, found.tags.len()), (TraceState::Error, 3));
    assert_eq!(found.request_preview.as_deref(), Some("q"));
    let words = refused(store, |tx| {
        let experiment = ExperimentId(9);
        let trace = new_trace("tr-2", 1);
        tx.traces().start(&Trace {
            experiment,
            ..trace
        })
    });
    assert_eq!(words, "experiment `9` does not exist");
}

pub(crate) fn spans_make_their_trace_until_its_client_tells_of_it(store: &Metastore) {
    log(
        store,
        arrival("tr-1", vec![new_span("tr-1", "b", Some("a"), 20, 30)]),
    );
    let found = get(store, "tr-1");
    assert_eq!((found.requested_at, found.duration_ms), (at(20), Some(10)));
    assert_eq!(found.state, TraceState::InProgress);
    assert!(found.has_spans_here());
    let root = new_span("tr-1", "a", None, 10, 50);
    log(store, arrival("tr-1", vec![root.clone(), root]));
    let found = get(store, "tr-1");
    assert_eq!((found.requested_at, found.duration_ms), (at(10), Some(40)));
    assert_eq!(found.state, TraceState::Error);
    assert_eq!(found.request_preview.as_deref(), Some("root"));
    assert_eq!(found.metadata["mlflow.trace.session"], "s");
    start(store, new_trace("tr-1", 7));
    log(
        store,
        arrival("tr-1", vec![new_span("tr-1", "c", Some("a"), 1, 99)]),
    );
    let found = get(store, "tr-1");
    assert_eq!((found.requested_at, found.duration_ms), (at(7), Some(10)));
    assert_eq!(
        (found.state, found.tags["service"].as_str()),
        (TraceState::Ok, "shop")
    );
    let spans = read(store, |tx| tx.traces().spans(&["tr-1".to_owned()]));
    let ids: Vec<&str> = spans["tr-1"].iter().map(|span| span.id.as_str()).collect();
    assert_eq!(ids, ["a", "c", "b"]);
    assert_eq!(spans["tr-1"][0], new_span("tr-1", "a", None, 10, 50));
}

pub(crate) fn an_assessment_that_is_replaced_is_not_valid(store: &Metastore) {
    start(store, new_trace("tr-1", 1));
    write(store, |tx| {
        tx.traces()
            .assess(&new_assessment("a-1", "tr-1", "f", json!(true)))?;
        tx.traces().assess(&Assessment {
            overrides: Some("a-1".to_owned()),
            error: json!({"error_code": "E"}),
            ..new_assessment("a-2", "tr-1", "f", json!(false))
        })
    });
    let valid =
        |trace: &Trace| -> Vec<bool> { trace.assessments.iter().map(|one| one.is_valid).collect() };
    assert_eq!(valid(&get(store, "tr-1")), [false, true]);
    let changed = write(store, |tx| {
        tx.traces().reassess("tr-1", "a-2", |assessment| {
            assessment.value = json!("maybe");
            assessment.updated_at = at(9);
            Ok(())
        })
    });
    let found = read(store, |tx| tx.traces().assessment("tr-1", "a-2"));
    assert_eq!((&found, &found.value), (&changed, &json!("maybe")));
    let again = refused(store, |tx| {
        tx.traces()
            .assess(&new_assessment("a-2", "tr-1", "f", json!(1)))
    });
    assert_eq!(again, "assessment `a-2` exists already");
    let absent = refused(store, |tx| {
        tx.traces().assess(&Assessment {
            overrides: Some("a-9".to_owned()),
            ..new_assessment("a-3", "tr-1", "f", json!(1))
        })
    });
    assert_eq!(absent, "assessment `a-9` does not exist");
    write(store, |tx| {
        tx.traces().delete_assessment("tr-1", "a-2")?;
        tx.traces().delete_assessment("tr-1", "a-2")
    });
    assert_eq!(valid(&get(store, "tr-1")), [true]);
    let words = refused(store, |tx| tx.traces().delete_assessment("tr-9", "a-1"));
    assert_eq!(words, "trace `tr-9` does not exist");
}

pub(crate) fn tags_and_links_need_their_trace(store: &Metastore) {
    start(store, new_trace("tr-1", 1));
    let run = with_run(store);
    write(store, |tx| {
        tx.traces().set_tag("tr-1", "k", "v")?;
        tx.traces().delete_tag("tr-1", "t")?;
        let ids = ["tr-1".to_owned(), "tr-9".to_owned()];
        tx.traces().link_to_run(&ids, &run_id(1))?;
        tx.traces().link_to_run(&ids, &run_id(1))?;
        tx.traces().link_prompts("tr-1", &["p/1".to_owned()])
    });
    let found = get(store, "tr-1");
    assert_eq!(
        (found.tags.get("k"), found.tags.get("t")),
        (Some(&"v".to_owned()), None)
    );
    for words in [
        refused(store, |tx| tx.traces().set_tag("tr-9", "k", "v")),
        refused(store, |tx| tx.traces().link_prompts("tr-9", &[])),
    ] {
        assert_eq!(words, "trace `tr-9` does not exist");
    }
    let words = refused(store, |tx| tx.traces().delete_tag("tr-1", "t"));
    assert_eq!(words, "trace tag `t` does not exist");
    let words = refused(store, |tx| tx.traces().link_to_run(&[], &run_id(9)));
    assert!(words.starts_with("run `"), "{words}");
    // Clients link traces before they send them.
    start(store, new_trace("tr-9", 2));
    let of_run = holds(Subject::Link(Link::Run), equal(run_id(1).as_str()));
    assert_eq!(ids_where(store, of_run.clone()), ["tr-9", "tr-1"]);
    let gone = TraceSelection {
        experiment: ExperimentId(0),
        until: Some(at(2)),
        limit: None,
        ids: vec!["tr-9".to_owned()],
    };
    write(store, move |tx| tx.traces().delete(&gone));
    start(store, new_trace("tr-9", 2));
    assert_eq!(ids_where(store, of_run), ["tr-1"]);
    // A run takes its links with it, and no traces.
    write(store, move |tx| {
        tx.runs().delete(&run, at(2))?;
        tx.trash().purge_run(&run)
    });
    assert_eq!(
        ids_where(
            store,
            holds(Subject::Link(Link::Run), equal(run_id(1).as_str()))
        ),
        [""; 0]
    );
    assert_eq!(get(store, "tr-1").id, "tr-1");
}

pub(crate) fn traces_are_deleted_by_age_number_or_id(store: &Metastore) {
    for number in 1..=6 {
        start(store, new_trace(&format!("tr-{number}"), number));
        let id = format!("tr-{number}");
        log(store, arrival(&id, vec![new_span(&id, "a", None, 1, 2)]));
    }
    let which = TraceSelection {
        experiment: ExperimentId(0),
        until: Some(at(3)),
        limit: Some(2),
        ids: Vec::new(),
    };
    let delete = |which: TraceSelection| -> Vec<String> {
        let gone = write(store, move |tx| tx.traces().delete(&which));
        gone.into_iter().map(|(id, _)| id).collect()
    };
    assert_eq!(delete(which.clone()), ["tr-1", "tr-2"]);
    let named = TraceSelection {
        until: None,
        limit: None,
        ids: vec!["tr-5".to_owned(), "tr-1".to_owned()],
        ..which.clone()
    };
    let elsewhere = TraceSelection {
        experiment: ExperimentId(1),
        ..named.clone()
    };
    assert_eq!(delete(elsewhere), [""; 0]);
    assert_eq!(delete(named), ["tr-5"]);
    assert_eq!(
        delete(TraceSelection {
            limit: None,
            ..which
        }),
        ["tr-3"]
    );
    assert_eq!(
        ids_where(store, Condition::All(Vec::new())),
        ["tr-6", "tr-4"]
    );
    let spans = read(store, |tx| {
        tx.traces().spans(&["tr-1".to_owned(), "tr-6".to_owned()])
    });
    assert_eq!(spans.len(), 1);
}

fn holds(subject: Subject, test: Test) -> Condition {
    Condition::Holds(subject, test)
}

fn equal(text: &str) -> Test {
    Test::Text(Comparison::Equal, text.to_owned())
}

fn column(name: &str) -> Subject {
    Subject::Column(
        TRACE_COLUMNS
            .iter()
            .find(|column| column.name == name)
            .unwrap(),
    )
}

fn span(name: &str) -> Subject {
    Subject::Span(
        SPAN_COLUMNS
            .iter()
            .find(|column| column.name == name)
            .unwrap(),
    )
}

fn ids_where(store: &Metastore, condition: Condition) -> Vec<String> {
    let query = Query {
        condition,
        ..Query::everything(100)
    };
    let found = read(store, move |tx| {
        tx.traces().search(&[ExperimentId(0)], &query)
    });
    found.into_iter().map(|trace| trace.id).collect()
}

/// Three traces: two of a session, of which the first is assessed; one with other spans.
fn fill(store: &Metastore) {
    for (id, time) in [("tr-1", 10), ("tr-2", 20), ("tr-3", 30)] {
        start(store, new_trace(id, time));
    }
    log(
        store,
        arrival("tr-1", vec![new_span("tr-1", "a", None, 1, 2)]),
    );
    let child = Span {
        kind: Some("TOOL".to_owned()),
        content: json!({"attributes": {"model": "small"}}),
        ..new_span("tr-2", "b", Some("a"), 1, 2)
    };
    log(
        store,
        arrival("tr-2", vec![new_span("tr-2", "a", None, 1, 2), child]),
    );
    with_run(store);
    write(store, |tx| {
        tx.traces().link_to_run(&["tr-3".to_owned()], &run_id(1))?;
        tx.traces().link_prompts("tr-2", &["p/1".to_owned()])?;
        tx.traces().assess(&Assessment {
            metadata: [("mlflow.trace.session".to_owned(), "s".to_owned())].into(),
            ..new_assessment("a-1", "tr-1", "tone", json!("kind"))
        })?;
        tx.traces()
            .assess(&new_assessment("a-2", "tr-2", "score", json!(0.75)))?;
        tx.traces()
            .assess(&new_assessment("a-3", "tr-3", "score", json!(true)))?;
        tx.traces().assess(&Assessment {
            kind: AssessmentKind::Expectation,
            ..new_assessment("a-4", "tr-3", "answer", json!({"a": 1}))
        })
    });
}

pub(crate) fn traces_are_found_by_what_they_have(store: &Metastore) {
    fill(store);
    let n_traces = read(store, |tx| tx.exports().n_traces(ExperimentId(0)));
    assert_eq!(n_traces, 3);
    let check = |condition: Condition, expected: &[&str]| {
        let shown = format!("{condition:?}");
        assert_eq!(ids_where(store, condition), expected, "{shown}");
    };
    let feedback = |name: &str| Subject::Assessment(AssessmentKind::Feedback, name.to_owned());
    let attribute = |name: &str| Subject::SpanAttribute(name.to_owned());
    let number = |number: f64| Test::Number(Comparison::AtLeast, number);
    let like = |text: &str| Test::Like(text.to_owned());
    check(
        holds(column("timestamp_ms"), number(20.0)),
        &["tr-3", "tr-2"],
    );
    check(holds(column("end_time_ms"), number(40.0)), &["tr-3"]);
    check(
        holds(column("status"), Test::In(vec!["OK".to_owned()])),
        &["tr-3", "tr-2", "tr-1"],
    );
    check(
        holds(
            Subject::Tag("t".to_owned()),
            Test::Matches(Pattern::parse("^tr-[12]$").unwrap()),
        ),
        &["tr-2", "tr-1"],
    );
    check(
        holds(Subject::Metadata("m".to_owned()), equal("1")),
        &["tr-3", "tr-2", "tr-1"],
    );
    check(
        holds(
            Subject::Metadata("mlflow.trace.session".to_owned()),
            Test::Missing,
        ),
        &["tr-3"],
    );
    check(holds(span("type"), equal("TOOL")), &["tr-2"]);
    check(
        holds(span("name"), Test::Ilike("SPAN _".to_owned())),
        &["tr-2", "tr-1"],
    );
    check(holds(span("content"), like("%small%")), &["tr-2"]);
    check(holds(attribute("model"), equal("big")), &["tr-2", "tr-1"]);
    check(holds(attribute("n"), equal("7")), &["tr-2", "tr-1"]);
    check(
        holds(attribute("is_cached"), like("tr%")),
        &["tr-2", "tr-1"],
    );
    check(holds(attribute("x.\"y\""), equal("z")), &["tr-2", "tr-1"]);
    check(holds(attribute("none"), like("%")), &[]);
    let tool = holds(span("type"), equal("TOOL"));
    let same_span =
        |model: &str| Condition::All(vec![holds(attribute("model"), equal(model)), tool.clone()]);
    check(same_span("small"), &["tr-2"]);
    check(same_span("big"), &[]);
    check(Condition::Not(Box::new(tool)), &["tr-3", "tr-1"]);
    // The feedback on the first trace speaks of its session.
    check(holds(feedback("tone"), equal("kind")), &["tr-2", "tr-1"]);
    check(holds(feedback("tone"), Test::Missing), &["tr-3"]);
    check(holds(feedback("score"), number(0.5)), &["tr-2"]);
    check(holds(feedback("score"), equal("true")), &["tr-3"]);
    check(holds(feedback("score"), Test::Present), &["tr-3", "tr-2"]);
    let answer = Subject::Assessment(AssessmentKind::Expectation, "answer".to_owned());
    check(holds(answer, like("%1%")), &["tr-3"]);
    check(
        holds(Subject::Link(Link::Run), equal(run_id(1).as_str())),
        &["tr-3"],
    );
    check(holds(Subject::Link(Link::Prompt), equal("p/1")), &["tr-2"]);
    let nowhere = read(store, |tx| {
        tx.traces()
            .search(&[ExperimentId(1)], &Query::everything(9))
    });
    assert!(nowhere.is_empty());
}

pub(crate) fn traces_are_ordered_and_paged(store: &Metastore) {
    fill(store);
    let page = |subject: Subject, is_descending, offset| -> Vec<String> {
        let order = vec![Order {
            subject,
            is_descending,
        }];
        let query = Query {
            order,
            limit: 2,
            offset,
            ..Query::everything(0)
        };
        let found = read(store, move |tx| {
            tx.traces().search(&[ExperimentId(0)], &query)
        });
        found.into_iter().map(|trace| trace.id).collect()
    };
    assert_eq!(page(column("timestamp_ms"), false, 0), ["tr-1", "tr-2"]);
    assert_eq!(
        page(Subject::Tag("t".to_owned()), true, 1),
        ["tr-2", "tr-1"]
    );
    let session = Subject::Metadata("mlflow.trace.session".to_owned());
    assert_eq!(page(session, false, 0), ["tr-2", "tr-1"]);
    let words = refused(store, |tx| {
        let order = vec![Order {
            subject: Subject::SpanAttribute("n".to_owned()),
            is_descending: false,
        }];
        tx.traces().search(
            &[],
            &Query {
                order,
                ..Query::everything(1)
            },
        )
    });
    assert_eq!(words, "what is searched has no order by its spans");
}

pub(crate) fn traces_go_with_their_experiment(store: &Metastore) {
    let experiment = write(store, |tx| tx.experiments().create("e", None, at(1)));
    start(
        store,
        Trace {
            experiment,
            ..new_trace("tr-1", 1)
        },
    );
    log(
        store,
        arrival("tr-1", vec![new_span("tr-1", "a", None, 1, 2)]),
    );
    write(store, |tx| {
        tx.traces()
            .assess(&new_assessment("a-1", "tr-1", "f", json!(1)))
    });
    write(store, move |tx| tx.experiments().delete(experiment, at(2)));
    let words = refused(store, move |tx| {
        tx.traces().start(&Trace {
            experiment,
            ..new_trace("tr-2", 1)
        })
    });
    assert!(words.contains("must be in the 'active' state"), "{words}");
    write(store, move |tx| tx.trash().purge_experiment(experiment));
    assert!(read(store, |tx| tx.traces().list(&["tr-1".to_owned()])).is_empty());
}
