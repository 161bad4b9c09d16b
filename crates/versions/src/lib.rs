//! Versions of data in DVC's format: `.dvc` files, cache, remotes.
//!
//! A crate of its own, as `exchange` is: it hides the formats of another program, and MD5 with them. Both programs may work
//! in one repository in any order: what is written here is, byte by byte, what DVC 3 would have written, and DVC's lock is
//! taken. Nothing is asynchronous, nothing prints, and no clock is read but the file system's.
//!
//! - [`Repository`]: where to start; its methods are the commands.
//! - [`DvcFile`], [`Listing`], [`Config`]: the formats.
//! - [`Cache`]: objects by digest, whole and read-only.
//! - [`Remote`]: objects by digest elsewhere.
//! - [`RepoPath`]: every path that a file names is made there, and a hostile one refused.

mod add;
mod aws_profile;
mod azure_settings;
mod busy;
mod cache;
mod case;
mod check_ignore;
mod checkout;
mod chunks;
mod cloud_status;
mod commits;
mod compare;
mod config;
mod diff;
mod dvc_file;
mod error;
mod fetched;
mod freezing;
mod fsck;
mod gc;
mod git;
mod ignore;
mod ignoring;
mod importing;
mod imports;
mod inside;
mod journal;
mod keep;
mod known;
mod links;
mod listing;
mod lock;
mod log;
mod md5;
mod moving;
mod outside;
mod parallel;
mod parts;
mod pattern;
mod progress;
#[cfg(test)]
mod properties;
mod receiving;
mod recording;
mod references;
mod remote;
mod remote_options;
mod remotes;
mod repo_path;
mod repository;
mod revision;
mod runs;
mod scan;
mod settings;
mod snapshot;
mod source;
mod stage_commit;
mod stage_text;
mod stages;
mod status;
mod stream;
mod tags;
mod tracked;
mod transfer;
mod version_files;
mod whole;
mod workspace;
mod yaml;

pub use add::Added;
pub use busy::Busy;
pub use cache::Cache;
pub use check_ignore::IgnoreRule;
pub use checkout::Placed;
pub use cloud_status::CloudStatus;
pub use commits::Keep;
pub use config::{Config, ConfigFile};
pub use diff::{Differences, Item};
pub use dvc_file::{DvcFile, Out, Recorded};
pub use error::Error;
pub use fsck::{Checked, Fault, FaultKind};
pub use gc::{Collected, Request as Gc};
pub use ignoring::Ignoring;
pub use importing::Imported;
pub use imports::{Import, PlaceState, TagKind};
pub use listing::Listing;
pub use lock::Lock;
pub use log::{Commit, DataChange, Logged};
pub use md5::{Md5, ObjectId};
pub use moving::Moved;
pub use progress::{Counts, Progress};
pub use references::{Reference, References};
pub use remote::Remote;
pub use repo_path::RepoPath;
pub use repository::{Machine, Repository};
pub use revision::Revision;
pub use settings::Setting;
pub use snapshot::{Lineage, Versioned};
pub use source::{At, Listed, Scratch, Source};
pub use status::{State, Status};
pub use tags::DataTag;
pub use tracked::{Origin, Tracked};
pub use transfer::Transferred;
pub use version_files::VersionFile;
pub use whole::{read_whole, write_whole};
pub use workspace::Workspace;
