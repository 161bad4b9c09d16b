//! `everloop data config` and `cache-dir`: settings of DVC's configuration.

use anyhow::Result;
use everloop_versions::Setting;
use serde_json::{Value, json};

use super::versions::Here;
use crate::exit::{Exit, Failure};
use crate::output::Format;

/// Arguments of `everloop data config`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A setting: `core.autostage`, `cache.type`, `remote.NAME.url`. Without one all that are set are listed.
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Its new value. Without one the value is told.
    value: Option<String>,

    /// Remove the setting.
    #[arg(long, short, requires = "name", conflicts_with = "value")]
    unset: bool,

    /// Keep it out of git, in `.dvc/config.local`.
    #[arg(long)]
    local: bool,

    /// Tell the files that say so, too.
    #[arg(long)]
    show_origin: bool,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `everloop data cache-dir`.
#[derive(Debug, clap::Args)]
pub(crate) struct CacheDir {
    /// Another place for the cache. What is in the cache is not moved.
    #[arg(value_name = "DIR")]
    dir: Option<String>,

    /// Have the cache in `.dvc/cache` again.
    #[arg(long, short, conflicts_with = "dir")]
    unset: bool,

    /// Keep it out of git, in `.dvc/config.local`.
    #[arg(long)]
    local: bool,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Tells or changes settings.
pub(super) fn run(args: &Args, here: &Here) -> Result<Exit> {
    let repository = &here.repository;
    let Some(name) = &args.name else {
        print(&repository.settings()?, args);
        return Ok(Exit::Ok);
    };
    if args.unset || args.value.is_some() {
        let _lock = repository.lock()?;
        repository.change_setting(name, args.value.as_deref(), args.local)?;
        if args.format == Format::Json {
            sayln!("{}", json!({"name": name, "value": args.value}));
        }
        return Ok(Exit::Ok);
    }
    let found = repository.settings()?;
    let Some(one) = found.iter().find(|one| one.name == *name) else {
        return Err(Failure::new(Exit::NotFound, format!("`{name}` is not set")).into());
    };
    match args.format {
        Format::Json => sayln!("{}", setting_json(one)),
        Format::Text if args.show_origin => sayln!("{}\t{}", one.file.display(), one.value),
        Format::Text => sayln!("{}", one.value),
    }
    Ok(Exit::Ok)
}

/// Tells or changes the place of the cache.
pub(super) fn cache_dir(args: &CacheDir, here: &Here) -> Result<Exit> {
    let repository = &here.repository;
    if args.unset || args.dir.is_some() {
        let _lock = repository.lock()?;
        repository.change_cache_dir(&here.dir, args.dir.as_deref(), args.local)?;
        return Ok(Exit::Ok);
    }
    let set = repository.config().get("cache", "dir");
    let dir = set.map_or_else(
        || repository.root().join(".dvc/cache").display().to_string(),
        str::to_owned,
    );
    match args.format {
        Format::Json => sayln!("{}", json!({"dir": dir})),
        Format::Text => sayln!("{dir}"),
    }
    Ok(Exit::Ok)
}

fn print(settings: &[Setting], args: &Args) {
    if args.format == Format::Json {
        let rows: Vec<Value> = settings.iter().map(setting_json).collect();
        sayln!("{}", Value::from(rows));
        return;
    }
    for one in settings {
        if args.show_origin {
            sayln!("{}\t{}={}", one.file.display(), one.name, one.value);
        } else {
            sayln!("{}={}", one.name, one.value);
        }
    }
}

fn setting_json(one: &Setting) -> Value {
    json!({"name": one.name, "value": one.value, "file": one.file.display().to_string()})
}
