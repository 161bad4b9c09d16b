//! The digests of files that were found: from memory, or from their bytes.

use std::fs::File;

use super::{Digest, Found, Place, Purpose};
use crate::cache::{Cache, file_id};
use crate::keep::{Kept, check_same};
use crate::known::Known;
use crate::md5::Hashing;
use crate::progress::Progress;
use crate::{Error, RepoPath, parallel, stream};

/// Finds the digests of files, from memory where they have not changed. Those of DVC 2 are not remembered.
pub(super) fn digest(
    place: &Place<'_>,
    files: &mut [Found],
    known: &mut Known,
    purpose: Purpose<'_>,
) -> Result<(), Error> {
    let can_remember = !matches!(purpose, Purpose::Compare(Hashing::Dos2Unix));
    let (mut n_new, mut n_bytes) = (0, 0);
    let mut path = PathOf::new(place.path);
    for file in &mut *files {
        if can_remember && let Some(md5) = known.get(path.of(&file.name), &file.seen.stamp) {
            file.digest = Digest::Remembered(md5);
        } else {
            n_new += 1;
            n_bytes += file.seen.stamp.size;
        }
    }
    let progress = known.progress.clone();
    progress.expect(files.len(), n_bytes);
    let before = if n_new > 0 {
        let new = files.iter().filter(|file| file.md5().is_none());
        known.before_reading(new.map(|file| file.seen.stamp))
    } else {
        None
    };
    parallel::change(files, parallel::on_disk(), |file| {
        let remembered = file.md5();
        let kept = match purpose {
            Purpose::Compare(hashing) => compared(place, file, hashing, &progress)?,
            Purpose::Keep(cache) => kept(place, file, cache)?,
        };
        file.digest = Digest::Now {
            kept,
            is_new: remembered != Some(kept.md5),
        };
        progress.finish();
        Ok(())
    })?;
    if can_remember && n_new > 0 {
        known.add(before, files.iter(), |file, add| {
            if let Digest::Now { kept, is_new: true } = file.digest {
                add(path.of(&file.name), file.seen.stamp, kept.md5);
            }
        });
    }
    Ok(())
}

fn compared(
    place: &Place<'_>,
    file: &Found,
    hashing: Hashing,
    progress: &Progress,
) -> Result<Kept, Error> {
    let is_object = false;
    if let Some(md5) = file.md5() {
        return Ok(Kept { md5, is_object });
    }
    let path = place.file(&file.name);
    let read = |error| Error::file("read", &path, error);
    let open = File::open(&path).map_err(read)?;
    let hashed = match hashing {
        Hashing::Plain => stream::hash(&open, file.seen.stamp.size, progress),
        Hashing::Dos2Unix => hashing.of_file(&path),
    };
    let (md5, _) = hashed.map_err(read)?;
    check_same((&path, &open), &file.seen.stamp)?;
    Ok(Kept { md5, is_object })
}

fn kept(place: &Place<'_>, file: &Found, cache: &Cache) -> Result<Kept, Error> {
    if let Some(md5) = file.md5()
        && let Some(inode) = cache.find(file_id(md5))?
    {
        let is_object = inode == file.seen.stamp.inode;
        return Ok(Kept { md5, is_object });
    }
    cache.keep(&place.file(&file.name), &file.seen)
}

/// Paths below the root, made in one place of memory.
struct PathOf {
    text: String,
    n_above: usize,
}

impl PathOf {
    fn new(above: &RepoPath) -> Self {
        let text = above.as_str().to_owned();
        Self {
            n_above: text.len(),
            text,
        }
    }

    fn of(&mut self, name: &str) -> &str {
        self.text.truncate(self.n_above);
        if !name.is_empty() {
            self.text.push('/');
            self.text.push_str(name);
        }
        &self.text
    }
}
