//! What the keys of a file mean together.
//!
//! These checks run on the tree, with defaults put in, even where its form is wrong: a value that
//! is absent or of another type is passed over, since the walker has reported it.

mod bounds;
mod conditions;
mod evaluation;
mod features;
mod split;
mod tables;
mod target;
mod trainers;
mod training;
mod tuning;

use everloop_domain::Task;

pub(crate) use self::trainers::TRAINERS;
use crate::codes;
use crate::diagnostic::Report;
use crate::shapes::VERSION;
use crate::yaml::Node;

/// Checks the whole tree.
pub(crate) fn check(tree: &Node, report: &mut Report) {
    version(tree, report);
    tables::check(tree, report);
    target::check(tree, report);
    bounds::check(tree, report);
    features::check(tree, report);
    split::check(tree, report);
    training::check(tree, report);
    tuning::check(tree, report);
    evaluation::check(tree, report);
    conditions::check(tree, report);
}

/// The task of the `train` section.
pub(crate) fn task(train: &Node) -> Option<Task> {
    train.get("task")?.text()?.parse().ok()
}

fn version(tree: &Node, report: &mut Report) {
    let Some(node) = tree.get("version") else {
        return;
    };
    if let Some(version) = node.integer().filter(|version| *version != VERSION) {
        let problem = report.at(
            codes::BAD_VERSION,
            node,
            format!("version {version} is not known"),
        );
        problem.hint(format!(
            "write `version: {VERSION}`; a newer file needs a newer `everloop`"
        ));
    }
}
