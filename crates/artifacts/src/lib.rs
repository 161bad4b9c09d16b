//! Artifacts of runs, results of stages, digests of files.
//!
//! - [`Store`]: bytes under [`StorageKey`]s, on any `object_store`; every key is built in one place, and a hostile path
//!   is refused there.
//! - [`Places`]: which locations lead to which store; only those that the operator chose are followed.
//! - [`RemoteStore`]: files on other machines, for callers that are not asynchronous.
//! - [`StageCache`]: directories by fingerprint, that become visible whole or not at all.
//! - [`FileDigests`]: digests of files, remembered for those that have not changed.

mod cache;
mod digests;
mod error;
mod files;
mod key;
mod parts;
mod places;
mod remote;
mod remote_store;
mod store;
mod streams;

pub use cache::{StageCache, Staging};
pub use digests::FileDigests;
pub use error::Error;
pub use files::{copy_dir, digest_dir, write_atomically};
pub use key::StorageKey;
pub use parts::{MAX_PARTS, Upload, Uploads};
pub use places::{Place, Places, local_path};
pub use remote_store::{Location, RemoteStore, Sink, SshLocation, Told, WebLocation};
pub use store::{Listed, Store};
pub use streams::{Part, Reading};
