//! `everloop data status --cloud`: how the cache differs from a remote.

use anyhow::Result;
use everloop_versions::CloudStatus;
use serde_json::{Value, json};

use crate::output::Format;

/// Prints statuses.
pub(super) fn print(statuses: &[CloudStatus], format: Format) -> Result<()> {
    if format == Format::Json {
        let rows: Vec<Value> = statuses.iter().map(in_json).collect();
        sayln!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    for one in statuses.iter().filter(|one| !one.is_same()) {
        sayln!("{}:", one.path);
        for (kind, files) in [
            ("new", &one.new),
            ("deleted", &one.deleted),
            ("missing", &one.missing),
        ] {
            for file in files {
                sayln!("  {kind}: {file}");
            }
        }
    }
    let n_same = statuses.iter().filter(|one| one.is_same()).count();
    eprintln!(
        "{n_same} of {} the same in the cache and in the remote",
        statuses.len()
    );
    Ok(())
}

fn in_json(one: &CloudStatus) -> Value {
    json!({
        "path": one.path.as_str(),
        "remote": one.remote,
        "new": one.new,
        "deleted": one.deleted,
        "missing": one.missing,
    })
}
