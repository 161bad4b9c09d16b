//! Orders: `metrics.rmse DESC`.

use everloop_metastore::search::{Order, Subject};

use super::resource::Resource;
use crate::mlflow::error::MlflowError;
use crate::mlflow::parameters::Parameters;

/// By how much one may order: databases know a limit, too.
const MAX_CLAUSES: usize = 100;

/// Reads the clauses of `order_by`.
pub(in crate::mlflow) fn order(
    resource: Resource,
    clauses: &[String],
) -> Result<Vec<Order>, MlflowError> {
    if clauses.len() > MAX_CLAUSES {
        return Err(MlflowError::invalid(format!(
            "order_by has more than {MAX_CLAUSES} clauses"
        )));
    }
    clauses.iter().map(|clause| one(resource, clause)).collect()
}

fn one(resource: Resource, clause: &str) -> Result<Order, MlflowError> {
    let text = clause.trim();
    let (name, is_descending) = match text.rsplit_once(char::is_whitespace) {
        Some((name, word)) if word.eq_ignore_ascii_case("desc") => (name, true),
        Some((name, word)) if word.eq_ignore_ascii_case("asc") => (name, false),
        // A name with a space in it must be quoted, so what follows a space is a bad direction.
        Some(_) if !text.ends_with(['`', '"']) => {
            return Err(MlflowError::invalid(format!(
                "Invalid ordering key in order_by clause '{clause}'."
            )));
        }
        _ => (text, false),
    };
    let name = name.trim().replace(['`', '"'], "");
    if name.is_empty() {
        return Err(MlflowError::invalid(format!(
            "Invalid order_by clause '{clause}'. Could not be parsed."
        )));
    }
    let subject = resource.subject(&name)?;
    refuse(resource, &subject)?;
    Ok(Order {
        subject,
        is_descending,
    })
}

/// Reads the objects of a logged-model search: `{"field_name": "metrics.rmse", "ascending": false}`.
pub(in crate::mlflow) fn fields(list: &[Parameters]) -> Result<Vec<Order>, MlflowError> {
    let one = |fields: &Parameters| {
        let name = fields.required("field_name")?;
        Ok(Order {
            subject: Resource::LoggedModels.subject(&name)?,
            is_descending: !fields.boolean("ascending", true)?,
        })
    };
    list.iter().map(one).collect()
}

fn refuse(resource: Resource, subject: &Subject) -> Result<(), MlflowError> {
    let entity = match subject {
        Subject::Tag(_) if !matches!(resource, Resource::Runs | Resource::Traces) => "tag",
        Subject::Dataset(_) => "dataset",
        Subject::Span(_) | Subject::SpanAttribute(_) => "span",
        Subject::Assessment(kind, _) => kind.as_str(),
        _ => return Ok(()),
    };
    Err(MlflowError::invalid(format!(
        "Invalid order_by entity: {entity}"
    )))
}
