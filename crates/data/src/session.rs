//! The tables of one piece of work.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use everloop_domain::ColumnType;
use everloop_domain::dataset::{PrepareStep, Source};

use crate::sources::{self, SourceSummary};
use crate::{Error, TableDigest, canonical, read_parquet, write_parquet};

/// What the work may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Memory for sorts, joins and windows, in bytes; beyond it they spill to disk. Queries run in one partition,
    /// because rows must keep their order.
    pub memory_bytes: usize,
}

/// Named tables, and the queries over them.
pub struct Session {
    context: SessionContext,
    base: PathBuf,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session without tables; relative paths of sources start at `base`.
    #[must_use]
    pub fn new(base: &Path, settings: &Settings) -> Self {
        let mut config = SessionConfig::new()
            .with_target_partitions(1)
            .with_information_schema(false);
        let options = config.options_mut();
        options.sql_parser.enable_ident_normalization = false;
        options.sql_parser.map_string_types_to_utf8view = false;
        options.execution.parquet.schema_force_view_types = false;
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(settings.memory_bytes)))
            .build_arc();
        let context = match runtime {
            Ok(runtime) => SessionContext::new_with_config_rt(config, runtime),
            // Without a place to spill, memory alone must do.
            Err(_) => SessionContext::new_with_config(config),
        };
        Self {
            context,
            base: base.to_owned(),
        }
    }

    /// The files of a source, sorted.
    ///
    /// # Errors
    ///
    /// [`Error::NoFiles`] if there are none.
    pub fn files(&self, source: &Source) -> Result<Vec<PathBuf>, Error> {
        sources::files(&self.base, source)
    }

    /// Reads a source as the table of its name.
    ///
    /// # Errors
    ///
    /// Fails if a file is absent, malformed (named by file and line), or its columns are not those of the others.
    #[expect(
        clippy::unused_async,
        reason = "reading will be streamed; callers are async already"
    )]
    pub async fn register_source(&self, source: &Source) -> Result<SourceSummary, Error> {
        let files = self.files(source)?;
        let rows = sources::read(source, &files)?;
        let summary = SourceSummary {
            files,
            n_rows: rows.num_rows() as u64,
        };
        self.register(&source.name, &rows)?;
        Ok(summary)
    }

    /// Reads a Parquet file as a table.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    #[expect(
        clippy::unused_async,
        reason = "reading will be streamed; callers are async already"
    )]
    pub async fn register_parquet(&self, table: &str, path: &Path) -> Result<(), Error> {
        self.register(table, &read_parquet(path)?)
    }

    /// Makes rows a table, in place of one of the same name.
    ///
    /// # Errors
    ///
    /// Fails if the rows cannot be brought to canonical types.
    pub fn register(&self, table: &str, rows: &RecordBatch) -> Result<(), Error> {
        let rows = canonical::batch(rows)?;
        let failed = |error: datafusion::error::DataFusionError| sql_error(table, &error, "");
        let memory = MemTable::try_new(rows.schema(), vec![vec![rows]]).map_err(failed)?;
        self.context
            .deregister_table(reference(table))
            .map_err(failed)?;
        self.context
            .register_table(reference(table), Arc::new(memory))
            .map_err(failed)?;
        Ok(())
    }

    /// The columns of a table.
    ///
    /// # Errors
    ///
    /// [`Error::NoTable`] if there is none.
    pub async fn schema(&self, table: &str) -> Result<Vec<(String, ColumnType)>, Error> {
        let frame = self.table(table).await?;
        let fields = frame.schema().fields().iter();
        Ok(fields
            .map(|field| {
                (
                    field.name().clone(),
                    canonical::column_type(field.data_type()),
                )
            })
            .collect())
    }

    async fn table(&self, table: &str) -> Result<DataFrame, Error> {
        self.context
            .table(reference(table))
            .await
            .map_err(|_| Error::NoTable(table.to_owned()))
    }

    /// All rows of a table, in order.
    ///
    /// # Errors
    ///
    /// [`Error::NoTable`] if there is none.
    pub async fn rows(&self, table: &str) -> Result<RecordBatch, Error> {
        let frame = self.table(table).await?;
        collect(table, frame, "").await
    }

    /// Plans a step without running it, and registers its result for later steps to be planned on. Gives the table's
    /// name.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] if the query is wrong.
    pub async fn plan_step(&self, step: &PrepareStep) -> Result<String, Error> {
        let (table, sql) = match step {
            PrepareStep::Deduplicate { table, by } => {
                self.require_columns(table, by).await?;
                return Ok(table.clone());
            }
            PrepareStep::Sql { table, sql } => (table, sql),
        };
        let frame = self.plan(table, sql).await?;
        let empty = canonical::batch(&RecordBatch::new_empty(frame.schema().inner().clone()))?;
        self.register(table, &empty)?;
        Ok(table.clone())
    }

    /// Runs a step: its result is the table of its name.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] if the query is wrong or fails.
    pub async fn run_step(&self, step: &PrepareStep) -> Result<(), Error> {
        match step {
            PrepareStep::Deduplicate { table, by } => {
                self.require_columns(table, by).await?;
                let rows = self.rows(table).await?;
                self.register(table, &canonical::deduplicate(&rows, by)?)
            }
            PrepareStep::Sql { table, sql } => {
                let frame = self.plan(table, sql).await?;
                let hint = self.columns_hint().await;
                let rows = collect(table, frame, &hint).await?;
                self.register(table, &rows)
            }
        }
    }

    async fn require_columns(&self, table: &str, by: &[String]) -> Result<(), Error> {
        let columns = self.schema(table).await?;
        for name in by {
            if !columns.iter().any(|(column, _)| column == name) {
                let names: Vec<&str> = columns.iter().map(|(column, _)| column.as_str()).collect();
                let problem = format!(
                    "there is no column `{name}`; there are {}",
                    names.join(", ")
                );
                return Err(Error::Sql {
                    what: format!("deduplicate `{table}`"),
                    problem,
                });
            }
        }
        Ok(())
    }

    async fn plan(&self, table: &str, sql: &str) -> Result<DataFrame, Error> {
        match self.context.sql(sql).await {
            Ok(frame) => Ok(frame),
            Err(error) => Err(sql_error(table, &error, &self.columns_hint().await)),
        }
    }

    /// The tables and their columns, for errors about unknown ones.
    async fn columns_hint(&self) -> String {
        let mut hint = String::new();
        let Some(schema) = self
            .context
            .catalog("datafusion")
            .and_then(|catalog| catalog.schema("public"))
        else {
            return hint;
        };
        let mut tables = schema.table_names();
        tables.sort();
        for table in tables {
            if let Ok(columns) = self.schema(&table).await {
                let names: Vec<String> =
                    columns.into_iter().take(30).map(|(name, _)| name).collect();
                let _ = write!(hint, "; `{table}` has {}", names.join(", "));
            }
        }
        hint
    }

    /// Runs a query and gives its rows with canonical types.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] if it is wrong or fails.
    pub async fn sql(&self, query: &str) -> Result<Vec<RecordBatch>, Error> {
        let frame = self.plan("query", query).await?;
        Ok(vec![collect("query", frame, "").await?])
    }

    /// Writes a table to a Parquet file.
    ///
    /// # Errors
    ///
    /// Fails if there is no such table or the file cannot be written.
    pub async fn write_snapshot(&self, table: &str, path: &Path) -> Result<TableDigest, Error> {
        write_parquet(path, &self.rows(table).await?)
    }
}

/// A table's name as it is, never split at dots and never changed in case.
fn reference(table: &str) -> datafusion::common::TableReference {
    datafusion::common::TableReference::bare(table)
}

async fn collect(what: &str, frame: DataFrame, hint: &str) -> Result<RecordBatch, Error> {
    let schema = frame.schema().inner().clone();
    let batches = frame
        .collect()
        .await
        .map_err(|error| sql_error(what, &error, hint))?;
    // The batches' own schema tells nullability better than the plan's.
    let schema = batches.first().map_or(schema, RecordBatch::schema);
    canonical::batch(&concat_batches(&schema, &batches)?)
}

fn sql_error(what: &str, error: &datafusion::error::DataFusionError, hint: &str) -> Error {
    let problem = error.strip_backtrace();
    let is_about_names = problem.contains("No field named") || problem.contains("not found");
    let hint = if is_about_names { hint } else { "" };
    Error::Sql {
        what: format!("table `{what}`"),
        problem: format!("{problem}{hint}"),
    }
}

/// A name in double quotes for SQL.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
