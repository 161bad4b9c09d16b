//! The binary `everloop`: arguments to settings, calls, words and exit codes.
//!
//! Only this crate prints, reads the environment and takes the system's time. Data goes to standard
//! output, words go to standard error; the exit codes are in [`exit`].

#![expect(
    clippy::print_stderr,
    reason = "the command line is where words meet the terminal"
)]

// Its macros are for all that follows.
#[macro_use]
mod output;

mod args;
mod chart;
mod commands;
mod demo;
mod environment;
mod exit;
mod progress;
mod replay;
mod stopping;
mod transfer;
mod workspace;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let args = args::Args::parse();
    environment::start_logging(args.verbose);
    environment::lift_file_limit();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return exit::report(&anyhow::Error::new(error).context("cannot start threads"));
        }
    };
    let result = runtime.block_on(commands::run(args));
    // Blocking work that was abandoned (an interrupted training) must not hold the process back.
    runtime.shutdown_background();
    match result {
        Ok(code) => code.into(),
        Err(error) => exit::report(&error),
    }
}
