//! `everloop runs`: what was tracked, on the terminal.

mod trials;
mod watch;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use everloop_domain::RunId;
use everloop_metastore::{DatasetInput, Metastore, Run, View};
use serde_json::json;

use crate::environment;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, number};
use crate::workspace::find_project;

/// How many metrics a list shows.
const N_METRICS: usize = 4;
/// How wide a curve is.
const N_MARKS: usize = 40;

/// Where runs are looked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The home of an `everloop server`; by default the project's own.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The verbs of `everloop runs`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List runs, the latest first.
    List {
        /// Which: `metrics.rmse < 1 and (tags.team = 'bikes' or status = 'FAILED')`.
        #[arg(long)]
        filter: Option<String>,

        /// In which order: `metrics.rmse`, `start_time desc`; may be repeated.
        #[arg(long, value_name = "ORDER")]
        order_by: Vec<String>,

        /// How many at most.
        #[arg(long, default_value_t = 20)]
        limit: usize,

        #[command(flatten)]
        place: Place,
    },
    /// Show one run with its curves.
    Show {
        /// The run's id, or the beginning of it.
        run: String,

        #[command(flatten)]
        place: Place,
    },
    /// Follow one run until it ends.
    Watch {
        /// The run's id, or (without `--server`) the beginning of it.
        run: String,

        /// The server that has the run; it tells what happens as it happens.
        #[arg(long, value_name = "URL", conflicts_with = "home")]
        server: Option<String>,

        #[command(flatten)]
        place: Place,
    },
    /// Show in what runs differ; of one run, its children: the trials of a search.
    Compare {
        /// The runs' ids, or the beginnings of them.
        #[arg(required = true, num_args = 1..)]
        runs: Vec<String>,

        #[command(flatten)]
        place: Place,
    },
}

/// Runs a verb.
pub(crate) async fn run(command: &Command, project: Option<&Path>) -> Result<Exit> {
    match command {
        Command::List {
            filter,
            order_by,
            limit,
            place,
        } => {
            let query = everloop_server::run_query(filter.as_deref(), order_by, *limit, 0)
                .map_err(|problem| Failure::new(Exit::Usage, problem))?;
            let runs = open(place, project)?
                .read(move |tx| {
                    let all = tx.experiments().list(View::Active)?;
                    let ids: Vec<_> = all.iter().map(|one| one.id).collect();
                    tx.runs().search(&ids, View::Active, &query)
                })
                .await?;
            list(&runs, place.format)
        }
        Command::Show { run, place } => {
            let metastore = open(place, project)?;
            let run = find(&metastore, run).await?;
            show(&metastore, &run, place.format).await
        }
        Command::Watch { run, server, place } => match server {
            Some(server) => watch::on_server(server, run, place.format).await,
            None => watch::on_store(&open(place, project)?, run, place.format).await,
        },
        Command::Compare { runs, place } => {
            let metastore = open(place, project)?;
            let mut found = Vec::new();
            for run in runs {
                found.push(find(&metastore, run).await?);
            }
            if let [parent] = found.as_slice() {
                return trials::compare(&metastore, parent, place.format).await;
            }
            compare(&found, place.format)
        }
    }
}

fn open(place: &Place, project: Option<&Path>) -> Result<Metastore> {
    let file = match &place.home {
        Some(home) => home.join("metastore.db"),
        None => find_project(project)?.metastore_path(),
    };
    let is_named = environment::variable("EVERLOOP_METASTORE__URL").is_some();
    if !is_named && !file.is_file() {
        let problem = format!(
            "there is no `{}`: nothing was tracked there",
            file.display()
        );
        return Err(Failure::new(Exit::NotFound, problem)
            .hint("`everloop run` makes runs; `--home DIR` names the home of a server")
            .into());
    }
    environment::metastore(&file)
}

/// The run whose id begins so.
async fn find(metastore: &Metastore, beginning: &str) -> Result<Run> {
    let wanted = beginning.to_owned();
    let mut found = metastore
        .read(move |tx| {
            if let Ok(id) = wanted.parse::<RunId>() {
                return Ok(vec![tx.runs().get(&id)?]);
            }
            tx.runs().list_by_beginning(&wanted, 2)
        })
        .await?;
    match (found.pop(), found.is_empty()) {
        (Some(run), true) => Ok(run),
        (Some(_), false) => Err(Failure::new(
            Exit::Usage,
            format!("more than one run begins with `{beginning}`: write more of the id"),
        )
        .into()),
        (None, _) => Err(
            Failure::new(Exit::NotFound, format!("no run begins with `{beginning}`"))
                .hint("`everloop runs list` shows them")
                .into(),
        ),
    }
}

fn as_json(run: &Run) -> serde_json::Value {
    let metrics: serde_json::Map<_, _> = run
        .metrics
        .iter()
        .map(|metric| (metric.key.clone(), json!(metric.value)))
        .collect();
    json!({
        "id": run.info.id, "name": run.info.name, "status": run.info.status.as_str(),
        "start_time": run.info.start_time.to_string(), "params": run.params, "metrics": metrics, "tags": run.tags,
        "inputs": run.datasets.iter().map(input_json).collect::<Vec<_>>(),
    })
}

fn input_json(input: &DatasetInput) -> serde_json::Value {
    json!({"name": input.dataset.name, "digest": input.dataset.digest, "context": input.context()})
}

fn list(runs: &[Run], format: Format) -> Result<Exit> {
    if format == Format::Json {
        let all: Vec<_> = runs.iter().map(as_json).collect();
        sayln!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            let metrics = run.metrics.iter().take(N_METRICS);
            let metrics: Vec<String> = metrics
                .map(|metric| format!("{} {}", metric.key, number(metric.value)))
                .collect();
            vec![
                run.info.id.as_str()[..8].to_owned(),
                run.info.name.clone(),
                run.info.status.to_string(),
                run.info.start_time.to_string(),
                metrics.join(", "),
            ]
        })
        .collect();
    say!(
        "{}",
        output::table(&["run", "name", "status", "started", "metrics"], &rows)
    );
    Ok(Exit::Ok)
}

async fn show(metastore: &Metastore, run: &Run, format: Format) -> Result<Exit> {
    if format == Format::Json {
        sayln!("{}", serde_json::to_string_pretty(&as_json(run))?);
        return Ok(Exit::Ok);
    }
    sayln!("run {} ({})", run.info.id, run.info.name);
    sayln!("{}, started {}", run.info.status, run.info.start_time);
    let mut rows = Vec::new();
    for metric in &run.metrics {
        let (id, key) = (run.info.id.clone(), metric.key.clone());
        let points = metastore
            .read(move |tx| {
                tx.runs()
                    .metric_sample(&id, &key, i64::MIN..=i64::MAX, N_MARKS)
            })
            .await?;
        let values: Vec<f64> = points.iter().map(|point| point.value).collect();
        rows.push(vec![
            metric.key.clone(),
            number(metric.value),
            curve(&values),
        ]);
    }
    say!("\n{}", output::table(&["metric", "latest", "curve"], &rows));
    for (what, pairs) in [("parameter", &run.params), ("tag", &run.tags)] {
        let rows: Vec<Vec<String>> = pairs
            .iter()
            .map(|(key, value)| vec![key.clone(), first_line(value)])
            .collect();
        say!("\n{}", output::table(&[what, "value"], &rows));
    }
    let inputs = run.datasets.iter().map(|input| {
        let dataset = &input.dataset;
        let context = input.context().to_owned();
        vec![dataset.name.clone(), dataset.digest.clone(), context]
    });
    let rows: Vec<Vec<String>> = inputs.collect();
    if !rows.is_empty() {
        say!("\n{}", output::table(&["read", "digest", "as"], &rows));
    }
    Ok(Exit::Ok)
}

/// The first line of a text, cut where a terminal would break it.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

/// Values as marks of eight heights; one value has no curve.
fn curve(values: &[f64]) -> String {
    const MARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (
        finite().fold(f64::INFINITY, f64::min),
        finite().fold(f64::NEG_INFINITY, f64::max),
    );
    if values.len() < 2 || low >= high {
        return String::new();
    }
    let mark = |value: &f64| {
        let height = (value - low) / (high - low) * 7.0;
        if value.is_finite() {
            MARKS[height.round() as usize]
        } else {
            ' '
        }
    };
    values.iter().map(mark).collect()
}

fn compare(runs: &[Run], format: Format) -> Result<Exit> {
    let metric = |run: &Run, key: &str| {
        let found = run.metrics.iter().find(|metric| metric.key == key);
        found.map(|metric| number(metric.value))
    };
    let params: BTreeSet<&String> = runs.iter().flat_map(|run| run.params.keys()).collect();
    let metrics: BTreeSet<&String> = runs
        .iter()
        .flat_map(|run| run.metrics.iter().map(|metric| &metric.key))
        .collect();
    let cells = |key: &String, is_metric: bool| -> Vec<Option<String>> {
        let cell = |run: &Run| {
            if is_metric {
                metric(run, key)
            } else {
                run.params.get(key).cloned()
            }
        };
        runs.iter().map(cell).collect()
    };
    let all = params
        .into_iter()
        .map(|key| (key, false))
        .chain(metrics.into_iter().map(|key| (key, true)));
    let differing: Vec<(&String, bool, Vec<Option<String>>)> = all
        .map(|(key, is_metric)| (key, is_metric, cells(key, is_metric)))
        .filter(|(_, _, cells)| cells.iter().any(|cell| *cell != cells[0]))
        .collect();
    if format == Format::Json {
        let ids: Vec<_> = runs.iter().map(|run| &run.info.id).collect();
        let rows: Vec<_> = differing
            .iter()
            .map(|(key, is_metric, cells)| json!({"kind": kind(*is_metric), "key": key, "values": cells}))
            .collect();
        sayln!(
            "{}",
            serde_json::to_string_pretty(&json!({"runs": ids, "differences": rows}))?
        );
        return Ok(Exit::Ok);
    }
    let names: Vec<String> = runs
        .iter()
        .map(|run| run.info.id.as_str()[..8].to_owned())
        .collect();
    let header: Vec<&str> = ["", ""]
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .collect();
    let rows: Vec<Vec<String>> = differing
        .into_iter()
        .map(|(key, is_metric, cells)| {
            let cells = cells
                .into_iter()
                .map(|cell| cell.unwrap_or_else(|| "-".to_owned()));
            [kind(is_metric).to_owned(), key.clone()]
                .into_iter()
                .chain(cells)
                .collect()
        })
        .collect();
    say!("{}", output::table(&header, &rows));
    Ok(Exit::Ok)
}

fn kind(is_metric: bool) -> &'static str {
    if is_metric { "metric" } else { "parameter" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_drawn_between_their_least_and_greatest() {
        assert_eq!(curve(&[0.0, 0.5, 1.0]), "▁▅█");
        assert_eq!(curve(&[3.0, 1.0, f64::NAN, 2.0]), "█▁ ▅");
        assert_eq!(curve(&[1.0]), "");
        assert_eq!(curve(&[2.0, 2.0]), "");
        assert_eq!(curve(&[f64::NAN, f64::INFINITY]), "");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(first_line("one\ntwo"), "one");
        assert_eq!(first_line(&"ä".repeat(90)).chars().count(), 81);
    }
}
