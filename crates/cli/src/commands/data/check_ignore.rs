//! `everloop data check-ignore`: what `.dvcignore` leaves out, and why.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};

use super::versions::Here;
use crate::exit::Exit;
use crate::output::Format;

/// Arguments of `everloop data check-ignore`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files and directories, which need not exist.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// Tell the line that decides, as `FILE:LINE:PATTERN` before each path.
    #[arg(long, short)]
    details: bool,

    /// Tell paths that no line decides about, too; with `--details`.
    #[arg(long, short, requires = "details")]
    non_matching: bool,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Tells which paths are left out. As with DVC and git, none is a failure.
pub(super) fn run(args: &Args, here: &Here) -> Result<Exit> {
    let mut rows = Vec::new();
    let mut n_ignored = 0;
    for (named, path) in args.paths.iter().zip(here.paths(&args.paths)?) {
        let rule = here.repository.ignore_rule(&path)?;
        let is_ignored = rule.as_ref().is_some_and(|rule| rule.is_ignoring);
        n_ignored += usize::from(is_ignored);
        let named = named.display();
        let decides = rule.map(|rule| (rule.file.to_string(), rule.line, rule.pattern));
        match (args.format, &decides) {
            (Format::Json, _) => {
                let rule = decides.as_ref().map(
                    |(file, line, pattern)| json!({"file": file, "line": line, "pattern": pattern}),
                );
                rows.push(json!({"path": path.as_str(), "ignored": is_ignored, "rule": rule}));
            }
            (Format::Text, Some((file, line, pattern))) if args.details => {
                sayln!("{file}:{line}:{pattern}\t{named}");
            }
            (Format::Text, None) if args.non_matching => sayln!("::\t{named}"),
            (Format::Text, _) if is_ignored && !args.details => sayln!("{named}"),
            (Format::Text, _) => {}
        }
    }
    if args.format == Format::Json {
        sayln!("{}", Value::from(rows));
    }
    Ok(if n_ignored > 0 {
        Exit::Ok
    } else {
        Exit::NotFound
    })
}
