//! `everloop plots show|diff`.

mod collect;
mod page;
mod tell;

use std::path::{Path, PathBuf};

use anyhow::Result;
use everloop_lifecycle::dvc::{Axis, PlotProperties};

use self::collect::Drawing;
use super::compare::{Here, WORKSPACE};
use crate::exit::Exit;

/// The commands about plots.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Draw the plots of the workspace.
    Show(Show),
    /// Draw the plots of several versions into each other.
    Diff(Diff),
}

/// Arguments of `everloop plots show`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Show {
    /// Files, directories, or names of plots; all that `dvc.yaml` names without any.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,

    #[command(flatten)]
    drawn: Drawn,
}

/// Arguments of `everloop plots diff`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Diff {
    /// Branches, tags or hashes; one is compared with the workspace, and without any the last commit
    /// is, if files of git have changed.
    #[arg(value_name = "REVISION")]
    revisions: Vec<String>,

    /// Files, directories, or names of plots; all that `dvc.yaml` names without any.
    #[arg(long, value_name = "TARGET", num_args = 0..)]
    targets: Vec<String>,

    #[command(flatten)]
    drawn: Drawn,
}

/// What comes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// A page, `index.html`, that needs nothing else and no network.
    #[default]
    Html,
    /// A file for each plot.
    Svg,
    /// The points as JSON.
    Json,
    /// What is drawn in numbers, as a table.
    Text,
    /// The same table as GitHub shows it.
    Markdown,
}

/// How plots are drawn, and where to.
#[derive(Clone, Debug, clap::Args)]
struct Drawn {
    /// `linear`, `simple`, `smooth`, `scatter`, `bar_horizontal`, `bar_horizontal_sorted`, `confusion`
    /// or `confusion_normalized`.
    #[arg(long, short, value_name = "NAME")]
    template: Option<String>,

    /// The field of the horizontal axis.
    #[arg(short, value_name = "FIELD")]
    x: Option<String>,

    /// The field of the vertical axis.
    #[arg(short, value_name = "FIELD")]
    y: Option<String>,

    /// The tables have no names of columns in their first line.
    #[arg(long)]
    no_header: bool,

    /// What stands above.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,

    /// What stands at the horizontal axis.
    #[arg(long, value_name = "TEXT")]
    x_label: Option<String>,

    /// What stands at the vertical axis.
    #[arg(long, value_name = "TEXT")]
    y_label: Option<String>,

    /// The directory of the page or the files: by default what `plots.out_dir` of DVC's configuration
    /// says, or `dvc_plots`.
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,

    /// What comes out.
    #[arg(long, value_enum, default_value_t)]
    format: Form,

    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl Drawn {
    /// Puts what the command line says in the place of what the project says.
    fn apply(&self, properties: &mut PlotProperties) {
        let set = |property: &mut Option<String>, said: &Option<String>| {
            if said.is_some() {
                property.clone_from(said);
            }
        };
        set(&mut properties.template, &self.template);
        set(&mut properties.title, &self.title);
        set(&mut properties.x_label, &self.x_label);
        set(&mut properties.y_label, &self.y_label);
        let fields = |said: &Option<String>| said.clone().map(|field| Axis::Fields(vec![field]));
        properties.x = fields(&self.x).or(properties.x.take());
        properties.y = fields(&self.y).or(properties.y.take());
        properties.has_no_header |= self.no_header;
    }
}

/// Runs a command about plots.
pub(crate) fn run(command: &Command, chosen: Option<&Path>) -> Result<Exit> {
    let here = Here::open(chosen)?;
    let (versions, targets, drawn) = match command {
        Command::Show(args) => (vec![WORKSPACE.to_owned()], &args.targets, &args.drawn),
        Command::Diff(args) => (versions(args, &here)?, &args.targets, &args.drawn),
    };
    let collected = collect::collect(&here, &versions, targets, drawn)?;
    let form = if drawn.json { Form::Json } else { drawn.format };
    if collected.drawings.is_empty() && form != Form::Json {
        eprintln!("no plot is found; `plots` in `dvc.yaml` names them");
        return Ok(Exit::Ok);
    }
    let drawings = &collected.drawings;
    match form {
        Form::Json => sayln!("{}", tell::json(&collected)),
        Form::Text | Form::Markdown => tell::table(drawings, form == Form::Markdown),
        Form::Html => {
            let dir = directory(drawn, &here);
            let path = dir.join("index.html");
            write(&path, page::page(drawings, &versions).as_bytes())?;
            sayln!("{}", path.display());
            tell_changes(drawings, &versions);
        }
        Form::Svg => {
            let dir = directory(drawn, &here);
            for (name, bytes) in page::files(drawings) {
                let path = dir.join(name);
                write(&path, &bytes)?;
                sayln!("{}", path.display());
            }
            tell_changes(drawings, &versions);
        }
    }
    Ok(Exit::Ok)
}

/// The versions that are drawn, as DVC chooses them.
fn versions(args: &Diff, here: &Here) -> Result<Vec<String>> {
    let mut versions = args.revisions.clone();
    if versions.is_empty() && here.repository.is_dirty()? {
        versions.push("HEAD".to_owned());
    }
    if versions.len() <= 1 && !versions.iter().any(|version| version == WORKSPACE) {
        versions.push(WORKSPACE.to_owned());
    }
    let mut known = std::collections::HashSet::new();
    versions.retain(|version| known.insert(version.clone()));
    Ok(versions)
}

fn directory(drawn: &Drawn, here: &Here) -> PathBuf {
    let said = here.repository.config().get("plots", "out_dir");
    let named = drawn.out.clone().or_else(|| said.map(PathBuf::from));
    here.file(&named.unwrap_or_else(|| PathBuf::from("dvc_plots")))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    everloop_artifacts::write_atomically(path, bytes)?;
    Ok(())
}

fn tell_changes(drawings: &[Drawing], versions: &[String]) {
    if versions.len() < 2 {
        eprintln!("{} plots", drawings.len());
        return;
    }
    let changed = drawings.iter().filter(|drawing| drawing.differs(versions));
    let changed: Vec<&str> = changed.map(|drawing| drawing.id.as_str()).collect();
    eprintln!("{} plots of {}", drawings.len(), versions.join(", "));
    for id in &changed {
        eprintln!("{id}: differs");
    }
}
