//! Stages of cycles.

use everloop_domain::{CycleNumber, StageName, StageState, Timestamp};

use crate::Error;
use crate::session::{Row, Session, values};
use crate::values::{moment, parse};

/// Stages.
#[derive(Debug)]
pub struct Stages<'c>(pub(crate) Session<'c>);

/// A stage of a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its name.
    pub name: StageName,
    /// How far it has come.
    pub state: StageState,
    /// What it does or did, in words.
    pub action: String,
    /// Whether its result came from the cache.
    pub cached: bool,
    /// When it began last.
    pub started_at: Option<Timestamp>,
    /// How long it took.
    pub duration_ms: u64,
    /// Why it failed.
    pub message: Option<String>,
}

/// Where a stage stands: the order in which stages of several cycles are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StagePlace {
    /// Its cycle.
    pub cycle: CycleNumber,
    /// Its position in the cycle, from 0.
    pub position: u64,
}

/// Which stages are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WantedStages {
    /// Those of this name.
    pub name: Option<StageName>,
    /// Those that have come so far.
    pub state: Option<StageState>,
}

const COLUMNS: &str =
    "name, state, action, cached, started_at, duration_ms, message, cycle, position";

impl Stages<'_> {
    /// Plans the stages of a cycle, in order.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn plan(&self, cycle: CycleNumber, stages: &[(StageName, String)]) -> Result<(), Error> {
        let sql =
            "insert into stages (cycle, position, name, state, action) values ($1, $2, $3, $4, $5)";
        let pending = StageState::Pending.as_str();
        let rows: Vec<_> = stages
            .iter()
            .enumerate()
            .map(|(position, (name, action))| {
                values![cycle.0, position, name.as_str(), pending, action].to_vec()
            })
            .collect();
        self.0.insert_rows(sql, &rows)?;
        Ok(())
    }

    /// Says that a stage begins, or begins again.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if it was not planned.
    pub fn begin(&self, cycle: CycleNumber, stage: StageName, now: Timestamp) -> Result<(), Error> {
        let sql = "update stages set state = $1, started_at = $2, message = null where cycle = $3 and name = $4";
        let running = StageState::Running.as_str();
        let changed = self.0.execute(
            sql,
            &values![running, now.as_millis(), cycle.0, stage.as_str()],
        )?;
        if changed == 0 {
            Err(missing(cycle, stage))
        } else {
            Ok(())
        }
    }

    /// Says how a stage ended; without an action the planned one stays.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if it was not planned.
    #[expect(
        clippy::too_many_arguments,
        clippy::needless_pass_by_value,
        reason = "each is one column of the row, and callers have the texts made for it"
    )]
    pub fn finish(
        &self,
        cycle: CycleNumber,
        stage: StageName,
        ended: StageState,
        cached: bool,
        duration_ms: u64,
        message: Option<String>,
        action: Option<String>,
    ) -> Result<(), Error> {
        let sql = "update stages set state = $1, cached = $2, duration_ms = $3, message = $4, \
             action = coalesce($5, action) where cycle = $6 and name = $7";
        let changed = self.0.execute(
            sql,
            &values![
                ended.as_str(),
                cached,
                duration_ms as i64,
                message,
                action,
                cycle.0,
                stage.as_str()
            ],
        )?;
        if changed == 0 {
            Err(missing(cycle, stage))
        } else {
            Ok(())
        }
    }

    /// The stages of a cycle, in order.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn list(&self, cycle: CycleNumber) -> Result<Vec<Stage>, Error> {
        let sql = format!("select {COLUMNS} from stages where cycle = $1 order by position");
        let rows = self.0.query(&sql, &values![cycle.0], read)?;
        Ok(rows.into_iter().map(|(_, stage)| stage).collect())
    }

    /// The stages of all cycles that are wanted, after a place: the newest cycle first, each in its order.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn after(
        &self,
        place: Option<StagePlace>,
        wanted: WantedStages,
        limit: usize,
    ) -> Result<Vec<(StagePlace, Stage)>, Error> {
        // Before the first stage there is: no cycle has the greatest number.
        let place = place.unwrap_or(StagePlace {
            cycle: CycleNumber(u64::MAX),
            position: 0,
        });
        let sql = format!(
            "select {COLUMNS} from stages where (cycle < $1 or (cycle = $1 and position > $2)) \
             and name = coalesce($3, name) and state = coalesce($4, state) \
             order by cycle desc, position limit $5"
        );
        let name = wanted.name.map(StageName::as_str);
        let state = wanted.state.map(StageState::as_str);
        let values = values![place.cycle.0, place.position, name, state, limit];
        self.0.query(&sql, &values, read)
    }
}

fn read(row: &Row<'_>) -> Result<(StagePlace, Stage), Error> {
    let (name, cycle): (String, u64) = (row.get(0)?, row.get(7)?);
    let key = format!("{cycle}, {name}");
    let place = StagePlace {
        cycle: CycleNumber(cycle),
        position: row.get(8)?,
    };
    let stage = Stage {
        name: parse(&name, "stages", "name", &key)?,
        state: parse(&row.get::<String>(1)?, "stages", "state", &key)?,
        action: row.get(2)?,
        cached: row.get(3)?,
        started_at: row.get::<Option<i64>>(4)?.map(moment),
        duration_ms: row.get(5)?,
        message: row.get(6)?,
    };
    Ok((place, stage))
}

fn missing(cycle: CycleNumber, stage: StageName) -> Error {
    Error::not_found("stage", &format!("{stage} of cycle {cycle}"))
}
