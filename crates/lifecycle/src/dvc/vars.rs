//! `vars`: variables from files and from the file itself.

use super::context::{Conflict, Context};
use super::parse::Surroundings;
use super::value::Value;
use super::{DEFAULT_PARAMS, params, path, template};
use crate::codes;
use crate::diagnostic::Report;
use crate::suggestion;
use crate::yaml::Node;

/// Takes in the parameters of the file that needs no mention.
pub(super) fn load_default(
    context: &mut Context,
    directory: &str,
    surroundings: &Surroundings,
    tree: &Node,
    report: &mut Report,
) {
    let file = path::join(directory, DEFAULT_PARAMS);
    if let Ok(None) = (surroundings.read)(&file) {
        return;
    }
    let place = tree.entry("vars").map_or(tree, |vars| &vars.value);
    load_file(
        DEFAULT_PARAMS,
        place,
        context,
        directory,
        surroundings,
        report,
    );
}

/// Takes in the elements of a `vars`: that of the file (its stage has no name), or of a stage.
pub(super) fn load(
    vars: Option<&Node>,
    context: &mut Context,
    stage: &str,
    directory: &str,
    surroundings: &Surroundings,
    report: &mut Report,
) {
    let elements = vars.map(Node::elements).unwrap_or_default();
    for (index, element) in elements.iter().enumerate() {
        let value = Value::of(element);
        if has_template(&value) {
            report
                .at(
                    codes::VARIABLES,
                    element,
                    "`vars` cannot refer to variables",
                )
                .hint("write the value out");
            continue;
        }
        match &value {
            Value::Text(item) => load_file(item, element, context, directory, surroundings, report),
            Value::Map(entries) => {
                let dot = if stage.is_empty() { "" } else { "." };
                let merged = context.merge(entries, &format!("{stage}{dot}vars[{index}]"));
                tell(merged, element, report);
            }
            _ => {}
        }
    }
}

fn has_template(value: &Value) -> bool {
    match value {
        Value::Text(text) => template::is_template(text),
        Value::List(elements) => elements.iter().any(has_template),
        Value::Map(entries) => {
            let mut entries = entries.iter();
            entries.any(|(key, value)| has_template(key) || has_template(value))
        }
        _ => false,
    }
}

/// Takes in a file: `path`, or `path:key,key`.
fn load_file(
    item: &str,
    place: &Node,
    context: &mut Context,
    directory: &str,
    surroundings: &Surroundings,
    report: &mut Report,
) {
    let (name, keys) = item.split_once(':').unwrap_or((item, ""));
    let keys: Vec<String> = keys
        .split(',')
        .filter(|key| !key.is_empty())
        .map(str::to_owned)
        .collect();
    let keys = (!keys.is_empty()).then_some(keys);
    let file = path::join(directory, name);
    match context.load(&file, keys.as_deref()) {
        Ok(true) => {}
        other => return tell(other.map(|_| ()), place, report),
    }
    let entries = match read(&file, surroundings) {
        Ok(entries) => entries,
        Err(message) => {
            let problem = report.at(codes::VARIABLES_FILE, place, message);
            return problem.hint("`vars` takes files of maps: YAML, JSON or TOML");
        }
    };
    let Some(keys) = keys else {
        return tell(context.merge(&entries, &file), place, report);
    };
    for key in keys {
        let found = entries.iter().find(|(name, _)| name.text() == Some(&key));
        if let Some(entry) = found {
            let merged = context.merge(std::slice::from_ref(entry), &file);
            tell(merged, place, report);
        } else {
            let message = format!("`{file}` has no key `{key}`");
            let names = entries.iter().filter_map(|(name, _)| name.text());
            report.at(codes::VARIABLES_FILE, place, message).help =
                suggestion::hint(&key, "its keys are", names);
        }
    }
}

fn read(file: &str, surroundings: &Surroundings) -> Result<Vec<(Value, Value)>, String> {
    let text = match (surroundings.read)(file) {
        Ok(Some(text)) => text,
        Ok(None) => return Err(format!("`{file}` does not exist")),
        Err(why) => return Err(format!("`{file}` cannot be read: {why}")),
    };
    match params::read_params(file, &text) {
        Ok(Value::Map(entries)) => Ok(entries),
        Ok(other) => Err(format!("`{file}` is {}, not a map", other.kind())),
        Err(why) => Err(format!("`{file}` is {why}")),
    }
}

fn tell(outcome: Result<(), Conflict>, place: &Node, report: &mut Report) {
    let (message, hint) = match outcome {
        Ok(()) => return,
        Err(Conflict::Redefined { path, by }) => (
            format!("the variable `{path}` is set by `{by}` already"),
            "give one of the two another name",
        ),
        Err(Conflict::Reserved(name)) => (
            format!("`{name}` is what the group calls its element"),
            "give the variable another name",
        ),
        Err(Conflict::AlreadyLoaded) => (
            "the file, or a part of it, is taken in already".to_owned(),
            "name each file once, with all of its keys that are needed",
        ),
    };
    report.at(codes::VARIABLES, place, message).hint(hint);
}
