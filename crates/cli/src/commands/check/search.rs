//! Checks of `train.tune` that need the trainers and the metrics.

use everloop_lifecycle::{Diagnostic, Lifecycle, Trainer, codes};
use everloop_measure::Metric;
use everloop_train::tuning::check_search;

/// Problems with what is searched and what for.
pub(super) fn problems(lifecycle: &Lifecycle, text: &str) -> Vec<Diagnostic> {
    let Some(search) = &lifecycle.train.tune else {
        return Vec::new();
    };
    let trainer = match &lifecycle.train.trainer {
        Trainer::BuiltIn(name) => Some(name.as_str()),
        Trainer::Command(_) => None,
    };
    let mut found = Vec::new();
    for objective in &search.objectives {
        let key = if objective.is_maximized {
            "maximize"
        } else {
            "minimize"
        };
        let is_better = Metric::parse(&objective.metric).map(Metric::higher_is_better);
        if is_better.is_some_and(|is_better| is_better != objective.is_maximized) {
            let (metric, other) = (
                &objective.metric,
                if objective.is_maximized {
                    "minimize"
                } else {
                    "maximize"
                },
            );
            let message = format!("`{key}: {metric}` looks for the worst model");
            let help = Some(format!("write `{other}: {metric}`"));
            let place = ["train", "tune", key];
            found.push(Diagnostic::at_key(
                text,
                &place,
                codes::CONTRADICTION,
                message,
                help,
            ));
        }
    }
    for problem in check_search(search, trainer, lifecycle.train.task) {
        let mut path = vec!["train", "tune", "space"];
        // A nested parameter stands below the choice of another one: `trainer.boosting.depth`.
        for (place, part) in problem.dimension.split('.').enumerate() {
            if place % 2 == 1 {
                path.push("choices");
            }
            path.push(part);
        }
        let (message, help) = (problem.message, problem.help);
        found.push(Diagnostic::at_key(
            text,
            &path,
            codes::TRAINER_PARAMETER,
            message,
            help,
        ));
    }
    found
}
