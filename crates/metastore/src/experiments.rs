//! Experiments, as in MLflow: named, deleted softly.

use std::collections::BTreeMap;

use everloop_domain::{ExperimentId, Timestamp};

use crate::Error;
use crate::search::{Column, Query, Side, Statement, Tables};
use crate::session::{Row, Session, values};
use crate::values::moment;

/// Experiments.
#[derive(Debug)]
pub struct Experiments<'c>(pub(crate) Session<'c>);

/// Whether a thing is in use or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// In use.
    Active,
    /// Deleted, and restorable.
    Deleted,
}

impl Lifecycle {
    /// The stored and spoken form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deleted => "deleted",
        }
    }

    pub(crate) fn read(text: &str) -> Self {
        if text == "deleted" {
            Self::Deleted
        } else {
            Self::Active
        }
    }
}

/// Which things a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Those in use.
    #[default]
    Active,
    /// Deleted ones.
    Deleted,
    /// Both.
    All,
}

impl View {
    pub(crate) fn condition(self) -> &'static str {
        match self {
            Self::Active => "lifecycle = 'active'",
            Self::Deleted => "lifecycle = 'deleted'",
            Self::All => "true",
        }
    }
}

/// An experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Experiment {
    /// Its id.
    pub id: ExperimentId,
    /// Its name.
    pub name: String,
    /// Where artifacts of its runs go.
    pub artifact_location: String,
    /// Whether it is deleted.
    pub lifecycle: Lifecycle,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What experiments can be searched and ordered by, beside their tags.
pub const EXPERIMENT_COLUMNS: [Column; 4] = [
    Column::text("name", "name"),
    Column::number("experiment_id", "id"),
    Column::number("creation_time", "created_at"),
    Column::number("last_update_time", "updated_at"),
];

const TABLES: Tables = Tables {
    select: "select id, name, artifact_location, lifecycle, created_at, updated_at from experiments",
    order: "created_at desc, id desc",
    metrics: None,
    params: None,
    tags: Some(Side::new(
        "experiment_tags",
        "s.experiment = experiments.id",
    )),
    metadata: None,
    datasets: None,
};

const COLUMNS: &str = "id, name, artifact_location, lifecycle, created_at, updated_at";

fn read(row: &Row<'_>) -> Result<Experiment, Error> {
    Ok(Experiment {
        id: ExperimentId(row.get(0)?),
        name: row.get(1)?,
        artifact_location: row.get(2)?,
        lifecycle: Lifecycle::read(&row.get::<String>(3)?),
        created_at: moment(row.get(4)?),
        updated_at: moment(row.get(5)?),
        tags: BTreeMap::new(),
    })
}

impl Experiments<'_> {
    /// Makes an experiment; without a location it is `mlflow-artifacts:/<id>`.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] if the name is taken, also by a deleted one.
    pub fn create(
        &self,
        name: &str,
        location: Option<&str>,
        now: Timestamp,
    ) -> Result<ExperimentId, Error> {
        self.insert(name, location, "mlflow-artifacts:", now)
    }

    /// Makes an experiment whose artifacts go to `<root>/<id>`.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] if the name is taken, also by a deleted one.
    pub fn create_below(
        &self,
        root: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<ExperimentId, Error> {
        self.insert(name, None, root, now)
    }

    fn insert(
        &self,
        name: &str,
        location: Option<&str>,
        root: &str,
        now: Timestamp,
    ) -> Result<ExperimentId, Error> {
        if self.find_by_name(name)?.is_some() {
            return Err(Error::AlreadyExists {
                what: "experiment",
                name: name.to_owned(),
            });
        }
        let sql = "insert into experiments (id, name, artifact_location, created_at, updated_at) \
             select max(id) + 1, $1, coalesce($2, $3 || '/' || (max(id) + 1)), cast($4 as bigint), cast($4 as bigint) from experiments returning id";
        let id = self
            .0
            .value(sql, &values![name, location, root, now.as_millis()])?;
        Ok(ExperimentId(id))
    }

    /// The experiment of an id.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn get(&self, id: ExperimentId) -> Result<Experiment, Error> {
        let sql = format!("select {COLUMNS} from experiments where id = $1");
        let found = self.0.find(&sql, &values![id.0], read)?;
        self.with_tags(found.ok_or_else(|| Error::not_found("experiment", &id))?)
    }

    /// The experiment of a name, deleted ones included.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn find_by_name(&self, name: &str) -> Result<Option<Experiment>, Error> {
        let sql = format!("select {COLUMNS} from experiments where name = $1");
        let found = self.0.find(&sql, &values![name], read)?;
        found
            .map(|experiment| self.with_tags(experiment))
            .transpose()
    }

    /// Experiments, newest first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn list(&self, view: View) -> Result<Vec<Experiment>, Error> {
        let sql = format!(
            "select {COLUMNS} from experiments where {} order by created_at desc, id desc",
            view.condition()
        );
        let rows = self.0.query(&sql, &[], read)?;
        rows.into_iter()
            .map(|experiment| self.with_tags(experiment))
            .collect()
    }

    /// A page of experiments, newest first if no order says otherwise.
    ///
    /// # Errors
    ///
    /// Fails if the query asks for what experiments do not have.
    pub fn search(&self, view: View, query: &Query) -> Result<Vec<Experiment>, Error> {
        let page = Statement::page(
            self.0.dialect(),
            &TABLES,
            view.condition(),
            Vec::new(),
            query,
        )?;
        let rows = self.0.query(&page.sql, &page.values, read)?;
        rows.into_iter()
            .map(|experiment| self.with_tags(experiment))
            .collect()
    }

    fn with_tags(&self, experiment: Experiment) -> Result<Experiment, Error> {
        let tags = self.0.pairs(
            "select key, value from experiment_tags where experiment = $1",
            &values![experiment.id.0],
        )?;
        Ok(Experiment { tags, ..experiment })
    }

    /// Gives an experiment another name.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, [`Error::AlreadyExists`] if the name is taken, [`Error::Invalid`] if it is
    /// deleted.
    pub fn rename(&self, id: ExperimentId, name: &str, now: Timestamp) -> Result<(), Error> {
        if self.get(id)?.lifecycle == Lifecycle::Deleted {
            return Err(Error::Invalid(
                "Cannot rename a non-active experiment.".to_owned(),
            ));
        }
        if self.find_by_name(name)?.is_some_and(|other| other.id != id) {
            return Err(Error::AlreadyExists {
                what: "experiment",
                name: name.to_owned(),
            });
        }
        let sql = "update experiments set name = $1, updated_at = $2 where id = $3";
        self.0.execute(sql, &values![name, now.as_millis(), id.0])?;
        Ok(())
    }

    /// Sets a tag.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such experiment.
    pub fn set_tag(&self, id: ExperimentId, key: &str, value: &str) -> Result<(), Error> {
        self.get(id)?;
        let sql = "insert into experiment_tags (experiment, key, value) values ($1, $2, $3) \
             on conflict (experiment, key) do update set value = excluded.value";
        self.0.execute(sql, &values![id.0, key, value])?;
        Ok(())
    }

    /// Removes a tag.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such experiment or tag.
    pub fn delete_tag(&self, id: ExperimentId, key: &str) -> Result<(), Error> {
        self.get(id)?;
        let sql = "delete from experiment_tags where experiment = $1 and key = $2";
        match self.0.execute(sql, &values![id.0, key])? {
            0 => Err(Error::not_found("experiment tag", key)),
            _ => Ok(()),
        }
    }

    /// Puts artifacts of the default experiment elsewhere, as long as it has no runs.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn place_default(&self, location: &str) -> Result<(), Error> {
        let sql = "update experiments set artifact_location = $1 where id = 0 and not exists (select 1 from runs where experiment = 0)";
        self.0.execute(sql, &values![location])?;
        Ok(())
    }

    /// Deletes an experiment and its runs, softly.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, or it is deleted.
    pub fn delete(&self, id: ExperimentId, now: Timestamp) -> Result<(), Error> {
        self.turn(id, Lifecycle::Active, Lifecycle::Deleted, now)
    }

    /// Restores a deleted experiment and its runs.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such deleted one.
    pub fn restore(&self, id: ExperimentId, now: Timestamp) -> Result<(), Error> {
        self.turn(id, Lifecycle::Deleted, Lifecycle::Active, now)
    }

    fn turn(
        &self,
        id: ExperimentId,
        from: Lifecycle,
        to: Lifecycle,
        now: Timestamp,
    ) -> Result<(), Error> {
        let sql = "update experiments set lifecycle = $1, updated_at = $2 where id = $3 and lifecycle = $4";
        let changed = self.0.execute(
            sql,
            &values![to.as_str(), now.as_millis(), id.0, from.as_str()],
        )?;
        if changed == 0 {
            return Err(Error::not_found("experiment", &id));
        }
        let sql = "update runs set lifecycle = $1, deleted_at = case when $1 = 'deleted' then cast($2 as bigint) end where experiment = $3";
        self.0
            .execute(sql, &values![to.as_str(), now.as_millis(), id.0])?;
        Ok(())
    }
}
