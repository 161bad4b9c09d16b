//! Files on other machines under plain paths: in buckets, on web servers, on machines that are reached by SSH.
//!
//! For callers that are not asynchronous: the store owns the one runtime in which all of its connections live, and its methods
//! wait. They may be called from many threads at once. What passes (timeouts, 5xx, broken connections) is tried again with
//! growing pauses; a file that breaks off is read on from where it was.

mod bucket;
mod sftp;
mod told;
mod web;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::Error;
use bucket::Bucket;
use sftp::Sftp;
pub use told::Told;
use web::Web;

/// How often something is tried in vain, the first time included.
const N_ATTEMPTS: u32 = 5;
/// How often a file that breaks off is read on, even when something came each time.
const N_CONTINUATIONS: u32 = 100;
/// The pause after the first failure; each one is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Where the files of a store are, and how one gets in.
#[derive(Clone, Debug)]
pub enum Location {
    /// A bucket: `s3://`, `gs://`, `az://`.
    Bucket {
        /// The bucket and a path in it.
        url: String,
        /// Settings, with the names of the providers' environment variables; later ones win.
        settings: Vec<(String, String)>,
    },
    /// A web server, which is only read.
    Web(WebLocation),
    /// A directory on a machine that is reached by the `ssh` program.
    Ssh(SshLocation),
}

/// A place on a web server.
#[derive(Clone, Debug, Default)]
pub struct WebLocation {
    /// The address below which the files are.
    pub url: String,
    /// Name and password.
    pub login: Option<(String, String)>,
    /// A header that is sent with each request.
    pub header: Option<(String, String)>,
    /// Whether any certificate is believed.
    pub accepts_any_certificate: bool,
    /// A file with a certificate to believe.
    pub certificate: Option<PathBuf>,
    /// How long a connection may take.
    pub connect_timeout: Option<Duration>,
    /// How long nothing may come.
    pub read_timeout: Option<Duration>,
}

/// A directory on another machine.
#[derive(Clone, Debug, Default)]
pub struct SshLocation {
    /// The machine, or its name in the settings of `ssh`.
    pub host: String,
    /// The user there, if not the one of the settings.
    pub user: Option<String>,
    /// The port, if not the one of the settings.
    pub port: Option<u16>,
    /// The private key, if not one of the settings or the agent.
    pub keyfile: Option<PathBuf>,
    /// The directory.
    pub path: String,
    /// How long a connection may take.
    pub connect_timeout: Option<Duration>,
}

/// What is called with each piece of a file that is read.
pub type Sink<'s> = &'s mut dyn FnMut(&[u8]) -> io::Result<()>;

/// A store of files on other machines.
#[derive(Debug)]
pub struct RemoteStore {
    runtime: Runtime,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Bucket(Box<Bucket>),
    Web(Web),
    Ssh(Sftp),
}

/// A failure, and whether it is worth to try again.
#[derive(Debug)]
struct Fault {
    error: Error,
    is_passing: bool,
}

impl Fault {
    fn passing(path: &str, source: object_store::Error) -> Self {
        Self {
            error: Error::store(path.to_owned(), source),
            is_passing: true,
        }
    }

    /// One that comes again, however often it is tried.
    fn lasting(error: Error) -> Self {
        Self {
            error,
            is_passing: false,
        }
    }
}

impl RemoteStore {
    /// A store; nothing is asked of it yet.
    ///
    /// # Errors
    ///
    /// [`Error::Place`] if the location cannot be one.
    pub fn open(location: &Location) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("remote")
            .enable_all()
            .build()
            .map_err(|source| Error::file("start threads for", Path::new("remote"), source))?;
        let kind = match location {
            Location::Bucket { url, settings } => {
                Kind::Bucket(Box::new(Bucket::open(url, settings)?))
            }
            Location::Web(location) => Kind::Web(Web::open(location)?),
            Location::Ssh(location) => Kind::Ssh(Sftp::new(location.clone())),
        };
        Ok(Self { runtime, kind })
    }

    /// Whether files can be listed; web servers have no lists.
    #[must_use]
    pub fn can_be_listed(&self) -> bool {
        !matches!(self.kind, Kind::Web(_))
    }

    /// The size of a file in bytes, if it is there; 0 where the store does not tell sizes.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be asked.
    pub fn size(&self, path: &str) -> Result<Option<u64>, Error> {
        self.runtime
            .block_on(persistently(async || match &self.kind {
                Kind::Bucket(bucket) => bucket.size(path).await,
                Kind::Web(web) => web.size(path).await,
                Kind::Ssh(sftp) => sftp.size(path).await,
            }))
    }

    /// Calls `each` with the path and the size of every file below a directory, until it says that it has enough (`false`).
    /// The paths are relative to the directory. An absent directory is empty.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read, or has no lists.
    pub fn list(&self, dir: &str, each: &mut dyn FnMut(&str, u64) -> bool) -> Result<(), Error> {
        self.runtime.block_on(async {
            match &self.kind {
                Kind::Bucket(bucket) => bucket.list(dir, each).await,
                Kind::Web(web) => Err(web.only_read()),
                Kind::Ssh(sftp) => {
                    // All of it before any of it: a second attempt must not tell the same again.
                    let found = persistently(async || sftp.list(dir).await).await?;
                    let _ = found.iter().all(|(path, size)| each(path, *size));
                    Ok(())
                }
            }
        })
    }

    /// Reads a file into `sink`, piece by piece, and gives its size. Where the connection breaks, it is read on.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none; fails if it cannot be read, or if the sink takes no more.
    pub fn get(&self, path: &str, sink: Sink<'_>) -> Result<u64, Error> {
        self.get_from(path, 0, sink)
    }

    /// As [`RemoteStore::get`], without the first bytes, which the caller has.
    ///
    /// # Errors
    ///
    /// As [`RemoteStore::get`]; a file that has no more bytes than those cannot be read on.
    pub fn get_from(&self, path: &str, n_known: u64, sink: Sink<'_>) -> Result<u64, Error> {
        self.runtime.block_on(async {
            let (mut n_got, mut n_vain, mut n_continued) = (n_known, 0, 0);
            loop {
                let start = n_got;
                let read = match &self.kind {
                    Kind::Bucket(bucket) => bucket.read_on(path, &mut n_got, sink).await,
                    Kind::Web(web) => web.read_on(path, &mut n_got, sink).await,
                    Kind::Ssh(sftp) => sftp.read_on(path, &mut n_got, sink).await,
                };
                let Err(fault) = read else {
                    return Ok(n_got);
                };
                n_vain = if n_got > start { 1 } else { n_vain + 1 };
                n_continued += 1;
                if !fault.is_passing || n_vain >= N_ATTEMPTS || n_continued > N_CONTINUATIONS {
                    return Err(fault.error);
                }
                tokio::time::sleep(pause(n_vain)).await;
            }
        })
    }

    /// Writes a file; it becomes visible whole or not at all.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read or the store not be written.
    pub fn put(&self, path: &str, file: &Path) -> Result<(), Error> {
        self.runtime.block_on(async {
            match &self.kind {
                Kind::Bucket(bucket) => persistently(async || bucket.put(path, file).await).await,
                Kind::Web(web) => Err(web.only_read()),
                Kind::Ssh(sftp) => persistently(async || sftp.put(path, file).await).await,
            }
        })
    }

    /// Writes bytes, as [`RemoteStore::put`] writes a file.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn put_bytes(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        let bytes = bytes::Bytes::copy_from_slice(bytes);
        self.runtime.block_on(async {
            match &self.kind {
                Kind::Bucket(bucket) => {
                    persistently(async || bucket.put_bytes(path, bytes.clone()).await).await
                }
                Kind::Web(web) => Err(web.only_read()),
                Kind::Ssh(sftp) => {
                    persistently(async || sftp.put_bytes(path, bytes.clone()).await).await
                }
            }
        })
    }

    /// Removes a file; one that is not there is removed already.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn delete(&self, path: &str) -> Result<(), Error> {
        self.runtime.block_on(async {
            match &self.kind {
                Kind::Bucket(bucket) => persistently(async || bucket.delete(path).await).await,
                Kind::Web(web) => Err(web.only_read()),
                Kind::Ssh(sftp) => persistently(async || sftp.delete(path).await).await,
            }
        })
    }
}

/// Tries again what fails for reasons that pass.
async fn persistently<T>(mut attempt: impl AsyncFnMut() -> Result<T, Fault>) -> Result<T, Error> {
    let mut n_vain = 0;
    loop {
        let fault = match attempt().await {
            Ok(done) => return Ok(done),
            Err(fault) => fault,
        };
        n_vain += 1;
        if !fault.is_passing || n_vain >= N_ATTEMPTS {
            return Err(fault.error);
        }
        tokio::time::sleep(pause(n_vain)).await;
    }
}

fn pause(n_vain: u32) -> Duration {
    FIRST_PAUSE * 2_u32.pow(n_vain.min(6))
}

/// Gives a piece to the sink, and counts it.
fn pass_on(path: &str, piece: &[u8], n_got: &mut u64, sink: Sink<'_>) -> Result<(), Fault> {
    sink(piece).map_err(|source| {
        Fault::lasting(Error::File {
            action: "keep the bytes of",
            path: path.to_owned(),
            source,
        })
    })?;
    *n_got += piece.len() as u64;
    Ok(())
}

/// A file ended before it should.
fn broken_off(path: &str, n_got: u64, size: u64) -> Fault {
    let words = format!("it ended after {n_got} of {size} bytes");
    Fault::passing(path, generic(words))
}

fn generic(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> object_store::Error {
    object_store::Error::Generic {
        store: "remote",
        source: source.into(),
    }
}

#[cfg(test)]
mod tests;
