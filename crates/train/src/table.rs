//! The columns that a model sees: raw inputs and computed features, as one graph sees them.

mod dates;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array as _, RecordBatch};
use arrow::datatypes::DataType;
use everloop_domain::expression::Expression;
use everloop_package::Kind;
use everloop_package::graph::{Column, Graph, GraphBuilder};
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
        check_names(request)?;
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
        let mut features = Vec::with_capacity(request.columns.len());
        for name in request.columns {
            let column = known[name].clone();
            if column.kind() == Kind::Timestamp {
                let is_day = train
                    .column_by_name(name)
                    .is_some_and(|column| *column.data_type() == DataType::Date32);
                features.extend(dates::parts(&mut builder, name, &column, is_day));
            } else {
                let name = name.clone();
                features.push(Feature { name, column });
            }
        }
        dates::check_names(request, &features)?;
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
}

/// The graph that ends in the model's columns, to compute them for rows.
#[derive(Debug)]
pub(crate) struct Computed {
    graph: Graph,
    names: Vec<String>,
}

impl Computed {
    /// Builds the graph; whether a column may be missing is told by the train rows.
    pub(crate) fn new(request: &FitRequest<'_>, train: &RecordBatch) -> Result<Self, Error> {
        let Front { builder, features } = Front::build(request, train)?;
        // Outputs have names of their own: no output may be named like an input, as unchanged columns would be.
        let outputs: Vec<(String, Column)> = features
            .iter()
            .enumerate()
            .map(|(index, feature)| (format!("everloop:column:{index}"), feature.column.clone()))
            .collect();
        Ok(Self {
            graph: builder.finish_columns(&outputs)?,
            names: features.into_iter().map(|feature| feature.name).collect(),
        })
    }

    /// The values of the model's columns for some rows, computed by the graph itself.
    pub(crate) fn columns(&self, rows: &RecordBatch) -> Result<RecordBatch, Error> {
        let inputs = self.graph.signature().conform(rows)?;
        let found = Program::compile(self.graph.model())?.run(&inputs)?;
        let named = self.names.iter().zip(found.columns());
        let columns = named.map(|(name, column)| (name, Arc::clone(column), true));
        Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
    }
}

/// Refuses features that are named like columns, and inputs that hold the answer.
fn check_names(request: &FitRequest<'_>) -> Result<(), Error> {
    let columns = request.columns.iter();
    let computed = request.features.iter().map(|(name, _)| name);
    if let Some(name) = repeated(columns) {
        return Err(Error::Inputs(format!(
            "two inputs are named `{name}`: rename one in `prepare`"
        )));
    }
    if let Some(name) = repeated(computed) {
        return Err(Error::Inputs(format!(
            "two features are named `{name}`: rename one"
        )));
    }
    if request
        .columns
        .iter()
        .any(|column| column == request.target)
    {
        return Err(Error::Inputs(format!(
            "the target `{}` is also an input: leave it out of the inputs",
            request.target
        )));
    }
    if let Some(weight) = request.weight {
        let uses = |(_, expression): &(String, Expression)| expression.names().contains(weight);
        if request.columns.iter().any(|column| column == weight)
            || request.features.iter().any(uses)
        {
            return Err(Error::Inputs(format!(
                "the weight `{weight}` is also an input: leave it out of inputs and features"
            )));
        }
    }
    for (name, expression) in request.features {
        if expression.names().contains(request.target) {
            return Err(Error::Inputs(format!(
                "feature `{name}` uses the target `{}`, which is unknown when predicting",
                request.target
            )));
        }
        if request.columns.contains(name) {
            return Err(Error::Inputs(format!(
                "feature `{name}` is named like a column: rename the feature"
            )));
        }
    }
    Ok(())
}

/// A name that comes again.
fn repeated<'a>(mut names: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let mut seen = std::collections::BTreeSet::new();
    names.find(|name| !seen.insert(*name))
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
        DataType::Date32 | DataType::Timestamp(..) => Ok(Kind::Timestamp),
        other => Err(Error::Inputs(format!(
            "column `{name}` is {other}: turn it into numbers or text in `prepare`"
        ))),
    }
}
