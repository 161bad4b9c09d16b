//! The columns that a model sees: raw inputs and computed features, as one graph sees them.

use std::collections::BTreeMap;

use arrow::array::{Array as _, RecordBatch};
use arrow::datatypes::DataType;
use everloop_domain::expression::Expression;
use everloop_package::Kind;
use everloop_package::graph::{Column, GraphBuilder};
use everloop_package::native::Program;

use crate::{Error, FitRequest};

/// A column of the model: its name and its place in the graph.
#[derive(Clone, Debug)]
pub(crate) struct Feature {
    pub(crate) name: String,
    pub(crate) column: Column,
}

/// A graph that ends in the model's columns.
pub(crate) struct Front {
    pub(crate) builder: GraphBuilder,
    pub(crate) features: Vec<Feature>,
}

impl Front {
    /// Inputs for the raw columns that are needed, then the expressions. Whether a column may be missing is told by the
    /// train rows.
    pub(crate) fn build(request: &FitRequest<'_>, train: &RecordBatch) -> Result<Self, Error> {
        let mut builder = GraphBuilder::new();
        let mut known: BTreeMap<String, Column> = BTreeMap::new();
        let computed: Vec<&str> = request
            .features
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let used = request
            .features
            .iter()
            .flat_map(|(_, expression)| expression.names());
        let mut needed: Vec<&str> = request.columns.iter().map(String::as_str).collect();
        needed.extend(used.filter(|name| {
            !request.columns.iter().any(|column| column == name) && !computed.contains(name)
        }));
        let mut seen = std::collections::BTreeSet::new();
        for name in needed.into_iter().filter(|name| seen.insert(*name)) {
            let column = train.column_by_name(name).ok_or_else(|| {
                Error::Inputs(format!("there is no column `{name}` in the train rows"))
            })?;
            let kind = kind(name, column.data_type(), column.null_count() > 0)?;
            known.insert(name.to_owned(), builder.input(name, kind));
        }
        let mut features: Vec<Feature> = request
            .columns
            .iter()
            .map(|name| Feature {
                name: name.clone(),
                column: known[name].clone(),
            })
            .collect();
        for (name, expression) in request.features {
            let column = compile(&mut builder, name, expression, &known)?;
            known.insert(name.clone(), column.clone());
            features.push(Feature {
                name: name.clone(),
                column,
            });
        }
        Ok(Self { builder, features })
    }

    /// The values of the model's columns for some rows, computed by the graph itself.
    pub(crate) fn columns(
        request: &FitRequest<'_>,
        train: &RecordBatch,
        rows: &RecordBatch,
    ) -> Result<RecordBatch, Error> {
        let front = Self::build(request, train)?;
        let named: Vec<(String, Column)> = front
            .features
            .iter()
            .map(|feature| (feature.name.clone(), feature.column.clone()))
            .collect();
        let graph = front.builder.finish_columns(&named)?;
        let inputs = graph.signature().conform(rows)?;
        Ok(Program::compile(graph.model())?.run(&inputs)?)
    }
}

fn compile(
    builder: &mut GraphBuilder,
    name: &str,
    expression: &Expression,
    known: &BTreeMap<String, Column>,
) -> Result<Column, Error> {
    builder
        .expression(expression, known)
        .map_err(|error| Error::Inputs(format!("feature `{name}`: {error}")))
}

fn kind(name: &str, data_type: &DataType, has_missing: bool) -> Result<Kind, Error> {
    match data_type {
        DataType::Int64 | DataType::Boolean if has_missing => Ok(Kind::Number),
        DataType::Int64 => Ok(Kind::Integer),
        DataType::Boolean => Ok(Kind::Boolean),
        DataType::Float64 => Ok(Kind::Number),
        DataType::Utf8 => Ok(Kind::Text),
        other => Err(Error::Inputs(format!(
            "column `{name}` is {other}: turn it into numbers or text in `prepare`"
        ))),
    }
}
