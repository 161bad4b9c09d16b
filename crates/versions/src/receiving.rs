//! Content from elsewhere whose digest is not known before it has come.

use std::fs::{self, File};

use crate::Error;
use crate::cache::{Cache, Fill, file_id};
use crate::links::temporary;
use crate::md5::{Hashing, Md5};

impl Cache {
    /// Keeps the bytes that `fill` gives piece by piece, and tells their digest and their number.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be had, or cannot be kept.
    pub(crate) fn receive_new(&self, fill: Fill<'_>) -> Result<(Md5, u64), Error> {
        self.make_dir()
            .map_err(|error| Error::file("create", self.dir(), error))?;
        let temporary = temporary(self.dir());
        let write = |error| Error::file("write", &temporary, error);
        let mut opened = File::options();
        let opened = opened.read(true).write(true).create_new(true);
        let received = opened.open(&temporary).map_err(write).and_then(|file| {
            let mut running = Hashing::Plain.running(file);
            let filled = fill(&mut |piece| {
                self.progress.pass(piece.len() as u64);
                running.write_all(piece)
            });
            // Where the disk is full, the other side is not to blame.
            running
                .take_error()
                .map_or(filled, |error| Err(write(error)))?;
            running.finish().map_err(write)
        });
        let (md5, size) = received.inspect_err(|_| {
            // Nothing half-written is kept; the error is the one to tell.
            let _ = fs::remove_file(&temporary);
        })?;
        self.finish(&temporary, Ok(file_id(md5)))?;
        Ok((md5, size))
    }
}
