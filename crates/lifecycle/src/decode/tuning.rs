//! `train.tune`.

use everloop_domain::Task;
use everloop_domain::dataset::Dataset;
use everloop_domain::search::{
    Condition, CrossValidation, Dimension, Domain, FoldsBy, Objective, Pruner, Sampler, Search,
};
use everloop_domain::{ParameterValue, Value};

use super::name;
use crate::space::{Listed, by_dependency, listed};
use crate::yaml::Node;

/// Trials when the file does not say how many.
const N_TRIALS: usize = 40;

/// Reads the search; `seed` is that of the training.
pub(super) fn search(node: &Node, dataset: &Dataset, task: Task, seed: u64) -> Option<Search> {
    let sampler = match node.get("sampler")?.text()? {
        "random" => Sampler::Random,
        "grid" => Sampler::Grid,
        "gp" => Sampler::Gp,
        _ => Sampler::Tpe,
    };
    let objectives = [("minimize", false), ("maximize", true)]
        .into_iter()
        .flat_map(|(key, is_maximized)| {
            metrics(node, key).into_iter().map(move |metric| Objective {
                metric,
                is_maximized,
            })
        });
    let whole = |key: &str| usize::try_from(node.get(key)?.integer()?).ok();
    Some(Search {
        trials: whole("trials").unwrap_or(if sampler == Sampler::Grid {
            usize::MAX
        } else {
            N_TRIALS
        }),
        objectives: objectives.collect(),
        sampler,
        pruner: pruner(node.get("pruner")?)?,
        space: space(node.get("space")?)?,
        cross_validation: match node.get("cross_validation") {
            Some(node) => Some(cross_validation(node, dataset, task)?),
            None => None,
        },
        parallel: whole("parallel")?,
        timeout: node.get("timeout").and_then(Node::duration),
        trial_timeout: node.get("trial_timeout").and_then(Node::duration),
        seed: node
            .get("seed")
            .and_then(Node::integer)
            .map_or(Some(seed), |seed| u64::try_from(seed).ok())?,
    })
}

/// The metrics of a key: one, or a list.
pub(crate) fn metrics(tune: &Node, key: &str) -> Vec<String> {
    let Some(node) = tune.get(key) else {
        return Vec::new();
    };
    match node.text() {
        Some(metric) => vec![metric.to_owned()],
        None => node.texts(),
    }
}

fn pruner(node: &Node) -> Option<Pruner> {
    let (word, settings) = match node.entries().first() {
        Some(entry) => (entry.key.as_str(), Some(&entry.value)),
        None => (node.text()?, None),
    };
    let setting = |key: &str, default: usize| {
        let given = settings.and_then(|settings| settings.get(key)?.integer());
        given
            .and_then(|given| usize::try_from(given).ok())
            .unwrap_or(default)
    };
    let (min_resource, reduction_factor) =
        (setting("min_resource", 1), setting("reduction_factor", 3));
    Some(match word {
        "median" => Pruner::Median {
            startup_trials: setting("startup_trials", 5),
            warmup_steps: setting("warmup_steps", 0),
        },
        "asha" | "successive_halving" => Pruner::SuccessiveHalving {
            min_resource,
            reduction_factor,
        },
        "hyperband" => Pruner::Hyperband {
            min_resource,
            reduction_factor,
        },
        _ => Pruner::None,
    })
}

fn cross_validation(node: &Node, dataset: &Dataset, task: Task) -> Option<CrossValidation> {
    let by = match (
        node.get("by").and_then(Node::text),
        name(node, "group"),
        &dataset.time,
    ) {
        (Some("stratified"), ..) => FoldsBy::Stratified,
        (Some("group") | None, Some(group), _) => FoldsBy::Group(group),
        (Some("time") | None, _, Some(time)) => FoldsBy::Time(time.clone()),
        (None, None, None) if task.is_classification() => FoldsBy::Stratified,
        (Some("random"), ..) | (None, None, None) => FoldsBy::Random,
        _ => return None,
    };
    Some(CrossValidation {
        folds: usize::try_from(node.get("folds")?.integer()?).ok()?,
        by,
    })
}

/// The dimensions, each after those that it depends on.
fn space(node: &Node) -> Option<Vec<Dimension>> {
    let all = listed(node);
    let sorted: Vec<&Listed<'_>> = by_dependency(&all)
        .sorted
        .into_iter()
        .map(|place| &all[place])
        .collect();
    let condition = |id: &str, wanted: &[ParameterValue]| {
        let dimension = sorted.iter().position(|one| one.id == id)?;
        let choices = sorted[dimension].choices()?;
        let places = (0..choices.len()).filter(|place| wanted.contains(&choices[*place]));
        Some(Condition {
            dimension,
            choices: places.collect(),
        })
    };
    let dimension = |one: &&Listed<'_>| {
        let under = one
            .under
            .iter()
            .map(|(id, choice)| condition(id, &[Value::Text(choice.clone()).into()]));
        let written = one
            .conditions()
            .map(|(entry, values)| condition(&one.named(&entry.key, &all)?.id, &values));
        Some(Dimension {
            id: one.id.clone(),
            parameter: one.entry.key.clone(),
            domain: domain(one)?,
            when: under.chain(written).collect::<Option<_>>()?,
        })
    };
    sorted.iter().map(dimension).collect()
}

fn domain(one: &Listed<'_>) -> Option<Domain> {
    if let Some(choices) = one.choices() {
        return Some(Domain::Choices(choices));
    }
    let node = &one.entry.value;
    let is_whole = |key: &str| node.get(key).is_none_or(|bound| bound.integer().is_some());
    Some(Domain::Range {
        low: node.get("low")?.number()?,
        high: node.get("high")?.number()?,
        step: node.get("step").and_then(Node::number),
        is_log: node.get("log").and_then(Node::boolean).unwrap_or_default(),
        is_whole: is_whole("low") && is_whole("high") && is_whole("step"),
    })
}
