//! What the candidate costs: time to answer, size on disk.

use std::path::Path;
use std::time::Instant;

use arrow::array::RecordBatch;
use everloop_package::Scorer;

use crate::Error;

/// How many single rows are timed for `latency_p99_ms`.
const N_TIMED_ROWS: usize = 300;

/// The 99th percentile of the time that one row takes, after a first row that warms up.
pub(super) fn latency_p99_ms(scorer: &dyn Scorer, inputs: &RecordBatch) -> Result<f64, Error> {
    if inputs.num_rows() == 0 {
        return Ok(0.0);
    }
    scorer.score(&inputs.slice(0, 1))?;
    let mut times = Vec::with_capacity(N_TIMED_ROWS);
    for index in 0..N_TIMED_ROWS.min(inputs.num_rows()) {
        let start = Instant::now();
        scorer.score(&inputs.slice(index, 1))?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[(times.len() - 1) * 99 / 100])
}

/// The size of all files of a package, in MB (10^6 bytes).
pub(super) fn package_mb(dir: &Path) -> Result<f64, Error> {
    let mut n_bytes = 0;
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        let entries =
            std::fs::read_dir(&dir).map_err(|source| Error::file("read", &dir, source))?;
        for entry in entries {
            let entry = entry.map_err(|source| Error::file("read", &dir, source))?;
            let kind = entry
                .metadata()
                .map_err(|source| Error::file("read", &entry.path(), source))?;
            if kind.is_dir() {
                open.push(entry.path());
            } else {
                n_bytes += kind.len();
            }
        }
    }
    Ok(n_bytes as f64 / 1e6)
}
