//! The words of a command, line by line.

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The longest line; a longer one is told in parts.
const MAX_BYTES: usize = 1 << 16;

/// Tells every line of an output until its end. A carriage return ends a line, too: so bars of progress show.
pub(super) async fn tell(mut output: impl AsyncRead + Unpin, tell: &(dyn Fn(&str) + Sync)) {
    let mut bytes = vec![0; 8192];
    let mut line = Vec::new();
    loop {
        // An output that cannot be read has ended.
        let n_read = output.read(&mut bytes).await.unwrap_or(0);
        for byte in &bytes[..n_read] {
            match byte {
                b'\n' | b'\r' => flush(&mut line, tell),
                byte => line.push(*byte),
            }
            if line.len() >= MAX_BYTES {
                flush(&mut line, tell);
            }
        }
        if n_read == 0 {
            flush(&mut line, tell);
            return;
        }
    }
}

fn flush(line: &mut Vec<u8>, tell: &(dyn Fn(&str) + Sync)) {
    if !line.is_empty() {
        tell(&String::from_utf8_lossy(line));
        line.clear();
    }
}
