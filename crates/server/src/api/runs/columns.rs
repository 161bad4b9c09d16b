//! Which columns of runs are wanted: `status, metrics.rmse, tags`.

use std::collections::{BTreeMap, BTreeSet};

use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::{ApiError, Error, Number, RunId, RunInfo, Selected, Transaction, invalid};

/// What a run is, beside what it logged.
const ATTRIBUTES: [&str; 8] = [
    "run_id",
    "run_name",
    "experiment_id",
    "user_id",
    "status",
    "artifact_uri",
    "start_time",
    "end_time",
];

/// Columns that are wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    attributes: BTreeSet<&'static str>,
    metrics: Keys,
    params: Keys,
    tags: Keys,
}

/// Which keys of a kind are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Keys {
    None,
    Some(BTreeSet<String>),
    All,
}

impl Keys {
    fn add(&mut self, key: Option<&str>) {
        *self = match (std::mem::replace(self, Self::All), key) {
            (Self::None, Some(key)) => Self::Some([key.to_owned()].into()),
            (Self::Some(mut keys), Some(key)) => {
                keys.insert(key.to_owned());
                Self::Some(keys)
            }
            _ => Self::All,
        };
    }

    /// What is wanted of a kind; it is read only if something is.
    fn of<V>(
        &self,
        read: impl FnOnce() -> Result<BTreeMap<String, V>, Error>,
    ) -> Result<Option<BTreeMap<String, V>>, Error> {
        Ok(match self {
            Self::None => None,
            Self::All => Some(read()?),
            Self::Some(keys) => {
                let mut all = read()?;
                all.retain(|key, _| keys.contains(key));
                Some(all)
            }
        })
    }
}

impl Columns {
    /// Reads `select`; without it everything is wanted.
    pub(super) fn read(select: Option<&str>) -> Result<Self, ApiError> {
        let Some(select) = select else {
            return Ok(Self::new(ATTRIBUTES.into(), &Keys::All));
        };
        let mut columns = Self::new(BTreeSet::new(), &Keys::None);
        for column in select.split(',') {
            columns.add(column.trim())?;
        }
        Ok(columns)
    }

    fn new(attributes: BTreeSet<&'static str>, logged: &Keys) -> Self {
        Self {
            attributes,
            metrics: logged.clone(),
            params: logged.clone(),
            tags: logged.clone(),
        }
    }

    fn add(&mut self, column: &str) -> Result<(), ApiError> {
        // As in filters, a key with odd letters may be quoted.
        let name = column.replace(['`', '"'], "");
        let (kind, key) = match name.split_once('.') {
            Some((kind, key)) => (kind, Some(key)),
            None => (name.as_str(), None),
        };
        match (kind, key) {
            ("metrics", key) => self.metrics.add(key),
            ("params", key) => self.params.add(key),
            ("tags", key) => self.tags.add(key),
            (kind, None) => match ATTRIBUTES.iter().find(|one| **one == kind) {
                Some(attribute) => {
                    self.attributes.insert(attribute);
                }
                None => return Err(unknown(column)),
            },
            _ => return Err(unknown(column)),
        }
        Ok(())
    }

    /// A run in these columns.
    pub(super) fn of(&self, tx: &Transaction<'_>, info: RunInfo) -> Result<Selected, Error> {
        let id: &RunId = &info.id;
        let if_wanted = |name: &str, text: String| self.attributes.contains(name).then_some(text);
        let metrics = || {
            let latest = tx.runs().latest_metrics(id)?.into_iter();
            Ok(latest
                .map(|metric| (metric.key, Number(metric.value)))
                .collect())
        };
        Ok(Selected {
            metrics: self.metrics.of(metrics)?,
            params: self.params.of(|| tx.runs().params(id))?,
            tags: self.tags.of(|| tx.runs().tags(id))?,
            run_id: id.to_string(),
            experiment_id: if_wanted("experiment_id", info.experiment.to_string()),
            run_name: if_wanted("run_name", info.name),
            user_id: if_wanted("user_id", info.user),
            status: (self.attributes.contains("status")).then(|| info.status.into()),
            artifact_uri: if_wanted("artifact_uri", info.artifact_uri),
            start_time: if_wanted("start_time", info.start_time.to_string()),
            end_time: info
                .end_time
                .and_then(|end| if_wanted("end_time", end.to_string())),
        })
    }
}

fn unknown(column: &str) -> ApiError {
    invalid(format!(
        "there is no column `{column}`: choose from `{}`, `metrics`, `params`, `tags` and `metrics.<key>`, `params.<key>`, \
         `tags.<key>`",
        ATTRIBUTES.join("`, `")
    ))
}

/// The parameter `select`.
pub(super) fn schema() -> Object {
    let one = format!(
        "({}|(metrics|params|tags)(\\.[^,`\"]+)?)",
        ATTRIBUTES.join("|")
    );
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(format!("^{one}(, ?{one})*$")))
        .description(Some(
            "Which columns, with commas between them: names as in filters (`status`, `metrics.rmse`, `params.depth`, `tags.team`), and \
             `metrics`, `params`, `tags` for all of a kind. Everything if absent; `run_id` always comes.",
        ))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(keys: &[&str]) -> Keys {
        Keys::Some(keys.iter().map(|key| (*key).to_owned()).collect())
    }

    #[test]
    fn columns_are_attributes_kinds_and_keys() {
        let columns = Columns::read(Some("status, metrics.`a b`,metrics.c, tags.x, tags")).unwrap();
        assert_eq!(columns.attributes, ["status"].into());
        assert_eq!(columns.metrics, some(&["a b", "c"]));
        assert_eq!((columns.params, columns.tags), (Keys::None, Keys::All));
        let all = Columns::read(None).unwrap();
        assert_eq!((all.attributes.len(), all.params), (8, Keys::All));
    }

    #[test]
    fn a_key_may_have_dots() {
        let columns = Columns::read(Some("tags.mlflow.runName")).unwrap();
        assert_eq!(columns.tags, some(&["mlflow.runName"]));
    }

    #[test]
    fn what_is_no_column_is_named() {
        for column in ["colour", "status.x", "metric.a", ""] {
            let refused = Columns::read(Some(column)).unwrap_err();
            assert!(
                refused.message().contains(&format!("`{column}`")),
                "{column}"
            );
        }
    }
}
