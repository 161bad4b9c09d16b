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
        /// A directory; a relative one is seen from here.
        place: String,
        /// Make it the default.
        #[arg(long, short)]
        default: bool,
        /// Replace the one of this name.
        #[arg(long, short)]
        force: bool,
        /// Keep it out of git, in `.dvc/config.local`.
        #[arg(long)]
        local: bool,
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
        /// Keep the choice out of git, in `.dvc/config.local`.
        #[arg(long)]
        local: bool,
    },
}

/// Runs a command about remotes.
pub(super) fn run(command: &Command, here: &Here) -> Result<Exit> {
    let repository = &here.repository;
    match command {
        Command::Add {
            name,
            place,
            default,
            force,
            local,
        } => {
            let _lock = repository.lock()?;
            repository.add_remote(&here.dir, (name, place), (*default, *force, *local))?;
            eprintln!("remote {name} is set");
        }
        Command::List { format } => list(here, *format),
        Command::Default { name: None, .. } => {
            if let Some(name) = repository.config().get("core", "remote") {
                sayln!("{name}");
            }
        }
        Command::Default {
            name: Some(name),
            local,
        } => {
            let _lock = repository.lock()?;
            repository.set_default_remote(name, *local)?;
        }
    }
    Ok(Exit::Ok)
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
