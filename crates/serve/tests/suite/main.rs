//! Serving from outside: over HTTP, with real engines.
//!
//! Needs no network. What needs Python finds it in `EVERLOOP_TEST_PYTHON` and is skipped without.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

mod engines;
mod hostile;
mod http;
mod latency;
mod models;
mod server;
mod switching;
