//! Sessions through their public interface, on files in temporary directories.

#[cfg(test)]
mod parsing;
#[cfg(test)]
mod preparing;
#[cfg(test)]
mod profiling;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod tables;
