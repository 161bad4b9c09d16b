//! Which schemas of MLflow's database can be read: their names are those of its migrations.

use crate::Error;

/// The schemas before there were datasets of runs, the oldest first.
const TOO_OLD: [&str; 20] = [
    "451aebb31d03",
    "90e64c465722",
    "181f10493468",
    "df50e92ffc5e",
    "7ac759974ad8",
    "89d4b8295536",
    "2b4d017a5e9b",
    "cfd24bdc0731",
    "0a8213491aaa",
    "728d730b5ebd",
    "27a6a02d2cf1",
    "84291f40a231",
    "a8c4a736bde6",
    "39d1c3be5f05",
    "c48cb773bb87",
    "bd07f7e963c5",
    "0c779009ac13",
    "cc1f77228345",
    "97727af70f4d",
    "3500859a5d39",
];

/// The schemas from MLflow 2.4 to 3.17, the oldest first.
const KNOWN: [&str; 47] = [
    "7f2a7d5fae7d",
    "2d6e25af4d3e",
    "acf3f17fdcc7",
    "867495a8f9d4",
    "5b0e9adcef9c",
    "4465047574b1",
    "f5a4f2784254",
    "0584bdc529eb",
    "400f98739977",
    "6953534de441",
    "bda7b8c39065",
    "cbc13b556ace",
    "770bee3ae1dd",
    "a1b2c3d4e5f6",
    "de4033877273",
    "1a0cddfcaa16",
    "534353b11cbc",
    "71994744cf8e",
    "3da73c924c2f",
    "bf29a5ff90ea",
    "1bd49d398cd23",
    "b7c8d9e0f1a2",
    "5d2d30f0abce",
    "c9d4e5f6a7b8",
    "2c33131f4dae",
    "d3e4f5a6b7c8",
    "d0e1f2a3b4c5",
    "c8d9e0f1a2b3",
    "1b5f0d9ad7c1",
    "e1f2a3b4c5d6",
    "76601a5f987d",
    "c3d6457b6d8a",
    "a5b4c3d2e1f0",
    "ae8bbe7743c9",
    "7d34483879f0",
    "da6fb0208061",
    "89d3d66ed43f",
    "b7e4c1a90f23",
    "a8b9c0d1e2f3",
    "c1d2e3f4a5b6",
    "c3d9e7f1a2b4",
    "6f8d9c3b2a1e",
    "1971f2d9a75b",
    "17e22815139b",
    "b7e2c1a4d9f3",
    "75868b020152",
    "dc11669786a5",
];

/// Refuses a schema that is not known; `shown` is the database for people.
pub(super) fn check(shown: &str, revision: Option<&str>) -> Result<(), Error> {
    let revision = revision.unwrap_or("none");
    if KNOWN.contains(&revision) {
        return Ok(());
    }
    let way_out = if revision == "none" || TOO_OLD.contains(&revision) {
        "which is older than MLflow 2.4; `mlflow db upgrade` brings the database up to date"
            .to_owned()
    } else {
        let newest = KNOWN[KNOWN.len() - 1];
        format!(
            "which this program does not know (the newest that it knows is `{newest}`, of MLflow 3.17); use a newer \
             everloop, or start `mlflow server` on the database and import from its address"
        )
    };
    Err(Error::Invalid(format!(
        "`{shown}` has the schema revision `{revision}` of MLflow, {way_out}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_words(revision: Option<&str>, expected: &str) {
        let words = check("x.db", revision).unwrap_err().to_string();
        assert!(words.contains(expected), "{words}");
    }

    #[test]
    fn known_schemas_pass_and_others_are_named_with_the_way_out() {
        assert!(check("x.db", Some("dc11669786a5")).is_ok());
        assert!(check("x.db", Some("7f2a7d5fae7d")).is_ok());
        check_words(
            Some("451aebb31d03"),
            "`451aebb31d03` of MLflow, which is older",
        );
        check_words(None, "`mlflow db upgrade`");
        check_words(Some("ffffffffffff"), "use a newer everloop");
    }
}
