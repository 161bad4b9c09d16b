//! Signals: scores of a window, compared with a reference.

use std::collections::HashMap;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt32Array,
};
use arrow::compute::take_record_batch;
use arrow::datatypes::DataType;
use everloop_data::read_parquet;
use everloop_domain::{ModelName, Timestamp, Value, VersionNumber};
use everloop_engine::{Runner, Scored};
use everloop_lifecycle::Columns;
use everloop_measure::{ColumnDrift, Metric, drift, judge};
use everloop_metastore::{Metastore, ModelVersion, Signal};
use serde_json::json;

use crate::Error;
use crate::log::VersionLog;

/// What the signals of a version are about.
pub(crate) struct Subject<'a> {
    pub(crate) runner: &'a Runner,
    pub(crate) model: ModelName,
    pub(crate) version: VersionNumber,
    pub(crate) log: &'a VersionLog,
}

type Span = (Timestamp, Timestamp);

/// The signals of a version that were kept by earlier looks.
pub(crate) struct Kept {
    /// The end of the last window that was looked at.
    pub(crate) seen_until: Option<Timestamp>,
    /// How many windows were looked at.
    pub(crate) n_looks: u64,
    values: HashMap<(String, Timestamp), Option<f64>>,
}

impl Kept {
    pub(crate) async fn read(metastore: &Metastore, version: &ModelVersion) -> Result<Self, Error> {
        let (model, number) = (version.name.clone(), version.version);
        let all = metastore
            .read(move |tx| tx.signals().list(&model, usize::MAX >> 1))
            .await?;
        let own = || all.iter().filter(|signal| signal.version == number);
        let looks = || own().filter(|signal| signal.name == "n_rows");
        Ok(Self {
            seen_until: looks().map(|signal| signal.window_end).max(),
            n_looks: looks().count() as u64,
            values: own()
                .map(|signal| ((signal.name.clone(), signal.window_end), signal.value))
                .collect(),
        })
    }

    /// Whether a signal says what was not known of its window.
    pub(crate) fn is_news(&self, signal: &Signal) -> bool {
        let value = signal.value.filter(|value| !value.is_nan());
        self.values.get(&(signal.name.clone(), signal.window_end)) != Some(&value)
    }
}

impl Subject<'_> {
    fn signal(&self, name: &str, kind: &str, window: Span, value: f64) -> Signal {
        Signal {
            model: self.model.clone(),
            version: self.version,
            name: name.to_owned(),
            kind: kind.to_owned(),
            window_start: window.0,
            window_end: window.1,
            value: Some(value),
            threshold: None,
            verdict: "ok".to_owned(),
            details: json!({}),
        }
    }

    /// How many rows, how many failures, how long they took.
    pub(crate) fn service(&self, window: Span) -> Vec<Signal> {
        let rows = self.log.between(window);
        let n_failed = self.log.n_failed(window);
        let n_rows = rows.len();
        let mut latencies: Vec<f64> = self
            .log
            .latencies_ms
            .get(rows)
            .map(<[f64]>::to_vec)
            .unwrap_or_default();
        latencies.sort_by(f64::total_cmp);
        let percentile = |percent: usize| {
            latencies
                .get(latencies.len().saturating_sub(1) * percent / 100)
                .copied()
        };
        let mut signals = vec![
            self.signal("n_rows", "service", window, n_rows as f64),
            self.signal(
                "error_rate",
                "service",
                window,
                n_failed as f64 / (n_rows + n_failed).max(1) as f64,
            ),
        ];
        for (name, percent) in [("p50_ms", 50), ("p99_ms", 99)] {
            signals.extend(
                percentile(percent).map(|value| self.signal(name, "service", window, value)),
            );
        }
        signals
    }

    /// Drift of each input and of the predictions against the reference of the version, and `drift` for all of them;
    /// nothing of a window in which every request failed.
    pub(crate) fn drift(&self, window: Span, look: u64) -> Result<Vec<Signal>, Error> {
        if self.log.between(window).is_empty() {
            return Ok(Vec::new());
        }
        let path = self
            .runner
            .project()
            .reference_path(&self.model, self.version);
        let reference = read_parquet(&path)?;
        let rows = self.rows(window);
        let spec = &self.runner.lifecycle().monitor.drift;
        let mut names = Vec::new();
        let mut drifts: Vec<ColumnDrift> = Vec::new();
        for (field, column) in reference.schema().fields().iter().zip(reference.columns()) {
            let is_wanted = match &spec.columns {
                Columns::All => true,
                Columns::Some(wanted) => {
                    wanted.contains(field.name()) || field.name().starts_with('_')
                }
            };
            // The class alone says less than its probability.
            let is_doubled =
                field.name() == "_prediction" && reference.column_by_name("_probability").is_some();
            // Time goes on: that tells nothing.
            let is_moment = matches!(field.data_type(), DataType::Timestamp(..));
            let Some(now) = rows
                .column_by_name(field.name())
                .filter(|_| is_wanted && !is_doubled && !is_moment)
            else {
                continue;
            };
            let Ok(now) = arrow::compute::cast(now, column.data_type()) else {
                continue;
            };
            names.push(field.name().clone());
            drifts.push(drift(column, &now)?);
        }
        let judgements = judge(&drifts, spec.false_alarm_rate, spec.min_effect, look);
        let mut signals = Vec::new();
        let mut drifted = Vec::new();
        for ((name, found), judgement) in names.iter().zip(&drifts).zip(judgements) {
            let mut signal = self.signal(&format!("drift:{name}"), "drift", window, found.effect);
            signal.threshold = Some(judgement.min_effect);
            signal.details = json!({
                "statistic": found.statistic, "value": found.value, "p_value": found.p_value,
                "p_threshold": judgement.p_threshold, "look": look,
            });
            if judgement.drifted {
                "alarm".clone_into(&mut signal.verdict);
                drifted.push(name.clone());
            }
            signals.push(signal);
        }
        let mut all = self.signal(
            "drift",
            "drift",
            window,
            f64::from(u8::from(!drifted.is_empty())),
        );
        if !drifted.is_empty() {
            "alarm".clone_into(&mut all.verdict);
        }
        all.details = json!({"columns": drifted});
        signals.push(all);
        Ok(signals)
    }

    /// The metrics of the lifecycle file on the rows whose label has arrived.
    pub(crate) fn quality(
        &self,
        window: Span,
        labels: &HashMap<String, Value>,
    ) -> Result<Vec<Signal>, Error> {
        let range = self.log.between(window);
        let labelled: Vec<(u32, &Value)> = range
            .filter_map(|row| Some((row as u32, labels.get(&self.log.ids[row])?)))
            .collect();
        if labelled.is_empty() {
            return Ok(Vec::new());
        }
        let rows = take_record_batch(
            &self.log.answered,
            &UInt32Array::from_iter_values(labelled.iter().map(|(row, _)| *row)),
        )?;
        let truth = column(&labelled.iter().map(|(_, value)| *value).collect::<Vec<_>>());
        let classes: Vec<Value> = Vec::new();
        let scored = Scored::new(
            self.runner.lifecycle().train.task,
            &truth,
            &predictions(&rows)?,
            &classes,
        )?;
        let metrics = &self.runner.lifecycle().evaluate.metrics;
        let mut signals = vec![self.signal("n_labels", "quality", window, labelled.len() as f64)];
        for name in metrics {
            let Some(metric) = Metric::parse(name) else {
                continue;
            };
            match everloop_measure::score(metric, &scored.outcomes()) {
                Ok(value) => signals.push(self.signal(name, "quality", window, value)),
                Err(problem) => {
                    let mut signal = self.signal(name, "quality", window, f64::NAN);
                    "unknown".clone_into(&mut signal.verdict);
                    signal.details = json!({"why": problem.to_string()});
                    signals.push(signal);
                }
            }
        }
        Ok(signals)
    }

    fn rows(&self, window: Span) -> RecordBatch {
        let range = self.log.between(window);
        self.log.answered.slice(range.start, range.len())
    }
}

/// The columns of the log that the model gave, under the model's names.
fn predictions(rows: &RecordBatch) -> Result<RecordBatch, Error> {
    let schema = rows.schema();
    let named = schema
        .fields()
        .iter()
        .zip(rows.columns())
        .filter_map(|(field, column)| {
            let name = field.name().strip_prefix('_')?;
            (name == "prediction" || name == "score" || name.starts_with("probability"))
                .then(|| (name.to_owned(), column.clone()))
        });
    Ok(RecordBatch::try_from_iter(named)?)
}

/// Labels as a column of the type that holds them all.
fn column(labels: &[&Value]) -> ArrayRef {
    use std::sync::Arc;
    if labels
        .iter()
        .all(|label| matches!(label, Value::Integer(_)))
    {
        return Arc::new(
            labels
                .iter()
                .map(|label| label.as_f64().map(|value| value as i64))
                .collect::<Int64Array>(),
        );
    }
    if labels
        .iter()
        .all(|label| matches!(label, Value::Boolean(_)))
    {
        return Arc::new(
            labels
                .iter()
                .map(|label| Some(**label == Value::Boolean(true)))
                .collect::<BooleanArray>(),
        );
    }
    if labels.iter().all(|label| label.as_f64().is_some()) {
        return Arc::new(
            labels
                .iter()
                .map(|label| label.as_f64())
                .collect::<Float64Array>(),
        );
    }
    Arc::new(
        labels
            .iter()
            .map(|label| Some(label.to_string()))
            .collect::<StringArray>(),
    )
}
