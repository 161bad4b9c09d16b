//! What it cost to be late: fraud that passed between the change and the promotion of the model that knew it.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, Result};
use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::Float64Type;
use everloop_domain::{CycleOutcome, Timestamp, VersionNumber};
use everloop_engine::texts;

use super::project::World;
use crate::replay::report::Served;
use crate::replay::rows::Rows;
use crate::workspace::Workspace;

/// Fraud caught and missed in one stretch of the replay.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Stretch {
    n_fraud: usize,
    n_caught: usize,
    euro: f64,
    euro_missed: f64,
}

/// The stretches before the change, until the promotion, and after it.
pub(crate) struct Cost {
    before: Stretch,
    late: Stretch,
    after: Stretch,
    /// The last stretch, had the first model stayed.
    after_with_first: Stretch,
    promoted_at: Option<Timestamp>,
    change: Timestamp,
}

impl Cost {
    /// Reads what was served and compares it with the truth, which the generator knows.
    pub(crate) async fn of(workspace: &Workspace, world: World) -> Result<Self> {
        let rows = Rows::read(workspace, World::live(), Some(world.end())).await?;
        let served = Served::read(workspace, &rows, VersionNumber(1)).await?;
        let promotions = promotions(workspace).await?;
        let change = World::change();
        // The first promotion after labels of the new fraud were there to learn from.
        let promoted_at = served
            .versions
            .iter()
            .zip(&served.rows)
            .filter(|(version, row)| **version > 1 && rows.time(**row) > change)
            .filter_map(|(version, row)| {
                Some((promotions.get(&(*version as u64))?, rows.time(*row)))
            })
            .filter(|(learnt_at, _)| **learnt_at > change)
            .map(|(_, time)| time)
            .min();
        let end = promoted_at.unwrap_or(world.end());
        let stretch = |predictions: &RecordBatch, from: Timestamp, until: Timestamp| {
            Stretch::of(&rows, &served, predictions, from, until)
        };
        Ok(Self {
            before: stretch(&served.predictions, World::live(), change)?,
            late: stretch(&served.predictions, change, end)?,
            after: stretch(&served.predictions, end, world.end())?,
            after_with_first: stretch(&served.first_model, end, world.end())?,
            promoted_at,
            change,
        })
    }
}

/// For each promoted version, the moment up to which its cycle knew labels.
async fn promotions(workspace: &Workspace) -> Result<BTreeMap<u64, Timestamp>> {
    let delay = workspace
        .lifecycle
        .monitor
        .labels
        .as_ref()
        .map(|labels| labels.delay)
        .unwrap_or_default();
    let status = workspace.status(usize::MAX >> 1).await?;
    Ok(status
        .cycles
        .into_iter()
        .filter(|cycle| cycle.outcome == Some(CycleOutcome::Promoted))
        .filter_map(|cycle| {
            Some((
                cycle.champion_version?.0,
                cycle.started_at.parse::<Timestamp>().ok()? - delay,
            ))
        })
        .collect())
}

impl Stretch {
    fn of(
        rows: &Rows,
        served: &Served,
        predictions: &RecordBatch,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Self> {
        let amounts = rows
            .batch()
            .column_by_name("amount")
            .context("no column `amount`")?
            .as_primitive::<Float64Type>();
        let predicted = texts(
            predictions
                .column_by_name("prediction")
                .context("no column `prediction`")?,
        );
        let truth = texts(&served.truth);
        let mut stretch = Self::default();
        for (position, row) in served.rows.iter().enumerate() {
            let time = rows.time(*row);
            if time < from || time >= until || truth[position].as_deref() != Some("1") {
                continue;
            }
            let amount = amounts.value(*row);
            stretch.n_fraud += 1;
            stretch.euro += amount;
            if predicted[position].as_deref() == Some("1") {
                stretch.n_caught += 1;
            } else {
                stretch.euro_missed += amount;
            }
        }
        Ok(stretch)
    }

    fn share(&self) -> f64 {
        if self.n_fraud == 0 {
            0.0
        } else {
            100.0 * self.n_caught as f64 / self.n_fraud as f64
        }
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>4} of {:>4} frauds caught ({:.0} %), {:.0} of {:.0} EUR missed",
            self.n_caught,
            self.n_fraud,
            self.share(),
            self.euro_missed,
            self.euro
        )
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "what it cost to be late")?;
        writeln!(f, "  before the change         {}", self.before)?;
        let Some(promoted_at) = self.promoted_at else {
            return writeln!(
                f,
                "  since the change          {}  (no new model yet)",
                self.late
            );
        };
        let days = promoted_at.since(self.change).as_secs_f64() / 86_400.0;
        writeln!(f, "  {days:>4.1} days until retrained  {}", self.late)?;
        writeln!(f, "  with the new model        {}", self.after)?;
        writeln!(f, "  had the first one stayed  {}", self.after_with_first)
    }
}
