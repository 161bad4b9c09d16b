//! `everloop data init|add|status|…`: versions of data, in DVC's format.

use std::path::{Path, PathBuf};

use anyhow::Result;
use everloop_versions::{Added, Placed, RepoPath, Repository, State, Status, Transferred};
use serde_json::{Value, json};

use super::{Command, check_ignore, cloud, config, freeze, fsck, gc, moving, remote};
use crate::environment;
use crate::exit::Exit;
use crate::output::Format;
use crate::progress::{self, Look};

/// What most commands about versions take.
#[derive(Debug, clap::Args)]
pub(crate) struct Targets {
    /// Data or parts of it, `.dvc` files, stages, or directories above them; all without any.
    #[arg(value_name = "TARGET")]
    pub(super) targets: Vec<PathBuf>,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

/// Arguments of `everloop data add`.
#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// Files and directories.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `everloop data checkout` and `pull`.
#[derive(Debug, clap::Args)]
pub(crate) struct Checkout {
    #[command(flatten)]
    targets: Targets,

    /// Discard what is not recorded.
    #[arg(long, short)]
    force: bool,
}

/// Arguments of `everloop data push` and `fetch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Transfer {
    #[command(flatten)]
    targets: Targets,

    /// A remote other than the default one.
    #[arg(long, short)]
    remote: Option<String>,

    /// The run cache, too: what stages once made of the same.
    #[arg(long)]
    run_cache: bool,
}

/// Arguments of `everloop data status`.
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    targets: Targets,

    /// Compare the cache with the remote, and not with the workspace.
    #[arg(long, short)]
    cloud: bool,

    /// A remote other than the default one; with `--cloud`.
    #[arg(long, short, requires = "cloud")]
    remote: Option<String>,
}

/// Arguments of `everloop data pull`.
#[derive(Debug, clap::Args)]
pub(crate) struct Pull {
    #[command(flatten)]
    transfer: Transfer,

    /// Discard what is not recorded.
    #[arg(long, short)]
    force: bool,
}

/// A repository, and the directory that paths are seen from.
pub(in crate::commands) struct Here {
    pub(super) dir: PathBuf,
    pub(in crate::commands) repository: Repository,
    is_quiet: bool,
}

impl Here {
    /// The repository of the directory that was chosen, or of the current one.
    pub(in crate::commands) fn open(chosen: Option<&Path>) -> Result<Self> {
        let dir = std::env::current_dir()?;
        let dir = chosen.map_or(dir.clone(), |chosen| dir.join(chosen));
        let repository = Repository::open(&dir, &environment::machine())?;
        Ok(Self {
            dir: dir.canonicalize()?,
            repository,
            is_quiet: false,
        })
    }

    /// Whether nothing is shown while work goes on.
    fn quiet(self, is_quiet: bool) -> Self {
        Self { is_quiet, ..self }
    }

    /// Does something, and shows meanwhile how far it is.
    fn during<T>(
        &self,
        doing: &'static str,
        format: Format,
        work: impl FnOnce(&Repository) -> T,
    ) -> T {
        let look = Look::new(self.is_quiet, format);
        let progress = self.repository.progress();
        progress::during(look, doing, progress, || work(&self.repository))
    }

    /// The directory as a path of the repository.
    pub(in crate::commands) fn path_of_dir(&self) -> Result<RepoPath> {
        Ok(RepoPath::of(self.repository.root(), &self.dir)?)
    }

    pub(super) fn paths(&self, named: &[PathBuf]) -> Result<Vec<RepoPath>> {
        let paths = named
            .iter()
            .map(|path| self.repository.path(&self.dir, path));
        Ok(paths.collect::<Result<_, _>>()?)
    }
}

/// Runs a command about versions.
pub(super) fn run(command: &Command, chosen: Option<&Path>, is_quiet: bool) -> Result<Exit> {
    match command {
        Command::Init { format } => init(chosen, *format),
        Command::Remote(command) => remote::run(command, &Here::open(chosen)?.quiet(is_quiet)),
        Command::Status(args) => status(args, &Here::open(chosen)?.quiet(is_quiet)),
        Command::Config(args) => config::run(args, &Here::open(chosen)?),
        Command::CacheDir(args) => config::cache_dir(args, &Here::open(chosen)?),
        Command::CheckIgnore(args) => check_ignore::run(args, &Here::open(chosen)?),
        command => {
            let here = Here::open(chosen)?.quiet(is_quiet);
            let _lock = here.repository.lock()?;
            change(command, &here)
        }
    }
}

/// Runs a command while nobody else works in the repository.
fn change(command: &Command, here: &Here) -> Result<Exit> {
    match command {
        Command::Add(args) => {
            let paths = here.paths(&args.paths)?;
            let added = here.during("adding", args.format, |it| it.add(&paths))?;
            print_added(&added, args.format);
            Ok(Exit::Ok)
        }
        Command::Commit(args) => {
            let targets = here.paths(&args.targets)?;
            let added = here.during("recording", args.format, |it| it.commit(&targets))?;
            print_added(&added, args.format);
            Ok(Exit::Ok)
        }
        Command::Checkout(args) => {
            let targets = here.paths(&args.targets.targets)?;
            let format = args.targets.format;
            let placed = here.during("checking out", format, |it| {
                it.checkout(&targets, args.force)
            })?;
            print_placed(&placed, format);
            Ok(exit_of(placed.iter().all(|one| one.problem.is_none())))
        }
        Command::Push(args) => {
            let targets = here.paths(&args.targets.targets)?;
            let format = args.targets.format;
            let sent = here.during("pushing", format, |it| {
                let remote = args.remote.as_deref();
                let sent = it.push(&targets, remote)?;
                if !args.run_cache {
                    return Ok(sent);
                }
                it.push_runs(remote).map(|runs| sent.and(runs))
            })?;
            print_transferred(&sent, "pushed", format);
            Ok(exit_of(sent.problems.is_empty()))
        }
        Command::Fetch(args) => {
            let targets = here.paths(&args.targets.targets)?;
            let format = args.targets.format;
            let got = here.during("fetching", format, |it| fetch(it, &targets, args))?;
            print_transferred(&got, "fetched", format);
            Ok(exit_of(got.problems.is_empty()))
        }
        Command::Pull(args) => pull(args, here),
        Command::Gc(args) => gc::run(args, here),
        Command::Fsck(args) => fsck::run(args, here),
        Command::Move(args) => moving::rename(args, here),
        Command::Remove(args) => moving::remove(args, here),
        Command::Unprotect(args) => moving::unprotect(args, here),
        Command::Freeze(args) => freeze::run(args, true, here),
        Command::Unfreeze(args) => freeze::run(args, false, here),
        _ => Ok(Exit::Ok),
    }
}

pub(super) fn exit_of(is_whole: bool) -> Exit {
    if is_whole { Exit::Ok } else { Exit::Incomplete }
}

fn init(chosen: Option<&Path>, format: Format) -> Result<Exit> {
    let dir = chosen.unwrap_or(Path::new("."));
    let repository = Repository::init(dir, &environment::machine())?;
    let root = repository.root().display().to_string();
    match format {
        Format::Json => sayln!("{}", json!({"root": root})),
        Format::Text => eprintln!("made a repository in {root}; `git commit` keeps its files"),
    }
    Ok(Exit::Ok)
}

fn fetch(
    repository: &Repository,
    targets: &[RepoPath],
    args: &Transfer,
) -> Result<Transferred, everloop_versions::Error> {
    let remote = args.remote.as_deref();
    if !args.run_cache {
        return repository.fetch(targets, remote);
    }
    let runs = repository.fetch_runs(remote)?;
    repository.fetch(targets, remote).map(|data| runs.and(data))
}

fn pull(args: &Pull, here: &Here) -> Result<Exit> {
    let targets = &args.transfer.targets;
    let paths = here.paths(&targets.targets)?;
    let format = targets.format;
    let got = here.during("fetching", format, |it| fetch(it, &paths, &args.transfer))?;
    let placed = here.during("checking out", format, |it| it.checkout(&paths, args.force))?;
    match targets.format {
        Format::Json => sayln!(
            "{}",
            json!({"fetched": transferred(&got), "checked_out": placed.iter().map(placed_json).collect::<Vec<_>>()})
        ),
        Format::Text => {
            print_transferred(&got, "fetched", Format::Text);
            print_placed(&placed, Format::Text);
        }
    }
    let is_whole = got.problems.is_empty() && placed.iter().all(|one| one.problem.is_none());
    Ok(exit_of(is_whole))
}

fn status(args: &StatusArgs, here: &Here) -> Result<Exit> {
    if args.cloud {
        let (targets, remote) = (&args.targets.targets, args.remote.as_deref());
        let statuses = here
            .repository
            .cloud_status(&here.paths(targets)?, remote)?;
        cloud::print(&statuses, args.targets.format)?;
        return Ok(Exit::Ok);
    }
    let args = &args.targets;
    let targets = here.paths(&args.targets)?;
    let statuses = here.during("looking", args.format, |it| it.status(&targets))?;
    if args.format == Format::Json {
        let rows: Vec<Value> = statuses.iter().map(status_json).collect();
        sayln!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(Exit::Ok);
    }
    let mut n_same = 0;
    for one in &statuses {
        if one.state == State::Unchanged && one.is_in_cache {
            n_same += 1;
            continue;
        }
        let lacks = if one.is_in_cache {
            ""
        } else {
            ", not in the cache"
        };
        sayln!("{}: {}{lacks}", one.path, word(one.state));
        for (kind, files) in ["added", "modified", "deleted"].iter().zip(&one.files) {
            for file in files {
                sayln!("  {kind}: {file}");
            }
        }
    }
    eprintln!("{n_same} of {} up to date", statuses.len());
    Ok(Exit::Ok)
}

fn word(state: State) -> &'static str {
    match state {
        State::Unchanged => "unchanged",
        State::Modified => "modified",
        State::Deleted => "deleted",
        State::New => "new",
    }
}

fn status_json(one: &Status) -> Value {
    let [added, modified, deleted] = &one.files;
    json!({
        "path": one.path.as_str(),
        "file": one.tracked.file.as_str(),
        "stage": one.tracked.stage(),
        "state": word(one.state),
        "in_cache": one.is_in_cache,
        "added": added,
        "modified": modified,
        "deleted": deleted,
    })
}

fn print_added(added: &[Added], format: Format) {
    if format == Format::Json {
        let rows: Vec<Value> = added
            .iter()
            .map(|one| {
                json!({
                    "path": one.path.as_str(),
                    "file": one.file.as_str(),
                    "md5": one.recorded.object.to_string(),
                    "size": one.recorded.size,
                    "files": one.recorded.n_files,
                    "changed": one.is_changed,
                })
            })
            .collect();
        sayln!("{}", Value::from(rows));
        return;
    }
    for one in added.iter().filter(|one| one.is_changed) {
        sayln!("{} recorded in {}", one.path, one.file);
    }
    let n_changed = added.iter().filter(|one| one.is_changed).count();
    eprintln!(
        "{n_changed} recorded, {} as before",
        added.len() - n_changed
    );
}

fn placed_json(one: &Placed) -> Value {
    json!({"path": one.path.as_str(), "written": one.n_written, "removed": one.n_removed, "problem": one.problem})
}

fn print_placed(placed: &[Placed], format: Format) {
    if format == Format::Json {
        let rows: Vec<Value> = placed.iter().map(placed_json).collect();
        sayln!("{}", Value::from(rows));
        return;
    }
    for one in placed {
        if let Some(problem) = &one.problem {
            eprintln!("{} is left as it is: {problem}", one.path);
        } else if one.n_written + one.n_removed > 0 {
            sayln!(
                "{}: {} files written, {} removed",
                one.path,
                one.n_written,
                one.n_removed
            );
        }
    }
}

fn transferred(sum: &Transferred) -> Value {
    let problems: Vec<Value> = sum
        .problems
        .iter()
        .map(|(object, why)| json!({"object": object.to_string(), "why": why}))
        .collect();
    json!({"objects": sum.n_objects, "bytes": sum.n_bytes, "present": sum.n_present, "runs": sum.n_runs, "problems": problems, "notes": sum.notes})
}

fn print_transferred(sum: &Transferred, done: &str, format: Format) {
    if format == Format::Json {
        sayln!("{}", transferred(sum));
        return;
    }
    for note in &sum.notes {
        eprintln!("note: {note}");
    }
    for (object, why) in &sum.problems {
        eprintln!("{object} could not be {done}: {why}");
    }
    if sum.n_runs > 0 {
        sayln!("{} runs {done}", sum.n_runs);
    }
    sayln!(
        "{} objects of {} bytes {done}, {} were there",
        sum.n_objects,
        sum.n_bytes,
        sum.n_present
    );
}
