//! `train.tune.space` as a list: nested parameters after what they depend on, and who depends on whom.

use everloop_domain::{ParameterValue, Value};

use crate::order::{Order, order};
use crate::yaml::{Entry, Node};

/// A parameter of the space, wherever it is nested.
#[derive(Clone, Debug)]
pub(crate) struct Listed<'a> {
    /// Its name among all: the parameter, or nested `trainer.boosting.depth`.
    pub(crate) id: String,
    pub(crate) entry: &'a Entry,
    /// The choice under which it is nested: the id of the parameter, and the choice.
    pub(crate) under: Option<(String, String)>,
}

/// All parameters of a space, each nested one after its choice.
pub(crate) fn listed(space: &Node) -> Vec<Listed<'_>> {
    let mut all = Vec::new();
    add(space, "", None, &mut all);
    all
}

/// Orders parameters after those that they depend on: by nesting, and by condition.
pub(crate) fn by_dependency(all: &[Listed<'_>]) -> Order {
    let things: Vec<(&str, Vec<&str>)> = all
        .iter()
        .map(|one| {
            let under = one.under.iter().map(|(id, _)| id.as_str());
            let named = one
                .conditions()
                .filter_map(|(entry, _)| Some(one.named(&entry.key, all)?.id.as_str()));
            (one.id.as_str(), under.chain(named).collect())
        })
        .collect();
    order(&things)
}

fn add<'a>(
    space: &'a Node,
    prefix: &str,
    under: Option<&(String, String)>,
    all: &mut Vec<Listed<'a>>,
) {
    for entry in space.entries() {
        let id = format!("{prefix}{}", entry.key);
        all.push(Listed {
            id: id.clone(),
            entry,
            under: under.cloned(),
        });
        for branch in branches(&entry.value) {
            let under = (id.clone(), branch.key.clone());
            add(
                &branch.value,
                &format!("{id}.{}.", branch.key),
                Some(&under),
                all,
            );
        }
    }
}

fn branches(value: &Node) -> &[Entry] {
    value.get("choices").map_or(&[][..], Node::entries)
}

impl<'a> Listed<'a> {
    /// Its choices, if it has choices.
    pub(crate) fn choices(&self) -> Option<Vec<ParameterValue>> {
        choices(&self.entry.value)
    }

    /// The conditions that are written at it: the name of another parameter, and its values.
    pub(crate) fn conditions(
        &self,
    ) -> impl Iterator<Item = (&'a Entry, Vec<ParameterValue>)> + use<'a> {
        let when = self.entry.value.get("when").map_or(&[][..], Node::entries);
        when.iter().map(|entry| (entry, values(&entry.value)))
    }

    /// The parameter that a condition names: one that is nested in the same place, or else one of the outermost.
    pub(crate) fn named<'l>(&self, name: &str, all: &'l [Listed<'a>]) -> Option<&'l Listed<'a>> {
        let prefix = self
            .id
            .strip_suffix(self.entry.key.as_str())
            .unwrap_or_default();
        let find = |id: &str| all.iter().find(|one| one.id == id);
        find(&format!("{prefix}{name}")).or_else(|| find(name))
    }
}

fn choices(value: &Node) -> Option<Vec<ParameterValue>> {
    if value.is_map() {
        let choices = value.get("choices")?;
        if !choices.is_map() {
            return Some(values(choices));
        }
        let branches = choices.entries().iter();
        let word = |branch: &Entry| Value::Text(branch.key.clone()).into();
        return Some(branches.map(word).collect());
    }
    Some(values(value))
}

/// A value, or the values of a list.
fn values(node: &Node) -> Vec<ParameterValue> {
    if let Some(value) = node.value() {
        return vec![value.into()];
    }
    let one = |element: &Node| match element.value() {
        Some(value) => Some(ParameterValue::One(value)),
        None => element
            .elements()
            .iter()
            .map(Node::value)
            .collect::<Option<_>>()
            .map(ParameterValue::List),
    };
    node.elements().iter().filter_map(one).collect()
}
