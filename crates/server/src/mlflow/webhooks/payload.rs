//! What a webhook is told, in MLflow's shapes.

use std::collections::BTreeMap;

use everloop_domain::{RegistryEvent, Timestamp};
use everloop_metastore::Happening;
use serde_json::{Value, json};

/// The tag with the text of a version of a prompt.
const TEMPLATE_TAG: &str = "mlflow.prompt.text";
/// The tags of prompts that are not told.
const INTERNAL_TAGS: [&str; 2] = ["mlflow.prompt.is_prompt", "_mlflow_prompt_type"];

/// The text of a message.
pub(super) fn body(event: RegistryEvent, data: &Value, happened_at: Timestamp) -> String {
    let (entity, action) = event.parts();
    let timestamp = happened_at.to_utc().to_rfc3339();
    json!({"entity": entity, "action": action, "timestamp": timestamp, "data": data}).to_string()
}

/// What happened, as the event tells it.
pub(super) fn data(event: RegistryEvent, happening: &Happening) -> Value {
    let is_prompt = event.parts().0.starts_with("prompt");
    match happening {
        Happening::ModelMade {
            model,
            description,
            tags,
        } => {
            let tags = told(tags, is_prompt, &INTERNAL_TAGS);
            json!({"name": model, "tags": tags, "description": description})
        }
        Happening::VersionMade {
            model,
            version,
            source,
            run_id,
            description,
            tags,
        } => {
            let version = version.to_string();
            let shown = told(
                tags,
                is_prompt,
                &[&INTERNAL_TAGS[..], &[TEMPLATE_TAG]].concat(),
            );
            if is_prompt {
                let template = tags.get(TEMPLATE_TAG);
                return json!({
                    "name": model, "version": version, "template": template, "tags": shown, "description": description,
                });
            }
            json!({
                "name": model, "version": version, "source": source, "run_id": run_id, "tags": shown,
                "description": description,
            })
        }
        Happening::ModelTagSet { model, key, value } => {
            json!({"name": model, "key": key, "value": value})
        }
        Happening::ModelTagDeleted { model, key } => json!({"name": model, "key": key}),
        Happening::VersionTagSet {
            model,
            version,
            key,
            value,
        } => json!({"name": model, "version": version.to_string(), "key": key, "value": value}),
        Happening::VersionTagDeleted {
            model,
            version,
            key,
        } => json!({"name": model, "version": version.to_string(), "key": key}),
        Happening::AliasSet {
            model,
            alias,
            version,
        } => json!({"name": model, "alias": alias, "version": version.to_string()}),
        Happening::AliasDeleted { model, alias } => json!({"name": model, "alias": alias}),
    }
}

/// Tags; those of a prompt without the ones that only say what it is.
fn told<'t>(
    tags: &'t BTreeMap<String, String>,
    is_prompt: bool,
    internal: &[&str],
) -> BTreeMap<&'t str, &'t str> {
    tags.iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .filter(|(key, _)| !(is_prompt && internal.contains(key)))
        .collect()
}

/// What MLflow's server sends of an event when a webhook is tested.
pub(super) fn example(event: RegistryEvent) -> Value {
    use RegistryEvent as Event;
    let name = if event.parts().0.starts_with("prompt") {
        "example_prompt"
    } else {
        "example_model"
    };
    let (key, value, alias) = ("example_key", "example_value", "example_alias");
    let tags = json!({key: value});
    match event {
        Event::ModelCreated => {
            json!({"name": name, "tags": tags, "description": "An example registered model"})
        }
        Event::PromptCreated => {
            json!({"name": name, "tags": tags, "description": "An example prompt"})
        }
        Event::VersionCreated => json!({
            "name": name, "version": "1", "source": "models:/123", "run_id": "abcd1234abcd5678", "tags": tags,
            "description": "An example model version",
        }),
        Event::PromptVersionCreated => json!({
            "name": name, "version": "1", "template": "Hello {{name}}!", "tags": tags,
            "description": "An example prompt version",
        }),
        Event::PromptTagSet => json!({"name": name, "key": key, "value": value}),
        Event::PromptTagDeleted => json!({"name": name, "key": key}),
        Event::VersionTagSet | Event::PromptVersionTagSet => {
            json!({"name": name, "version": "1", "key": key, "value": value})
        }
        Event::VersionTagDeleted | Event::PromptVersionTagDeleted => {
            json!({"name": name, "version": "1", "key": key})
        }
        Event::AliasCreated | Event::PromptAliasCreated => {
            json!({"name": name, "alias": alias, "version": "1"})
        }
        Event::AliasDeleted | Event::PromptAliasDeleted => json!({"name": name, "alias": alias}),
        Event::BudgetExceeded => json!({
            "budget_policy_id": "bp-abc123", "budget_unit": "USD", "budget_amount": 100.0, "current_spend": 105.5,
            "duration_unit": "MONTHS", "duration_value": 1, "target_scope": "ENDPOINT", "workspace": "default",
            "target_value": "ep-abc123", "window_start": 1_704_067_200_000_i64,
        }),
    }
}

#[cfg(test)]
mod tests {
    use everloop_domain::VersionNumber;

    use super::*;

    /// The fields of an object, sorted.
    fn fields(value: &Value) -> Vec<&String> {
        let mut fields: Vec<&String> = value.as_object().unwrap().keys().collect();
        fields.sort();
        fields
    }

    fn version_made(tags: &[(&str, &str)]) -> Happening {
        let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Happening::VersionMade {
            model: "m".parse().unwrap(),
            version: VersionNumber(3),
            source: "s3://b".to_owned(),
            run_id: None,
            description: None,
            tags: tags.iter().map(pair).collect(),
        }
    }

    #[test]
    fn what_happened_has_the_fields_of_the_example() {
        let (model, key) = ("m".parse().unwrap(), "k".to_owned());
        let alias = Happening::AliasSet {
            model,
            alias: key,
            version: VersionNumber(1),
        };
        for (event, happening) in [
            (RegistryEvent::VersionCreated, version_made(&[])),
            (RegistryEvent::PromptVersionCreated, version_made(&[])),
            (RegistryEvent::AliasCreated, alias.clone()),
            (RegistryEvent::PromptAliasCreated, alias),
        ] {
            let (told, example) = (data(event, &happening), example(event));
            assert_eq!(fields(&told), fields(&example), "{event}");
        }
    }

    #[test]
    fn a_prompt_is_told_without_its_inner_tags() {
        let made = version_made(&[
            ("mlflow.prompt.is_prompt", "true"),
            ("_mlflow_prompt_type", "text"),
            ("mlflow.prompt.text", "Hi {{name}}"),
            ("mine", "1"),
        ]);
        let told = data(RegistryEvent::PromptVersionCreated, &made);
        let expected = json!({"name": "m", "version": "3", "template": "Hi {{name}}", "tags": {"mine": "1"}, "description": null});
        assert_eq!(told, expected);
        // A version of a model may have such tags of its own.
        let told = data(RegistryEvent::VersionCreated, &made);
        assert_eq!(told["tags"].as_object().unwrap().len(), 4);
    }

    #[test]
    fn a_message_names_the_moment() {
        let text = body(
            RegistryEvent::AliasDeleted,
            &json!({"a": 1}),
            Timestamp::from_millis(1_700_000_000_123),
        );
        assert_eq!(
            text,
            r#"{"entity":"model_version_alias","action":"deleted","timestamp":"2023-11-14T22:13:20.123+00:00","data":{"a":1}}"#
        );
    }
}
