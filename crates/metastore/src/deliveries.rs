//! What webhooks are still to be told.
//!
//! A webhook is told one thing at a time, in the order in which things happened, by one server at a time: whoever takes
//! it holds a lease, which ends by itself if the server dies. What was told but not yet settled is told again.

use everloop_domain::{RegistryEvent, Timestamp};

use crate::session::{Session, values};
use crate::values::{json, moment, parse};
use crate::{Error, Happening, Webhook, Webhooks};

/// What webhooks are still to be told.
#[derive(Debug)]
pub struct Deliveries<'c>(pub(crate) Session<'c>);

/// Something that a webhook is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Grows with each; never given twice.
    pub id: i64,
    /// Who is told.
    pub webhook: Webhook,
    /// By which event it asked for it.
    pub event: RegistryEvent,
    /// What happened.
    pub happening: Happening,
    /// When it happened.
    pub happened_at: Timestamp,
    /// How often telling it has failed.
    pub n_failed: u64,
}

/// A server's hold on a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who tells: of one server, and of no other.
    pub teller: String,
    /// Until when the others leave the webhook alone.
    pub until: Timestamp,
}

impl Deliveries<'_> {
    /// The webhooks that are to be told something now and that no other server tells.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn due(&self, teller: &str, now: Timestamp) -> Result<Vec<String>, Error> {
        let sql = "select id from webhooks where status = 'ACTIVE' and (teller = $1 or told_until <= $2) and \
             (select due_at from deliveries where webhook = webhooks.id order by deliveries.id limit 1) <= $2 order by id";
        self.0
            .query(sql, &values![teller, now.as_millis()], |row| row.get(0))
    }

    /// Takes the first thing that a webhook is to be told, if it is due and no other server tells it.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn take(
        &self,
        webhook: &str,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<Delivery>, Error> {
        let sql = "update webhooks set teller = $1, told_until = $2 where id = $3 and status = 'ACTIVE' \
             and (teller = $1 or told_until <= $4)";
        let (until, now_ms) = (lease.until.as_millis(), now.as_millis());
        let values = values![lease.teller, until, webhook, now_ms];
        if self.0.execute(sql, &values)? == 0 {
            return Ok(None);
        }
        let first = self.first(webhook, now)?;
        if first.is_none() {
            let sql = "update webhooks set teller = null, told_until = 0 where id = $1";
            self.0.execute(sql, &values![webhook])?;
        }
        Ok(first)
    }

    fn first(&self, webhook: &str, now: Timestamp) -> Result<Option<Delivery>, Error> {
        let sql = "select id, event, happening, happened_at, n_failed, due_at from deliveries where webhook = $1 \
             order by id limit 1";
        let found = self.0.find(sql, &values![webhook], |row| {
            let id: i64 = row.get(0)?;
            let delivery = Delivery {
                id,
                webhook: Webhooks(self.0).get(webhook)?,
                event: parse(&row.get::<String>(1)?, "deliveries", "event", id)?,
                happening: json(&row.get::<String>(2)?, "deliveries", "happening", id)?,
                happened_at: moment(row.get(3)?),
                n_failed: row.get(4)?,
            };
            Ok((delivery, moment(row.get(5)?)))
        })?;
        Ok(found.and_then(|(delivery, due_at)| (due_at <= now).then_some(delivery)))
    }

    /// Takes off the list what was told, or what is given up.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn settle(&self, id: i64) -> Result<(), Error> {
        let sql = "delete from deliveries where id = $1";
        self.0.execute(sql, &values![id])?;
        Ok(())
    }

    /// Counts a failure and puts the next attempt off; all that the webhook is to be told later waits, too.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn postpone(&self, id: i64, due_at: Timestamp) -> Result<(), Error> {
        let sql = "update deliveries set n_failed = n_failed + 1, due_at = $1 where id = $2";
        self.0.execute(sql, &values![due_at.as_millis(), id])?;
        Ok(())
    }

    /// Leaves all that a server has taken to whoever takes it next.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn release(&self, teller: &str) -> Result<(), Error> {
        let sql = "update webhooks set teller = null, told_until = 0 where teller = $1";
        self.0.execute(sql, &values![teller])?;
        Ok(())
    }

    /// How many things a webhook is still to be told.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn count(&self, webhook: &str) -> Result<u64, Error> {
        let sql = "select count(*) from deliveries where webhook = $1";
        self.0.value(sql, &values![webhook])
    }
}
