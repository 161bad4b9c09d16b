//! `everloop model export`: a model for ONNX runtimes, for MLflow, or for the edge.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use everloop_engine::QuantizationLoss;
use serde_json::json;

use super::Found;
use super::quantize::{self, LOSS, Method};
use crate::exit::{Exit, Failure};
use crate::output::Format;

/// The program and the library of the edge, beside `everloop` or in a `lib` directory beneath it.
const RUNNER: &str = "everloop-edge";
const LIBRARY: &str = "libeverloop_edge.so";
const HEADER: &str = "everloop_edge.h";

/// What is to be written, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// A package directory, or a model of the registry: `NAME`, `NAME/VERSION`, `NAME@ALIAS`.
    pub(super) model: String,
    #[command(flatten)]
    target: Target,
    /// Store the weights of a neural network in 8 bits, and tell what that costs.
    #[arg(long, value_enum, value_name = "METHOD")]
    pub(super) quantize: Option<Method>,
    /// Compare the quantised model on these rows (Parquet, with the target) instead of the test part of the model's cycle.
    #[arg(long, value_name = "FILE", requires = "quantize")]
    pub(super) rows: Option<PathBuf>,
    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// Write the ONNX graph with its signature, example and bill of materials into this new directory.
    #[arg(long, value_name = "DIR")]
    onnx: Option<PathBuf>,
    /// Write the whole MLflow model into this new directory.
    #[arg(long, value_name = "DIR")]
    mlflow: Option<PathBuf>,
    /// Write the ONNX graph with a runner that needs nothing else, its library and its C header.
    #[arg(long, value_name = "DIR")]
    edge: Option<PathBuf>,
}

/// Exports a package.
pub(super) async fn run(asked: &Export, found: &Found, project: Option<&Path>) -> Result<Exit> {
    let target = asked.target.dir()?;
    if asked.quantize.is_none() {
        write(&asked.target, &found.dir, &[])?;
        return tell(target, asked.format, None);
    }
    let quantized = quantize::run(asked, found, target, project).await?;
    let loss = quantized.package.join(LOSS);
    write(&asked.target, &quantized.package, &[(LOSS, &loss)])?;
    tell(target, asked.format, Some(&quantized.loss))
}

impl Target {
    fn dir(&self) -> Result<&Path> {
        let dirs = [&self.onnx, &self.mlflow, &self.edge];
        let dir = dirs.into_iter().find_map(Option::as_deref);
        dir.ok_or_else(|| Failure::new(Exit::Usage, "no directory is named").into())
    }
}

/// Writes the package as is wanted; `others` go along where not the whole package is written.
fn write(target: &Target, package: &Path, others: &[(&str, &Path)]) -> Result<()> {
    if let Some(to) = &target.onnx {
        everloop_package::export_graph(package, to, others)?;
    } else if let Some(to) = &target.mlflow {
        if to.exists() {
            let problem = format!("`{}` is there already", to.display());
            return Err(Failure::new(Exit::Conflict, problem)
                .hint("name a new directory")
                .into());
        }
        everloop_artifacts::copy_dir(package, to)?;
    } else if let Some(to) = &target.edge {
        edge(package, to, others)?;
    }
    Ok(())
}

fn edge(package: &Path, target: &Path, more: &[(&str, &Path)]) -> Result<()> {
    let header = tempfile_in(target)?;
    let (runner, library) = (beside(RUNNER)?, beside(LIBRARY)?);
    let own: [(&str, &Path); 3] = [(RUNNER, &runner), (LIBRARY, &library), (HEADER, &header)];
    let others = [&own, more].concat();
    let exported = everloop_package::export_graph(package, target, &others);
    let _ = std::fs::remove_file(&header);
    Ok(exported?)
}

/// The header as a file, beside what will be written.
fn tempfile_in(target: &Path) -> Result<PathBuf> {
    let name = format!(".{HEADER}.{}.tmp", std::process::id());
    let file = target.with_file_name(name);
    std::fs::write(&file, everloop_edge::HEADER)
        .with_context(|| format!("cannot write `{}`", file.display()))?;
    Ok(file)
}

/// A file that belongs to this program.
fn beside(name: &str) -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot find this program's directory")?;
    let dir = program.parent().unwrap_or(Path::new("."));
    // Cargo keeps libraries in `deps`.
    let places = [
        dir.join(name),
        dir.join("lib").join(name),
        dir.join("deps").join(name),
    ];
    let found = places.iter().find(|place| place.is_file());
    found.cloned().ok_or_else(|| {
        let problem = format!("`{name}` is not beside this program in `{}`", dir.display());
        Failure::new(Exit::NotFound, problem)
            .hint("build it with `cargo build --release -p everloop-edge`")
            .into()
    })
}

/// The files with their sizes, and what quantising cost.
fn tell(target: &Path, format: Format, loss: Option<&QuantizationLoss>) -> Result<Exit> {
    let read = || format!("cannot read `{}`", target.display());
    let mut files: Vec<(String, u64)> = Vec::new();
    for entry in std::fs::read_dir(target).with_context(read)? {
        let entry = entry.with_context(read)?;
        let size = entry.metadata().with_context(read)?.len();
        files.push((entry.file_name().to_string_lossy().into_owned(), size));
    }
    files.sort();
    for (name, size) in &files {
        eprintln!("{:>10.3} MB  {name}", *size as f64 / 1e6);
    }
    eprintln!("exported to `{}`", target.display());
    if format == Format::Json {
        let files = files.iter();
        let files = files.map(|(name, size)| json!({ "name": name, "bytes": size }));
        let told = json!({
            "directory": target.display().to_string(),
            "files": files.collect::<Vec<_>>(),
            "quantization": loss,
        });
        sayln!("{}", serde_json::to_string_pretty(&told)?);
    } else if let Some(loss) = loss {
        quantize::tell(loss);
    }
    Ok(Exit::Ok)
}
