//! `everloop stage`: the stages of `dvc.yaml`, listed and added.

use std::path::Path;

use anyhow::Result;
use everloop_lifecycle::dvc::{NewOut, NewStage, OutKind, Stage};
use everloop_versions::RepoPath;
use serde_json::{Value, json};

use super::data::versions::Here;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};

/// The verbs of `everloop stage`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Tell which stages there are, and what each is for.
    List {
        /// The stages of all files of the repository, and its `.dvc` files.
        #[arg(long, short)]
        all: bool,

        /// Only the names.
        #[arg(long)]
        names_only: bool,

        /// Text for people or JSON for programs.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Write a stage into the `dvc.yaml` of this directory.
    Add(Box<Add>),
}

/// Arguments of `everloop stage add`.
#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// Its name.
    #[arg(long, short)]
    name: String,

    /// A file or directory that it reads.
    #[arg(long, short, value_name = "PATH")]
    deps: Vec<String>,

    /// Parameters that it reads: `lr,epochs` of `params.yaml`, or `FILE:lr,epochs`; `FILE:` stands for all of a file.
    #[arg(long, short, value_name = "PARAMS")]
    params: Vec<String>,

    /// What it makes, for the cache.
    #[arg(long, short, value_name = "PATH")]
    outs: Vec<String>,

    /// What it makes, for git.
    #[arg(long, short = 'O', value_name = "PATH")]
    outs_no_cache: Vec<String>,

    /// What it makes and finds again when it runs the next time.
    #[arg(long, value_name = "PATH")]
    outs_persist: Vec<String>,

    /// Metrics that it makes, for the cache.
    #[arg(long, short, value_name = "PATH")]
    metrics: Vec<String>,

    /// Metrics that it makes, for git.
    #[arg(long, short = 'M', value_name = "PATH")]
    metrics_no_cache: Vec<String>,

    /// Plots that it makes, for the cache.
    #[arg(long, value_name = "PATH")]
    plots: Vec<String>,

    /// Plots that it makes, for git.
    #[arg(long, value_name = "PATH")]
    plots_no_cache: Vec<String>,

    /// The directory that it runs in.
    #[arg(long, short, value_name = "DIR")]
    wdir: Option<String>,

    /// It runs every time.
    #[arg(long)]
    always_changed: bool,

    /// What it is for.
    #[arg(long)]
    desc: Option<String>,

    /// Replace the stage of this name.
    #[arg(long, short)]
    force: bool,

    /// The command; several words are put together with spaces.
    #[arg(
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    command: Vec<String>,
}

/// Runs a verb.
pub(crate) fn run(command: &Command, chosen: Option<&Path>) -> Result<Exit> {
    let here = Here::open(chosen)?;
    match command {
        Command::List {
            all,
            names_only,
            format,
        } => list(&here, *all, *names_only, *format),
        Command::Add(args) => {
            let _lock = here.repository.lock()?;
            let dir = here.path_of_dir()?;
            let file = here
                .repository
                .add_stage(&dir, &new_stage(args), args.force)?;
            eprintln!("stage {} added to {file}", args.name);
            Ok(Exit::Ok)
        }
    }
}

fn new_stage(args: &Add) -> NewStage {
    // In the order in which DVC has git ignore them.
    let kinds: [(&Vec<String>, &'static str, bool, bool); 7] = [
        (&args.outs_persist, "outs", true, true),
        (&args.metrics_no_cache, "metrics", false, false),
        (&args.metrics, "metrics", true, false),
        (&args.plots_no_cache, "plots", false, false),
        (&args.plots, "plots", true, false),
        (&args.outs_no_cache, "outs", false, false),
        (&args.outs, "outs", true, false),
    ];
    let outs = kinds
        .into_iter()
        .flat_map(|(paths, list, is_cached, is_persistent)| {
            paths.iter().map(move |path| NewOut {
                path: path.clone(),
                list,
                is_cached,
                is_persistent,
            })
        });
    NewStage {
        name: args.name.clone(),
        commands: vec![args.command.join(" ")],
        wdir: args.wdir.clone(),
        deps: args.deps.clone(),
        params: args.params.clone(),
        outs: outs.collect(),
        is_always_changed: args.always_changed,
        desc: args.desc.clone(),
    }
}

fn list(here: &Here, is_all: bool, has_names_only: bool, format: Format) -> Result<Exit> {
    let own = here.path_of_dir()?.join("dvc.yaml")?;
    let files = if is_all {
        here.repository.pipeline_files(&[])?
    } else {
        vec![own.clone()]
    };
    let mut stages: Vec<(RepoPath, Stage)> = Vec::new();
    for file in files {
        let (parsed, _) = here
            .repository
            .parse_pipeline(&file)
            .map_err(|problem| Failure::new(Exit::Usage, format!("`{file}`: {problem}")))?;
        let Some(pipeline) = parsed.pipeline else {
            let first = parsed.diagnostics.first();
            let problem = first.map_or(String::new(), |one| one.message.clone());
            return Err(Failure::new(Exit::Usage, format!("`{file}`: {problem}")).into());
        };
        let found = pipeline.stages.into_iter();
        stages.extend(found.map(|stage| (file.clone(), stage)));
    }
    let data = if is_all { tracked(here)? } else { Vec::new() };
    let address = |(file, stage): &(RepoPath, Stage)| {
        if *file == own {
            return stage.name.clone();
        }
        format!("{file}:{}", stage.name)
    };
    match format {
        Format::Json => {
            let rows: Vec<Value> = stages
                .iter()
                .map(|(file, stage)| {
                    json!({"name": stage.name, "file": file.as_str(), "desc": stage.desc, "frozen": stage.is_frozen,
                        "deps": stage.deps, "outs": stage.outs.iter().map(|out| &out.path).collect::<Vec<_>>()})
                })
                .chain(data.iter().map(|(file, outs)| json!({"name": null, "file": file, "outs": outs})))
                .collect();
            sayln!("{}", serde_json::to_string_pretty(&rows)?);
        }
        Format::Text if has_names_only => {
            let names = stages.iter().map(address);
            names
                .chain(data.into_iter().map(|(file, _)| file))
                .for_each(|name| sayln!("{name}"));
        }
        Format::Text => {
            let rows: Vec<Vec<String>> =
                stages
                    .iter()
                    .map(|one| vec![address(one), description(&one.1)])
                    .chain(data.iter().map(|(file, outs)| {
                        vec![file.clone(), format!("tracks {}", outs.join(", "))]
                    }))
                    .collect();
            say!("{}", output::table(&["stage", "what it does"], &rows));
        }
    }
    Ok(Exit::Ok)
}

/// The `.dvc` files of the repository, with what each tracks.
fn tracked(here: &Here) -> Result<Vec<(String, Vec<String>)>> {
    let mut files: Vec<(String, Vec<String>)> = Vec::new();
    for one in here.repository.tracked_by_files()? {
        let (file, path) = (one.file.to_string(), one.path.to_string());
        match files.last_mut() {
            Some((last, outs)) if *last == file => outs.push(path),
            _ => files.push((file, vec![path])),
        }
    }
    Ok(files)
}

/// What a stage is for: as it says itself, or what it makes, or what it reads.
fn description(stage: &Stage) -> String {
    if let Some(desc) = &stage.desc {
        return desc.lines().next().unwrap_or_default().to_owned();
    }
    let of = |kinds: &[OutKind]| {
        let outs = stage.outs.iter().filter(|out| kinds.contains(&out.kind));
        outs.map(|out| out.path.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (made, told) = (
        of(&[OutKind::Data]),
        of(&[OutKind::Metrics, OutKind::Plots]),
    );
    match (made.is_empty(), told.is_empty()) {
        (false, false) => format!("makes {made}; reports {told}"),
        (false, true) => format!("makes {made}"),
        (true, false) => format!("reports {told}"),
        (true, true) if stage.deps.is_empty() => "runs every time".to_owned(),
        (true, true) => format!("reads {}", stage.deps.join(", ")),
    }
}
