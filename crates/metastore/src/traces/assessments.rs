//! Assessments: what people, judges and programs say of a trace, and what they expect of it.

use std::collections::BTreeMap;

use everloop_domain::Timestamp;
use serde_json::Value as Json;

use super::{SESSION_KEY, Traces};
use crate::Error;
use crate::session::{Row, values};
use crate::values::{json, moment, parse, to_json};

/// What an assessment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssessmentKind {
    /// What somebody thinks of the response.
    Feedback,
    /// What the response should be.
    Expectation,
    /// That a trace shows a known issue, whose id is the name.
    Issue,
}

impl AssessmentKind {
    /// The stored and spoken form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feedback => "feedback",
            Self::Expectation => "expectation",
            Self::Issue => "issue",
        }
    }
}

impl std::str::FromStr for AssessmentKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Feedback, Self::Expectation, Self::Issue];
        let found = all.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is no kind of assessment"))
    }
}

/// An assessment of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Its id: `a-` and 32 hex digits.
    pub id: String,
    /// The id of the trace.
    pub trace: String,
    /// What it is.
    pub kind: AssessmentKind,
    /// Its name.
    pub name: String,
    /// Its value: any JSON.
    pub value: Json,
    /// Why there is no value: an object, or null.
    pub error: Json,
    /// Who says so: `HUMAN`, `LLM_JUDGE`, `CODE`.
    pub source_type: String,
    /// Their name.
    pub source_id: String,
    /// The span that is meant, if not the whole trace.
    pub span: Option<String>,
    /// The reasons.
    pub rationale: Option<String>,
    /// What else is said; with a session it speaks of all traces of that.
    pub metadata: BTreeMap<String, String>,
    /// The id of the assessment that it replaces.
    pub overrides: Option<String>,
    /// Whether no other has replaced it.
    pub is_valid: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl Assessment {
    /// The value as the text that searches compare.
    fn text(&self) -> String {
        match &self.value {
            Json::String(text) => text.clone(),
            other => to_json(other),
        }
    }
}

const COLUMNS: &str = "id, trace, kind, name, value, error, source_type, source_id, span, rationale, metadata, overrides, is_valid, created_at, updated_at";

fn read(row: &Row<'_>) -> Result<Assessment, Error> {
    const TABLE: &str = "assessments";
    let id: String = row.get(0)?;
    let error: Option<String> = row.get(5)?;
    Ok(Assessment {
        trace: row.get(1)?,
        kind: parse(&row.get::<String>(2)?, TABLE, "kind", &id)?,
        name: row.get(3)?,
        value: json(&row.get::<String>(4)?, TABLE, "value", &id)?,
        error: match error {
            None => Json::Null,
            Some(error) => json(&error, TABLE, "error", &id)?,
        },
        source_type: row.get(6)?,
        source_id: row.get(7)?,
        span: row.get(8)?,
        rationale: row.get(9)?,
        metadata: json(&row.get::<String>(10)?, TABLE, "metadata", &id)?,
        overrides: row.get(11)?,
        is_valid: row.get(12)?,
        created_at: moment(row.get(13)?),
        updated_at: moment(row.get(14)?),
        id,
    })
}

impl Traces<'_> {
    /// Adds an assessment. One that it replaces is no longer valid.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such trace, or none of the id that it replaces; [`Error::AlreadyExists`] if the id
    /// is taken.
    pub fn assess(&self, assessment: &Assessment) -> Result<(), Error> {
        self.require(&assessment.trace)?;
        let taken = "select count(*) from assessments where id = $1";
        if self.0.value::<i64>(taken, &values![assessment.id])? > 0 {
            return Err(Error::AlreadyExists {
                what: "assessment",
                name: assessment.id.clone(),
            });
        }
        if let Some(replaced) = &assessment.overrides {
            let sql = "update assessments set is_valid = 0 where trace = $1 and id = $2";
            if self.0.execute(sql, &values![assessment.trace, replaced])? == 0 {
                return Err(Error::not_found("assessment", replaced));
            }
        }
        self.put_assessment(assessment)
    }

    /// Writes an assessment; one of the same id and trace is replaced.
    pub(super) fn put_assessment(&self, assessment: &Assessment) -> Result<(), Error> {
        let error = (!assessment.error.is_null()).then(|| to_json(&assessment.error));
        let session = assessment.metadata.get(SESSION_KEY);
        let sql = "insert into assessments (id, trace, kind, name, value, value_text, value_number, error, source_type, source_id, \
             span, rationale, metadata, session, overrides, is_valid, created_at, updated_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) \
             on conflict (id) do update set name = excluded.name, value = excluded.value, value_text = excluded.value_text, \
             value_number = excluded.value_number, error = excluded.error, rationale = excluded.rationale, \
             metadata = excluded.metadata, session = excluded.session, updated_at = excluded.updated_at \
             where assessments.trace = excluded.trace";
        self.0.execute(
            sql,
            &values![
                assessment.id,
                assessment.trace,
                assessment.kind.as_str(),
                assessment.name,
                to_json(&assessment.value),
                assessment.text(),
                assessment.value.as_f64(),
                error,
                assessment.source_type,
                assessment.source_id,
                assessment.span,
                assessment.rationale,
                to_json(&assessment.metadata),
                session,
                assessment.overrides,
                assessment.is_valid,
                assessment.created_at.as_millis(),
                assessment.updated_at.as_millis(),
            ],
        )?;
        Ok(())
    }

    /// The assessment of an id, of a trace.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such trace or assessment.
    pub fn assessment(&self, trace: &str, id: &str) -> Result<Assessment, Error> {
        self.require(trace)?;
        let sql = format!("select {COLUMNS} from assessments where trace = $1 and id = $2");
        let found = self.0.find(&sql, &values![trace, id], read)?;
        found.ok_or_else(|| Error::not_found("assessment", id))
    }

    /// Changes an assessment, and gives what it is now.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such trace or assessment; otherwise whatever the change says.
    pub fn reassess(
        &self,
        trace: &str,
        id: &str,
        change: impl FnOnce(&mut Assessment) -> Result<(), Error>,
    ) -> Result<Assessment, Error> {
        let mut assessment = self.assessment(trace, id)?;
        change(&mut assessment)?;
        self.put_assessment(&assessment)?;
        Ok(assessment)
    }

    /// Removes an assessment; the one that it had replaced is valid again. Without it nothing happens.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such trace.
    pub fn delete_assessment(&self, trace: &str, id: &str) -> Result<(), Error> {
        self.require(trace)?;
        let sql = "delete from assessments where trace = $1 and id = $2 returning overrides";
        let gone: Vec<Option<String>> = self.0.query(sql, &values![trace, id], |row| row.get(0))?;
        if let Some(replaced) = gone.into_iter().flatten().next() {
            let sql = "update assessments set is_valid = 1 where trace = $1 and id = $2";
            self.0.execute(sql, &values![trace, replaced])?;
        }
        Ok(())
    }

    /// The assessments of some traces, whose ids are a JSON list, oldest first.
    pub(super) fn assessments_of(
        &self,
        ids: &str,
    ) -> Result<BTreeMap<String, Vec<Assessment>>, Error> {
        let among = self.0.dialect().texts_of("$1");
        let sql = format!(
            "select {COLUMNS} from assessments where trace in ({among}) order by created_at, id"
        );
        let mut by_trace: BTreeMap<String, Vec<Assessment>> = BTreeMap::new();
        for found in self.0.query(&sql, &values![ids], read)? {
            by_trace.entry(found.trace.clone()).or_default().push(found);
        }
        Ok(by_trace)
    }
}
