//! The children of a run side by side: the trials of a search, or whatever a client has nested.

use std::collections::BTreeSet;

use anyhow::Result;
use everloop_metastore::{Metastore, Run, View};
use serde_json::json;

use crate::exit::{Exit, Failure};
use crate::output::{self, Format, number};

/// The run whose children the trials are, when a cycle took its search from the cache.
const SEARCH_RUN_TAG: &str = "everloop.search_run";
const BEST_TRIAL_TAG: &str = "everloop.best_trial";
const TRIAL_TAG: &str = "everloop.trial";
const STATE_TAG: &str = "everloop.trial.state";
/// How many children are compared.
const MAX_CHILDREN: usize = 10_000;

/// Shows the children of a run: what they were given and what came of them.
pub(super) async fn compare(metastore: &Metastore, parent: &Run, format: Format) -> Result<Exit> {
    let id = parent.info.id.to_string();
    let id = parent.tags.get(SEARCH_RUN_TAG).unwrap_or(&id);
    let filter = format!("tags.`mlflow.parentRunId` = '{id}'");
    let query = everloop_server::run_query(Some(&filter), &[], MAX_CHILDREN, 0)
        .map_err(|problem| Failure::new(Exit::Internal, problem))?;
    let experiment = parent.info.experiment;
    let mut children = metastore
        .read(move |tx| tx.runs().search(&[experiment], View::Active, &query))
        .await?;
    if children.is_empty() {
        let problem = format!("run `{}` has no children to compare", parent.info.id);
        return Err(Failure::new(Exit::Usage, problem)
            .hint("name at least two runs, or one whose `train.tune` made trials")
            .into());
    }
    children.sort_by_key(|child| {
        (
            trial(child),
            child.info.start_time,
            child.info.id.to_string(),
        )
    });
    let best = parent.tags.get(BEST_TRIAL_TAG);
    let is_best = |child: &Run| best.is_some() && child.tags.get(TRIAL_TAG) == best;
    let params: BTreeSet<&String> = children
        .iter()
        .flat_map(|child| child.params.keys())
        .collect();
    let metrics: BTreeSet<&String> = children
        .iter()
        .flat_map(|child| child.metrics.iter().map(|metric| &metric.key))
        .collect();
    if format == Format::Json {
        let rows: Vec<_> = children
            .iter()
            .map(|child| {
                let mut row = super::as_json(child);
                row["is_best"] = json!(is_best(child));
                row
            })
            .collect();
        let all = json!({"run": parent.info.id, "children": rows});
        sayln!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(Exit::Ok);
    }
    let header: Vec<&str> = ["", "run", "name", "state"]
        .into_iter()
        .chain(metrics.iter().map(|name| name.as_str()))
        .chain(params.iter().map(|name| name.as_str()))
        .collect();
    let rows: Vec<Vec<String>> = children
        .iter()
        .map(|child| {
            let mark = if is_best(child) { "*" } else { "" };
            let state = child.tags.get(STATE_TAG).cloned();
            let state = state.unwrap_or_else(|| child.info.status.to_string());
            let first = [
                mark.to_owned(),
                child.info.id.as_str()[..8].to_owned(),
                child.info.name.clone(),
                state,
            ];
            let value = |key: &&String| {
                let found = child.metrics.iter().find(|metric| metric.key == **key);
                found.map_or("-".to_owned(), |metric| number(metric.value))
            };
            let param = |key: &&String| {
                child
                    .params
                    .get(*key)
                    .cloned()
                    .unwrap_or_else(|| "-".to_owned())
            };
            first
                .into_iter()
                .chain(metrics.iter().map(value))
                .chain(params.iter().map(param))
                .collect()
        })
        .collect();
    say!("{}", output::table(&header, &rows));
    Ok(Exit::Ok)
}

/// The number of a trial; children that are none come last.
fn trial(child: &Run) -> usize {
    let number = child
        .tags
        .get(TRIAL_TAG)
        .and_then(|number| number.parse().ok());
    number.unwrap_or(usize::MAX)
}
