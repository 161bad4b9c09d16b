//! `test`, `ci` and `gen`.

use std::process::Command;

use anyhow::Result;

use crate::command::{cargo, run, succeeds};
use crate::setup;

/// Sets up, then runs every test of the workspace; further arguments go to the test runner.
pub(crate) fn test(arguments: &[&str]) -> Result<()> {
    let ready = setup::run()?;
    // Tests of the command line run the real binary.
    run(cargo(&["build", "--release", "--workspace"]).env("EVERLOOP_TEST_PYTHON", &ready.python))?;
    let mut tests = if succeeds("cargo", &["nextest", "--version"]) {
        cargo(&[
            "nextest",
            "run",
            "--release",
            "--workspace",
            "--no-fail-fast",
        ])
    } else {
        println!("cargo-nextest is not installed: using the runner of cargo");
        cargo(&[
            "test",
            "--release",
            "--workspace",
            "--no-fail-fast",
            "--lib",
            "--bins",
            "--tests",
        ])
    };
    run(with_clients(tests.args(arguments), &ready))
}

fn with_clients<'a>(command: &'a mut Command, ready: &setup::Ready) -> &'a mut Command {
    command
        .env("EVERLOOP_TEST_PYTHON", &ready.python)
        .env("EVERLOOP_TEST_NODE_MODULES", &ready.node_modules)
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .env("INSTA_UPDATE", "no")
}

/// Everything that must hold before a change lands.
pub(crate) fn ci() -> Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run(&mut cargo(&[
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    run(cargo(&[
        "doc",
        "--release",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ])
    .env("RUSTDOCFLAGS", "-D warnings"))?;
    test(&[])
}

/// Writes the generated files: the reference pages and the JSON Schema.
pub(crate) fn generate() -> Result<()> {
    run(&mut cargo(&[
        "run",
        "--release",
        "--quiet",
        "--",
        "reference",
        "docs/reference",
    ]))
}
