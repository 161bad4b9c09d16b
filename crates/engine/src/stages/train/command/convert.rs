//! The model that a command left: shown to load and to answer, and given a graph if one agrees with it.
//!
//! Python that has `skl2onnx` (and `onnxmltools` for XGBoost and LightGBM) beside the model's own libraries turns it
//! into ONNX, which is served without Python. Whether the graph may stand for the model is decided by their predictions
//! on validation rows, never by the converter. Without a graph the model is served by Python workers; the note says why.

use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::RecordBatch;
use everloop_data::read_parquet;
use everloop_domain::dataset::Part;
use everloop_package::{Flavor, Parity};
use tokio::process::Command;

use crate::process::{self, Stop};
use crate::runner::chain;
use crate::scoring::{inputs, part_file};
use crate::stages::prepare::Prepared;
use crate::stages::{Output, blocking};
use crate::{Error, Runner};

const SCRIPT: &str = include_str!("convert.py");
/// How long a conversion may take.
const LIMIT: Duration = Duration::from_mins(5);
/// On so many rows a graph must agree with its model.
const N_ROWS: usize = 2_000;

/// What became of a model.
pub(super) struct Proven {
    /// In words.
    pub(super) note: String,
    /// The greatest difference between the model's and the graph's predictions, if there is a graph.
    pub(super) parity: Option<f64>,
}

/// Rows, and what the model itself says of them.
struct Answers {
    inputs: RecordBatch,
    predictions: RecordBatch,
}

/// Loads `dir/model`, asks it, and adds a graph to it if one can be made that answers alike.
///
/// # Errors
///
/// Fails if the model does not load or does not answer; never because there is no graph.
pub(super) async fn convert(
    runner: &Runner,
    prepared: &Output<Prepared>,
    dir: &Path,
    log: &Path,
) -> Result<Proven, Error> {
    let model = dir.join("model");
    let is_graph = matches!(everloop_package::open(&model)?.flavor, Flavor::Onnx(_));
    let answers = {
        let (runner, parts, model) = (runner.clone(), prepared.dir.clone(), model.clone());
        blocking(move || ask(&runner, &parts, &model)).await?
    };
    if is_graph {
        return Ok(Proven {
            note: "the model is an ONNX graph".to_owned(),
            parity: None,
        });
    }
    let (graph, candidate) = (dir.join("converted.onnx"), dir.join("candidate"));
    let made = make(runner, &model, &graph, log).await;
    let proven = match made {
        Ok(tool) => {
            let proven = prove(runner, (&model, &graph), candidate.clone(), answers).await;
            proven.map(|parity| (tool, parity))
        }
        Err(problem) => Err(problem),
    };
    let _ = std::fs::remove_file(&graph);
    match proven {
        Ok((tool, parity)) => {
            replace(&candidate, &model)?;
            let Parity {
                n_rows,
                max_difference,
            } = parity;
            Ok(Proven {
                note: format!(
                    "converted to ONNX by {tool}: {n_rows} predictions differ by {max_difference:.1e} at most"
                ),
                parity: Some(max_difference),
            })
        }
        Err(problem) => {
            let _ = std::fs::remove_dir_all(&candidate);
            Ok(Proven {
                note: format!("served by a Python worker, not as ONNX: {problem}"),
                parity: None,
            })
        }
    }
}

/// What a model says of the validation rows, or of the train rows if there are none.
fn ask(runner: &Runner, parts: &Path, model: &Path) -> Result<Answers, Error> {
    let mut rows = read_parquet(&part_file(parts, Part::Validation))?;
    if rows.num_rows() == 0 {
        rows = read_parquet(&part_file(parts, Part::Train))?;
    }
    let rows = rows.slice(0, N_ROWS.min(rows.num_rows()));
    let scorer = runner.load_model(model)?;
    let inputs = inputs(scorer.as_ref(), runner.lifecycle(), &rows)?;
    let predictions = scorer.score(&inputs)?;
    Ok(Answers {
        inputs,
        predictions,
    })
}

/// Runs the converter; the tool that it used, or why there is no graph.
async fn make(runner: &Runner, model: &Path, graph: &Path, log: &Path) -> Result<String, String> {
    let log = log.with_extension("convert.log");
    let mut command = Command::new(runner.python());
    command
        .args(["-c", SCRIPT])
        .arg(model)
        .arg(graph)
        .current_dir(runner.project().dir());
    let output = process::Output::File(&log);
    let ended = process::run(&mut command, output, Some(LIMIT), &Stop::default(), |_| {}).await;
    let words = std::fs::read(&log).unwrap_or_default();
    let words = String::from_utf8_lossy(&words).into_owned();
    let last = words.lines().rev().find(|line| !line.trim().is_empty());
    match (ended, last) {
        (Ok(()), tool) => Ok(tool.unwrap_or("a converter").to_owned()),
        (Err(process::Problem::Status(_)), Some(reason)) => Err(reason.to_owned()),
        (Err(problem), _) => Err(format!("the converter {problem}")),
    }
}

/// Puts the graph beside the model in a copy of it, and lets both answer; the copy is left.
async fn prove(
    runner: &Runner,
    (model, graph): (&Path, &Path),
    candidate: PathBuf,
    answers: Answers,
) -> Result<Parity, String> {
    let (runner, model, graph) = (runner.clone(), model.to_owned(), graph.to_owned());
    let work = move || -> Result<Parity, Error> {
        everloop_artifacts::copy_dir(&model, &candidate)?;
        everloop_package::add_graph(&candidate, &graph)?;
        let scorer = runner.load_model(&candidate)?;
        let inputs = scorer.conform(&answers.inputs)?;
        let found = scorer.score(&inputs)?;
        Ok(everloop_package::agree(
            &inputs,
            &answers.predictions,
            &found,
        )?)
    };
    blocking(work).await.map_err(|error| chain(&error))
}

/// Both are in the staging directory of the stage: whoever dies between the two steps starts it anew.
fn replace(candidate: &Path, model: &Path) -> Result<(), Error> {
    std::fs::remove_dir_all(model).map_err(|source| Error::file("remove", model, source))?;
    std::fs::rename(candidate, model).map_err(|source| Error::file("rename to", model, source))
}
