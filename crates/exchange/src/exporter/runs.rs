//! Runs and logged models of a file store.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use everloop_domain::{Digest, RunId, RunStatus, Timestamp};
use everloop_metastore::{
    DatasetInput, Experiment, LoggedModel, Metric, ModelMetric, Output, RunInfo,
};

use super::yaml::Meta;
use super::{Export, place_of};
use crate::Error;

/// The kind of source that MLflow writes for a run of its own.
const LOCAL: i64 = 4;

impl Export<'_> {
    pub(super) async fn run(&mut self, experiment: &Experiment, id: &RunId) -> Result<(), Error> {
        let wanted = id.clone();
        let whole = self
            .metastore()
            .read(move |tx| tx.exports().run(&wanted))
            .await?;
        let (run, what) = (whole.run, format!("run `{id}`"));
        let dir = format!("{}/{id}", place_of(experiment));
        // MLflow takes a directory without these for something else.
        for needed in ["metrics", "params", "artifacts"] {
            self.target.make_dir(&format!("{dir}/{needed}"))?;
        }
        let (old, uri) = (
            &run.info.artifact_uri,
            format!("{}/{id}/artifacts", experiment.id),
        );
        let uri = self
            .take(old, &format!("{dir}/artifacts"), &uri, &what)
            .await?;
        // So that versions find it by its id, too.
        self.moved.insert(format!("runs:/{id}"), uri.clone());
        let meta = run_meta(&run.info, &uri, whole.deleted_at);
        self.target.write(&format!("{dir}/meta.yaml"), &meta)?;
        self.texts(&what, "parameter", &format!("{dir}/params"), &run.params)?;
        self.texts(&what, "tag", &format!("{dir}/tags"), &run.tags)?;
        let n_points = whole.points.len() as u64;
        let mut lines: BTreeMap<String, String> = BTreeMap::new();
        for point in &whole.points {
            let text = lines.entry(point.key.clone()).or_default();
            let _ = writeln!(text, "{}", line(point));
        }
        self.texts(&what, "metric", &format!("{dir}/metrics"), &lines)?;
        for input in &run.datasets {
            self.dataset(experiment, &dir, input)?;
        }
        self.ties(&what, &dir, &run.model_inputs, &run.outputs)?;
        self.report.n_points += n_points;
        self.report.runs.add(true);
        Ok(())
    }

    /// A dataset of the experiment, and that the run read it.
    fn dataset(
        &mut self,
        experiment: &Experiment,
        run: &str,
        input: &DatasetInput,
    ) -> Result<(), Error> {
        let dataset = &input.dataset;
        let id = name_of(&[&dataset.name, &dataset.digest]);
        let meta = Meta::default()
            .text("digest", &dataset.digest)
            .text("name", &dataset.name)
            .maybe_text("profile", dataset.profile.as_deref())
            .maybe_text("schema", dataset.schema.as_deref())
            .text("source", &dataset.source)
            .text("source_type", &dataset.source_type);
        let place = place_of(experiment);
        self.target
            .write(&format!("{place}/datasets/{id}/meta.yaml"), &meta.finish())?;
        let tags = input.tags.iter();
        let tags: Vec<(&str, &str)> = tags.map(|(key, value)| (&**key, &**value)).collect();
        let meta = Meta::default()
            .text("destination_id", &id)
            .text("destination_type", "RUN")
            .text("source_id", &id)
            .text("source_type", "DATASET")
            .texts("tags", tags);
        let name = name_of(&[&id, run, input.context()]);
        self.target
            .write(&format!("{run}/inputs/{name}/meta.yaml"), &meta.finish())
    }

    /// What ties a run to the models that it read and made.
    fn ties(
        &mut self,
        what: &str,
        run: &str,
        inputs: &[String],
        outputs: &[Output],
    ) -> Result<(), Error> {
        for model in inputs {
            let meta = Meta::default()
                .text("destination_id", model)
                .text("destination_type", "RUN")
                .text("source_id", model)
                .text("source_type", "MODEL")
                .texts("tags", []);
            let name = name_of(&[model, run]);
            self.target
                .write(&format!("{run}/inputs/{name}/meta.yaml"), &meta.finish())?;
        }
        for Output { model_id, step } in outputs {
            if !self.can_be_named(&format!("output `{model_id}` of {what}"), model_id) {
                continue;
            }
            let meta = Meta::default()
                .text("destination_id", model_id)
                .text("destination_type", "MODEL_OUTPUT")
                .text("source_id", model_id)
                .text("source_type", "RUN_OUTPUT")
                .number("step", *step)
                .texts("tags", []);
            self.target.write(
                &format!("{run}/outputs/{model_id}/meta.yaml"),
                &meta.finish(),
            )?;
        }
        Ok(())
    }

    pub(super) async fn logged_models(&mut self, experiment: &Experiment) -> Result<(), Error> {
        let id = experiment.id;
        let (models, n_deleted) = self
            .metastore()
            .read(move |tx| tx.exports().logged_models(id))
            .await?;
        for model in &models {
            self.logged_model(experiment, model).await?;
        }
        if n_deleted > 0 {
            let s = if n_deleted == 1 { "" } else { "s" };
            let what = format!(
                "{n_deleted} logged model{s} of experiment `{}`",
                experiment.name
            );
            let why = "deleted ones cannot be restored and stay behind";
            self.report.remark(what, why);
        }
        Ok(())
    }

    /// Tells of the traces of an experiment, which stay behind.
    pub(super) async fn traces(&mut self, experiment: &Experiment) -> Result<(), Error> {
        let id = experiment.id;
        let n_traces = self
            .metastore()
            .read(move |tx| tx.exports().n_traces(id))
            .await?;
        if n_traces > 0 {
            let s = if n_traces == 1 { "" } else { "s" };
            let what = format!("{n_traces} trace{s} of experiment `{}`", experiment.name);
            self.report.remark(what, "traces are not exported");
        }
        Ok(())
    }

    async fn logged_model(
        &mut self,
        experiment: &Experiment,
        model: &LoggedModel,
    ) -> Result<(), Error> {
        let (id, what) = (&model.id, format!("logged model `{}`", model.id));
        if !self.can_be_named(&what, id) {
            return Ok(());
        }
        let dir = format!("{}/models/{id}", place_of(experiment));
        let (old, uri) = (
            &model.artifact_location,
            format!("{}/models/{id}/artifacts", experiment.id),
        );
        let uri = self
            .take(old, &format!("{dir}/artifacts"), &uri, &what)
            .await?;
        // So that versions find it by its id, too.
        self.moved.insert(format!("models:/{id}"), uri.clone());
        let meta = Meta::default()
            .text("artifact_location", &uri)
            .number("creation_timestamp", model.created_at.as_millis())
            .text("experiment_id", &experiment.id.to_string())
            .number("last_updated_timestamp", model.updated_at.as_millis())
            .text("lifecycle_stage", "active")
            .text("model_id", id)
            .maybe_text("model_type", model.model_type.as_deref())
            .text("name", &model.name)
            .maybe_text("source_run_id", model.source_run.as_deref())
            .number("status", LoggedModel::number_of(&model.status))
            .maybe_text("status_message", model.status_message.as_deref());
        self.target
            .write(&format!("{dir}/meta.yaml"), &meta.finish())?;
        self.texts(&what, "parameter", &format!("{dir}/params"), &model.params)?;
        self.texts(&what, "tag", &format!("{dir}/tags"), &model.tags)?;
        self.model_metrics(&what, &dir, &model.metrics)?;
        self.report.logged_models.add(true);
        Ok(())
    }

    fn model_metrics(
        &mut self,
        what: &str,
        dir: &str,
        metrics: &[ModelMetric],
    ) -> Result<(), Error> {
        let mut lines: BTreeMap<String, String> = BTreeMap::new();
        for found in metrics {
            let text = lines.entry(found.metric.key.clone()).or_default();
            let _ = write!(text, "{} {}", line(&found.metric), found.run);
            let (name, digest) = (&found.dataset_name, &found.dataset_digest);
            let is_word = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
            if is_word(name) && is_word(digest) {
                let _ = write!(text, " {name} {digest}");
            } else if !name.is_empty() {
                let metric = format!(
                    "dataset `{name}` of metric `{}` of {what}",
                    found.metric.key
                );
                let why = "a file store keeps name and digest as words of a line, without blanks";
                self.report.problem(metric, why);
            }
            text.push('\n');
        }
        self.texts(what, "metric", &format!("{dir}/metrics"), &lines)
    }
}

fn run_meta(info: &RunInfo, uri: &str, deleted_at: Option<Timestamp>) -> String {
    let meta = Meta::default()
        .text("artifact_uri", uri)
        .maybe_number("deleted_time", deleted_at.map(Timestamp::as_millis))
        .maybe_number("end_time", info.end_time.map(Timestamp::as_millis))
        .text("entry_point_name", "")
        .text("experiment_id", &info.experiment.to_string())
        .text("lifecycle_stage", info.lifecycle.as_str())
        .text("run_id", info.id.as_str())
        .text("run_name", &info.name)
        .text("source_name", "")
        .number("source_type", LOCAL)
        .text("source_version", "")
        .number("start_time", info.start_time.as_millis())
        .number("status", number_of(info.status))
        .text("user_id", &info.user);
    meta.finish()
}

/// MLflow's numbers of statuses.
fn number_of(status: RunStatus) -> i64 {
    match status {
        RunStatus::Running => 1,
        RunStatus::Scheduled => 2,
        RunStatus::Finished => 3,
        RunStatus::Failed => 4,
        RunStatus::Killed => 5,
    }
}

/// The line of a point, without its end.
fn line(point: &Metric) -> String {
    let (at, value, step) = (point.timestamp.as_millis(), point.value, point.step);
    if value.is_nan() {
        return format!("{at} nan {step}");
    }
    format!("{at} {value:?} {step}")
}

/// A name of a directory for what these words tell.
fn name_of(words: &[&str]) -> String {
    let mut name = Digest::of(words.join("\n")).hex();
    name.truncate(32);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, expected: &str) {
        let point = Metric {
            key: "m".to_owned(),
            value,
            timestamp: Timestamp::from_millis(5),
            step: -1,
        };
        assert_eq!(line(&point), format!("5 {expected} -1"));
    }

    #[test]
    fn lines_are_those_that_python_reads() {
        check(f64::NAN, "nan");
        check(f64::NEG_INFINITY, "-inf");
        check(0.1 + 0.2, "0.30000000000000004");
        check(1e-300, "1e-300");
        check(-0.0, "-0.0");
    }

    #[test]
    fn names_of_directories_differ() {
        assert_eq!(name_of(&["d", "1"]).len(), 32);
        assert_ne!(name_of(&["d", "1"]), name_of(&["d", "2"]));
    }
}
