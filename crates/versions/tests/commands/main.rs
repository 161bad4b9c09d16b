//! The commands on repositories in directories of their own.

#[cfg(test)]
mod changing;
#[cfg(test)]
mod repositories;
