//! What the tests of the command line share: projects in temporary directories, the real binary, servers that
//! stop with their test, the data sets beside the checkout.
//!
//! Everything here panics on failure: in a test that is the right error.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    reason = "helpers of tests fail by panicking and print what is skipped"
)]

mod azurite;
mod http;
mod objects;
mod postgres;
mod project;
mod sshd;
mod up;

use std::path::{Path, PathBuf};

pub use azurite::Azurite;
pub use http::{Answer, get, post, put};
pub use objects::Objects;
pub use postgres::Postgres;
pub use project::{Ran, TestProject};
pub use sshd::Sshd;
pub use up::Up;

/// A file or folder of `shared/data`, or nothing (said on standard error) where the checkout has none beside it.
#[must_use]
pub fn shared_data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: `{}` is not there", path.display());
    None
}

/// The Python that `cargo xtask setup` made, or nothing (said on standard error).
#[must_use]
pub fn test_python() -> Option<PathBuf> {
    let python = std::env::var_os("EVERLOOP_TEST_PYTHON").map(PathBuf::from);
    if python.is_none() {
        eprintln!("skipped: EVERLOOP_TEST_PYTHON is not set; run `cargo xtask test`");
    }
    python
}
