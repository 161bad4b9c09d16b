//! Webhooks: who is told of what happens in the registry.

use everloop_domain::{RegistryEvent, Timestamp};

use crate::Error;
use crate::session::{Row, Session, Value, values};
use crate::values::{moment, parse};

/// Webhooks.
#[derive(Debug)]
pub struct Webhooks<'c>(pub(crate) Session<'c>);

/// Somebody who is told of what happens in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// Its name; several may have the same.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Where it is told.
    pub url: String,
    /// Of what it is told, in the order in which it asked.
    pub events: Vec<RegistryEvent>,
    /// Whether it is told anything now.
    pub is_active: bool,
    /// What messages are signed with, sealed by the caller.
    pub secret: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// The columns of a webhook without its events.
pub(crate) const COLUMNS: &str = "webhooks.id, webhooks.name, webhooks.description, webhooks.url, webhooks.status, \
     webhooks.secret, webhooks.created_at, webhooks.updated_at";

impl Webhooks<'_> {
    /// Makes a webhook.
    ///
    /// # Errors
    ///
    /// Fails if the id is taken.
    pub fn create(&self, new: &Webhook) -> Result<(), Error> {
        let sql = "insert into webhooks (name, description, url, status, secret, updated_at, id, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8)";
        let mut values = columns(new).to_vec();
        values.extend(values![new.id, new.created_at.as_millis()]);
        self.0.execute(sql, &values)?;
        self.set_events(new)
    }

    /// The webhook of an id.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn get(&self, id: &str) -> Result<Webhook, Error> {
        let sql = format!("select {COLUMNS} from webhooks where id = $1");
        self.0
            .find(&sql, &values![id], |row| self.read(row))?
            .ok_or_else(|| Error::not_found("webhook", id))
    }

    /// Some of the webhooks, the last made first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn list(&self, limit: usize, offset: usize) -> Result<Vec<Webhook>, Error> {
        let sql = format!(
            "select {COLUMNS} from webhooks order by created_at desc, id limit $1 offset $2"
        );
        self.0
            .query(&sql, &values![limit, offset], |row| self.read(row))
    }

    /// Changes a webhook, all but its id and its first moment. One that is not active any more forgets what it was not
    /// told yet.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn update(&self, changed: &Webhook) -> Result<(), Error> {
        let sql = "update webhooks set name = $1, description = $2, url = $3, status = $4, secret = $5, updated_at = $6 \
             where id = $7";
        let mut values = columns(changed).to_vec();
        values.extend(values![changed.id]);
        if self.0.execute(sql, &values)? == 0 {
            return Err(Error::not_found("webhook", &changed.id));
        }
        if !changed.is_active {
            let sql = "delete from deliveries where webhook = $1";
            self.0.execute(sql, &values![changed.id])?;
        }
        self.set_events(changed)
    }

    /// Deletes a webhook with what it was not told yet, for good.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn delete(&self, id: &str) -> Result<(), Error> {
        let sql = "delete from webhooks where id = $1";
        match self.0.execute(sql, &values![id])? {
            0 => Err(Error::not_found("webhook", id)),
            _ => Ok(()),
        }
    }

    fn set_events(&self, webhook: &Webhook) -> Result<(), Error> {
        let sql = "delete from webhook_events where webhook = $1";
        self.0.execute(sql, &values![webhook.id])?;
        let sql = "insert into webhook_events (webhook, event, position) values ($1, $2, $3) on conflict do nothing";
        let rows: Vec<Vec<Value<'_>>> = webhook
            .events
            .iter()
            .enumerate()
            .map(|(position, event)| values![webhook.id, event.as_str(), position].to_vec())
            .collect();
        self.0.insert_rows(sql, &rows)?;
        Ok(())
    }

    /// Reads a row of [`COLUMNS`].
    pub(crate) fn read(&self, row: &Row<'_>) -> Result<Webhook, Error> {
        let id: String = row.get(0)?;
        let sql = "select event from webhook_events where webhook = $1 order by position";
        let events = self.0.query(sql, &values![id], |row| {
            parse(&row.get::<String>(0)?, "webhook_events", "event", &id)
        })?;
        Ok(Webhook {
            events,
            id,
            name: row.get(1)?,
            description: row.get(2)?,
            url: row.get(3)?,
            is_active: row.get::<String>(4)? == "ACTIVE",
            secret: row.get(5)?,
            created_at: moment(row.get(6)?),
            updated_at: moment(row.get(7)?),
        })
    }
}

/// What can change: name, description, URL, status, secret and the moment of the change.
fn columns(webhook: &Webhook) -> [Value<'_>; 6] {
    let status = if webhook.is_active {
        "ACTIVE"
    } else {
        "DISABLED"
    };
    values![
        webhook.name,
        webhook.description,
        webhook.url,
        Value::text(status),
        webhook.secret,
        webhook.updated_at.as_millis(),
    ]
}
