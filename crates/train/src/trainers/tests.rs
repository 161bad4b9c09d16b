//! What the tests of several trainers share.

mod golden;
pub(super) mod probe;
