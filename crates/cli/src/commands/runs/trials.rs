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
    let children = children(metastore, parent).await?;
    if children.is_empty() {
        let problem = format!("run `{}` has no children to compare", parent.info.id);
        return Err(Failure::new(Exit::Usage, problem)
            .hint("name at least two runs, or one whose `train.tune` made trials")
            .into());
    }
    let best = parent.tags.get(BEST_TRIAL_TAG);
    let is_best = |child: &Run| best.is_some() && child.tags.get(TRIAL_TAG) == best;
    if format == Format::Json {
        let row = |child: &Run| {
            let mut row = super::as_json(child);
            row["is_best"] = json!(is_best(child));
            row
        };
        let rows: Vec<_> = children.iter().map(row).collect();
        let all = json!({"run": parent.info.id, "children": rows});
        sayln!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        say!("{}", table(&children, is_best));
    }
    Ok(Exit::Ok)
}

/// The children in the order of their trials.
async fn children(metastore: &Metastore, parent: &Run) -> Result<Vec<Run>> {
    let id = parent.info.id.to_string();
    let id = parent.tags.get(SEARCH_RUN_TAG).unwrap_or(&id);
    let filter = format!("tags.`mlflow.parentRunId` = '{id}'");
    let query = everloop_server::run_query(Some(&filter), &[], MAX_CHILDREN, 0)
        .map_err(|problem| Failure::new(Exit::Internal, problem))?;
    let experiment = parent.info.experiment;
    let mut children = metastore
        .read(move |tx| tx.runs().search(&[experiment], View::Active, &query))
        .await?;
    children.sort_by_key(|child| {
        let id = child.info.id.to_string();
        (trial(child), child.info.start_time, id)
    });
    Ok(children)
}

/// A line for each child, with all their metrics and parameters.
fn table(children: &[Run], is_best: impl Fn(&Run) -> bool) -> String {
    let params = children.iter().flat_map(|child| child.params.keys());
    let params: BTreeSet<&String> = params.collect();
    let metrics = children.iter().flat_map(|child| &child.metrics);
    let metrics: BTreeSet<&String> = metrics.map(|metric| &metric.key).collect();
    let header: Vec<&str> = ["", "run", "name", "state"]
        .into_iter()
        .chain(metrics.iter().map(|name| name.as_str()))
        .chain(params.iter().map(|name| name.as_str()))
        .collect();
    let row = |child: &Run| {
        let mark = if is_best(child) { "*" } else { "" };
        let state = child.tags.get(STATE_TAG).cloned();
        let first = [
            mark.to_owned(),
            child.info.id.as_str()[..8].to_owned(),
            child.info.name.clone(),
            state.unwrap_or_else(|| child.info.status.to_string()),
        ];
        let metric = |key: &&String| {
            let found = child.metrics.iter().find(|metric| metric.key == **key);
            found.map_or("-".to_owned(), |metric| number(metric.value))
        };
        let param = |key: &&String| {
            let found = child.params.get(*key).cloned();
            found.unwrap_or_else(|| "-".to_owned())
        };
        let values = metrics.iter().map(metric).chain(params.iter().map(param));
        first.into_iter().chain(values).collect()
    };
    let rows: Vec<Vec<String>> = children.iter().map(row).collect();
    output::table(&header, &rows)
}

/// The number of a trial; children that are none come last.
fn trial(child: &Run) -> usize {
    let number = child
        .tags
        .get(TRIAL_TAG)
        .and_then(|number| number.parse().ok());
    number.unwrap_or(usize::MAX)
}
