//! `everloop data remote`: where data is kept for others.

use anyhow::Result;
use serde_json::{Value, json};

use super::versions::Here;
use crate::exit::Exit;
use crate::output::{self, Format};

/// The commands about remotes.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Set a remote.
    Add {
        /// Its name.
        name: String,
        /// A directory (a relative one is seen from here), or the URL of a bucket, a web server, or a directory behind SSH.
        place: String,
        /// Make it the default.
        #[arg(long, short)]
        default: bool,
        /// Replace the one of this name.
        #[arg(long, short)]
        force: bool,
        #[command(flatten)]
        how: How,
    },
    /// Tell what remotes are set.
    List {
        /// Text for people or JSON for programs.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Tell which remote is the default, or choose it.
    Default {
        /// The name of a remote.
        name: Option<String>,
        /// Make none the default.
        #[arg(long, short, conflicts_with = "name")]
        unset: bool,
        #[command(flatten)]
        how: How,
    },
    /// Set an option of a remote.
    Modify {
        /// Its name.
        name: String,
        /// An option of DVC's, or `everloop_chunks`: large objects go in chunks that versions share; DVC cannot read them.
        option: String,
        /// Its value.
        #[arg(required_unless_present = "unset")]
        value: Option<String>,
        /// Remove the option.
        #[arg(long, short, conflicts_with = "value")]
        unset: bool,
        #[command(flatten)]
        how: How,
    },
    /// Forget a remote. Its objects stay where they are.
    Remove {
        /// Its name.
        name: String,
        #[command(flatten)]
        how: How,
    },
    /// Give a remote another name.
    Rename {
        /// Its name.
        name: String,
        /// Its new name.
        new: String,
        /// Text for people or JSON for programs.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// Where changes are kept and how they are told.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct How {
    /// Keep it out of git, in `.dvc/config.local`.
    #[arg(long)]
    local: bool,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs a command about remotes.
pub(super) fn run(command: &Command, here: &Here) -> Result<Exit> {
    let repository = &here.repository;
    match command {
        Command::List { format } => {
            list(here, *format);
            return Ok(Exit::Ok);
        }
        Command::Default {
            name: None,
            unset: false,
            how,
        } => {
            print_default(here, how.format);
            return Ok(Exit::Ok);
        }
        _ => {}
    }
    let _lock = repository.lock()?;
    match command {
        Command::Add {
            name,
            place,
            default,
            force,
            how,
        } => {
            repository.add_remote(&here.dir, (name, place), (*default, *force, how.local))?;
            told(name, "is set", how.format);
        }
        Command::Default {
            name: Some(name),
            how,
            ..
        } => {
            repository.set_default_remote(name, how.local)?;
            told(name, "is the default", how.format);
        }
        Command::Default { how, .. } => {
            repository.unset_default_remote(how.local)?;
            told("", "no remote is the default", how.format);
        }
        Command::Modify {
            name,
            option,
            value,
            how,
            ..
        } => {
            let change = (name.as_str(), option.as_str(), value.as_deref());
            repository.modify_remote(&here.dir, change, how.local)?;
            told(name, "is changed", how.format);
        }
        Command::Remove { name, how } => {
            repository.remove_remote(name, how.local)?;
            told(name, "is forgotten; its objects stay", how.format);
        }
        Command::Rename { name, new, format } => {
            repository.rename_remote(name, new)?;
            told(name, &format!("is {new} now"), *format);
        }
        Command::List { .. } => {}
    }
    Ok(Exit::Ok)
}

/// Tells what was done.
fn told(name: &str, words: &str, format: Format) {
    match format {
        Format::Text if name.is_empty() => eprintln!("{words}"),
        Format::Text => eprintln!("remote {name} {words}"),
        Format::Json => sayln!("{}", json!({"remote": name, "done": words})),
    }
}

fn print_default(here: &Here, format: Format) {
    let name = here.repository.config().get("core", "remote");
    match (format, name) {
        (Format::Json, name) => sayln!("{}", json!({"default": name})),
        (Format::Text, Some(name)) => sayln!("{name}"),
        (Format::Text, None) => {}
    }
}

fn list(here: &Here, format: Format) {
    let config = here.repository.config();
    let is_default = |name: &str| config.get("core", "remote") == Some(name);
    let remotes = config.remotes();
    match format {
        Format::Json => {
            let rows: Vec<Value> = remotes
                .iter()
                .map(|(name, url)| json!({"name": name, "url": url, "default": is_default(name)}))
                .collect();
            sayln!("{}", Value::from(rows));
        }
        Format::Text => {
            let rows: Vec<Vec<String>> = remotes
                .iter()
                .map(|(name, url)| {
                    let mark = if is_default(name) { "default" } else { "" };
                    vec![(*name).to_owned(), (*url).to_owned(), mark.to_owned()]
                })
                .collect();
            say!("{}", output::table(&["name", "place", ""], &rows));
        }
    }
}
