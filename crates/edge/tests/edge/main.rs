//! The runner as its users have it.

#[cfg(test)]
mod runner;
