//! `everloop data fsck`: whether every object is what its name says.

use anyhow::Result;
use everloop_versions::{Fault, FaultKind};
use serde_json::{Value, json};

use super::versions::{Here, Targets, exit_of};
use crate::exit::Exit;
use crate::output::Format;

/// Arguments of `everloop data fsck`. It ends with 22 if anything is wrong that was not mended.
#[derive(Debug, clap::Args)]
pub(crate) struct Fsck {
    #[command(flatten)]
    targets: Targets,

    /// Read also the objects that nothing in the workspace names.
    #[arg(long)]
    all: bool,

    /// Mend what the workspace or a remote has the content of; what is damaged is moved to `everloop-damaged` in the cache.
    #[arg(long)]
    repair: bool,

    /// A remote other than the default one to mend from.
    #[arg(long, short, value_name = "NAME", requires = "repair")]
    remote: Option<String>,
}

/// Runs `everloop data fsck`.
pub(super) fn run(args: &Fsck, here: &Here) -> Result<Exit> {
    let targets = here.paths(&args.targets.targets)?;
    let repair = args.repair.then_some(args.remote.as_deref());
    let checked = here.repository.fsck(&targets, args.all, repair)?;
    let faults = &checked.faults;
    let n_left = faults
        .iter()
        .filter(|fault| fault.repaired.is_none())
        .count();
    match args.targets.format {
        Format::Json => {
            let rows: Vec<Value> = faults.iter().map(fault_json).collect();
            sayln!(
                "{}",
                json!({"objects": checked.n_objects, "bytes": checked.n_bytes, "faults": rows, "left": n_left})
            );
        }
        Format::Text => {
            faults.iter().for_each(print);
            eprintln!(
                "{} objects of {} bytes looked at, {} of them wrong, {} repaired",
                checked.n_objects,
                checked.n_bytes,
                faults.len(),
                faults.len() - n_left
            );
        }
    }
    Ok(exit_of(n_left == 0))
}

fn word(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Damaged => "damaged",
        FaultKind::Missing => "missing",
        FaultKind::Writable => "writable",
    }
}

fn fault_json(fault: &Fault) -> Value {
    json!({
        "object": fault.object.to_string(),
        "kind": word(fault.kind),
        "problem": fault.problem,
        "used_by": fault.used_by,
        "repaired": fault.repaired,
    })
}

fn print(fault: &Fault) {
    let users = match fault.used_by.as_slice() {
        [] => "nothing in the workspace".to_owned(),
        users => users.join(", "),
    };
    let repaired = match &fault.repaired {
        Some(how) => format!("; repaired: {how}"),
        None => String::new(),
    };
    let (object, kind) = (fault.object, word(fault.kind));
    sayln!("{object} of {users}: {kind}, {}{repaired}", fault.problem);
}
