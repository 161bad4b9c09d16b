//! A running server that speaks MLflow's REST API: MLflow's own, ours, or another.

mod artifacts;
mod http;
mod wire;

use std::collections::BTreeMap;

use everloop_domain::{ExperimentId, VersionNumber};
use everloop_metastore::{
    Experiment, FoundVersion, LoggedModel, Metric, RegisteredModel, WholeModel, WholeRun,
};
use serde_json::{Value, json};

use self::http::Http;
pub use self::http::Login;
use crate::Error;
use crate::source::Listed;

/// How many things are asked for at once.
const PAGE: u32 = 500;
/// How many logged models, which come with their metrics.
const MODELS_PAGE: u32 = 50;
/// How many points of a metric; MLflow gives no more.
const POINTS_PAGE: u32 = 25_000;
/// The tag that makes a registered model a prompt; searches leave prompts out unless they name it.
const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";

/// A server.
#[derive(Debug)]
pub struct Server {
    http: Http,
}

impl Server {
    /// Names a server by its address; nothing is asked yet.
    pub(crate) fn open(url: &str, login: Login) -> Result<Self, Error> {
        let http = Http::new(url, login)?;
        Ok(Self { http })
    }

    pub(crate) async fn experiments(&self) -> Result<Vec<Result<Experiment, Error>>, Error> {
        let request = json!({"max_results": PAGE, "view_type": "ALL"});
        let read = |one| self.read::<wire::Experiment>(one)?.into_plain();
        let found = self
            .pages("experiments/search", request, "experiments", read)
            .await;
        found.map_err(|error| match error {
            Error::Nonsense { .. }
            | Error::Refused {
                status: 404 | 405, ..
            } => self.http.is_no_source(),
            other => other,
        })
    }

    pub(crate) async fn runs(&self, experiment: ExperimentId) -> Result<Vec<Listed>, Error> {
        let request = json!({
            "experiment_ids": [experiment.to_string()], "run_view_type": "ALL", "max_results": PAGE,
            "order_by": ["attributes.start_time ASC"],
        });
        let read = |run| {
            let run: wire::Run = self.read(run)?;
            Ok((run.info.run_id, run.info.artifact_uri))
        };
        let listed = self.pages("runs/search", request, "runs", read).await?;
        listed.into_iter().collect()
    }

    pub(crate) async fn run(&self, experiment: ExperimentId, id: &str) -> Result<WholeRun, Error> {
        let mut answer = self.http.get("runs/get", &[("run_id", id)]).await?;
        let found: wire::Run = self.read(member(&mut answer, "run"))?;
        let mut points = Vec::new();
        for latest in &found.data.metrics {
            points.extend(self.history(id, &latest.key).await?);
        }
        Ok(WholeRun {
            run: found.into_plain(experiment)?,
            points,
            // Servers do not tell.
            deleted_at: None,
        })
    }

    async fn history(&self, run: &str, key: &str) -> Result<Vec<Metric>, Error> {
        let (page, mut token) = (POINTS_PAGE.to_string(), String::new());
        let mut points = Vec::new();
        loop {
            let mut query = vec![("run_id", run), ("metric_key", key), ("max_results", &page)];
            if !token.is_empty() {
                query.push(("page_token", &token));
            }
            let mut answer = self.http.get("metrics/get-history", &query).await?;
            for point in list(&mut answer, "metrics") {
                points.push(self.read::<wire::Metric>(point)?.into_plain());
            }
            match self.next(&answer, &token)? {
                Some(next) => token = next,
                None => return Ok(points),
            }
        }
    }

    pub(crate) async fn logged_models(
        &self,
        experiment: ExperimentId,
    ) -> Result<Vec<Result<LoggedModel, Error>>, Error> {
        let request =
            json!({"experiment_ids": [experiment.to_string()], "max_results": MODELS_PAGE});
        let read = |model| {
            let model: wire::LoggedModel = self.read(model)?;
            model.into_plain(experiment)
        };
        let path = "logged-models/search";
        match self.pages(path, request, "models", read).await {
            // Servers before MLflow 3 have none.
            Err(Error::Refused {
                status: 404 | 405, ..
            }) => Ok(Vec::new()),
            found => found,
        }
    }

    pub(crate) async fn models(&self) -> Result<Vec<Result<WholeModel, Error>>, Error> {
        let mut found = BTreeMap::new();
        for filter in ["", &format!("tags.`{PROMPT_TAG}` = 'true'")] {
            let page = PAGE.to_string();
            let query = [("max_results", page.as_str()), ("filter", filter)];
            let path = "registered-models/search";
            for model in self.query_pages(path, &query, "registered_models").await? {
                let name = model["name"].as_str().unwrap_or_default().to_owned();
                found.insert(name, model);
            }
        }
        Ok(found
            .into_values()
            .map(|model| self.read::<wire::Model>(model)?.into_plain())
            .collect())
    }

    pub(crate) async fn versions(
        &self,
        model: &RegisteredModel,
    ) -> Result<Vec<Result<FoundVersion, Error>>, Error> {
        let name = model.name.as_str();
        let quote = if name.contains('\'') { '"' } else { '\'' };
        let mut filter = format!("name = {quote}{name}{quote}");
        if model.tags.contains_key(PROMPT_TAG) {
            filter = format!("{filter} AND tags.`{PROMPT_TAG}` = 'true'");
        }
        let page = PAGE.to_string();
        let query = [("max_results", page.as_str()), ("filter", &filter)];
        let found = self
            .query_pages("model-versions/search", &query, "model_versions")
            .await?;
        let mut versions: Vec<Result<FoundVersion, Error>> = found
            .into_iter()
            .map(|version| {
                let version = self.read::<wire::Version>(version)?.into_plain(model)?;
                Ok((version.version, Some(version)))
            })
            .collect();
        versions.sort_by_key(|version| match version {
            Ok((number, _)) => *number,
            Err(_) => VersionNumber(0),
        });
        Ok(versions)
    }

    /// What is found on all pages of a search that is posted; each is read as it comes.
    async fn pages<T>(
        &self,
        path: &str,
        mut request: Value,
        name: &str,
        read: impl Fn(Value) -> T,
    ) -> Result<Vec<T>, Error> {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let mut answer = self.http.post(path, &request).await?;
            found.extend(list(&mut answer, name).into_iter().map(&read));
            match self.next(&answer, &token)? {
                Some(next) => token = next,
                None => return Ok(found),
            }
            request["page_token"] = json!(token);
        }
    }

    /// All pages of a search that is asked for.
    async fn query_pages(
        &self,
        path: &str,
        query: &[(&str, &str)],
        name: &str,
    ) -> Result<Vec<Value>, Error> {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let mut query = query.to_vec();
            query.retain(|(_, value)| !value.is_empty());
            if !token.is_empty() {
                query.push(("page_token", &token));
            }
            let mut answer = self.http.get(path, &query).await?;
            found.extend(list(&mut answer, name));
            match self.next(&answer, &token)? {
                Some(next) => token = next,
                None => return Ok(found),
            }
        }
    }

    /// The token of the page after this one, if there is one.
    fn next(&self, answer: &Value, token: &str) -> Result<Option<String>, Error> {
        let next = answer["next_page_token"].as_str().unwrap_or_default();
        if !next.is_empty() && next == token {
            return Err(self.http.nonsense("it gives the same page again and again"));
        }
        Ok((!next.is_empty()).then(|| next.to_owned()))
    }

    fn read<T: serde::de::DeserializeOwned>(&self, value: Value) -> Result<T, Error> {
        serde_json::from_value(value).map_err(|problem| self.http.nonsense(&problem.to_string()))
    }
}

/// Takes a list out of an answer; an empty one may be left out.
fn list(answer: &mut Value, name: &str) -> Vec<Value> {
    match member(answer, name) {
        Value::Array(list) => list,
        _ => Vec::new(),
    }
}

fn member(answer: &mut Value, name: &str) -> Value {
    answer.get_mut(name).map(Value::take).unwrap_or_default()
}
