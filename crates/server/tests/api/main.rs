//! The server as its clients see it: a real one on a free port, with a metastore in memory and a clock that stands still.

#[cfg(test)]
mod artifacts;
#[cfg(test)]
mod client;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod events;
#[cfg(test)]
mod experiments;
#[cfg(test)]
mod feedback;
#[cfg(test)]
mod graphql;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod lineage;
#[cfg(test)]
mod own;
#[cfg(test)]
mod own_lists;
#[cfg(test)]
mod own_runs;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod search;
#[cfg(test)]
mod server;
#[cfg(test)]
mod slow;
#[cfg(test)]
mod stages;
#[cfg(test)]
mod switching;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod tracking_only;
#[cfg(test)]
mod webhooks;
