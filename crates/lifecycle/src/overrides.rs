//! Overrides: `--set train.parameters.trees=50`.
//!
//! They change the tree before it is checked, so that a wrong key or value is found by the same
//! checks; what they put there knows where it came from.

use everloop_domain::expression::Span;

use crate::codes;
use crate::diagnostic::Report;
use crate::yaml::{Data, Entry, Node, Place, Style, read};

/// A value that takes the place of what the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The path of keys with dots between them; elements of lists by index from 0.
    pub key: String,
    /// The value as YAML, for example `50`, `[a, b]` or `{low: 1}`.
    pub value: String,
}

/// Applies the overrides, the last one last.
pub(crate) fn apply(overrides: &[Override], tree: &mut Node, report: &mut Report) {
    for change in overrides {
        if let Err(message) = apply_one(change, tree) {
            let place = Place {
                span: None,
                set_by: Some(change.key.clone()),
            };
            report
                .add(codes::BAD_OVERRIDE, &place, message)
                .hint("write `--set train.parameters.trees=50`");
        }
    }
}

fn apply_one(change: &Override, tree: &mut Node) -> Result<(), String> {
    let mut trial = Report::new(&change.value);
    let value = read(&change.value, &mut trial);
    if let Some(problem) = trial.diagnostics.first() {
        return Err(format!("`{}` is {}", change.value, problem.message));
    }
    let mut value =
        value.unwrap_or_else(|| Node::new(Data::Scalar(crate::yaml::Scalar::null()), 0..0));
    mark(&mut value, &change.key);
    let mut node = tree;
    let mut path = change.key.split('.').peekable();
    while let Some(key) = path.next() {
        if key.is_empty() {
            return Err(format!("`{}` is not a path of keys", change.key));
        }
        node = child(node, key, &change.key)?;
        let is_last = path.peek().is_none();
        if !is_last && node.is_null() {
            *node = Node {
                data: Data::Map(Vec::new()),
                span: node.span.clone(),
                set_by: Some(change.key.clone()),
            };
        }
    }
    *node = value;
    Ok(())
}

/// The value behind a key, made if it is absent.
fn child<'a>(node: &'a mut Node, key: &str, path: &str) -> Result<&'a mut Node, String> {
    let start = node.span.start;
    let absent = |span: Span| Node {
        set_by: Some(path.to_owned()),
        ..Node::new(Data::Scalar(crate::yaml::Scalar::null()), span)
    };
    match &mut node.data {
        Data::Map(entries) => {
            let index = entries
                .iter()
                .position(|entry| entry.key == key)
                .unwrap_or(entries.len());
            if index == entries.len() {
                entries.push(Entry {
                    key_style: Style::Plain,
                    key: key.to_owned(),
                    key_span: start..start,
                    value: absent(start..start),
                });
            }
            Ok(&mut entries[index].value)
        }
        Data::List(elements) => {
            let n_elements = elements.len();
            let index = key.parse::<usize>().ok().filter(|index| *index <= n_elements).ok_or_else(|| {
                format!("`{key}` in `{path}` is not an index of the list, which has {n_elements} elements")
            })?;
            if index == n_elements {
                elements.push(absent(start..start));
            }
            Ok(&mut elements[index])
        }
        Data::Scalar(scalar) => Err(format!(
            "`{path}` goes on below the value `{}`",
            scalar.text
        )),
    }
}

fn mark(node: &mut Node, key: &str) {
    node.set_by = Some(key.to_owned());
    match &mut node.data {
        Data::Scalar(_) => {}
        Data::List(elements) => elements.iter_mut().for_each(|element| mark(element, key)),
        Data::Map(entries) => entries
            .iter_mut()
            .for_each(|entry| mark(&mut entry.value, key)),
    }
}

#[cfg(test)]
mod tests {
    use crate::parse;

    use super::*;

    const FILE: &str = "version: 1\nproject: p\nsources: {t: {path: t.csv}}\ndataset: {table: t, target: y}\n\
                        train: {task: regression, trainer: linear}\ngates: [rmse < 80]\n";

    fn set(key: &str, value: &str) -> crate::Parsed {
        parse(
            FILE,
            &[Override {
                key: key.into(),
                value: value.into(),
            }],
        )
    }

    #[track_caller]
    fn check_error(key: &str, value: &str, expected: &str) {
        let shown: String = set(key, value)
            .diagnostics
            .iter()
            .map(|problem| problem.render("f", FILE))
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn changes_adds_and_makes_the_way() {
        let lifecycle = set("train.trainer", "forest").lifecycle.unwrap();
        assert_eq!(
            lifecycle.train.trainer,
            crate::Trainer::BuiltIn("forest".into())
        );
        let lifecycle = set("train.parameters.trees", "50").lifecycle.unwrap();
        assert_eq!(
            lifecycle.train.parameters["trees"],
            everloop_domain::Value::Integer(50).into()
        );
        let lifecycle = set("gates.1", "r2 > 0.5").lifecycle.unwrap();
        assert_eq!(lifecycle.gates[1].text, "r2 > 0.5");
        let lifecycle = set("gates", "[]").lifecycle.unwrap();
        assert!(lifecycle.gates.is_empty());
        let lifecycle = set("dataset.exclude", "[a, b]").lifecycle.unwrap();
        assert_eq!(lifecycle.dataset.exclude, ["a", "b"]);
    }

    #[test]
    fn says_that_the_value_came_from_outside() {
        check_error(
            "train.sed",
            "50",
            "error[E0201]: unknown key `sed` in `train` (from --set train.sed)\n\
             hint: did you mean `seed`?\n",
        );
        check_error(
            "split.seed",
            "soon",
            "error[E0202]: `split.seed` must be a whole number, found the text `soon` (from --set split.seed)\n",
        );
        check_error(
            "project.name",
            "x",
            "error[E0209]: `project.name` goes on below the value `p` (from --set project.name)\n\
             hint: write `--set train.parameters.trees=50`\n",
        );
        check_error(
            "gates.7",
            "x",
            "error[E0209]: `7` in `gates.7` is not an index of the list, which has 1 elements (from --set gates.7)\n\
             hint: write `--set train.parameters.trees=50`\n",
        );
        check_error(
            "gates",
            "[a",
            "error[E0209]: `[a` is not YAML: while parsing a flow sequence, expected ',' or ']' (from --set gates)\n\
             hint: write `--set train.parameters.trees=50`\n",
        );
    }
}
