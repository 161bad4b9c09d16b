//! The server as its clients see it: a real one on a free port, with a metastore in memory and a clock that stands still.

mod artifacts;
mod client;
mod errors;
mod experiments;
mod feedback;
mod guard;
mod own;
mod registry;
mod runs;
mod server;
mod switching;
