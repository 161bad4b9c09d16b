//! Which trainer does which task. The trainers themselves are the crate `train`'s, which this one does not know: a test
//! of the engine compares both.

use everloop_domain::Task;

use crate::codes;
use crate::diagnostic::Report;
use crate::yaml::{Node, Place};

const CLASSES: &[Task] = &[Task::Binary, Task::Multiclass];
const WITH_TARGET: &[Task] = &[Task::Binary, Task::Multiclass, Task::Regression];

/// The trainers and their tasks, in the order in which they are documented.
pub(crate) const TRAINERS: [(&str, &[Task]); 12] = [
    ("linear", &[Task::Regression]),
    ("logistic", CLASSES),
    ("tree", WITH_TARGET),
    ("forest", WITH_TARGET),
    ("boosting", WITH_TARGET),
    ("svm", WITH_TARGET),
    ("neural", WITH_TARGET),
    ("nearest", WITH_TARGET),
    ("naive_bayes", CLASSES),
    ("isolation_forest", &[Task::Anomaly]),
    ("kmeans", &[Task::Clustering]),
    ("baseline", WITH_TARGET),
];

/// The trainer of the file, and those that its search chooses from, must suit the task.
pub(super) fn check(train: &Node, task: Task, report: &mut Report) {
    if let Some(node) = train.get("trainer") {
        suits(node.written(), &node.place(), task, report);
    }
    let Some(space) = train.find(&["tune", "space", "trainer"]) else {
        return;
    };
    let choices = space.get("choices").unwrap_or(space);
    for node in choices.elements() {
        suits(node.written(), &node.place(), task, report);
    }
    if space.get("choices").is_some() {
        for entry in choices.entries() {
            suits(Some(&entry.key), &entry.place(), task, report);
        }
    }
}

fn suits(trainer: Option<&str>, place: &Place, task: Task, report: &mut Report) {
    let known = TRAINERS.iter().find(|(name, _)| Some(*name) == trainer);
    let Some((trainer, _)) = known.filter(|(_, tasks)| !tasks.contains(&task)) else {
        return;
    };
    let way_out = match (*trainer, task) {
        ("linear", Task::Binary | Task::Multiclass) => {
            "`logistic` is the linear model of classes".to_owned()
        }
        ("logistic", Task::Regression) => "`linear` is the linear model of numbers".to_owned(),
        _ => format!("those that do: {}", suiting(task).join(", ")),
    };
    let message = format!("the trainer `{trainer}` does not suit the task `{task}`");
    report
        .add(codes::UNSUITABLE_TRAINER, place, message)
        .hint(way_out);
}

fn suiting(task: Task) -> Vec<&'static str> {
    let suiting = TRAINERS.iter().filter(|(_, tasks)| tasks.contains(&task));
    suiting.map(|(name, _)| *name).collect()
}
