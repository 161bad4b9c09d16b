//! The commands on repositories in directories of their own.

#[cfg(test)]
mod changing;
#[cfg(test)]
mod chunks;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod repositories;
#[cfg(test)]
mod tracked;
