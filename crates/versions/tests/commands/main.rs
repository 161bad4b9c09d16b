//! The commands on repositories in directories of their own.

#[cfg(test)]
mod changing;
#[cfg(test)]
mod chunks;
#[cfg(test)]
mod freezing;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod ignored;
#[cfg(test)]
mod places;
#[cfg(test)]
mod repositories;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod tracked;
