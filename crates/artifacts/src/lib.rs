//! Blobs by digest, run artifacts and file digests.
