//! Four stores on one database, as four servers behind a balancer.

use std::collections::BTreeSet;
use std::thread;

use everloop_domain::{ExperimentId, ModelName, RunId};
use everloop_metastore::{Entry, Metastore, Metric, NewRun, NewVersion, View};
use everloop_testkit::Postgres;

use super::{at, new_run};

/// How many threads write through each store, and how often.
const N_THREADS: usize = 4;
const N_ROUNDS: usize = 12;

fn model() -> ModelName {
    "bikes".parse().unwrap()
}

fn entry(subject: String) -> Entry {
    Entry {
        at: at(1),
        actor: "test".to_owned(),
        action: "write".to_owned(),
        subject,
        why: String::new(),
        details: serde_json::Value::Null,
    }
}

/// Writes of all kinds that could meet those of another store; gives the experiment and the version that were made.
fn write(store: &Metastore, writer: usize, round: usize) -> (ExperimentId, u64) {
    let name = format!("{writer}-{round}");
    store
        .write_blocking(move |tx| {
            let shared = new_run(1).id;
            let experiment = tx.experiments().create(&name, None, at(1))?;
            let id = RunId::from_bytes(std::array::from_fn(|byte| match byte {
                0 => 9,
                1 => writer as u8,
                2 => round as u8,
                _ => 0,
            }));
            tx.runs().create(&NewRun {
                id,
                experiment,
                ..new_run(9)
            })?;
            let step = (writer * N_ROUNDS + round) as i64;
            let point = Metric {
                key: "m".to_owned(),
                value: step as f64,
                timestamp: at(step),
                step,
            };
            tx.runs().log_metrics(&shared, &[point])?;
            tx.runs().set_tag(&shared, &name, "1")?;
            tx.audit().append(&entry(name))?;
            let version = tx.models().create_version(&NewVersion {
                name: model(),
                source: "s".to_owned(),
                run_id: None,
                model_id: None,
                tags: [].into(),
                description: None,
                now: at(1),
            })?;
            Ok((experiment, version.0))
        })
        .unwrap()
}

#[test]
fn four_stores_on_one_database_lose_and_double_nothing() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let address = server.new_database();
    let stores: Vec<Metastore> = (0..4)
        .map(|_| Metastore::connect(&address).unwrap())
        .collect();
    stores[0]
        .write_blocking(|tx| {
            tx.runs().create(&new_run(1))?;
            tx.models().create(&model(), "", &[].into(), at(1))
        })
        .unwrap();
    let made: Vec<(ExperimentId, u64)> = thread::scope(|scope| {
        let writers: Vec<_> = (0..stores.len() * N_THREADS)
            .map(|writer| {
                let store = &stores[writer % stores.len()];
                scope.spawn(move || {
                    let rounds = 0..N_ROUNDS;
                    rounds
                        .map(|round| write(store, writer, round))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect()
    });
    let n_writes = stores.len() * N_THREADS * N_ROUNDS;
    let experiments: BTreeSet<_> = made.iter().map(|(experiment, _)| *experiment).collect();
    let versions: BTreeSet<_> = made.iter().map(|(_, version)| *version).collect();
    assert_eq!(experiments.len(), n_writes);
    assert_eq!(versions, (1..=n_writes as u64).collect());
    for store in &stores {
        store
            .read_blocking(|tx| {
                assert_eq!(tx.experiments().list(View::All)?.len(), n_writes + 1);
                let run = tx.runs().get(&new_run(1).id)?;
                // The latest is the greatest step, whoever wrote last.
                assert_eq!(run.metrics[0].step, n_writes as i64 - 1);
                assert_eq!(run.tags.len(), n_writes + 1);
                assert_eq!(tx.runs().metric_history(&run.info.id, "m")?.len(), n_writes);
                assert_eq!(tx.audit().list(usize::MAX >> 1)?.len(), n_writes);
                assert_eq!(tx.audit().verify()?, None);
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn of_many_stores_one_sets_a_parameter() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let address = server.new_database();
    let first = Metastore::connect(&address).unwrap();
    first
        .write_blocking(|tx| tx.runs().create(&new_run(1)))
        .unwrap();
    let n_set = thread::scope(|scope| {
        let racers: Vec<_> = (0..8)
            .map(|number| {
                let address = &address;
                scope.spawn(move || {
                    let store = Metastore::connect(address).unwrap();
                    let value = number.to_string();
                    store
                        .write_blocking(move |tx| tx.runs().log_param(&new_run(1).id, "p", &value))
                        .is_ok()
                })
            })
            .collect();
        racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .filter(|is_set| *is_set)
            .count()
    });
    assert_eq!(n_set, 1);
}
