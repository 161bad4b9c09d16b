//! `everloop model export --quantize`: a network in 8 bits beside what that costs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use everloop_data::read_parquet;
use everloop_engine::{KeptRows, QuantizationLoss};
use everloop_package::Error as PackageError;

use super::Found;
use super::export::Export;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::workspace::Workspace;

/// The file that tells what quantising cost, beside the graph.
pub(super) const LOSS: &str = "quantization.json";

/// How weights are stored.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Method {
    /// 8-bit whole numbers, with a factor for each output.
    Int8,
}

/// A quantised package in a directory that goes with it.
pub(super) struct Quantized {
    pub(super) package: PathBuf,
    pub(super) loss: QuantizationLoss,
    _work: Work,
}

/// A directory that is removed when it is not needed any more.
struct Work(PathBuf);

impl Drop for Work {
    fn drop(&mut self) {
        // Nothing is lost if it stays: its name is that of a temporary directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Makes the quantised package beside the directory that it will be exported to.
pub(super) async fn run(
    asked: &Export,
    found: &Found,
    target: &Path,
    project: Option<&Path>,
) -> Result<Quantized> {
    let package = everloop_package::open(&found.dir)?;
    if package
        .metadata
        .contains_key(everloop_package::QUANTIZATION)
    {
        let problem = format!("`{}` is quantised already", asked.model);
        return Err(Failure::new(Exit::Usage, problem)
            .hint("export it without `--quantize`")
            .into());
    }
    let graph = package.graph()?;
    let kept = kept_rows(asked, found).await?;
    let quantized = everloop_package::quantize(&graph, &kept.rows).map_err(explain)?;
    let alone = match &found.version {
        Some(_) => None,
        // A directory may have been exported from the project that one is in; without one there are no metrics.
        None => Workspace::open(project, &[]).ok(),
    };
    let workspace = found.version.as_ref().map(|(workspace, _)| workspace);
    let lifecycle = workspace.or(alone.as_ref()).map(|it| it.lifecycle.as_ref());
    let loss = QuantizationLoss::of(&package, &quantized, &kept, lifecycle)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let name = format!(".{name}.{}.quantised", std::process::id());
    let work = Work(target.with_file_name(name));
    let dir = work.0.join("model");
    everloop_package::write_quantized(&dir, &package, &quantized, &kept.rows)?;
    let file = dir.join(LOSS);
    std::fs::write(&file, serde_json::to_string_pretty(&loss)? + "\n")
        .with_context(|| format!("cannot write `{}`", file.display()))?;
    Ok(Quantized {
        package: dir,
        loss,
        _work: work,
    })
}

/// The rows of the command line, or those that the cycle kept.
async fn kept_rows(asked: &Export, found: &Found) -> Result<KeptRows> {
    if let Some(file) = &asked.rows {
        let rows = read_parquet(file)?;
        if rows.num_rows() == 0 {
            let problem = format!("`{}` has no rows to compare models on", file.display());
            return Err(Failure::new(Exit::Usage, problem).into());
        }
        let origin = format!("file `{}`", file.display());
        return Ok(KeptRows { rows, origin });
    }
    let kept = match &found.version {
        Some((workspace, version)) => {
            KeptRows::find(&workspace.project, &workspace.metastore, version).await?
        }
        None => None,
    };
    kept.ok_or_else(|| {
        let problem = format!(
            "no rows are kept on which `{}` and its quantised form could be compared",
            asked.model
        );
        Failure::new(Exit::NotFound, problem)
            .hint("name rows with their target by `--rows FILE.parquet`")
            .into()
    })
}

/// Adds the way out for models that have nothing to round.
fn explain(error: PackageError) -> anyhow::Error {
    match error {
        PackageError::Build(_) => Failure::new(Exit::Usage, error.to_string())
            .hint("export it without `--quantize`, or train with `trainer: neural`")
            .into(),
        error => error.into(),
    }
}

/// Tells what quantising cost.
pub(super) fn tell(loss: &QuantizationLoss) {
    let rows: Vec<Vec<String>> = loss
        .metrics
        .iter()
        .map(|metric| {
            let change = metric.after - metric.before;
            let numbers = [metric.before, metric.after, change].map(output::number);
            std::iter::once(metric.name.clone())
                .chain(numbers)
                .collect()
        })
        .collect();
    sayln!("{} rows: {}", loss.n_rows, loss.rows);
    if !rows.is_empty() {
        let header = ["metric", "before", loss.method, "change"];
        say!("{}", output::table(&header, &rows));
    }
    for note in &loss.notes {
        sayln!("{note}");
    }
    sayln!(
        "predictions differ by {} at most and {} on average; rows with another class: {}",
        output::number(loss.max_difference),
        output::number(loss.mean_difference),
        loss.n_relabelled
    );
    sayln!(
        "graph: {:.3} MB before, {:.3} MB in 8 bits ({} constants rounded)",
        loss.bytes.before as f64 / 1e6,
        loss.bytes.after as f64 / 1e6,
        loss.n_rounded
    );
}
