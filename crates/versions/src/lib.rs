//! Versions of data in DVC's format: `.dvc` files, cache, remotes.
//!
//! A crate of its own, as `exchange` is: it hides the formats of another program, and MD5 with them. Both programs may work
//! in one repository in any order: what is written here is, byte by byte, what DVC 3 would have written, and DVC's lock is
//! taken. Nothing is asynchronous, nothing prints, and no clock is read but the file system's.
//!
//! - [`Repository`]: where to start; its methods are the commands.
//! - [`DvcFile`], [`Listing`], [`Config`]: the formats.
//! - [`Cache`]: objects by digest, whole and read-only.
//! - [`RepoPath`]: every path that a file names is made there, and a hostile one refused.

mod add;
mod busy;
mod cache;
mod checkout;
mod config;
mod dvc_file;
mod error;
mod gc;
mod git;
mod ignore;
mod inside;
mod known;
mod links;
mod listing;
mod lock;
mod md5;
mod parallel;
mod pattern;
#[cfg(test)]
mod properties;
mod remotes;
mod repo_path;
mod repository;
mod revision;
mod scan;
mod status;
mod transfer;
mod whole;
mod workspace;
mod yaml;

pub use add::Added;
pub use busy::Lent;
pub use cache::Cache;
pub use checkout::Placed;
pub use config::{Config, ConfigFile};
pub use dvc_file::{DvcFile, Out, Recorded};
pub use error::Error;
pub use gc::Collected;
pub use listing::Listing;
pub use lock::Lock;
pub use md5::{Md5, ObjectId};
pub use repo_path::RepoPath;
pub use repository::{Repository, Tracked};
pub use revision::Revision;
pub use status::{State, Status};
pub use transfer::Transferred;
pub use whole::{read_whole, write_whole};
pub use workspace::Workspace;
