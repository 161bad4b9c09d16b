//! `everloop data gc`: removing what nothing names.

use std::io::{IsTerminal as _, Write as _};

use anyhow::Result;
use everloop_versions::{Collected, Gc as Request, Keep};
use serde_json::{Value, json};

use super::versions::Here;
use crate::exit::{Exit, Failure};
use crate::output::Format;

/// Arguments of `everloop data gc`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are those of `dvc gc`")]
pub(crate) struct Gc {
    /// Keep only what the files of the workspace name; what only other commits name goes.
    #[arg(long, short)]
    workspace: bool,

    /// Keep also what the last commits of all local branches name.
    #[arg(long, short = 'a')]
    all_branches: bool,

    /// Keep also what the commits of all tags name.
    #[arg(long, short = 'T')]
    all_tags: bool,

    /// Keep also what any commit names.
    #[arg(long, short = 'A')]
    all_commits: bool,

    /// Keep also what commits of this day and later name, for example 2026-01-31.
    #[arg(long, value_name = "DAY")]
    date: Option<String>,

    /// Keep also what this commit names.
    #[arg(long, value_name = "COMMIT")]
    rev: Option<String>,

    /// Of `--rev` and `--all-branches`, keep so many commits backwards.
    #[arg(long, short, value_name = "N")]
    num: Option<usize>,

    /// Remove also what is named, if it is on the remote.
    #[arg(long, conflicts_with = "cloud")]
    not_in_remote: bool,

    /// Clean the remote, too: what others pushed, and nothing kept here names, is lost.
    #[arg(long, short)]
    cloud: bool,

    /// A remote other than the default one.
    #[arg(long, short, value_name = "NAME")]
    remote: Option<String>,

    /// Do not ask.
    #[arg(long, short)]
    force: bool,

    /// Only tell what would be removed.
    #[arg(long, visible_alias = "dry-run")]
    dry: bool,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs `everloop data gc`.
pub(super) fn run(args: &Gc, here: &Here) -> Result<Exit> {
    let usage = |words: &str| Err(Failure::new(Exit::Usage, words.to_owned()).into());
    let is_date = args.date.is_some() || args.rev.is_some();
    if !(args.workspace || args.all_branches || args.all_tags || args.all_commits || is_date) {
        return usage("say what is kept: `--workspace`, `-a`, `-T`, `-A`, `--date` or `--rev`");
    }
    if args.remote.is_some() && !args.cloud && !args.not_in_remote {
        return usage("`--remote` is for `--cloud` and `--not-in-remote`");
    }
    if args.num.is_some() && args.rev.is_none() && !args.all_branches {
        return usage("`--num` is for `--rev` and `--all-branches`");
    }
    if !args.dry && !args.force && !confirms(args)? {
        return Err(Failure::new(Exit::Interrupted, "nothing is removed".to_owned()).into());
    }
    let request = Request {
        keep: Keep {
            all_branches: args.all_branches,
            all_tags: args.all_tags,
            all_commits: args.all_commits,
            since: args.date.clone(),
            revision: args.rev.clone(),
            n_commits: args.num,
        },
        is_dry: args.dry,
        not_in_remote: args.not_in_remote.then(|| args.remote.clone()),
        from_remotes: args.cloud.then(|| args.remote.clone()),
    };
    let collected = here.repository.collect(&request)?;
    match args.format {
        Format::Json => print_json(args, &collected),
        Format::Text => print(args, &collected),
    }
    Ok(Exit::Ok)
}

/// Whether a person at a terminal agrees; programs have agreed by asking.
fn confirms(args: &Gc) -> Result<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(true);
    }
    let place = if args.cloud {
        "cache and the remote"
    } else {
        "cache"
    };
    eprint!(
        "all objects of the {place} go but those that the workspace and the named commits need; go on? [y/n] "
    );
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn names(one: &Collected) -> Vec<String> {
    one.objects.iter().map(ToString::to_string).collect()
}

fn print_json(args: &Gc, collected: &[Collected]) {
    let of = |one: &Collected| json!({"removed": names(one), "bytes": one.n_bytes, "kept": one.n_kept, "chunks": one.n_chunks});
    let mut answer = collected.first().map_or_else(|| json!({}), of);
    let remotes = collected
        .iter()
        .filter_map(|one| Some((one.remote.clone()?, of(one))));
    let remotes: serde_json::Map<String, Value> = remotes.collect();
    answer["dry_run"] = args.dry.into();
    answer["remotes"] = remotes.into();
    sayln!("{answer}");
}

fn print(args: &Gc, collected: &[Collected]) {
    let done = if args.dry {
        "would be removed"
    } else {
        "removed"
    };
    for one in collected {
        let place = match &one.remote {
            Some(remote) => format!(" from the remote {remote}"),
            None => String::new(),
        };
        for name in names(one) {
            sayln!("{name} {done}{place}");
        }
        let (n_objects, n_bytes) = (one.objects.len(), one.n_bytes);
        let chunks = match one.n_chunks {
            0 => String::new(),
            n_chunks => format!(" and {n_chunks} files of chunks"),
        };
        eprintln!(
            "{n_objects} objects of {n_bytes} bytes{chunks} {done}{place}, {} kept",
            one.n_kept
        );
    }
}
