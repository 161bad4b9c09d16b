//! Ids that nobody can guess, and names that people can say.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

const ADJECTIVES: [&str; 16] = [
    "amber", "brave", "calm", "clear", "eager", "gentle", "golden", "keen", "lively", "merry",
    "quiet", "rapid", "silver", "steady", "sunny", "wise",
];
const NOUNS: [&str; 16] = [
    "badger", "crane", "dolphin", "falcon", "fox", "heron", "ibex", "lark", "lynx", "marten",
    "otter", "owl", "robin", "seal", "swift", "wren",
];

/// Makes ids: the system's randomness seeds the hash, a counter makes each differ.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    seeds: [RandomState; 2],
    next: AtomicU64,
}

impl Ids {
    /// 16 bytes that were not given before.
    pub(crate) fn bytes(&self) -> [u8; 16] {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.seeds[0].hash_one(number).to_le_bytes());
        bytes[8..].copy_from_slice(&self.seeds[1].hash_one(number).to_le_bytes());
        bytes
    }

    /// The name of a run that was given none: `keen-otter-417`.
    pub(crate) fn run_name(&self) -> String {
        let bytes = self.bytes();
        let adjective = ADJECTIVES[usize::from(bytes[0]) % ADJECTIVES.len()];
        let noun = NOUNS[usize::from(bytes[1]) % NOUNS.len()];
        let number = u16::from_le_bytes([bytes[2], bytes[3]]) % 1000;
        format!("{adjective}-{noun}-{number}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_also_between_starts() {
        let (one, other) = (Ids::default(), Ids::default());
        assert_ne!(one.bytes(), one.bytes());
        assert_ne!(Ids::default().bytes(), other.bytes());
        assert_eq!(one.run_name().split('-').count(), 3);
    }
}
