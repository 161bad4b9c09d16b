//! The layer table of the design holds: which crate may import which, and what it must never see.

use std::collections::BTreeSet;
use std::fs;

use super::source::root;

/// Crate, workspace crates it may use besides `domain`, and outside crates it must never use.
const LAYERS: &[(&str, &[&str], &[&str])] = &[
    (
        "domain",
        &[],
        &[
            "tokio",
            "arrow",
            "anyhow",
            "rusqlite",
            "datafusion",
            "axum",
            "object_store",
        ],
    ),
    (
        "lifecycle",
        &[],
        &["tokio", "rusqlite", "arrow", "datafusion", "axum"],
    ),
    (
        "measure",
        &[],
        &[
            "tokio",
            "rusqlite",
            "datafusion",
            "axum",
            "rand",
            "object_store",
        ],
    ),
    (
        "artifacts",
        &[],
        &["rusqlite", "arrow", "datafusion", "axum"],
    ),
    (
        "metastore",
        &[],
        &["object_store", "arrow", "axum", "datafusion"],
    ),
    ("data", &["artifacts"], &["rusqlite", "axum"]),
    (
        "package",
        &["artifacts"],
        &["rusqlite", "datafusion", "axum"],
    ),
    (
        "edge",
        &["package"],
        &["tokio", "rusqlite", "datafusion", "axum", "reqwest"],
    ),
    (
        "train",
        &["data", "measure", "package"],
        &["rusqlite", "object_store", "axum"],
    ),
    (
        "serve",
        &["artifacts", "package"],
        &["rusqlite", "datafusion"],
    ),
    (
        "engine",
        &[
            "lifecycle",
            "artifacts",
            "metastore",
            "data",
            "measure",
            "train",
            "package",
            "versions",
        ],
        &["axum", "clap", "rusqlite"],
    ),
    (
        "controller",
        &[
            "lifecycle",
            "artifacts",
            "metastore",
            "data",
            "measure",
            "engine",
        ],
        &["axum", "clap", "rusqlite"],
    ),
    (
        "exchange",
        &["artifacts", "metastore"],
        &["rusqlite", "object_store", "axum", "datafusion"],
    ),
    (
        "versions",
        &["artifacts", "lifecycle"],
        &["tokio", "rusqlite", "arrow", "datafusion", "axum"],
    ),
    (
        "server",
        &[
            "lifecycle",
            "artifacts",
            "metastore",
            "package",
            "engine",
            "controller",
            "serve",
        ],
        &["rusqlite", "datafusion"],
    ),
    (
        "cli",
        &[
            "exchange",
            "lifecycle",
            "artifacts",
            "metastore",
            "data",
            "measure",
            "package",
            "train",
            "serve",
            "engine",
            "controller",
            "server",
            "versions",
            "edge",
        ],
        &["rusqlite", "object_store", "datafusion", "axum"],
    ),
    ("testkit", &[], &["rusqlite", "datafusion", "axum"]),
];

#[test]
fn crates_use_only_what_their_layer_allows() {
    let mut problems = Vec::new();
    for name in crate_names() {
        let Some((_, allowed, forbidden)) = LAYERS.iter().find(|(layer, ..)| *layer == name) else {
            problems.push(format!("crate `{name}` is not in the layer table"));
            continue;
        };
        for dependency in dependencies(&name) {
            let is_allowed = match dependency.strip_prefix("everloop-") {
                Some("domain") => true,
                Some(other) => allowed.contains(&other),
                None => !forbidden.contains(&dependency.as_str()),
            };
            if !is_allowed {
                problems.push(format!("`{name}` may not use `{dependency}`"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn no_crate_is_a_dumping_ground() {
    for name in crate_names() {
        assert!(
            !["common", "utils", "types", "errors", "config", "core"].contains(&name.as_str()),
            "a crate named `{name}` says nothing of what it holds"
        );
    }
}

#[test]
fn domain_stays_small() {
    let lines: usize = super::source::files("crates/domain/src")
        .iter()
        .map(|file| file.text.lines().count())
        .sum();
    assert!(lines <= 3000, "domain has {lines} lines, 3000 are allowed");
}

fn crate_names() -> BTreeSet<String> {
    fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

/// What the crate's product code depends on; dev-dependencies are free.
fn dependencies(name: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("crates").join(name).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    manifest
        .get("dependencies")
        .and_then(toml::Value::as_table)
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default()
}
