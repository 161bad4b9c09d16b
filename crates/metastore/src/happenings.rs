//! What happens in the registry, kept for the webhooks that listen.
//!
//! A happening is written in the transaction of the change itself, once for each webhook that is active and asked for
//! it: whoever makes the change (a client of MLflow, the loop, the command line), it is told, and a change that is undone
//! is not. What an import brings did not happen here and is not told.

use std::collections::BTreeMap;

use everloop_domain::{ModelName, RegistryEvent, Timestamp, VersionNumber};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::session::{Session, values};
use crate::values::to_json;

/// The tag that makes a model a prompt.
const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";

/// Something that happened in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Happening {
    /// A model was made.
    ModelMade {
        /// Its name.
        model: ModelName,
        /// What it is for.
        description: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
    },
    /// A model got a tag.
    ModelTagSet {
        /// The model.
        model: ModelName,
        /// The tag.
        key: String,
        /// Its value.
        value: String,
    },
    /// A model lost a tag.
    ModelTagDeleted {
        /// The model.
        model: ModelName,
        /// The tag.
        key: String,
    },
    /// A version was made.
    VersionMade {
        /// The model.
        model: ModelName,
        /// Its number.
        version: VersionNumber,
        /// Where its package is.
        source: String,
        /// The run that made it.
        run_id: Option<String>,
        /// What it is.
        description: Option<String>,
        /// Its tags.
        tags: BTreeMap<String, String>,
    },
    /// A version got a tag.
    VersionTagSet {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
        /// The tag.
        key: String,
        /// Its value.
        value: String,
    },
    /// A version lost a tag.
    VersionTagDeleted {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
        /// The tag.
        key: String,
    },
    /// An alias was pointed at a version.
    AliasSet {
        /// The model.
        model: ModelName,
        /// The alias.
        alias: String,
        /// The version.
        version: VersionNumber,
    },
    /// An alias was removed.
    AliasDeleted {
        /// The model.
        model: ModelName,
        /// The alias.
        alias: String,
    },
}

impl Happening {
    /// The event by which webhooks ask for it; of a model's own tags only those of prompts can be asked for.
    fn event(&self, is_prompt: bool) -> Option<RegistryEvent> {
        use RegistryEvent as Event;
        let (of_model, of_prompt) = match self {
            Self::ModelMade { .. } => (Event::ModelCreated, Event::PromptCreated),
            Self::ModelTagSet { .. } => return is_prompt.then_some(Event::PromptTagSet),
            Self::ModelTagDeleted { .. } => return is_prompt.then_some(Event::PromptTagDeleted),
            Self::VersionMade { .. } => (Event::VersionCreated, Event::PromptVersionCreated),
            Self::VersionTagSet { .. } => (Event::VersionTagSet, Event::PromptVersionTagSet),
            Self::VersionTagDeleted { .. } => {
                (Event::VersionTagDeleted, Event::PromptVersionTagDeleted)
            }
            Self::AliasSet { .. } => (Event::AliasCreated, Event::PromptAliasCreated),
            Self::AliasDeleted { .. } => (Event::AliasDeleted, Event::PromptAliasDeleted),
        };
        Some(if is_prompt { of_prompt } else { of_model })
    }

    fn is_of_prompt(&self, session: Session<'_>) -> Result<bool, Error> {
        let says_so = |value: &String| value.eq_ignore_ascii_case("true");
        let model = match self {
            // What is made brings its tags.
            Self::ModelMade { tags, .. } | Self::VersionMade { tags, .. } => {
                return Ok(tags.get(PROMPT_TAG).is_some_and(says_so));
            }
            Self::ModelTagSet { model, .. }
            | Self::ModelTagDeleted { model, .. }
            | Self::VersionTagSet { model, .. }
            | Self::VersionTagDeleted { model, .. }
            | Self::AliasSet { model, .. }
            | Self::AliasDeleted { model, .. } => model,
        };
        let sql = "select value from registered_model_tags where model = $1 and key = $2";
        let tag = session.find(sql, &values![model.as_str(), PROMPT_TAG], |row| row.get(0))?;
        Ok(tag.as_ref().is_some_and(says_so))
    }
}

/// Keeps what happened for each webhook that listens.
pub(crate) fn tell(
    session: Session<'_>,
    happening: &Happening,
    now: Timestamp,
) -> Result<(), Error> {
    // Most stores have no webhooks, and pay no more than this.
    if !session.value("select count(*) > 0 from webhook_events", &[])? {
        return Ok(());
    }
    let Some(event) = happening.event(happening.is_of_prompt(session)?) else {
        return Ok(());
    };
    let sql = "insert into deliveries (event, happening, happened_at, due_at, webhook) \
         select cast($1 as text), cast($2 as text), cast($3 as bigint), cast($3 as bigint), webhooks.id from webhooks \
         join webhook_events on webhook_events.webhook = webhooks.id and webhook_events.event = $1 \
         where webhooks.status = 'ACTIVE' order by webhooks.id";
    let happening = to_json(happening);
    session.execute(sql, &values![event.as_str(), happening, now.as_millis()])?;
    Ok(())
}
