//! What training costs: time and memory.

use std::time::Instant;

use serde::{Deserialize, Serialize};

/// What a piece of work took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// Seconds by the clock on the wall.
    pub(crate) seconds: f64,
    /// The most memory that the whole program held meanwhile, in MB (10^6 bytes); only Linux tells.
    pub(crate) peak_memory_mb: Option<f64>,
}

/// Measures from its start.
pub(super) struct Meter(Instant);

impl Meter {
    /// Starts, and makes the system forget earlier peaks where it lets itself be told to.
    pub(super) fn start() -> Self {
        // A failure leaves the peak since the program began, which is a peak all the same.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self(Instant::now())
    }

    /// What the work of another program took: its memory is not known.
    pub(super) fn read_of_another(&self) -> Usage {
        Usage {
            peak_memory_mb: None,
            ..self.read()
        }
    }

    pub(super) fn read(&self) -> Usage {
        Usage {
            seconds: self.0.elapsed().as_secs_f64(),
            peak_memory_mb: std::fs::read_to_string("/proc/self/status")
                .ok()
                .and_then(|status| peak(&status)),
        }
    }
}

/// The peak in the text of `/proc/self/status`, where it stands in kB (1024 bytes).
fn peak(status: &str) -> Option<f64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read() {
        assert_eq!(peak("Name:\tx\nVmHWM:\t    2000 kB\n"), Some(2.048));
        assert_eq!(peak("Name:\tx\n"), None);
    }
}
