use std::collections::BTreeMap;

use everloop_domain::{CycleOutcome, CycleReason};
use everloop_metastore::{NewCycle, NewVersion};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1000);

fn model() -> ModelName {
    "bikes".parse().unwrap()
}

/// Two versions, each promoted by its own cycle.
async fn promoted_twice() -> Metastore {
    let metastore = Metastore::in_memory().unwrap();
    let work = |tx: &Transaction<'_>| {
        tx.models().ensure(&model(), NOW)?;
        for why in ["first", "drift"] {
            let number = tx.cycles().start(&NewCycle {
                reason: CycleReason::Manual,
                why: why.to_owned(),
                now: NOW,
                run_id: None,
            })?;
            let version = tx.models().create_version(&NewVersion {
                name: model(),
                source: "/m".to_owned(),
                run_id: None,
                model_id: None,
                tags: [(CYCLE_TAG.to_owned(), number.to_string())].into(),
                description: None,
                now: NOW,
            })?;
            move_champion(tx, &model(), version, NOW)?;
            let outcome = CycleOutcome::Promoted;
            let champion = Some(version);
            tx.cycles()
                .finish(number, outcome, "", NOW, &BTreeMap::new(), champion)?;
        }
        Ok(())
    };
    metastore.write(work).await.unwrap();
    metastore
}

async fn champion(metastore: &Metastore) -> Option<u64> {
    let read = |tx: &Transaction<'_>| tx.models().find_by_alias(&model(), CHAMPION);
    let found = metastore.read(read).await.unwrap();
    found.map(|version| version.version.0)
}

#[tokio::test]
async fn a_rollback_moves_the_alias_and_says_so() {
    let metastore = promoted_twice().await;
    assert_eq!(champion(&metastore).await, Some(2));
    let version = rollback(&metastore, &model(), None, "ann", NOW).await;
    assert_eq!(version.unwrap(), VersionNumber(1));
    assert_eq!(champion(&metastore).await, Some(1));
    let read = |tx: &Transaction<'_>| Ok((tx.cycles().list(9)?, tx.audit().list(9)?));
    let (cycles, audit) = metastore.read(read).await.unwrap();
    assert_eq!(cycles[0].outcome, Some(CycleOutcome::RolledBack));
    assert_eq!(cycles[1].outcome, Some(CycleOutcome::Promoted));
    assert_eq!(
        (audit[0].actor.as_str(), audit[0].action.as_str()),
        ("ann", "model.rollback")
    );
    assert_eq!(audit[0].why, "version 2 was rolled back to version 1");
}

#[tokio::test]
async fn a_promotion_can_be_rolled_back() {
    let metastore = promoted_twice().await;
    let one = VersionNumber(1);
    promote(&metastore, &model(), one, "ann", NOW)
        .await
        .unwrap();
    assert_eq!(champion(&metastore).await, Some(1));
    let version = rollback(&metastore, &model(), None, "ann", NOW).await;
    assert_eq!(version.unwrap(), VersionNumber(2));
}

#[tokio::test]
async fn what_cannot_be_rolled_back_says_why() {
    let empty = Metastore::in_memory().unwrap();
    let error = rollback(&empty, &model(), None, "ann", NOW)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no champion"), "{error}");
    let metastore = promoted_twice().await;
    let same = rollback(&metastore, &model(), Some(VersionNumber(2)), "ann", NOW).await;
    assert!(
        same.unwrap_err()
            .to_string()
            .contains("nothing to go back to")
    );
    let absent = rollback(&metastore, &model(), Some(VersionNumber(9)), "ann", NOW).await;
    assert!(absent.is_err());
    assert_eq!(champion(&metastore).await, Some(2));
}
