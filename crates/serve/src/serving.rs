//! A request from its rows to its predictions, whatever the protocol.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use everloop_domain::{Clock, ModelName};
use everloop_package::{Scorer as _, Signature};

use crate::log::Entry;
use crate::metrics::Metrics;
use crate::protocol::table::Table;
use crate::{Error, LogSettings, Models, PredictionLog, Served};

/// Requests with longer bodies are parsed and scored away from the threads that answer.
const LONG_BODY_BYTES: usize = 128 << 10;
/// The longest body that is taken.
const MAX_BODY_BYTES: usize = 64 << 20;

/// Tells apart the ids that several instances of one process make.
static N_INSTANCES: AtomicU64 = AtomicU64::new(0);

/// The state of the handlers. Clones share it.
#[derive(Clone)]
pub struct Serving {
    models: Models,
    clock: Arc<dyn Clock>,
    log: Option<Arc<PredictionLog>>,
    metrics: Arc<Metrics>,
    ids: Arc<Ids>,
    default_model: Option<ModelName>,
    key_column: Option<Arc<str>>,
    max_body_bytes: usize,
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving")
            .field("models", &self.models.names())
            .field("default_model", &self.default_model)
            .field("key_column", &self.key_column)
            .finish_non_exhaustive()
    }
}

impl Serving {
    /// Serves models without a log.
    #[must_use]
    pub fn new(models: Models, clock: Arc<dyn Clock>) -> Self {
        let instance = N_INSTANCES.fetch_add(1, Ordering::Relaxed);
        let prefix = format!(
            "{:x}-{:x}-{instance:x}",
            clock.now().as_millis(),
            std::process::id()
        );
        Self {
            models,
            clock,
            log: None,
            metrics: Arc::default(),
            ids: Arc::new(Ids {
                prefix,
                next: AtomicU64::new(0),
            }),
            default_model: None,
            key_column: None,
            max_body_bytes: MAX_BODY_BYTES,
        }
    }

    /// Serves with a prediction log in a directory, starting without models. `key_column` is the
    /// column whose value names a prediction, if requests carry it; `default_model` is the one that
    /// is asked when a request names none.
    ///
    /// # Errors
    ///
    /// Fails like [`PredictionLog::open`].
    pub fn logging(
        dir: &Path,
        clock: Arc<dyn Clock>,
        key_column: Option<String>,
        default_model: &ModelName,
    ) -> Result<Self, Error> {
        let log = PredictionLog::open(dir, &LogSettings::default())?;
        Ok(Self::new(Models::new(), clock)
            .with_log(log)
            .with_key_column(key_column)
            .with_default_model(default_model.clone()))
    }

    /// Logs predictions.
    #[must_use]
    pub fn with_log(mut self, log: PredictionLog) -> Self {
        self.log = Some(Arc::new(log));
        self
    }

    /// Names predictions by a column of the request.
    #[must_use]
    pub fn with_key_column(mut self, column: Option<String>) -> Self {
        self.key_column = column.map(Arc::from);
        self
    }

    /// Asks this model when a request names none. Without it, the only model is asked.
    #[must_use]
    pub fn with_default_model(mut self, name: ModelName) -> Self {
        self.default_model = Some(name);
        self
    }

    /// Refuses longer bodies; 64 MiB if not set.
    #[must_use]
    pub fn with_max_body_bytes(mut self, max_body_bytes: usize) -> Self {
        self.max_body_bytes = max_body_bytes;
        self
    }

    /// What is served.
    #[must_use]
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// The prediction log, if there is one.
    #[must_use]
    pub fn log(&self) -> Option<&PredictionLog> {
        self.log.as_deref()
    }

    /// Writes what the prediction log still holds in memory.
    ///
    /// # Errors
    ///
    /// Fails like [`PredictionLog::flush`].
    pub async fn flush(&self) -> Result<(), Error> {
        match &self.log {
            Some(log) => log.flush().await,
            None => Ok(()),
        }
    }

    /// Requests, latencies and the log in Prometheus' text format.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        self.metrics.text(self.log().map(PredictionLog::stats))
    }

    pub(crate) fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    /// The model that a request means.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<Arc<Served>, Error> {
        let no_model = |name: &str| Error::NoModel(name.to_owned());
        if let Some(text) = name {
            let name = text.parse().map_err(|_| no_model(text))?;
            return self.models.find(&name).ok_or_else(|| no_model(text));
        }
        if let Some(name) = &self.default_model {
            return self
                .models
                .find(name)
                .ok_or_else(|| no_model(name.as_str()));
        }
        let mut served = self.models.list();
        match (served.pop(), served.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(Error::NoDefaultModel(self.models.names())),
        }
    }

    /// Parses, scores, logs and counts a request of `body_bytes`.
    pub(crate) async fn predict<T: Send + 'static>(
        &self,
        served: Arc<Served>,
        request_id: Option<String>,
        body_bytes: usize,
        parse: impl FnOnce(&Signature) -> Result<Parsed<T>, Error> + Send + 'static,
    ) -> Result<Answer<T>, Error> {
        let serving = self.clone();
        let is_long = body_bytes > LONG_BODY_BYTES || served.engine.waits();
        let work = move || serving.work(&served, request_id, parse);
        if !is_long {
            return work();
        }
        let broken = Error::Broken("a request broke off");
        let worked = tokio::task::spawn_blocking(work).await;
        worked.unwrap_or(Err(broken))
    }

    fn work<T>(
        &self,
        served: &Arc<Served>,
        request_id: Option<String>,
        parse: impl FnOnce(&Signature) -> Result<Parsed<T>, Error>,
    ) -> Result<Answer<T>, Error> {
        let start = Instant::now();
        let mut ids = Vec::new();
        let mut inputs = None;
        let result = parse(&served.signature).and_then(|parsed| {
            let request_id = parsed.request_id.as_ref().or(request_id.as_ref());
            ids = self.ids.of_rows(
                &parsed.table,
                self.key_column.as_deref(),
                request_id.map(String::as_str),
            );
            let predictions = score(served, &parsed.table, &mut inputs)?;
            Ok((predictions, parsed.extra))
        });
        if ids.is_empty() && result.is_err() {
            ids.push(request_id.unwrap_or_else(|| self.ids.make()));
        }
        let outcome = Outcome {
            ids,
            inputs,
            latency: start.elapsed(),
        };
        self.record(served, outcome, result)
    }

    fn record<T>(
        &self,
        served: &Arc<Served>,
        outcome: Outcome,
        result: Result<(RecordBatch, T), Error>,
    ) -> Result<Answer<T>, Error> {
        let Outcome {
            ids,
            inputs,
            latency,
        } = outcome;
        let status = match &result {
            Ok(_) => "ok",
            Err(error) => error.kind().as_str(),
        };
        self.metrics
            .count(served.name.as_str(), status, ids.len(), latency);
        if let Some(log) = &self.log
            && !ids.is_empty()
        {
            log.append(Entry {
                model: served.name.clone(),
                version: served.version,
                digest: served.digest,
                signature: Arc::clone(&served.signature),
                time: self.clock.now(),
                latency_us: i64::try_from(latency.as_micros()).unwrap_or(i64::MAX),
                status,
                ids: ids.clone(),
                inputs: inputs.and_then(|rows| served.signature.kept(&rows).ok()),
                outputs: result
                    .as_ref()
                    .ok()
                    .map(|(predictions, _)| predictions.clone()),
            });
        }
        let (predictions, extra) = result?;
        Ok(Answer {
            served: Arc::clone(served),
            predictions,
            ids,
            extra,
        })
    }
}

/// A request that was understood.
pub(crate) struct Parsed<T> {
    pub(crate) table: Table,
    /// The id that the body gives the request.
    pub(crate) request_id: Option<String>,
    /// What the protocol needs for its answer.
    pub(crate) extra: T,
}

/// A request that was answered.
pub(crate) struct Answer<T> {
    pub(crate) served: Arc<Served>,
    pub(crate) predictions: RecordBatch,
    /// An id per row.
    pub(crate) ids: Vec<String>,
    pub(crate) extra: T,
}

struct Outcome {
    ids: Vec<String>,
    inputs: Option<RecordBatch>,
    latency: Duration,
}

fn score(
    served: &Served,
    table: &Table,
    inputs: &mut Option<RecordBatch>,
) -> Result<RecordBatch, Error> {
    if table.n_rows == 0 {
        return Ok(RecordBatch::new_empty(served.signature.output_schema()));
    }
    let rows = served.engine.conform(&table.rows(&served.signature)?)?;
    let rows = inputs.insert(rows);
    let predictions = served.engine.score(rows)?;
    if predictions.num_rows() == rows.num_rows() {
        return Ok(predictions);
    }
    let problem = format!(
        "the model gave {} predictions for {} rows",
        predictions.num_rows(),
        rows.num_rows()
    );
    Err(everloop_package::Error::Run(problem).into())
}

/// Makes ids that no other request has: by the time of the start, the process and a count.
struct Ids {
    prefix: String,
    next: AtomicU64,
}

impl Ids {
    fn make(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number:x}", self.prefix)
    }

    /// The id of each row: its key, or the request's id and the row's number.
    fn of_rows(&self, table: &Table, key: Option<&str>, request_id: Option<&str>) -> Vec<String> {
        let keys = key.and_then(|key| table.keys(key));
        let has_all = keys
            .as_ref()
            .is_some_and(|keys| keys.iter().all(Option::is_some));
        let base = match request_id {
            Some(id) => id.to_owned(),
            None if has_all => String::new(),
            None => self.make(),
        };
        let key = |row: usize| keys.as_ref().and_then(|keys| keys.get(row)?.clone());
        let made = |row: usize| match table.n_rows {
            1 => base.clone(),
            _ => format!("{base}-{row}"),
        };
        (0..table.n_rows)
            .map(|row| key(row).unwrap_or_else(|| made(row)))
            .collect()
    }
}
