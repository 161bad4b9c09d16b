//! `everloop model export`: a model for ONNX runtimes, for MLflow, or for the edge.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::exit::{Exit, Failure};

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

/// Exports the package in a directory.
pub(super) fn run(asked: &Export, package: &Path) -> Result<Exit> {
    let target = match &asked.target {
        Target { onnx: Some(to), .. } => {
            everloop_package::export_graph(package, to, &[])?;
            to
        }
        Target {
            mlflow: Some(to), ..
        } => {
            if to.exists() {
                let problem = format!("`{}` is there already", to.display());
                return Err(Failure::new(Exit::Conflict, problem)
                    .hint("name a new directory")
                    .into());
            }
            everloop_artifacts::copy_dir(package, to)?;
            to
        }
        Target { edge: Some(to), .. } => {
            edge(package, to)?;
            to
        }
        _ => return Ok(Exit::Usage),
    };
    tell(target)
}

fn edge(package: &Path, target: &Path) -> Result<()> {
    let header = tempfile_in(target)?;
    let (runner, library) = (beside(RUNNER)?, beside(LIBRARY)?);
    let others: [(&str, &Path); 3] = [(RUNNER, &runner), (LIBRARY, &library), (HEADER, &header)];
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

/// The files with their sizes.
fn tell(target: &Path) -> Result<Exit> {
    let read = || format!("cannot read `{}`", target.display());
    let mut files: Vec<(String, u64)> = Vec::new();
    for entry in std::fs::read_dir(target).with_context(read)? {
        let entry = entry.with_context(read)?;
        let size = entry.metadata().with_context(read)?.len();
        files.push((entry.file_name().to_string_lossy().into_owned(), size));
    }
    files.sort();
    for (name, size) in files {
        eprintln!("{:>10.3} MB  {name}", size as f64 / 1e6);
    }
    eprintln!("exported to `{}`", target.display());
    Ok(Exit::Ok)
}
