//! Tasks of this repository, run as `cargo xtask <task>`.
//!
//! - `setup`: installs what the tests need (Debian packages, a Python environment).
//! - `test`: `setup`, then every test.
//! - `ci`: format, lints, documentation and `test`: what `.ci/run` runs.
//! - `gen`: writes the generated files again (`docs/reference`).
//! - `bench NAME`: measures, side by side with the peer where there is one.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for developers talks to its terminal"
)]

mod bench;
mod command;
mod setup;
mod tests;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask setup | test [NEXTEST ARGUMENTS] | ci | gen | bench loop|tracking|growth|rows|measure|train|tuning|versions";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["setup"] => setup::run().map(|_| ()),
        ["test", rest @ ..] => tests::test(rest),
        ["ci"] => tests::ci(),
        ["gen"] => tests::generate(),
        ["bench", name, rest @ ..] => bench::run(name, rest),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
