//! The bytes of a text file: decompressed, UTF-8, without byte order mark.

use std::io::Read as _;
use std::path::Path;

use crate::Error;

/// Reads a text file; a name that ends in `.gz` or `.zst` is decompressed.
pub(super) fn read_text(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::file("read", path, source);
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("gz") => flate2::read::MultiGzDecoder::new(file)
            .read_to_end(&mut bytes)
            .map_err(failed)?,
        Some("zst") => zstd::Decoder::new(file)
            .map_err(failed)?
            .read_to_end(&mut bytes)
            .map_err(failed)?,
        _ => std::io::BufReader::new(file)
            .read_to_end(&mut bytes)
            .map_err(failed)?,
    };
    if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))
}

fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> Error {
    let at = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Error::content(path, "it is UTF-16; convert it: `iconv -f UTF-16 -t UTF-8`");
    }
    Error::Line {
        file: path.display().to_string(),
        line: 1 + String::from_utf8_lossy(&bytes[..at]).matches('\n').count() as u64,
        problem: format!(
            "byte {at} (0x{:02x}) is not UTF-8; if the file is Latin-1, convert it: `iconv -f LATIN1 -t UTF-8`",
            bytes[at]
        ),
    }
}
