//! From a checked tree, defaults put in, to the [`Lifecycle`].
//!
//! Nothing is judged here: the walker has seen to the form and `meaning` to the sense. A value
//! that is absent all the same makes the whole lifecycle absent.

mod collect;
pub(crate) mod evaluate;
mod tuning;

use everloop_domain::dataset::{Dataset, Split, SplitBy};
use everloop_domain::expression;
use everloop_domain::search::{Domain, Search, TRAINER};
use everloop_domain::{ModelName, ParameterValue, Task};

use crate::lifecycle::{
    Approve, Columns, Condition, Deploy, DriftSpec, Feature, Gate, Labels, Lifecycle, Monitor,
    Retrain, Train, Trainer, Window,
};
use crate::meaning;
use crate::order::order;
use crate::schedule::Schedule;
use crate::yaml::{Entry, Node};
pub(crate) use tuning::metrics;

/// Reads the whole tree.
pub(crate) fn lifecycle(tree: &Node) -> Option<Lifecycle> {
    let dataset = dataset(tree.get("dataset")?)?;
    let train = train(tree.get("train")?, &dataset)?;
    let gates = gates(tree.get("gates")?);
    let retrain = retrain(tree.get("retrain")?)?;
    let named = gates.iter().map(|gate| &gate.expression);
    let named = named.chain(retrain.when.iter().map(|condition| &condition.expression));
    let named = named.flat_map(|expression| expression.names());
    let learns = (train.task, !dataset.target.is_empty());
    let evaluate = evaluate::evaluate(tree.get("evaluate")?, learns, named)?;
    Some(Lifecycle {
        version: u32::try_from(tree.get("version")?.integer()?).ok()?,
        project: tree.get("project")?.text()?.to_owned(),
        sources: tree
            .get("sources")?
            .entries()
            .iter()
            .filter_map(collect::source)
            .collect(),
        checks: tree
            .get("checks")?
            .entries()
            .iter()
            .map(collect::checks)
            .collect(),
        prepare: tree
            .get("prepare")?
            .elements()
            .iter()
            .filter_map(collect::step)
            .collect(),
        features: features(tree.get("features")?),
        split: split(tree.get("split")?, &dataset, train.task)?,
        gates,
        deploy: deploy(tree)?,
        monitor: monitor(tree.get("monitor")?)?,
        dataset,
        train,
        evaluate,
        retrain,
    })
}

/// A name given as a scalar of any kind, as it is written.
fn name(node: &Node, key: &str) -> Option<String> {
    node.get(key)?.written().map(str::to_owned)
}

fn seed(node: &Node) -> Option<u64> {
    u64::try_from(node.get("seed")?.integer()?).ok()
}

fn dataset(node: &Node) -> Option<Dataset> {
    Some(Dataset {
        table: name(node, "table")?,
        target: name(node, "target").unwrap_or_default(),
        time: name(node, "time"),
        weight: name(node, "weight"),
        exclude: node.get("exclude")?.texts(),
    })
}

/// The features, each after those that it is computed from.
fn features(node: &Node) -> Vec<Feature> {
    let read = |entry: &Entry| {
        let text = entry.value.written()?.to_owned();
        Some(Feature {
            name: entry.key.clone(),
            expression: expression::parse(&text).ok()?,
            text,
        })
    };
    let features: Vec<Feature> = node.entries().iter().filter_map(read).collect();
    let things: Vec<(&str, Vec<&str>)> = features
        .iter()
        .map(|feature| {
            (
                feature.name.as_str(),
                feature.expression.names().into_iter().collect(),
            )
        })
        .collect();
    order(&things)
        .sorted
        .into_iter()
        .map(|index| features[index].clone())
        .collect()
}

fn split(node: &Node, dataset: &Dataset, task: Task) -> Option<Split> {
    let by = match node.get("by").and_then(Node::written) {
        Some("time") => SplitBy::Time,
        Some("random") => SplitBy::Random,
        Some("stratified") => SplitBy::Stratified,
        Some("group") => SplitBy::Group(name(node, "group")?),
        Some("column") => SplitBy::Column(name(node, "column")?),
        _ if dataset.time.is_some() => SplitBy::Time,
        _ if task.is_classification() => SplitBy::Stratified,
        _ => SplitBy::Random,
    };
    let share = |key| node.get(key)?.number();
    Some(Split {
        by,
        train: share("train")?,
        validation: share("validation")?,
        test: share("test")?,
        seed: seed(node)?,
    })
}

fn train(node: &Node, dataset: &Dataset) -> Option<Train> {
    let (task, seed) = (meaning::task(node)?, seed(node)?);
    let tune = match node.get("tune") {
        Some(tune) => Some(tuning::search(tune, dataset, task, seed)?),
        None => None,
    };
    let trainer = match (name(node, "trainer"), name(node, "run")) {
        (Some(trainer), _) => Trainer::BuiltIn(trainer),
        (None, Some(command)) => Trainer::Command(command),
        // Where the search chooses, the first choice stands for all.
        (None, None) => Trainer::BuiltIn(first_trainer(tune.as_ref()?)?),
    };
    let parameters = node.get("parameters")?.entries();
    Some(Train {
        task,
        trainer,
        parameters: parameters
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), parameter(&entry.value)?)))
            .collect(),
        seed,
        deps: node.get("deps")?.texts(),
        timeout: node.get("timeout").and_then(Node::duration),
        max_memory: node.get("max_memory").and_then(Node::size),
        tune,
    })
}

fn first_trainer(search: &Search) -> Option<String> {
    let mut space = search.space.iter();
    match &space
        .find(|dimension| dimension.parameter == TRAINER)?
        .domain
    {
        Domain::Choices(choices) => choices.first().map(ToString::to_string),
        Domain::Range { .. } => None,
    }
}

fn parameter(node: &Node) -> Option<ParameterValue> {
    if node.is_map() {
        let values = node.entries().iter();
        let values = values.map(|entry| Some((entry.key.clone(), entry.value.value()?)));
        return values.collect::<Option<_>>().map(ParameterValue::Map);
    }
    if let Some(value) = node.value() {
        return Some(ParameterValue::One(value));
    }
    let values = node.elements().iter().map(Node::value);
    values.collect::<Option<_>>().map(ParameterValue::List)
}

fn gates(node: &Node) -> Vec<Gate> {
    let read = |element: &Node| {
        let is_named = element.is_map();
        let text = if is_named {
            element.get("gate")?.written()?
        } else {
            element.written()?
        };
        Some(Gate {
            expression: expression::parse(text).ok()?,
            text: text.to_owned(),
            warns: is_named && element.get("else")?.written() == Some("warn"),
        })
    };
    node.elements().iter().filter_map(read).collect()
}

fn conditions(node: &Node) -> Vec<Condition> {
    let read = |element: &Node| {
        let text = element.written()?.to_owned();
        Some(Condition {
            expression: expression::parse(&text).ok()?,
            text,
        })
    };
    node.elements().iter().filter_map(read).collect()
}

fn deploy(tree: &Node) -> Option<Deploy> {
    let node = tree.get("deploy")?;
    let model = node.get("model").or(tree.get("project"))?.text()?;
    let approve = if node.get("approve")?.text()? == "manual" {
        Approve::Manual
    } else {
        Approve::Auto
    };
    Some(Deploy {
        model: model.parse::<ModelName>().ok()?,
        approve,
    })
}

fn monitor(node: &Node) -> Option<Monitor> {
    let window = node.get("window")?;
    let drift = node.get("drift")?;
    let columns = drift.get("columns")?;
    Some(Monitor {
        window: match window.integer() {
            Some(n_predictions) => Window::Predictions(u64::try_from(n_predictions).ok()?),
            None => Window::Time(window.duration()?),
        },
        labels: match node.get("labels") {
            Some(labels) => Some(Labels {
                source: name(labels, "source"),
                key: name(labels, "key")?,
                delay: labels.get("delay")?.duration()?,
            }),
            None => None,
        },
        drift: DriftSpec {
            columns: if columns.text() == Some("all") {
                Columns::All
            } else {
                Columns::Some(columns.texts())
            },
            false_alarm_rate: drift.get("false_alarm_rate")?.number()?,
            min_effect: drift.get("min_effect")?.number()?,
        },
    })
}

fn retrain(node: &Node) -> Option<Retrain> {
    Some(Retrain {
        schedule: node
            .get("schedule")
            .and_then(Node::text)
            .and_then(|text| Schedule::parse(text).ok()),
        when: conditions(node.get("when")?),
        cooldown: node.get("cooldown")?.duration()?,
    })
}

#[cfg(test)]
mod tests;
