//! The demo's project: the lifecycle file and the generated days, as a team would have them on disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use everloop_data::write_parquet;
use everloop_domain::Timestamp;

use super::stream::{Stream, Transaction};
use crate::exit::{Exit, Failure};

const LIFECYCLE_FILE: &str = include_str!("project/everloop.yaml");
/// Days before the model goes live: the last seven have no labels yet.
const N_DAYS_BEFORE: u32 = 28;
/// Days from going live to the change.
const N_DAYS_TO_CHANGE: u32 = 6;
/// 2026-01-01, a Thursday.
const FIRST_DAY_MS: i64 = 1_767_225_600_000;
const DAY: Duration = Duration::from_hours(24);

/// What is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) seed: u64,
    /// Days that are replayed.
    pub(crate) n_days: u32,
}

impl World {
    pub(crate) fn days_in_all(self) -> u32 {
        N_DAYS_BEFORE + self.n_days
    }

    /// When the model goes live.
    pub(crate) fn live() -> Timestamp {
        day_start(N_DAYS_BEFORE)
    }

    /// When fraudsters change their ways.
    pub(crate) fn change() -> Timestamp {
        day_start(N_DAYS_BEFORE + N_DAYS_TO_CHANGE)
    }

    /// The end of the last day.
    pub(crate) fn end(self) -> Timestamp {
        day_start(self.days_in_all())
    }

    fn stream(self) -> Stream {
        Stream::new(self.seed, N_DAYS_BEFORE + N_DAYS_TO_CHANGE)
    }

    /// What the world is, as it is noted in the project.
    fn describe(self) -> String {
        format!("seed = {}\ndays = {}\n", self.seed, self.n_days)
    }
}

/// Makes the project, or finds it as it was made. The lifecycle file comes last: with it the project is whole.
pub(crate) fn make(dir: &Path, world: World) -> Result<bool> {
    let note = dir.join("demo.toml");
    if dir.join("everloop.yaml").exists() {
        let found = std::fs::read_to_string(&note).unwrap_or_default();
        if found == world.describe() {
            return Ok(false);
        }
        return Err(Failure::new(
            Exit::Conflict,
            format!("`{}` holds another project or another demo", dir.display()),
        )
        .hint("choose another `--dir`, or the same `--seed` and `--days` to go on with it")
        .into());
    }
    let data = dir.join("data/transactions");
    std::fs::create_dir_all(&data)
        .with_context(|| format!("cannot create `{}`", data.display()))?;
    let stream = world.stream();
    for day in 0..world.days_in_all() {
        let file = data.join(format!("{}.parquet", day_start(day).day()));
        write_parquet(&file, &batch(&stream.day(day))?)?;
    }
    std::fs::write(dir.join(".gitignore"), ".everloop/\n")?;
    std::fs::write(&note, world.describe())?;
    std::fs::write(dir.join("everloop.yaml"), LIFECYCLE_FILE)?;
    Ok(true)
}

fn day_start(day: u32) -> Timestamp {
    Timestamp::from_millis(FIRST_DAY_MS) + DAY * day
}

fn batch(rows: &[Transaction]) -> Result<RecordBatch> {
    let text = |see: &dyn Fn(&Transaction) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(see)))
    };
    let number = |see: &dyn Fn(&Transaction) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(rows.iter().map(see)))
    };
    let integer = |see: &dyn Fn(&Transaction) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rows.iter().map(see)))
    };
    let moments = rows
        .iter()
        .map(|row| (day_start(row.day) + Duration::from_secs(row.second.into())).as_millis());
    Ok(RecordBatch::try_from_iter(vec![
        ("tx_id", text(&|row| row.id.clone())),
        (
            "time",
            Arc::new(TimestampMillisecondArray::from_iter_values(moments)) as ArrayRef,
        ),
        ("customer_id", integer(&|row| row.customer as i64)),
        ("terminal_id", integer(&|row| row.terminal as i64)),
        ("amount", number(&|row| row.amount)),
        ("usual_amount", number(&|row| row.usual_amount)),
        ("channel", text(&|row| row.channel.to_owned())),
        ("category", text(&|row| row.category.to_owned())),
        ("hour", integer(&|row| i64::from(row.second / 3600))),
        ("distance_km", number(&|row| row.distance_km)),
        ("n_last_hour", integer(&|row| row.n_last_hour)),
        ("is_fraud", integer(&|row| i64::from(row.is_fraud))),
    ])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORLD: World = World { seed: 1, n_days: 1 };

    #[test]
    fn a_demo_is_made_once_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        assert!(make(dir.path(), WORLD).unwrap());
        assert!(!make(dir.path(), WORLD).unwrap());
        assert!(
            make(dir.path(), World { seed: 2, ..WORLD })
                .unwrap_err()
                .to_string()
                .contains("another demo")
        );
        assert_eq!(
            std::fs::read_dir(dir.path().join("data/transactions"))
                .unwrap()
                .count(),
            29
        );
    }

    #[test]
    fn the_calendar_is_fixed() {
        assert_eq!(World::live().day(), "2026-01-29");
        assert_eq!(World::change().day(), "2026-02-04");
        assert_eq!(WORLD.end().day(), "2026-01-30");
    }
}
