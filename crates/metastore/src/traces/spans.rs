//! Spans: the steps that a request went through.

use std::collections::BTreeMap;

use everloop_domain::ExperimentId;

use super::{LOCATION_TAG, SPANS_ARE_HERE, SPANS_TAG, TraceState, Traces, rows};
use crate::Error;
use crate::search::Column;
use crate::session::values;
use crate::values::{json, to_json};

/// A span.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The id of its trace.
    pub trace: String,
    /// Its id, of use in its trace only: 16 hex digits.
    pub id: String,
    /// The id of the span that it is part of; the root has none.
    pub parent: Option<String>,
    /// Its name.
    pub name: String,
    /// What kind of step it was: `LLM`, `TOOL` …
    pub kind: Option<String>,
    /// `OK`, `ERROR` or `UNSET`.
    pub status: String,
    /// When it began, in nanoseconds since 1970.
    pub start_ns: i64,
    /// When it ended, in nanoseconds since 1970.
    pub end_ns: Option<i64>,
    /// What is known of it beside: an object, whose field `attributes` is an object that searches look into.
    pub content: serde_json::Value,
}

/// Spans of one trace that arrived together, and what they tell of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrival {
    /// The id of the trace.
    pub trace: String,
    /// The spans.
    pub spans: Vec<Span>,
    /// What became of the request, if the root is among the spans.
    pub state: Option<TraceState>,
    /// The beginning of the request, if the root tells it.
    pub request_preview: Option<String>,
    /// The beginning of the response, if the root tells it.
    pub response_preview: Option<String>,
    /// Tags to set.
    pub tags: BTreeMap<String, String>,
    /// Metadata to add; what is there stays.
    pub metadata: BTreeMap<String, String>,
}

/// What spans can be searched by, beside their attributes.
pub const SPAN_COLUMNS: [Column; 4] = [
    Column::text("name", "s.name"),
    Column::text("type", "s.kind"),
    Column::text("status", "s.status"),
    Column::text("content", "s.content"),
];

const NANOS_IN_MILLI: i64 = 1_000_000;

/// What is known of a trace before spans arrive.
struct Known {
    start: i64,
    duration: Option<i64>,
    state: String,
    is_final: bool,
}

impl Traces<'_> {
    /// Keeps spans; one that is there already is replaced. A trace that is not there yet is made in the experiment.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such experiment, [`Error::Invalid`] if it is deleted.
    pub fn log(&self, experiment: ExperimentId, arrival: &Arrival) -> Result<(), Error> {
        let Some(start) = arrival.spans.iter().map(|span| span.start_ns).min() else {
            return Ok(());
        };
        let start = start / NANOS_IN_MILLI;
        let end = arrival.spans.iter().filter_map(|span| span.end_ns).max();
        let end = end.map(|end| end / NANOS_IN_MILLI);
        match self.known(&arrival.trace)? {
            None => self.make(experiment, arrival, start, end)?,
            Some(known) => self.amend(arrival, &known, start, end)?,
        }
        self.insert_spans(&arrival.spans)?;
        self.set_tags(&arrival.trace, &arrival.tags)?;
        self.set_tag_unchecked(&arrival.trace, SPANS_TAG, SPANS_ARE_HERE)?;
        let sql = "insert into trace_metadata (trace, key, value) values ($1, $2, $3) on conflict do nothing";
        self.0
            .insert_rows(sql, &rows(&arrival.trace, &arrival.metadata))?;
        Ok(())
    }

    fn known(&self, id: &str) -> Result<Option<Known>, Error> {
        let sql = "select requested_at, duration_ms, state, is_final from traces where id = $1";
        self.0.find(sql, &values![id], |row| {
            Ok(Known {
                start: row.get(0)?,
                duration: row.get(1)?,
                state: row.get(2)?,
                is_final: row.get(3)?,
            })
        })
    }

    fn make(
        &self,
        experiment: ExperimentId,
        arrival: &Arrival,
        start: i64,
        end: Option<i64>,
    ) -> Result<(), Error> {
        let location = self.location(experiment, &arrival.trace)?;
        let state = arrival.state.unwrap_or(TraceState::InProgress);
        let duration = end.map(|end| end.saturating_sub(start));
        let sql = "insert into traces (id, experiment, requested_at, duration_ms, state, request_preview, response_preview) \
             values ($1, $2, $3, $4, $5, $6, $7)";
        self.0.execute(
            sql,
            &values![
                arrival.trace,
                experiment.0,
                start,
                duration,
                state.as_str(),
                arrival.request_preview,
                arrival.response_preview
            ],
        )?;
        self.set_tag_unchecked(&arrival.trace, LOCATION_TAG, &location)
    }

    /// Times and state come from the client where it has told them.
    fn amend(
        &self,
        arrival: &Arrival,
        known: &Known,
        start: i64,
        end: Option<i64>,
    ) -> Result<(), Error> {
        let known_end = known.duration.map(|duration| known.start + duration);
        let (first, last) = (start.min(known.start), end.max(known_end));
        let (start, duration) = if known.is_final {
            (known.start, known.duration)
        } else {
            (first, last.map(|last| last.saturating_sub(first)))
        };
        let is_open = [TraceState::InProgress, TraceState::Unspecified]
            .iter()
            .any(|state| state.as_str() == known.state);
        let state = match arrival.state {
            Some(state) if is_open => state.as_str(),
            _ => &known.state,
        };
        let sql = "update traces set requested_at = $1, duration_ms = $2, state = $3, \
             request_preview = coalesce(request_preview, $4), response_preview = coalesce(response_preview, $5) where id = $6";
        self.0.execute(
            sql,
            &values![
                start,
                duration,
                state,
                arrival.request_preview,
                arrival.response_preview,
                arrival.trace
            ],
        )?;
        Ok(())
    }

    fn insert_spans(&self, spans: &[Span]) -> Result<(), Error> {
        // The last of an id counts; rows of one statement must not meet each other.
        let last: BTreeMap<&str, &Span> =
            spans.iter().map(|span| (span.id.as_str(), span)).collect();
        let sql = "insert into spans (trace, id, parent, name, kind, status, start_ns, end_ns, content) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (trace, id) do update set parent = excluded.parent, \
             name = excluded.name, kind = excluded.kind, status = excluded.status, start_ns = excluded.start_ns, \
             end_ns = excluded.end_ns, content = excluded.content";
        let rows: Vec<_> = last
            .values()
            .map(|span| {
                values![
                    span.trace,
                    span.id,
                    span.parent,
                    span.name,
                    span.kind,
                    span.status,
                    span.start_ns,
                    span.end_ns,
                    crate::session::Value::text(to_json(&span.content)),
                ]
                .to_vec()
            })
            .collect();
        self.0.insert_rows(sql, &rows)?;
        Ok(())
    }

    /// The spans of these traces, by trace: roots first, then in the order in which they began.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn spans(&self, ids: &[String]) -> Result<BTreeMap<String, Vec<Span>>, Error> {
        let among = self.0.dialect().texts_of("$1");
        let sql = format!(
            "select trace, id, parent, name, kind, status, start_ns, end_ns, content from spans where trace in ({among}) \
             order by case when parent is null then 0 else 1 end, start_ns, id"
        );
        let mut by_trace: BTreeMap<String, Vec<Span>> = BTreeMap::new();
        self.0.query(&sql, &values![to_json(&ids)], |row| {
            let id: String = row.get(1)?;
            let span = Span {
                trace: row.get(0)?,
                parent: row.get(2)?,
                name: row.get(3)?,
                kind: row.get(4)?,
                status: row.get(5)?,
                start_ns: row.get(6)?,
                end_ns: row.get(7)?,
                content: json(&row.get::<String>(8)?, "spans", "content", &id)?,
                id,
            };
            by_trace.entry(span.trace.clone()).or_default().push(span);
            Ok(())
        })?;
        Ok(by_trace)
    }
}
