//! `everloop data`: versions of data; profiles and checks of tables.

pub(crate) mod check_ignore;
mod cloud;
pub(crate) mod config;
pub(crate) mod diff;
pub(crate) mod freeze;
pub(crate) mod fsck;
pub(crate) mod gc;
pub(crate) mod get;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod moving;
pub(crate) mod remote;
pub(crate) mod tag;
pub(crate) mod update;
pub(crate) mod versions;

use std::path::Path;

use anyhow::Result;
use everloop_data::{Session, Settings};
use everloop_domain::dataset::{Severity, Source};

use crate::exit::{Exit, Failure};
use crate::output::{self, Format};
use crate::workspace::Workspace;

/// The commands about data.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show what is in the columns of a table or a file.
    Profile {
        /// A source or table of the project, or a file.
        table: String,
        /// Text for people or JSON for programs.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Run the project's checks now, without a cycle.
    Check {
        /// Text for people or JSON for programs.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Make a repository with data versions here, in DVC's format.
    Init {
        /// Text for people or JSON for programs.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Track files and directories: keep their content, and write `.dvc` files for git.
    Add(versions::Add),
    /// Tell what differs from what is recorded.
    Status(versions::StatusArgs),
    /// Tell what differs between versions of data, and of the rows of tables.
    Diff(diff::Args),
    /// Tell which commits changed data, and where each version came from.
    Log(log::Args),
    /// Name versions of data, as DVC's registry does: with tags of git such as `people@v1.2.0`.
    Tag(tag::Args),
    /// Tell what is tracked, or what is in another repository.
    List(list::Args),
    /// Copy data or files of any version of a repository to here, without tracking them.
    Get(get::Args),
    /// Bring data of another repository in, and remember where it came from.
    Import(import::Args),
    /// Bring a file or directory of this machine or of a URL in, and remember where it came from.
    ImportUrl(import::PlaceArgs),
    /// Bring imported data up to date with its source.
    Update(update::Args),
    /// Record tracked data as it is now.
    Commit(versions::Targets),
    /// Bring data to what is recorded, from the cache.
    Checkout(versions::Checkout),
    /// Send what is recorded to a remote.
    Push(versions::Transfer),
    /// Get what is recorded from a remote into the cache.
    Fetch(versions::Transfer),
    /// Fetch and check out.
    Pull(versions::Pull),
    /// Remove from the cache, and from remotes, what nothing names.
    Gc(gc::Gc),
    /// Read all objects again; name what is damaged, missing or writable, and mend it.
    Fsck(fsck::Fsck),
    /// Give tracked data another name.
    Move(moving::Move),
    /// Track data no longer.
    Remove(moving::Remove),
    /// Make files that are shared with the cache files of their own.
    Unprotect(moving::Unprotect),
    /// Keep stages and imports as they are, whatever becomes of what they depend on.
    Freeze(freeze::Args),
    /// End that.
    Unfreeze(freeze::Args),
    /// Tell which paths `.dvcignore` leaves out, and which line does.
    CheckIgnore(check_ignore::Args),
    /// Tell, set and remove settings of DVC's configuration.
    Config(config::Args),
    /// Tell where the cache is, or have it somewhere else.
    CacheDir(config::CacheDir),
    /// Set, change and list remotes.
    #[command(subcommand)]
    Remote(remote::Command),
}

/// Runs a command about data.
pub(crate) async fn run(command: &Command, project: Option<&Path>, is_quiet: bool) -> Result<Exit> {
    match command {
        Command::Profile { table, format } => profile(table, *format, project).await,
        Command::Check { format } => check(*format, project).await,
        Command::Tag(args) => tokio::task::block_in_place(|| tag::run(args, project)),
        Command::List(args) => tokio::task::block_in_place(|| list::run(args, project)),
        Command::Get(args) => tokio::task::block_in_place(|| get::run(args, project)),
        Command::Import(args) => tokio::task::block_in_place(|| import::run(args, project)),
        Command::ImportUrl(args) => {
            tokio::task::block_in_place(|| import::run_place(args, project))
        }
        Command::Update(args) => tokio::task::block_in_place(|| update::run(args, project)),
        Command::Log(args) => log::run(args, project).await,
        Command::Diff(args) => tokio::task::block_in_place(|| diff::run(args, project)),
        // Files and their digests: nothing to wait for side by side.
        command => tokio::task::block_in_place(|| versions::run(command, project, is_quiet)),
    }
}

async fn profile(table: &str, format: Format, project: Option<&Path>) -> Result<Exit> {
    let session = if Path::new(table).exists() {
        let session = session(&std::env::current_dir()?);
        session.register_source(&file_source(table)).await?;
        session
    } else {
        let workspace = Workspace::open(project, &[])?;
        let session = session(workspace.project.dir());
        tables(&workspace, &session).await?;
        session
    };
    let profile = session.profile(table).await?;
    match format {
        Format::Text => say!("{profile}"),
        Format::Json => sayln!("{}", serde_json::to_string_pretty(&profile)?),
    }
    Ok(Exit::Ok)
}

async fn check(format: Format, project: Option<&Path>) -> Result<Exit> {
    let workspace = Workspace::open(project, &[])?;
    let session = session(workspace.project.dir());
    tables(&workspace, &session).await?;
    let mut results = Vec::new();
    for checks in &workspace.lifecycle.checks {
        results.extend(session.check(checks).await?.results);
    }
    match format {
        Format::Json => sayln!("{}", serde_json::to_string_pretty(&results)?),
        Format::Text => {
            let rows: Vec<Vec<String>> = results
                .iter()
                .map(|result| {
                    vec![
                        if result.passed() { "pass" } else { "FAIL" }.to_owned(),
                        result.table.clone(),
                        result.name.clone(),
                        format!("{} of {}", result.n_failed, result.n_rows),
                        result.examples.join("; "),
                    ]
                })
                .collect();
            say!(
                "{}",
                output::table(&["", "table", "check", "failed", "examples"], &rows)
            );
        }
    }
    let n_errors = results
        .iter()
        .filter(|result| !result.passed() && result.severity == Severity::Error)
        .count();
    if n_errors > 0 {
        return Err(
            Failure::new(Exit::StageFailed, format!("{n_errors} checks do not hold")).into(),
        );
    }
    Ok(Exit::Ok)
}

/// Registers the sources and prepared tables of a project.
pub(crate) async fn tables(workspace: &Workspace, session: &Session) -> Result<()> {
    for source in &workspace.lifecycle.sources {
        session.register_source(source).await?;
    }
    for step in &workspace.lifecycle.prepare {
        session.run_step(step).await?;
    }
    Ok(())
}

/// A session in a directory.
pub(crate) fn session(dir: &Path) -> Session {
    Session::new(
        dir,
        &Settings {
            memory_bytes: 2 << 30,
        },
    )
}

fn file_source(path: &str) -> Source {
    Source {
        name: path.to_owned(),
        path: path.to_owned(),
        format: None,
        delimiter: None,
        has_header: true,
        null_values: Vec::new(),
    }
}
