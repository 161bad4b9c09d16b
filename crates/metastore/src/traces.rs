//! Traces, as in MLflow: what a request to a model or an agent went through.
//!
//! A trace comes in two parts, in any order: what it was, from [`Traces::start`], and its spans, from [`Traces::log`].
//! Until the first has come, what is known of a trace is put together from its spans.

mod assessments;
mod links;
mod spans;

use std::collections::BTreeMap;

use everloop_domain::{ExperimentId, Timestamp};

pub use assessments::{Assessment, AssessmentKind};
pub use spans::{Arrival, SPAN_COLUMNS, Span};

use crate::Error;
use crate::experiments::{Experiments, Lifecycle};
use crate::search::{Column, Query, Side, Statement, Tables};
use crate::session::{Bind, Row, Session, Value, values};
use crate::values::{moment, parse, to_json};

/// Traces.
#[derive(Debug)]
pub struct Traces<'c>(pub(crate) Session<'c>);

/// The tag that says where the files of a trace are.
const LOCATION_TAG: &str = "mlflow.artifactLocation";
/// The tag that says where the spans of a trace are, and its value for those that are here.
const SPANS_TAG: &str = "mlflow.trace.spansLocation";
const SPANS_ARE_HERE: &str = "TRACKING_STORE";
/// The metadata that names the session of a trace.
pub(crate) const SESSION_KEY: &str = "mlflow.trace.session";

/// What became of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TraceState {
    /// Nobody said.
    #[default]
    Unspecified,
    /// It went well.
    Ok,
    /// It failed.
    Error,
    /// It is not over.
    InProgress,
}

impl TraceState {
    /// The stored and spoken form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "STATE_UNSPECIFIED",
            Self::Ok => "OK",
            Self::Error => "ERROR",
            Self::InProgress => "IN_PROGRESS",
        }
    }
}

impl std::str::FromStr for TraceState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Unspecified, Self::Ok, Self::Error, Self::InProgress];
        let found = all.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| {
            format!("`{text}` is no state of a trace: expected `OK`, `ERROR` or `IN_PROGRESS`")
        })
    }
}

/// A trace without its spans.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Its id: `tr-` and 32 hex digits, or what its client made up.
    pub id: String,
    /// Its experiment.
    pub experiment: ExperimentId,
    /// When the request came.
    pub requested_at: Timestamp,
    /// How long it took, in milliseconds; nothing while it runs.
    pub duration_ms: Option<i64>,
    /// What became of it.
    pub state: TraceState,
    /// The client's own id of the request.
    pub client_request: Option<String>,
    /// The beginning of the request.
    pub request_preview: Option<String>,
    /// The beginning of the response.
    pub response_preview: Option<String>,
    /// Its tags, its name among them (`mlflow.traceName`).
    pub tags: BTreeMap<String, String>,
    /// What its client said of it for good.
    pub metadata: BTreeMap<String, String>,
    /// What was said of it later, oldest first.
    pub assessments: Vec<Assessment>,
}

impl Trace {
    /// Whether its spans are in this store; otherwise its client keeps them among its files.
    #[must_use]
    pub fn has_spans_here(&self) -> bool {
        self.tags
            .get(SPANS_TAG)
            .is_some_and(|place| place == SPANS_ARE_HERE)
    }
}

/// Which traces are to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSelection {
    /// Of which experiment.
    pub experiment: ExperimentId,
    /// Only those that came until then.
    pub until: Option<Timestamp>,
    /// Only so many, the oldest.
    pub limit: Option<i64>,
    /// Only these; without any, all.
    pub ids: Vec<String>,
}

/// What traces can be searched and ordered by, beside their tags, metadata, spans and assessments.
pub const TRACE_COLUMNS: [Column; 7] = [
    Column::text("request_id", "traces.id"),
    Column::number("timestamp_ms", "traces.requested_at"),
    Column::number("execution_time_ms", "traces.duration_ms"),
    Column::number(
        "end_time_ms",
        "(traces.requested_at + coalesce(traces.duration_ms, 0))",
    ),
    Column::text("status", "traces.state"),
    Column::text("client_request_id", "traces.client_request"),
    Column::number("experiment_id", "traces.experiment"),
];

const TABLES: Tables = Tables {
    select: "select id, experiment, requested_at, duration_ms, state, client_request, request_preview, response_preview from traces",
    order: "traces.requested_at desc, traces.id",
    metrics: None,
    params: None,
    tags: Some(Side::new("trace_tags", "s.trace = traces.id")),
    metadata: Some(Side::new("trace_metadata", "s.trace = traces.id")),
    datasets: None,
};

fn read(row: &Row<'_>) -> Result<Trace, Error> {
    let id: String = row.get(0)?;
    Ok(Trace {
        experiment: ExperimentId(row.get(1)?),
        requested_at: moment(row.get(2)?),
        duration_ms: row.get(3)?,
        state: parse(&row.get::<String>(4)?, "traces", "state", &id)?,
        client_request: row.get(5)?,
        request_preview: row.get(6)?,
        response_preview: row.get(7)?,
        tags: BTreeMap::new(),
        metadata: BTreeMap::new(),
        assessments: Vec::new(),
        id,
    })
}

impl Traces<'_> {
    /// Records what a trace was; what its spans have told before is replaced, and its tags stay.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such experiment, [`Error::Invalid`] if it is deleted.
    pub fn start(&self, trace: &Trace) -> Result<(), Error> {
        let location = self.location(trace.experiment, &trace.id)?;
        let sql = "insert into traces (id, experiment, requested_at, duration_ms, state, client_request, request_preview, response_preview, is_final) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, 1) on conflict (id) do update set experiment = excluded.experiment, \
             requested_at = excluded.requested_at, duration_ms = excluded.duration_ms, state = excluded.state, \
             client_request = excluded.client_request, request_preview = coalesce(excluded.request_preview, traces.request_preview), \
             response_preview = coalesce(excluded.response_preview, traces.response_preview), is_final = 1";
        self.0.execute(sql, &row(trace))?;
        self.set_tags(&trace.id, &trace.tags)?;
        self.set_tag_unchecked(&trace.id, LOCATION_TAG, &location)?;
        let sql = "insert into trace_metadata (trace, key, value) values ($1, $2, $3) \
             on conflict (trace, key) do update set value = excluded.value";
        self.0.insert_rows(sql, &rows(&trace.id, &trace.metadata))?;
        for assessment in &trace.assessments {
            self.put_assessment(assessment)?;
        }
        Ok(())
    }

    /// Where the files of a trace go.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such experiment, [`Error::Invalid`] if it is deleted.
    fn location(&self, experiment: ExperimentId, id: &str) -> Result<String, Error> {
        let found = Experiments(self.0).get(experiment)?;
        if found.lifecycle == Lifecycle::Deleted {
            return Err(Error::Invalid(format!(
                "The experiment {experiment} must be in the 'active' state. Current state is deleted."
            )));
        }
        let root = found.artifact_location;
        Ok(format!(
            "{}/traces/{id}/artifacts",
            root.trim_end_matches('/')
        ))
    }

    /// The trace of an id.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn get(&self, id: &str) -> Result<Trace, Error> {
        let found = self.list(&[id.to_owned()])?.pop();
        found.ok_or_else(|| Error::not_found("trace", id))
    }

    /// The traces of these ids, in their order; those that are not there are left out.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn list(&self, ids: &[String]) -> Result<Vec<Trace>, Error> {
        let among = self.0.dialect().texts_of("$1");
        let sql = format!("{} where id in ({among})", TABLES.select);
        let found = self.0.query(&sql, &values![to_json(&ids)], read)?;
        let mut by_id: BTreeMap<String, Trace> = found
            .into_iter()
            .map(|trace| (trace.id.clone(), trace))
            .collect();
        self.complete(ids.iter().filter_map(|id| by_id.remove(id)).collect())
    }

    /// A page of the traces of some experiments, latest first if no order says otherwise.
    ///
    /// # Errors
    ///
    /// Fails if the query asks for what traces do not have.
    pub fn search(&self, experiments: &[ExperimentId], query: &Query) -> Result<Vec<Trace>, Error> {
        let dialect = self.0.dialect();
        let (scope, bound) = match experiments {
            // The usual case: the index gives them in order.
            [one] => ("experiment = $1".to_owned(), Bind::bind(&one.0)),
            many => (
                format!("experiment in ({})", dialect.numbers_of("$1")),
                Value::text(to_json(&many)),
            ),
        };
        let bound = vec![bound];
        let page = Statement::page(dialect, &TABLES, &scope, bound, query)?;
        let found = self.0.query(&page.sql, &page.values, read);
        self.complete(found?)
    }

    /// Adds what is kept beside traces, in one query each.
    fn complete(&self, mut traces: Vec<Trace>) -> Result<Vec<Trace>, Error> {
        let ids: Vec<&String> = traces.iter().map(|trace| &trace.id).collect();
        let ids = to_json(&ids);
        let mut tags = self.pairs_of("trace_tags", &ids)?;
        let mut metadata = self.pairs_of("trace_metadata", &ids)?;
        let mut assessments = self.assessments_of(&ids)?;
        for trace in &mut traces {
            trace.tags = tags.remove(&trace.id).unwrap_or_default();
            trace.metadata = metadata.remove(&trace.id).unwrap_or_default();
            trace.assessments = assessments.remove(&trace.id).unwrap_or_default();
        }
        Ok(traces)
    }

    fn pairs_of(
        &self,
        table: &str,
        ids: &str,
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>, Error> {
        let among = self.0.dialect().texts_of("$1");
        let sql = format!("select trace, key, value from {table} where trace in ({among})");
        let mut by_trace: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        self.0.query(&sql, &values![ids], |row| {
            let pairs = by_trace.entry(row.get(0)?).or_default();
            pairs.insert(row.get(1)?, row.get(2)?);
            Ok(())
        })?;
        Ok(by_trace)
    }

    fn require(&self, id: &str) -> Result<(), Error> {
        let sql = "select count(*) from traces where id = $1";
        match self.0.value::<i64>(sql, &values![id])? {
            0 => Err(Error::not_found("trace", id)),
            _ => Ok(()),
        }
    }

    /// Sets a tag.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such trace.
    pub fn set_tag(&self, id: &str, key: &str, value: &str) -> Result<(), Error> {
        self.require(id)?;
        self.set_tag_unchecked(id, key, value)
    }

    fn set_tag_unchecked(&self, id: &str, key: &str, value: &str) -> Result<(), Error> {
        self.set_tags(id, &[(key.to_owned(), value.to_owned())].into())
    }

    fn set_tags(&self, id: &str, tags: &BTreeMap<String, String>) -> Result<(), Error> {
        let sql = "insert into trace_tags (trace, key, value) values ($1, $2, $3) \
             on conflict (trace, key) do update set value = excluded.value";
        self.0.insert_rows(sql, &rows(id, tags))?;
        Ok(())
    }

    /// Removes a tag.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such trace or tag.
    pub fn delete_tag(&self, id: &str, key: &str) -> Result<(), Error> {
        self.require(id)?;
        let sql = "delete from trace_tags where trace = $1 and key = $2";
        match self.0.execute(sql, &values![id, key])? {
            0 => Err(Error::not_found("trace tag", key)),
            _ => Ok(()),
        }
    }

    /// Deletes traces with all that belongs to them, and gives their ids with the places of their files.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn delete(&self, which: &TraceSelection) -> Result<Vec<(String, String)>, Error> {
        let dialect = self.0.dialect();
        let until = which.until.map_or(i64::MAX, Timestamp::as_millis);
        let limit = which.limit.unwrap_or(i64::MAX);
        let ids = to_json(&which.ids);
        let (condition, place, mut bound) = match which.ids.as_slice() {
            [] => (
                String::new(),
                "$4",
                values![LOCATION_TAG, which.experiment.0, until].to_vec(),
            ),
            _ => (
                format!(" and id in ({})", dialect.texts_of("$4")),
                "$5",
                values![LOCATION_TAG, which.experiment.0, until, ids].to_vec(),
            ),
        };
        bound.extend(values![limit]);
        let sql = format!(
            "select id, coalesce((select value from trace_tags where trace = traces.id and key = $1), '') from traces \
             where experiment = $2 and requested_at <= $3{condition} order by requested_at, id limit {place}"
        );
        let found: Vec<(String, String)> = self
            .0
            .query(&sql, &bound, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let ids: Vec<&String> = found.iter().map(|(id, _)| id).collect();
        for (table, column) in [("trace_runs", "trace"), ("traces", "id")] {
            let among = dialect.texts_of("$1");
            let sql = format!("delete from {table} where {column} in ({among})");
            self.0.execute(&sql, &values![to_json(&ids)])?;
        }
        Ok(found)
    }
}

fn row(trace: &Trace) -> [Value<'_>; 8] {
    values![
        trace.id,
        trace.experiment.0,
        trace.requested_at.as_millis(),
        trace.duration_ms,
        trace.state.as_str(),
        trace.client_request,
        trace.request_preview,
        trace.response_preview,
    ]
}

/// Rows of a trace's tags or metadata.
fn rows<'v>(id: &'v str, pairs: &'v BTreeMap<String, String>) -> Vec<Vec<Value<'v>>> {
    pairs
        .iter()
        .map(|(key, value)| values![id, key, value].to_vec())
        .collect()
}
