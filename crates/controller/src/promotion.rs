//! Moving the alias `champion`: by a person, with an audit row that says who and why.

use everloop_domain::{CycleNumber, ModelName, Timestamp, VersionNumber};
use everloop_engine::{CHAMPION, CYCLE_TAG, PREVIOUS};
use everloop_metastore::{Entry, Metastore, Transaction};

use crate::Error;

/// Makes a version the champion.
///
/// # Errors
///
/// Fails if there is no such version.
pub async fn promote(
    metastore: &Metastore,
    model: &ModelName,
    version: VersionNumber,
    actor: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let (model, actor) = (model.clone(), actor.to_owned());
    let work = move |tx: &Transaction<'_>| {
        let why = "a person asked for it".to_owned();
        move_champion(tx, &model, version, now)?;
        audit(tx, &actor, "model.promote", &model, version, why, now)
    };
    Ok(metastore.write(work).await?)
}

/// Puts a version back: the one before, or a given one. The cycle that made the champion is then `rolled_back`. Gives the
/// version that is served now.
///
/// # Errors
///
/// Fails if the model has no champion, or no version to go back to.
pub async fn rollback(
    metastore: &Metastore,
    model: &ModelName,
    to: Option<VersionNumber>,
    actor: &str,
    now: Timestamp,
) -> Result<VersionNumber, Error> {
    let found = {
        let model = model.clone();
        let read = move |tx: &Transaction<'_>| {
            let champion = tx.models().find_by_alias(&model, CHAMPION)?;
            let previous = tx
                .models()
                .find_by_alias(&model, PREVIOUS)?
                .map(|version| version.version);
            Ok((champion, previous))
        };
        metastore.read(read).await?
    };
    let (Some(champion), previous) = found else {
        return Err(Error::Invalid(format!(
            "model `{model}` has no champion to roll back"
        )));
    };
    let Some(target) = to.or(previous).filter(|target| *target != champion.version) else {
        let version = champion.version;
        return Err(Error::Invalid(format!(
            "there is nothing to go back to from version {version} of `{model}`; name a version with `--to`"
        )));
    };
    let (model, actor) = (model.clone(), actor.to_owned());
    let cycle: Option<CycleNumber> = champion
        .tags
        .get(CYCLE_TAG)
        .and_then(|text| text.parse().ok());
    let work = move |tx: &Transaction<'_>| {
        let why = format!(
            "version {} was rolled back to version {target}",
            champion.version
        );
        move_champion(tx, &model, target, now)?;
        if let Some(cycle) = cycle {
            tx.cycles().roll_back(cycle, &why)?;
        }
        audit(tx, &actor, "model.rollback", &model, target, why, now)
    };
    metastore.write(work).await?;
    Ok(target)
}

fn move_champion(
    tx: &Transaction<'_>,
    model: &ModelName,
    version: VersionNumber,
    now: Timestamp,
) -> Result<(), everloop_metastore::Error> {
    if let Some(old) = tx.models().find_by_alias(model, CHAMPION)?
        && old.version != version
    {
        tx.models().set_alias(model, PREVIOUS, old.version, now)?;
    }
    tx.models().set_alias(model, CHAMPION, version, now)
}

fn audit(
    tx: &Transaction<'_>,
    actor: &str,
    action: &str,
    model: &ModelName,
    version: VersionNumber,
    why: String,
    now: Timestamp,
) -> Result<(), everloop_metastore::Error> {
    tx.audit().append(&Entry {
        at: now,
        actor: actor.to_owned(),
        action: action.to_owned(),
        subject: format!("{model}/{version}"),
        why,
        details: serde_json::Value::Null,
    })
}

#[cfg(test)]
mod tests;
