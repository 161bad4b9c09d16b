//! `webhooks…`: who is told of what happens in the registry.
//!
//! The happenings themselves are kept by the metastore, in the transaction of each change; [`telling`] sends them. A
//! message is an object with `entity`, `action`, `timestamp` and `data`, signed as MLflow signs it. The secret of the
//! signature goes in and never comes out.

mod courier;
mod payload;
mod secret;
mod target;
mod telling;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use everloop_domain::RegistryEvent;
use everloop_metastore::Webhook;
use serde_json::{Value, json};

pub(crate) use self::courier::Courier;
pub use self::courier::WebhookSettings;
use self::courier::{Message, uuid};
pub(crate) use self::telling::Teller;
use super::error::MlflowError;
use super::paging::Page;
use super::parameters::Parameters;
use super::{Answer, trimmed};
use crate::state::AppState;

/// How many webhooks a list shows if it is not told, and at most.
const DEFAULT_PAGE: i64 = 100;
const MAX_PAGE: i64 = 1000;
/// The longest name.
const MAX_NAME: usize = 63;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/webhooks", get(list).post(create))
        .route("/webhooks/{id}", get(by_id).patch(update).delete(delete))
        .route("/webhooks/{id}/test", post(test))
}

/// A webhook as MLflow writes it, without its secret.
fn wire(webhook: &Webhook) -> Value {
    let events: Vec<Value> = webhook
        .events
        .iter()
        .map(|event| {
            let (entity, action) = event.parts();
            json!({"entity": entity.to_uppercase(), "action": action.to_uppercase()})
        })
        .collect();
    let description = webhook.description.as_ref().filter(|text| !text.is_empty());
    trimmed(json!({
        "webhook_id": webhook.id, "name": webhook.name, "description": description, "url": webhook.url,
        "events": events, "status": if webhook.is_active { "ACTIVE" } else { "DISABLED" },
        "creation_timestamp": webhook.created_at.as_millis(), "last_updated_timestamp": webhook.updated_at.as_millis(),
    }))
}

async fn create(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let name = parameters.required("name")?;
    check_name(&name)?;
    let url = parameters.required("url")?;
    state.courier.check(&url).await?;
    let events = events(&parameters)?
        .ok_or_else(|| MlflowError::invalid("Webhook events must be a non-empty list"))?;
    let id = uuid(state.ids.bytes());
    let secret = parameters.text("secret")?;
    let now = state.parts.clock.now();
    let webhook = Webhook {
        name,
        description: parameters.text("description")?,
        url,
        events,
        is_active: status(&parameters)?.unwrap_or(true),
        secret: secret
            .map(|secret| state.courier.seal(&id, &secret))
            .transpose()?,
        created_at: now,
        updated_at: now,
        id,
    };
    let shown = wire(&webhook);
    state
        .metastore()
        .write(move |tx| tx.webhooks().create(&webhook))
        .await?;
    Ok(Json(json!({"webhook": shown})))
}

async fn list(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let page = Page::read(&parameters, DEFAULT_PAGE, MAX_PAGE)?;
    let (limit, offset) = page.window();
    let mut found = state
        .metastore()
        .read(move |tx| tx.webhooks().list(limit, offset))
        .await?;
    let next = page.next(&mut found);
    let shown: Vec<Value> = found.iter().map(wire).collect();
    Ok(Json(trimmed(
        json!({"webhooks": shown, "next_page_token": next}),
    )))
}

async fn by_id(State(state): State<AppState>, Path(id): Path<String>) -> Answer {
    let webhook = get_webhook(&state, id).await?;
    Ok(Json(json!({"webhook": wire(&webhook)})))
}

async fn get_webhook(state: &AppState, id: String) -> Result<Webhook, MlflowError> {
    let found = state.metastore().read(move |tx| tx.webhooks().get(&id));
    Ok(found.await?)
}

/// Changes what is given; an empty secret or description takes the old one away.
async fn update(
    State(state): State<AppState>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answer {
    let name = parameters.text("name")?;
    name.as_deref().map_or(Ok(()), check_name)?;
    let url = parameters.text("url")?;
    if let Some(url) = &url {
        state.courier.check(url).await?;
    }
    let events = events(&parameters)?;
    let is_active = status(&parameters)?;
    let optional = |name: &str| -> Result<Option<Option<String>>, MlflowError> {
        let text = parameters.text(name)?;
        Ok(parameters.has(name).then_some(text))
    };
    let description = optional("description")?;
    let secret = match optional("secret")? {
        Some(Some(secret)) => Some(Some(state.courier.seal(&id, &secret)?)),
        other => other,
    };
    let now = state.parts.clock.now();
    let webhook = state
        .metastore()
        .write(move |tx| {
            let old = tx.webhooks().get(&id)?;
            let new = Webhook {
                name: name.unwrap_or(old.name),
                description: description.unwrap_or(old.description),
                url: url.unwrap_or(old.url),
                events: events.unwrap_or(old.events),
                is_active: is_active.unwrap_or(old.is_active),
                secret: secret.unwrap_or(old.secret),
                updated_at: now,
                ..old
            };
            tx.webhooks().update(&new)?;
            Ok(new)
        })
        .await?;
    Ok(Json(json!({"webhook": wire(&webhook)})))
}

async fn delete(State(state): State<AppState>, Path(id): Path<String>) -> Answer {
    let deleting = state.metastore().write(move |tx| tx.webhooks().delete(&id));
    deleting.await?;
    Ok(Json(json!({})))
}

/// Sends an example of an event, once, and gives what was answered.
async fn test(
    State(state): State<AppState>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answer {
    let webhook = get_webhook(&state, id).await?;
    let asked = if parameters.has("event") {
        Some(event(&parameters.object("event")?)?)
    } else {
        None
    };
    let now = state.parts.clock.now();
    let event = asked.or_else(|| webhook.events.first().copied());
    let event = event.ok_or_else(|| MlflowError::invalid("the webhook listens to no event"))?;
    let message = Message {
        id: uuid(state.ids.bytes()),
        body: payload::body(event, &payload::example(event), now),
    };
    let result = match state.courier.send(&webhook, &message, now).await {
        Ok(answer) => json!({
            "success": answer.is_success(), "response_status": answer.status, "response_body": answer.body,
        }),
        Err(problem) => json!({
            "success": false, "error_message": format!("Failed to test webhook: {problem}"),
        }),
    };
    Ok(Json(json!({"result": result})))
}

/// The events that are given, each once; nothing if none are.
fn events(parameters: &Parameters) -> Result<Option<Vec<RegistryEvent>>, MlflowError> {
    let mut events = Vec::new();
    for fields in parameters.objects("events")? {
        let event = event(&fields)?;
        if !events.contains(&event) {
            events.push(event);
        }
    }
    Ok((!events.is_empty()).then_some(events))
}

fn event(fields: &Parameters) -> Result<RegistryEvent, MlflowError> {
    let (entity, action) = (fields.required("entity")?, fields.required("action")?);
    let text = format!("{entity}.{action}").to_lowercase();
    text.parse().map_err(|_| {
        let known: Vec<&str> = RegistryEvent::ALL
            .iter()
            .map(|event| event.as_str())
            .collect();
        let known = known.join(", ");
        MlflowError::invalid(format!(
            "`{text}` is not an event of webhooks; those are: {known}"
        ))
    })
}

/// Whether the webhook is to be active, if that is said.
fn status(parameters: &Parameters) -> Result<Option<bool>, MlflowError> {
    match parameters.text("status")?.as_deref() {
        None => Ok(None),
        Some("ACTIVE") => Ok(Some(true)),
        Some("DISABLED") => Ok(Some(false)),
        Some(other) => Err(MlflowError::invalid(format!(
            "Invalid webhook status `{other}`: it is ACTIVE or DISABLED"
        ))),
    }
}

fn check_name(name: &str) -> Result<(), MlflowError> {
    let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let is_name = bytes.len() <= MAX_NAME
        && is_edge(bytes.first())
        && is_edge(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte));
    if is_name {
        return Ok(());
    }
    Err(MlflowError::invalid(format!(
        "Webhook name '{name}' is invalid: it has 1 to {MAX_NAME} letters, digits, `.`, `_` and `-`, with a letter or digit at \
         both ends"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_letters_or_digits_at_their_ends() {
        let longest = "x".repeat(MAX_NAME);
        for name in ["a", "9", "A.b_c-d", &longest] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let too_long = "x".repeat(MAX_NAME + 1);
        for name in ["", "-a", "a-", "a b", "a/b", "ä", &too_long] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn events_are_read_and_kept_once() {
        let read = |body| events(&Parameters::from_json(body)).map_err(|e| e.message().to_owned());
        let one = r#"{"entity": "MODEL_VERSION_TAG", "action": "SET"}"#;
        let twice = format!(r#"{{"events": [{one}, {one}]}}"#);
        let events = read(&twice).unwrap();
        assert_eq!(events, Some(vec![RegistryEvent::VersionTagSet]));
        assert_eq!(read(r#"{"events": []}"#).unwrap(), None);
        let wrong = r#"{"events": [{"entity": "PROMPT", "action": "SET"}]}"#;
        assert!(
            read(wrong)
                .unwrap_err()
                .starts_with("`prompt.set` is not an event")
        );
        let half = r#"{"events": [{"entity": "PROMPT"}]}"#;
        assert!(read(half).unwrap_err().contains("'events[0].action'"));
    }
}
