//! Large objects of a remote in chunks, so that versions of a file share what they have in common. Opt-in: DVC does not read it.
//!
//! ```text
//! everloop/chunks/ab/cdef…            bytes of a chunk, named by their SHA-256
//! everloop/manifests/md5/ab/cdef…     {"version":1,"md5":"abcdef…","size":9,"chunks":[["<sha256>",9]]}
//! ```
//!
//! A chunk ends where its bytes say so (`FastCDC`), so that what is inserted moves no other border. Parameters and seed are part of
//! the format: others would find no chunk again. The manifest goes last, and an object is there when its manifest is. What
//! comes back is checked chunk by chunk and then by the object's MD5.

use std::collections::BTreeSet;
use std::fs::File;

use everloop_domain::Digest;
use fastcdc::v2020::StreamCDC;
use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use crate::md5::{Hashing, ObjectId};
use crate::receiving::From;
use crate::remote::Remote;
use crate::{Error, parallel};

/// Smaller objects go whole: they would be a chunk or two.
const MIN_OBJECT_BYTES: u64 = 4 << 20;
const MIN_BYTES: usize = 128 << 10;
const MEAN_BYTES: usize = 512 << 10;
const MAX_BYTES: usize = 2 << 20;
/// How many chunks are in memory at once.
const N_AT_ONCE: usize = 16;
/// More than the manifest of any file: 10 TiB in chunks of mean size have one of this length.
const MAX_MANIFEST_BYTES: u64 = 2 << 30;

const CHUNKS: &str = "everloop/chunks";
const MANIFESTS: &str = "everloop/manifests/md5";

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    md5: String,
    size: u64,
    chunks: Vec<(String, u64)>,
}

impl Manifest {
    fn parse(bytes: &[u8], object: ObjectId, place: &str) -> Result<Self, Error> {
        let refused = |problem: String| Error::form(place, problem);
        let manifest: Self = serde_json::from_slice(bytes)
            .map_err(|error| refused(format!("it is no manifest of chunks: {error}")))?;
        if manifest.version != 1 {
            let words = "it is of a later Everloop; this one reads version 1";
            return Err(refused(words.to_owned()));
        }
        let is_name = |name: &str| {
            name.len() == 64 && name.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_chunk = |(name, size): &(String, u64)| is_name(name) && *size <= MAX_BYTES as u64;
        let size: u64 = manifest.chunks.iter().map(|(_, size)| size).sum();
        if manifest.md5 != object.to_string()
            || size != manifest.size
            || !manifest.chunks.iter().all(is_chunk)
        {
            let words = "it is no manifest of this object, or one that nobody could have written";
            return Err(refused(words.to_owned()));
        }
        Ok(manifest)
    }

    /// How many chunks lie before a place of the object, and how many bytes of the next one do.
    fn before(&self, place: u64) -> (usize, u64) {
        let mut rest = place;
        for (index, (_, size)) in self.chunks.iter().enumerate() {
            if *size > rest {
                return (index, rest);
            }
            rest -= size;
        }
        (self.chunks.len(), 0)
    }
}

impl Remote {
    /// Whether an object of this size goes in chunks.
    pub(crate) fn sends_chunks(&self, object: ObjectId, size: u64) -> bool {
        self.has_chunks
            && !object.is_dir
            && object.hashing == Hashing::Plain
            && size >= MIN_OBJECT_BYTES
    }

    pub(crate) fn has_manifest(&self, object: ObjectId) -> Result<bool, Error> {
        Ok(!object.is_dir && self.size(&manifest_of(object))?.is_some())
    }

    /// Sends an object in chunks; those that are there are not sent again. Gives the number of bytes that went.
    pub(crate) fn send_chunks(&self, object: ObjectId, cache: &Cache) -> Result<u64, Error> {
        cache.check(object)?;
        let source = cache.path(object);
        let read = |error| Error::file("read", &source, error);
        let file = File::open(&source).map_err(read)?;
        let mut chunks = StreamCDC::new(file, MIN_BYTES, MEAN_BYTES, MAX_BYTES);
        let mut manifest = Manifest {
            version: 1,
            md5: object.to_string(),
            size: 0,
            chunks: Vec::new(),
        };
        let mut n_sent = 0;
        loop {
            let some: Result<Vec<Vec<u8>>, _> = chunks
                .by_ref()
                .take(N_AT_ONCE)
                .map(|chunk| chunk.map(|chunk| chunk.data))
                .collect();
            let some = some.map_err(|error| read(error.into()))?;
            if some.is_empty() {
                break;
            }
            let sent = parallel::map(&some, self.n_jobs(), |bytes| self.send_chunk(bytes))?;
            for (bytes, (name, n_bytes)) in some.iter().zip(sent) {
                manifest.size += bytes.len() as u64;
                manifest.chunks.push((name, bytes.len() as u64));
                n_sent += n_bytes;
            }
        }
        let text = serde_json::to_vec(&manifest)
            .map_err(|error| Error::form(manifest_of(object), error.to_string()))?;
        self.write(&manifest_of(object), &text)?;
        Ok(n_sent + text.len() as u64)
    }

    fn send_chunk(&self, bytes: &[u8]) -> Result<(String, u64), Error> {
        let name = Digest::of(bytes).hex();
        let path = chunk_of(&name);
        // One of another size is what a half-written remote left.
        if self.size(&path)? == Some(bytes.len() as u64) {
            return Ok((name, 0));
        }
        self.write(&path, bytes)?;
        Ok((name, bytes.len() as u64))
    }

    /// Puts an object together from its chunks. One that broke off goes on where it was.
    pub(crate) fn fetch_chunks(&self, object: ObjectId, cache: &Cache) -> Result<u64, Error> {
        let path = manifest_of(object);
        if self.size(&path)?.is_none() {
            return Err(self.absent(&path));
        }
        let manifest = self.read(&path, MAX_MANIFEST_BYTES)?;
        let manifest = Manifest::parse(&manifest, object, &self.shown(&path))?;
        let place = self.shown(&path);
        let mut from = From {
            place: &place,
            size: &|| Ok(Some(manifest.size)),
            fill: &mut |start, sink| {
                let (skipped, mut n_known) = manifest.before(start);
                for some in manifest.chunks[skipped..].chunks(N_AT_ONCE) {
                    let got = parallel::map(some, self.n_jobs(), |(name, size)| {
                        self.get_chunk(object, name, *size)
                    })?;
                    for bytes in got {
                        // The first may be there in part.
                        let rest = usize::try_from(n_known).ok().and_then(|n| bytes.get(n..));
                        sink(rest.unwrap_or_default())
                            .map_err(|error| Error::file("write", &cache.path(object), error))?;
                        n_known = 0;
                    }
                }
                Ok(())
            },
        };
        cache.receive_on(object, &mut from)
    }

    fn get_chunk(&self, object: ObjectId, name: &str, size: u64) -> Result<Vec<u8>, Error> {
        let path = chunk_of(name);
        let damaged = |problem: &str| Error::Damaged {
            object: object.to_string(),
            place: self.shown(&path),
            problem: problem.to_owned(),
        };
        if self.size(&path)?.is_none() {
            return Err(damaged("this chunk of it is not there"));
        }
        let bytes = self.read(&path, size)?;
        if bytes.len() as u64 != size || Digest::of(&bytes).hex() != name {
            return Err(damaged("the bytes of this chunk are not those of its name"));
        }
        Ok(bytes)
    }

    /// The files of chunks and manifests that nothing needs when only these objects do; each can be given to
    /// [`Remote::delete`], manifests first. Nobody may push while they are removed: a chunk that is found to be there
    /// is not sent.
    ///
    /// # Errors
    ///
    /// Fails if the remote cannot be listed, or if a manifest cannot be read: its chunks could not be told from others.
    pub fn unneeded_chunks(&self, needed: &BTreeSet<ObjectId>) -> Result<Vec<String>, Error> {
        let mut objects = Vec::new();
        self.list(MANIFESTS, &mut |path, _| {
            objects.extend(path.replacen('/', "", 1).parse::<ObjectId>());
            true
        })?;
        let (kept, mut unneeded): (Vec<ObjectId>, Vec<ObjectId>) = objects
            .into_iter()
            .partition(|object| needed.contains(object));
        unneeded.sort_unstable();
        let mut needed = BTreeSet::new();
        for object in kept {
            let path = manifest_of(object);
            let bytes = self.read(&path, MAX_MANIFEST_BYTES)?;
            let manifest = Manifest::parse(&bytes, object, &self.shown(&path))?;
            needed.extend(manifest.chunks.into_iter().map(|(name, _)| name));
        }
        let mut files: Vec<String> = unneeded.into_iter().map(manifest_of).collect();
        self.list(CHUNKS, &mut |path, _| {
            if !needed.contains(&path.replacen('/', "", 1)) {
                files.push(format!("{CHUNKS}/{path}"));
            }
            true
        })?;
        Ok(files)
    }
}

/// Whether a file of a remote is a manifest.
pub(crate) fn is_manifest(path: &str) -> bool {
    path.starts_with(MANIFESTS)
}

fn manifest_of(object: ObjectId) -> String {
    let name = object.md5.to_string();
    format!("{MANIFESTS}/{}/{}", &name[..2], &name[2..])
}

fn chunk_of(name: &str) -> String {
    format!("{CHUNKS}/{}/{}", &name[..2], &name[2..])
}
