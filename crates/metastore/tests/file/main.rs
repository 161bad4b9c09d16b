//! What a store on a file keeps and refuses: crashes, other processes, damage, full disks, panics.

#![cfg(test)]

mod audit;
mod concurrent;
mod crash;
mod damage;
mod panics;

use everloop_domain::Timestamp;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}
