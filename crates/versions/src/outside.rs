//! Files and directories in buckets, on web servers and on machines that are reached by SSH, as sources of imports.
//!
//! What is recorded of them is what DVC records, so that either program sees whether a source has changed: the `ETag` of a file in
//! a bucket (on Google Cloud Storage the one of its JSON API), the `ETag` or else `Content-MD5` of a web server, and where there is
//! neither a digest of all that the server says (as `fsspec` makes it). Machines that are reached by SSH tell nothing of the kind:
//! their files are read.

use std::fmt::Write as _;

use everloop_artifacts::{RemoteStore, Told};
use fast_md5::Md5 as Hasher;

use crate::cache::{Cache, file_id};
use crate::dvc_file::Recorded;
use crate::imports::{PlaceState, TagKind};
use crate::listing::{Listing, check_path, json_string};
use crate::md5::{Hashing, Md5, ObjectId};
use crate::remote_options::{Options, Reach};
use crate::repository::Repository;
use crate::{Error, parallel};

/// Data outside of this machine.
pub(crate) struct Outside {
    /// As it was written.
    place: String,
    /// Its URL; of one below a remote the whole of it.
    url: String,
    /// Its own name, in the directory that the store has open.
    name: String,
    kind: Kind,
    store: RemoteStore,
    n_jobs: usize,
}

/// Where a URL leads.
pub(crate) enum Led {
    /// To a directory of this machine, by way of a remote.
    Here(std::path::PathBuf),
    /// Outside.
    There(Box<Outside>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    S3,
    Google,
    Azure,
    Web,
    Ssh,
}

/// Takes a file, and gives its digest and size.
type Take<'t> = &'t (dyn Fn(&str) -> Result<(Md5, u64), Error> + Sync);

/// What is outside now.
struct Seen {
    state: PlaceState,
    /// The files of a directory, by their paths below it; none of a single file.
    files: Option<Vec<String>>,
}

impl Outside {
    /// Finds out how a URL is reached; nothing is asked of it yet.
    pub(crate) fn open(repository: &Repository, place: &str) -> Result<Led, Error> {
        let mut options = Options::of_place(repository.config(), place)?;
        options.notes()?;
        let kind = match options.url.split_once("://").map(|(scheme, _)| scheme) {
            Some("s3") => Kind::S3,
            Some("gs") => Kind::Google,
            Some("azure") => Kind::Azure,
            Some("http" | "https") => Kind::Web,
            _ => Kind::Ssh,
        };
        let whole = options.url.clone();
        let url = whole.trim_end_matches('/').to_owned();
        let (dir, name) = split(&url);
        let n_jobs = options.jobs().unwrap_or(parallel::ON_NETWORK);
        dir.clone_into(&mut options.url);
        Ok(match options.reach(repository.environment())? {
            Reach::Dir(dir) => Led::Here(dir.join(name)),
            Reach::Elsewhere(location) => Led::There(Box::new(Self {
                place: place.to_owned(),
                name: name.to_owned(),
                url: whole,
                kind,
                store: RemoteStore::open(&location)?,
                n_jobs,
            })),
        })
    }

    /// The state of what is there; by SSH all of it is read.
    ///
    /// # Errors
    ///
    /// Fails if nothing is there, or if it cannot be asked.
    pub(crate) fn look(&self) -> Result<PlaceState, Error> {
        if self.kind == Kind::Ssh {
            let hash = |path: &str| {
                let (mut hasher, mut size) = (Hasher::new(), 0);
                self.read(path, &mut |piece| {
                    hasher.update(piece);
                    size += piece.len() as u64;
                    Ok(())
                })?;
                Ok((Md5::from(hasher.finalize()), size))
            };
            let (recorded, _) = self.gather(self.ssh_files()?.as_deref(), &hash)?;
            return Ok(PlaceState::Content(recorded));
        }
        Ok(self.seen()?.state)
    }

    /// Keeps what is there in a cache. Gives the state of the source and that of what was kept.
    ///
    /// # Errors
    ///
    /// Fails if nothing is there, if it cannot be had or kept, or if it changes meanwhile.
    pub(crate) fn keep(&self, cache: &Cache) -> Result<(PlaceState, Recorded), Error> {
        let keep = |path: &str| {
            let kept = cache.receive_new(&mut |sink| self.read(path, sink));
            cache.progress.finish();
            kept
        };
        if self.kind == Kind::Ssh {
            let (recorded, listing) = self.gather(self.ssh_files()?.as_deref(), &keep)?;
            if let Some(listing) = listing {
                cache.keep_listing(&listing)?;
            }
            return Ok((PlaceState::Content(recorded), recorded));
        }
        let before = self.seen()?;
        let (recorded, listing) = self.gather(before.files.as_deref(), &keep)?;
        if !self.seen()?.state.is_same(Some(&before.state)) {
            return Err(Error::Conflict {
                what: format!(
                    "`{}` changed while it was read; do it again when nobody writes there",
                    self.place
                ),
            });
        }
        if let Some(listing) = listing {
            cache.keep_listing(&listing)?;
        }
        Ok((before.state, recorded))
    }

    /// Takes every file by `take`, which gives its digest and size.
    fn gather(
        &self,
        files: Option<&[String]>,
        take: Take<'_>,
    ) -> Result<(Recorded, Option<Listing>), Error> {
        let Some(files) = files else {
            let (md5, size) = take(&self.name)?;
            let recorded = Recorded {
                object: file_id(md5),
                size: Some(size),
                n_files: None,
                is_executable: false,
            };
            return Ok((recorded, None));
        };
        let taken = parallel::map(files, self.n_jobs, |file| {
            take(&format!("{}/{file}", self.name))
        })?;
        let size = taken.iter().map(|(_, size)| size).sum();
        let digests = taken.iter().map(|(md5, _)| *md5);
        let listing = Listing::new(files.iter().cloned().zip(digests).collect());
        let recorded = Recorded {
            object: listing.object().0,
            size: Some(size),
            n_files: Some(files.len() as u64),
            is_executable: false,
        };
        Ok((recorded, Some(listing)))
    }

    fn read(
        &self,
        path: &str,
        sink: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        let read = self.store.get(path.trim_start_matches('/'), sink);
        read.map(drop).map_err(|error| self.failed("get", error))
    }

    /// What a store that has tags tells now.
    fn seen(&self) -> Result<Seen, Error> {
        let told = match self.name.as_str() {
            "" => None,
            name => self.told(name)?,
        };
        if let Some(told) = told {
            let (kind, tag) = match self.kind {
                Kind::Web => (TagKind::Checksum, self.checksum(&told)),
                _ => (TagKind::Etag, self.etag(&told)?),
            };
            let size = told.size;
            return Ok(Seen {
                state: PlaceState::Tag { kind, tag, size },
                files: None,
            });
        }
        if self.kind == Kind::Web {
            return Err(self.absent());
        }
        let mut found = self.list()?;
        if self.kind == Kind::Google {
            // Lists do not tell versions there, of which the tags are made.
            let told = parallel::map(&found, self.n_jobs, |(file, _)| {
                let told = self.told(&format!("{}/{file}", self.name))?;
                told.ok_or_else(|| self.absent())
            })?;
            found = found.into_iter().map(|(file, _)| file).zip(told).collect();
        }
        let mut text = "[".to_owned();
        let mut size = 0;
        for (index, (file, told)) in found.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let _ = write!(text, "{comma}{{\"etag\": ");
            json_string(&self.etag(told)?, &mut text);
            text.push_str(", \"relpath\": ");
            json_string(file, &mut text);
            text.push('}');
            size += told.size.unwrap_or_default();
        }
        text.push(']');
        let state = PlaceState::Content(Recorded {
            object: ObjectId {
                md5: Md5::of(text.as_bytes()),
                is_dir: true,
                hashing: Hashing::Plain,
            },
            size: Some(size),
            n_files: Some(found.len() as u64),
            is_executable: false,
        });
        Ok(Seen {
            state,
            files: Some(found.into_iter().map(|(file, _)| file).collect()),
        })
    }

    fn told(&self, path: &str) -> Result<Option<Told>, Error> {
        let told = self.store.told(path);
        told.map_err(|error| self.failed("find", error))
    }

    /// The files of a directory. Empty objects that only stand for directories are none.
    fn list(&self) -> Result<Vec<(String, Told)>, Error> {
        let listed = self.store.list_told(&self.name);
        let listed = listed.map_err(|error| self.failed("list", error))?;
        let names: Vec<String> = listed.iter().map(|(file, _)| format!("{file}/")).collect();
        let is_above = |dir: &str| {
            names
                .iter()
                .any(|name| name.starts_with(dir) && name != dir)
        };
        let mut found = Vec::new();
        for ((file, told), name) in listed.into_iter().zip(&names) {
            if told.size == Some(0) && is_above(name) {
                continue;
            }
            check_path(&file).map_err(|problem| Error::Path {
                path: file.clone(),
                problem: format!("{problem} (`{}` has it)", self.place),
            })?;
            if file.rsplit('/').next() == Some(crate::ignore::FILE) {
                return Err(Error::form(
                    &self.place,
                    format!("it has `{file}` in it, which data must not have"),
                ));
            }
            found.push((file, told));
        }
        if found.is_empty() {
            return Err(self.absent());
        }
        Ok(found)
    }

    /// The files of a directory that is reached by SSH; none of a single file. DVC does not record whether that may be executed.
    fn ssh_files(&self) -> Result<Option<Vec<String>>, Error> {
        if self.told(&self.name)?.is_some() {
            return Ok(None);
        }
        let files = self.list()?.into_iter().map(|(file, _)| file);
        Ok(Some(files.collect()))
    }

    /// The tag of a file in a bucket, in the form that DVC gives it.
    fn etag(&self, told: &Told) -> Result<String, Error> {
        let tag = match self.kind {
            Kind::Google => {
                let generation = told.version.as_ref().and_then(|text| text.parse().ok());
                generation.map(google_tag)
            }
            Kind::Azure => told.tag.clone().map(|tag| {
                if tag.starts_with('"') {
                    tag
                } else {
                    format!("\"{tag}\"")
                }
            }),
            _ => told
                .tag
                .as_ref()
                .map(|tag| tag.trim_matches('"').to_owned()),
        };
        tag.ok_or_else(|| Error::form(&self.place, "the store tells no tag of it"))
    }

    /// What a web server tells versions of a file by.
    fn checksum(&self, told: &Told) -> String {
        let header = |name: &str| {
            let mut headers = told.headers.iter();
            headers.find(|(key, _)| *key == name)
        };
        if let Some((_, tag)) = header("ETag").or_else(|| header("Content-MD5")) {
            return tag.clone();
        }
        let size = told.size.map_or("None".to_owned(), |size| size.to_string());
        let mut words = vec![
            format!("'name': {}", python(&self.url)),
            format!("'size': {size}"),
        ];
        let named = |key: &str, value: &str| format!("'{key}': {}", python(value));
        if let Some((_, kind)) = header("Content-Type") {
            let kind = kind.split(';').next().unwrap_or_default();
            words.push(named("mimetype", kind));
        }
        if header("Accept-Ranges").is_some_and(|(_, value)| value == "none") {
            words.push("'partial': False".to_owned());
        }
        for name in ["url", "Digest", "Last-Modified"] {
            words.extend(header(name).map(|(_, value)| named(name, value)));
        }
        words.push(named("type", "file"));
        let digest = Md5::of(format!("({{{}}},)", words.join(", ")).as_bytes());
        u128::from_be_bytes(*digest.as_bytes()).to_string()
    }

    fn absent(&self) -> Error {
        Error::NotFound {
            what: format!("`{}` does not exist", self.place),
        }
    }

    fn failed(&self, action: &'static str, source: everloop_artifacts::Error) -> Error {
        if matches!(source, everloop_artifacts::Error::NotFound { .. }) {
            return self.absent();
        }
        Error::Remote {
            remote: self.place.clone(),
            action,
            object: self.name.clone(),
            source: Box::new(source),
        }
    }
}

/// A URL as the directory that a store opens, and a name in it.
fn split(url: &str) -> (&str, &str) {
    let start = url.find("://").map_or(0, |index| index + 3);
    match url[start..].rfind('/') {
        Some(index) => (&url[..start + index], &url[start + index + 1..]),
        None => (url, ""),
    }
}

/// The tag that Google's JSON API gives the first state of a version: a message of two numbers, the generation and a one.
fn google_tag(mut generation: u64) -> String {
    let mut tag = "08".to_owned();
    while generation >= 0x80 {
        let _ = write!(tag, "{:02x}", generation as u8 | 0x80);
        generation >>= 7;
    }
    let _ = write!(tag, "{generation:02x}1001");
    tag
}

/// A text as Python writes it out.
fn python(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut quoted = String::from(quote);
    for c in text.chars() {
        if c == quote || c == '\\' {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push(quote);
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_directories_and_names() {
        let check = |url, expected| assert_eq!(split(url), expected);
        check("s3://b/p/a b.txt", ("s3://b/p", "a b.txt"));
        check("s3://b", ("s3://b", ""));
        check("http://h/x?y=1", ("http://h", "x?y=1"));
        check("/home/x/y", ("/home/x", "y"));
    }

    /// An example of Google's documentation: `CNOMr4nZ1+4CEAE=`.
    #[test]
    fn tags_of_google_are_made_of_generations() {
        assert_eq!(google_tag(1_612_698_230_703_699), "08d38caf89d9d7ee021001");
        assert_eq!(google_tag(1), "08011001");
    }

    #[test]
    fn texts_are_quoted_as_python_does() {
        assert_eq!(python("a"), "'a'");
        assert_eq!(python("it's"), "\"it's\"");
        assert_eq!(python("'\"\\"), "'\\'\"\\\\'");
    }
}
