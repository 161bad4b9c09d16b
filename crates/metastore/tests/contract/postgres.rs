//! The contract on Postgres.

use std::panic::{AssertUnwindSafe, catch_unwind};

use everloop_metastore::Metastore;
use everloop_testkit::Postgres;

use super::CONTRACT;

#[test]
fn the_contract_holds_on_postgres() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let broken: Vec<&str> = CONTRACT
        .iter()
        .filter(|(_, holds)| {
            let store = Metastore::connect(&server.new_database()).unwrap();
            catch_unwind(AssertUnwindSafe(|| holds(&store))).is_err()
        })
        .map(|(name, _)| *name)
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
}
