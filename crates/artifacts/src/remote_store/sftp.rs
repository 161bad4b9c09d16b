//! Files in a directory of another machine, through the `ssh` program of this one.
//!
//! The program brings the user's settings, keys, agent and known hosts with it; nobody is asked for a password. A machine whose
//! key is not known is refused: `ssh` itself is where people look at a key and believe it. A file is written under another name
//! and then renamed, so that it is there as a whole or not at all.

use std::num::NonZero;
use std::os::unix::fs::FileExt as _;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, TryStreamExt as _};
use openssh::{ControlPersist, KnownHosts, SessionBuilder};
use openssh_sftp_client::error::SftpErrorKind;
use openssh_sftp_client::file::File;
use openssh_sftp_client::{Error as SftpError, Sftp as Connection, SftpOptions};
use tokio::io::AsyncSeekExt as _;
use tokio::sync::Mutex;

use super::{Fault, Sink, SshLocation, Told, broken_off, generic, pass_on};
use crate::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long the `ssh` of a program that was killed stays.
const IDLE_SECONDS: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(59);
/// How much is asked for at once.
const PIECE_BYTES: u64 = 128 << 10;
/// How many pieces of a file are on their way at once.
const N_PIECES: usize = 8;

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// The piece that starts at a place.
type Pieces<'p> = &'p dyn Fn(u64) -> std::io::Result<Bytes>;

/// A directory on another machine.
#[derive(Debug)]
pub(super) struct Sftp {
    location: SshLocation,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl Sftp {
    pub(super) fn new(location: SshLocation) -> Self {
        Self {
            location,
            connection: Mutex::new(None),
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        let root = self.location.path.trim_end_matches('/');
        PathBuf::from(format!("{root}/{path}"))
    }

    /// The connection that is open, or a new one.
    async fn connection(&self) -> Result<Arc<Connection>, Fault> {
        let mut open = self.connection.lock().await;
        if let Some(connection) = open.as_ref() {
            return Ok(Arc::clone(connection));
        }
        let mut builder = SessionBuilder::default();
        builder
            .known_hosts_check(KnownHosts::Strict)
            .control_persist(ControlPersist::IdleFor(IDLE_SECONDS))
            .connect_timeout(self.location.connect_timeout.unwrap_or(CONNECT_TIMEOUT));
        if let Some(user) = &self.location.user {
            builder.user(user.clone());
        }
        if let Some(port) = self.location.port {
            builder.port(port);
        }
        if let Some(keyfile) = &self.location.keyfile {
            builder.keyfile(keyfile);
        }
        let host = &self.location.host;
        let session = builder.connect(host).await;
        let session = session.map_err(|error| refused(host, error))?;
        let connected = Connection::from_session(session, SftpOptions::default()).await;
        let connected = Arc::new(connected.map_err(|error| lost(host, error))?);
        *open = Some(Arc::clone(&connected));
        Ok(connected)
    }

    /// What a failure is; after one that passes the connection is made anew.
    async fn fault(&self, path: &str, error: SftpError) -> Fault {
        let fault = lost(path, error);
        if fault.is_passing {
            *self.connection.lock().await = None;
        }
        fault
    }

    pub(super) async fn size(&self, path: &str) -> Result<Option<u64>, Fault> {
        let connection = self.connection().await?;
        match connection.fs().metadata(self.path(path)).await {
            Ok(metadata) => Ok(Some(metadata.len().unwrap_or(0))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.fault(path, error).await),
        }
    }

    pub(super) async fn told(&self, path: &str) -> Result<Option<Told>, Fault> {
        let connection = self.connection().await?;
        match connection.fs().metadata(self.path(path)).await {
            Ok(metadata) if metadata.file_type().is_some_and(|kind| kind.is_dir()) => Ok(None),
            Ok(metadata) => Ok(Some(Told {
                size: metadata.len(),
                ..Told::default()
            })),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.fault(path, error).await),
        }
    }

    pub(super) async fn list(&self, dir: &str) -> Result<Vec<(String, u64)>, Fault> {
        let connection = self.connection().await?;
        let (mut found, mut dirs) = (Vec::new(), vec![String::new()]);
        while let Some(below) = dirs.pop() {
            let place = self.path(dir).join(&below);
            let opened = match connection.fs().open_dir(&place).await {
                Ok(opened) => opened,
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(self.fault(dir, error).await),
            };
            let mut entries = std::pin::pin!(opened.read_dir());
            loop {
                let entry = match entries.try_next().await {
                    Ok(Some(entry)) => entry,
                    Ok(None) => break,
                    Err(error) => return Err(self.fault(dir, error).await),
                };
                let Some(name) = entry.filename().to_str() else {
                    continue;
                };
                let path = if below.is_empty() {
                    name.to_owned()
                } else {
                    format!("{below}/{name}")
                };
                let metadata = entry.metadata();
                match metadata.file_type() {
                    Some(kind) if kind.is_dir() && name != "." && name != ".." => dirs.push(path),
                    Some(kind) if kind.is_file() => {
                        found.push((path, metadata.len().unwrap_or(0)));
                    }
                    _ => {}
                }
            }
        }
        Ok(found)
    }

    pub(super) async fn read_on(
        &self,
        path: &str,
        n_got: &mut u64,
        sink: Sink<'_>,
    ) -> Result<(), Fault> {
        let connection = self.connection().await?;
        let opened = async {
            let mut file = connection.open(self.path(path)).await?;
            let size = file.metadata().await?.len().unwrap_or(0);
            Ok((file, size))
        };
        let (file, size) = match opened.await {
            Ok(opened) => opened,
            Err(error) => return Err(self.fault(path, error).await),
        };
        let starts = (*n_got..size).step_by(PIECE_BYTES as usize);
        let reads = starts.map(|start| read_at(file.clone(), start, PIECE_BYTES.min(size - start)));
        let mut pieces = futures::stream::iter(reads).buffered(N_PIECES);
        while let Some(piece) = pieces.next().await {
            let piece = match piece {
                Ok(piece) => piece,
                Err(error) => return Err(self.fault(path, error).await),
            };
            let is_short = piece.len() as u64 != PIECE_BYTES.min(size - *n_got);
            pass_on(path, &piece, n_got, sink)?;
            if is_short {
                return Err(broken_off(path, *n_got, size));
            }
        }
        Ok(())
    }

    pub(super) async fn put(&self, path: &str, file: &FilePath) -> Result<(), Fault> {
        let read = |source| Fault::lasting(Error::file("read", file, source));
        let opened = std::fs::File::open(file).map_err(read)?;
        let size = opened.metadata().map_err(read)?.len();
        let piece = |start: u64| {
            let mut bytes = vec![0; PIECE_BYTES.min(size - start) as usize];
            opened.read_exact_at(&mut bytes, start)?;
            Ok(bytes.into())
        };
        self.write(path, size, &piece).await
    }

    pub(super) async fn put_bytes(&self, path: &str, bytes: Bytes) -> Result<(), Fault> {
        let size = bytes.len() as u64;
        let piece = |start: u64| {
            let end = size.min(start + PIECE_BYTES);
            Ok(bytes.slice(start as usize..end as usize))
        };
        self.write(path, size, &piece).await
    }

    /// Writes pieces beside the file's place, and moves them there when all have come.
    async fn write(&self, path: &str, size: u64, piece: Pieces<'_>) -> Result<(), Fault> {
        let connection = self.connection().await?;
        let place = self.path(path);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("everloop-{}-{number}.tmp", std::process::id());
        let temporary = place.with_file_name(name);
        let written = async {
            make_parents(&connection, &place).await?;
            let file = connection.create(&temporary).await?;
            write_all(&file, size, piece).await?;
            file.close().await?;
            connection.fs().rename(&temporary, &place).await
        };
        let Err(error) = written.await else {
            return Ok(());
        };
        let is_full = is_full(&connection, &error, &place).await;
        // The failure is what is told; a connection that is gone cannot remove anything.
        let _ = connection.fs().remove_file(&temporary).await;
        if is_full {
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            let error = Error::store(path.to_owned(), generic(source));
            return Err(Fault::lasting(error));
        }
        Err(self.fault(path, error).await)
    }

    pub(super) async fn delete(&self, path: &str) -> Result<(), Fault> {
        let connection = self.connection().await?;
        match connection.fs().remove_file(self.path(path)).await {
            Ok(()) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(self.fault(path, error).await),
        }
    }
}

async fn write_all(file: &File, size: u64, piece: Pieces<'_>) -> Result<(), SftpError> {
    let writes = (0..size).step_by(PIECE_BYTES as usize).map(|start| {
        let (mut file, bytes) = (file.clone(), piece(start));
        async move {
            file.seek(std::io::SeekFrom::Start(start)).await?;
            file.write_all(&bytes?).await
        }
    });
    let mut writes = futures::stream::iter(writes).buffer_unordered(N_PIECES);
    while let Some(written) = writes.next().await {
        written?;
    }
    Ok(())
}

/// A piece of a file; a shorter one where the file ends.
async fn read_at(mut file: File, start: u64, n_bytes: u64) -> Result<BytesMut, SftpError> {
    let mut bytes = BytesMut::with_capacity(n_bytes as usize);
    while (bytes.len() as u64) < n_bytes {
        let n_got = bytes.len() as u64;
        // Reading moves by what was asked for, not by what came.
        file.seek(std::io::SeekFrom::Start(start + n_got)).await?;
        let more = file.read((n_bytes - n_got) as u32, BytesMut::new()).await?;
        match more {
            Some(more) if bytes.is_empty() => bytes = more,
            Some(more) => bytes.extend_from_slice(&more),
            None => break,
        }
    }
    Ok(bytes)
}

/// Makes the directories above a file. Others may make the same at the same time.
async fn make_parents(connection: &Connection, place: &FilePath) -> Result<(), SftpError> {
    let Some(parent) = place.parent() else {
        return Ok(());
    };
    if connection.fs().metadata(parent).await.is_ok() {
        return Ok(());
    }
    let above: Vec<&FilePath> = parent.ancestors().collect();
    for dir in above.into_iter().rev().skip(1) {
        let made = connection.fs().create_dir(dir).await;
        if let Err(error) = made
            && connection.fs().metadata(dir).await.is_err()
        {
            return Err(error);
        }
    }
    Ok(())
}

/// Whether a failure without a reason comes from a disk without space.
async fn is_full(connection: &Connection, error: &SftpError, place: &FilePath) -> bool {
    let has_no_reason = matches!(error, SftpError::SftpError(SftpErrorKind::Failure, _));
    if !has_no_reason || !connection.support_statvfs() {
        return false;
    }
    let dir = place.parent().unwrap_or(place);
    let disk = connection.fs().statvfs(dir).await;
    disk.is_ok_and(|disk| disk.bavail == 0)
}

fn is_absent(error: &SftpError) -> bool {
    matches!(error, SftpError::SftpError(SftpErrorKind::NoSuchFile, _))
}

/// What a failure of the protocol is. What the other side said comes again; all else is the line.
fn lost(path: &str, error: SftpError) -> Fault {
    let path = path.to_owned();
    let error = match error {
        SftpError::SftpError(kind, words) => {
            let (words, _) = words.get();
            let source = format!("the other machine says: {words}").into();
            Error::store(
                path.clone(),
                match kind {
                    SftpErrorKind::NoSuchFile => object_store::Error::NotFound { path, source },
                    SftpErrorKind::PermDenied => {
                        object_store::Error::PermissionDenied { path, source }
                    }
                    _ => generic(source),
                },
            )
        }
        error => return Fault::passing(&path, generic(error)),
    };
    Fault::lasting(error)
}

/// What `ssh` says when it does not get in. Only what the line does passes.
fn refused(host: &str, error: openssh::Error) -> Fault {
    let passes = ["timed out", "refused", "unreachable", "reset", "closed"];
    let words = match &error {
        openssh::Error::Connect(source) => source.to_string(),
        _ => String::new(),
    };
    let is_key_unknown = words.contains("key verification failed");
    let is_passing = passes.iter().any(|word| words.contains(word)) && !is_key_unknown;
    let source: object_store::Error = if words.contains("Permission denied") {
        object_store::Error::PermissionDenied {
            path: host.to_owned(),
            source: error.into(),
        }
    } else if is_key_unknown {
        let words = format!(
            "the key of `{host}` is not known; connect once with `ssh` and look at it ({words})"
        );
        object_store::Error::Unauthenticated {
            path: host.to_owned(),
            source: words.into(),
        }
    } else {
        generic(error)
    };
    Fault {
        error: Error::store(host.to_owned(), source),
        is_passing,
    }
}
