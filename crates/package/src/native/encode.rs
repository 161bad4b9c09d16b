//! Categories to numbers.

use std::collections::HashMap;
use std::hash::Hash;

use arrow::array::StringArray;

use crate::native::attributes::Attributes;
use crate::native::operation::require;
use crate::native::tensor::{Data, Problem, Shape, Tensor};

/// `ai.onnx.ml.LabelEncoder`, version 2 and 3: a table from keys to values with a default.
#[derive(Debug)]
pub(super) enum LabelEncoder {
    TextToInteger(HashMap<String, i64>, i64),
    TextToFloat(HashMap<String, f32>, f32),
    IntegerToFloat(HashMap<i64, f32>, f32),
}

impl LabelEncoder {
    pub(super) fn new(attributes: &Attributes<'_>) -> Result<Self, Problem> {
        let texts: Vec<String> = attributes
            .strings("keys_strings")?
            .into_iter()
            .map(ToOwned::to_owned)
            .collect();
        let integers = attributes.ints("keys_int64s");
        let to_integers = attributes.ints("values_int64s");
        let to_floats = attributes.floats("values_floats");
        let default_integer = attributes.int("default_int64", -1);
        let default_float = attributes.float("default_float", 0.0);
        match (
            texts.is_empty(),
            integers.is_empty(),
            to_integers.is_empty(),
            to_floats.is_empty(),
        ) {
            (false, true, false, true) => Ok(Self::TextToInteger(
                table(texts, to_integers)?,
                default_integer,
            )),
            (false, true, true, false) => {
                Ok(Self::TextToFloat(table(texts, to_floats)?, default_float))
            }
            (true, false, true, false) => Ok(Self::IntegerToFloat(
                table(integers.to_vec(), to_floats)?,
                default_float,
            )),
            _ => Err(
                "only texts to integers or floats and integers to floats are supported".to_owned(),
            ),
        }
    }

    pub(super) fn run(&self, tensor: &Tensor) -> Result<Tensor, Problem> {
        match (self, &tensor.data) {
            (Self::TextToInteger(table, default), Data::Text(texts)) => Ok(Tensor::new(
                look_up_texts(table, *default, texts),
                tensor.shape,
            )),
            (Self::TextToFloat(table, default), Data::Text(texts)) => Ok(Tensor::new(
                look_up_texts(table, *default, texts),
                tensor.shape,
            )),
            (Self::IntegerToFloat(table, default), Data::I64(integers)) => {
                let found = integers
                    .iter()
                    .map(|integer| table.get(integer).copied().unwrap_or(*default));
                Ok(Tensor::new(found.collect::<Vec<_>>(), tensor.shape))
            }
            (_, data) => Err(format!("its keys are not {}", data.type_name())),
        }
    }
}

fn look_up_texts<V: Copy>(table: &HashMap<String, V>, default: V, texts: &StringArray) -> Vec<V> {
    (0..tensor_len(texts))
        .map(|at| table.get(texts.value(at)).copied().unwrap_or(default))
        .collect()
}

fn tensor_len(texts: &StringArray) -> usize {
    use arrow::array::Array as _;
    texts.len()
}

/// The first value given for a key counts.
fn table<K: Eq + Hash, V: Copy>(keys: Vec<K>, values: &[V]) -> Result<HashMap<K, V>, Problem> {
    if keys.len() != values.len() {
        return Err(format!(
            "it has {} keys and {} values",
            keys.len(),
            values.len()
        ));
    }
    let mut table = HashMap::with_capacity(keys.len());
    for (key, value) in keys.into_iter().zip(values) {
        table.entry(key).or_insert(*value);
    }
    Ok(table)
}

/// `ai.onnx.ml.OneHotEncoder`: all zeros for unknown values.
#[derive(Debug)]
pub(super) struct OneHotEncoder {
    categories: Categories,
    n_categories: usize,
}

#[derive(Debug)]
enum Categories {
    Texts(HashMap<String, usize>),
    Integers(HashMap<i64, usize>),
}

impl OneHotEncoder {
    pub(super) fn new(attributes: &Attributes<'_>) -> Result<Self, Problem> {
        require(attributes.int("zeros", 1) == 1, "`zeros` must be 1")?;
        let texts: Vec<String> = attributes
            .strings("cats_strings")?
            .into_iter()
            .map(ToOwned::to_owned)
            .collect();
        let integers = attributes.ints("cats_int64s").to_vec();
        let n_categories = texts.len().max(integers.len());
        let positions: Vec<usize> = (0..n_categories).collect();
        let categories = match (texts.is_empty(), integers.is_empty()) {
            (false, true) => Categories::Texts(table(texts, &positions)?),
            (true, false) => Categories::Integers(table(integers, &positions)?),
            _ => return Err("it needs categories of one kind".to_owned()),
        };
        Ok(Self {
            categories,
            n_categories,
        })
    }

    pub(super) fn run(&self, tensor: &Tensor) -> Result<Tensor, Problem> {
        if tensor.shape.rank != 1 {
            return Err(format!("it is not supported for shape {}", tensor.shape));
        }
        let shape = Shape::matrix(tensor.shape.n_columns, self.n_categories)?;
        let mut results = vec![0.0_f32; shape.n_elements()];
        let rows = results.chunks_exact_mut(self.n_categories).enumerate();
        match (&self.categories, &tensor.data) {
            (Categories::Texts(table), Data::Text(texts)) => {
                rows.for_each(|(at, row)| mark(row, table.get(texts.value(at))));
            }
            (Categories::Integers(table), Data::I64(integers)) => {
                rows.for_each(|(at, row)| mark(row, table.get(&integers[at])));
            }
            (_, data) => return Err(format!("its categories are not {}", data.type_name())),
        }
        Ok(Tensor::new(results, shape))
    }
}

fn mark(row: &mut [f32], position: Option<&usize>) {
    if let Some(&position) = position {
        row[position] = 1.0;
    }
}
