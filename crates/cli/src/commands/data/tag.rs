//! `everloop data tag`: names for versions of data.

use std::path::{Path, PathBuf};

use anyhow::Result;
use everloop_versions::DataTag;
use serde_json::{Value, json};

use super::versions::Here;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};

/// Arguments of `everloop data tag`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    /// The name, such as `people@v1.2.0`; without a version the next one is taken.
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// The data; without it `artifacts` of `dvc.yaml` tell what the name means.
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,

    /// The commit, branch or tag whose version is named.
    #[arg(value_name = "REVISION", default_value = "HEAD")]
    revision: String,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The commands about names that are there.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Tell the names of versions.
    List {
        /// Only those of this data.
        #[arg(value_name = "PATH")]
        path: Option<PathBuf>,

        /// Text for people or JSON for programs.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Take a name back; the data stays.
    Delete {
        /// The name with its version.
        name: String,
    },
}

/// Runs a command about names.
pub(super) fn run(args: &Args, chosen: Option<&Path>) -> Result<Exit> {
    let here = Here::open(chosen)?;
    match (&args.command, &args.name) {
        (Some(Command::List { path, format }), _) => list(&here, path.as_deref(), *format)?,
        (Some(Command::Delete { name }), _) => {
            here.repository.delete_tag(name)?;
            eprintln!("the tag {name} is deleted; a remote of git may still have it");
        }
        (None, Some(name)) => {
            let path = args.path.as_ref();
            let path = path
                .map(|path| here.repository.path(&here.dir, path))
                .transpose()?;
            let tag = here.repository.tag(name, path.as_ref(), &args.revision)?;
            match args.format {
                Format::Json => sayln!("{}", tag_json(&tag)),
                Format::Text => sayln!("{}", tag.tag),
            }
            eprintln!("`git push origin '{}'` gives it to others", tag.tag);
        }
        (None, None) => {
            let words = "a name such as `people@v1.2.0` is needed, or `list` or `delete`";
            return Err(Failure::new(Exit::Usage, words).into());
        }
    }
    Ok(Exit::Ok)
}

fn list(here: &Here, path: Option<&Path>, format: Format) -> Result<()> {
    let path = path
        .map(|path| here.repository.path(&here.dir, path))
        .transpose()?;
    let mut tags = here.repository.tags()?;
    if let Some(path) = &path {
        tags.retain(|tag| tag.path.as_ref() == Some(path));
    }
    match format {
        Format::Json => {
            let rows: Vec<Value> = tags.iter().map(tag_json).collect();
            sayln!("{}", serde_json::to_string_pretty(&rows)?);
        }
        Format::Text => {
            let short = |text: String| text.chars().take(8).collect::<String>();
            let row = |tag: &DataTag| {
                let path = tag.path.as_ref().map(ToString::to_string);
                let object = tag.object.map(|object| short(object.to_string()));
                vec![
                    tag.tag.clone(),
                    path.unwrap_or_default(),
                    object.unwrap_or_default(),
                    short(tag.commit.clone()),
                    tag.date.clone(),
                ]
            };
            let rows: Vec<Vec<String>> = tags.iter().map(row).collect();
            let header = ["tag", "path", "md5", "commit", "date"];
            say!("{}", output::table(&header, &rows));
        }
    }
    Ok(())
}

fn tag_json(tag: &DataTag) -> Value {
    json!({
        "tag": tag.tag,
        "path": tag.path.as_ref().map(ToString::to_string),
        "md5": tag.object.map(|object| object.to_string()),
        "commit": tag.commit,
        "date": tag.date,
    })
}
