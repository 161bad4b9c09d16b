//! Versions change under load, and no request notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use everloop_domain::{Digest, VersionNumber};
use everloop_serve::{EngineSettings, Models, Serving, load};

use crate::models;
use crate::server::{Server, clock, name};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hundreds_of_switches_drop_no_request() {
    const N_SWITCHES: u64 = 400;
    let dir = tempfile::tempdir().unwrap();
    let task = everloop_domain::Task::Regression;
    let packages: Vec<_> = (0..2)
        .map(|at| {
            models::package(
                dir.path(),
                &format!("p{at}"),
                &models::sum(f64::from(at) * 1e6),
                task,
            )
        })
        .collect();
    let engine = |version: u64| {
        let package = &packages[version as usize % 2];
        Arc::new(load(package, &EngineSettings::default()).unwrap())
    };
    let models = Models::new();
    models.set(&name("m"), VersionNumber(0), Digest::of("0"), engine(0));
    let server = Arc::new(Server::start(Serving::new(models.clone(), clock())).await);
    let is_over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (server, is_over) = (Arc::clone(&server), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut n_answers = 0;
                while !is_over.load(Ordering::Relaxed) || n_answers == 0 {
                    let answer = server.invoke(r#"{"instances": [[1, 0, "", false]]}"#).await;
                    assert_eq!(answer.status, 200, "{}", answer.text);
                    let version: u64 = answer.version.as_ref().unwrap().parse().unwrap();
                    let expected = if version.is_multiple_of(2) {
                        1.0
                    } else {
                        1e6 + 1.0
                    };
                    assert_eq!(
                        answer.json()["predictions"][0],
                        expected,
                        "the version that is named has answered"
                    );
                    n_answers += 1;
                }
                n_answers
            })
        })
        .collect();
    for version in 1..=N_SWITCHES {
        models.set(
            &name("m"),
            VersionNumber(version),
            Digest::of(version.to_string()),
            engine(version),
        );
        tokio::task::yield_now().await;
    }
    is_over.store(true, Ordering::Relaxed);
    let mut n_answers = 0;
    for client in clients {
        n_answers += client.await.unwrap();
    }
    println!("{n_answers} answers during {N_SWITCHES} switches");
    assert_eq!(models.version(&name("m")), Some(VersionNumber(N_SWITCHES)));
    assert!(models.remove(&name("m")) && !models.remove(&name("m")));
    assert!(models.names().is_empty());
}
