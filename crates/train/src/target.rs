//! What is to be learnt: numbers, or classes by index.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use everloop_domain::{Task, Value};

use crate::Error;

/// The target of some rows.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Values, or indices of classes.
    pub(crate) values: Vec<f64>,
    /// The classes, sorted; empty for regression.
    pub(crate) classes: Vec<Value>,
}

impl Target {
    /// Reads the target of the train rows and finds its classes.
    pub(crate) fn of_train(task: Task, rows: &RecordBatch, name: &str) -> Result<Self, Error> {
        if !task.is_supervised() {
            return Self::none(rows);
        }
        let refuse = |problem: String| Error::Target {
            column: name.to_owned(),
            problem,
        };
        let values = read(rows, name, "train")?;
        if values.len() < 2 {
            return Err(refuse(format!(
                "there are {} rows to learn from, expected at least 2",
                values.len()
            )));
        }
        if !task.is_classification() {
            let values = numbers(&values, name)?;
            if values.iter().all(|value| *value == values[0]) {
                return Err(refuse(format!(
                    "all {} rows are {}: there is nothing to learn",
                    values.len(),
                    values[0]
                )));
            }
            return Ok(Self {
                values,
                classes: Vec::new(),
            });
        }
        let classes = classes(&values);
        match (task, classes.len()) {
            (_, 0 | 1) => {
                let only = classes
                    .first()
                    .map_or_else(|| "none".to_owned(), ToString::to_string);
                Err(refuse(format!(
                    "the train rows hold one class only: `{only}`"
                )))
            }
            (Task::Binary, count) if count > 2 => Err(refuse(format!(
                "a binary task has 2 classes, found {count}; say `task: multiclass`"
            ))),
            (Task::Multiclass, count) if count > 1000 => Err(refuse(format!(
                "found {count} classes, at most 1000 are learnt; is it a number? then say `task: regression`"
            ))),
            _ => Ok(Self {
                values: indices(&values, &classes),
                classes,
            }),
        }
    }

    /// Nothing is to be learnt.
    fn none(rows: &RecordBatch) -> Result<Self, Error> {
        let n_rows = rows.num_rows();
        if n_rows < 2 {
            return Err(Error::Inputs(format!(
                "there are {n_rows} rows to learn from, expected at least 2"
            )));
        }
        Ok(Self {
            values: vec![0.0; n_rows],
            classes: Vec::new(),
        })
    }

    /// What each row counts: 1, or, balanced, so much that all classes count the same in sum.
    pub(crate) fn row_weights(&self, is_balanced: bool) -> Vec<f64> {
        if !is_balanced || self.classes.is_empty() {
            return vec![1.0; self.values.len()];
        }
        let mut counts = vec![0.0; self.classes.len()];
        for class in &self.values {
            counts[*class as usize] += 1.0;
        }
        let share = self.values.len() as f64 / counts.len() as f64;
        let weight = |class: &f64| share / counts[*class as usize];
        self.values.iter().map(weight).collect()
    }

    /// Reads the target of other rows with known classes; a row of a new class is left out by its NaN.
    pub(crate) fn of_others(
        task: Task,
        rows: &RecordBatch,
        name: &str,
        classes: &[Value],
    ) -> Result<Vec<f64>, Error> {
        if !task.is_supervised() {
            return Ok(vec![0.0; rows.num_rows()]);
        }
        let values = read(rows, name, "validation")?;
        if task.is_classification() {
            Ok(indices(&values, classes))
        } else {
            numbers(&values, name)
        }
    }
}

fn read(rows: &RecordBatch, name: &str, part: &str) -> Result<Vec<Value>, Error> {
    let refuse = |problem: String| Error::Target {
        column: name.to_owned(),
        problem,
    };
    let column = rows
        .column_by_name(name)
        .ok_or_else(|| refuse(format!("the {part} rows have no such column")))?;
    (0..column.len())
        .map(|row| {
            if column.is_null(row) {
                return Err(refuse(format!(
                    "row {} of the {part} part has no value",
                    row + 1
                )));
            }
            match column.data_type() {
                DataType::Int64 => Ok(Value::Integer(
                    column.as_primitive::<Int64Type>().value(row),
                )),
                DataType::Boolean => Ok(Value::Boolean(column.as_boolean().value(row))),
                DataType::Utf8 => Ok(Value::Text(column.as_string::<i32>().value(row).to_owned())),
                DataType::Float64 => {
                    let value = column.as_primitive::<Float64Type>().value(row);
                    if value.is_finite() {
                        Ok(Value::Number(value))
                    } else {
                        Err(refuse(format!(
                            "row {} of the {part} part is {value}",
                            row + 1
                        )))
                    }
                }
                other => Err(refuse(format!(
                    "it is {other}, expected numbers, text or booleans"
                ))),
            }
        })
        .collect()
}

fn numbers(values: &[Value], name: &str) -> Result<Vec<f64>, Error> {
    let number = |(row, value): (usize, &Value)| {
        value.as_f64().ok_or_else(|| Error::Target {
            column: name.to_owned(),
            problem: format!("row {} is `{value}`, a regression needs numbers", row + 1),
        })
    };
    values.iter().enumerate().map(number).collect()
}

/// Distinct values: numbers by size, texts by bytes.
fn classes(values: &[Value]) -> Vec<Value> {
    let mut classes: Vec<Value> = Vec::new();
    let mut seen = BTreeSet::new();
    for value in values {
        if seen.insert(key(value)) {
            classes.push(value.clone());
        }
    }
    classes.sort_by(|left, right| match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.total_cmp(&right),
        _ => left.to_string().cmp(&right.to_string()),
    });
    classes
}

/// What tells values apart.
fn key(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Text(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

fn indices(values: &[Value], classes: &[Value]) -> Vec<f64> {
    let places: BTreeMap<Cow<'_, str>, usize> = classes
        .iter()
        .enumerate()
        .map(|(index, class)| (key(class), index))
        .collect();
    values
        .iter()
        .map(|value| {
            let place = places.get(&key(value));
            place.map_or(f64::NAN, |index| *index as f64)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

    use super::*;

    #[track_caller]
    fn check(task: Task, column: ArrayRef, expected: &str) {
        let rows = RecordBatch::try_from_iter_with_nullable(vec![("y", column, true)]).unwrap();
        let shown = match Target::of_train(task, &rows, "y") {
            Ok(target) => {
                let classes: Vec<String> = target.classes.iter().map(ToString::to_string).collect();
                format!("{:?} [{}]", target.values, classes.join(" "))
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn classes_are_sorted() {
        check(
            Task::Multiclass,
            Arc::new(Int64Array::from(vec![10, 9, 2])),
            "[2.0, 1.0, 0.0] [2 9 10]",
        );
        check(
            Task::Binary,
            Arc::new(StringArray::from(vec!["b", "a"])),
            "[1.0, 0.0] [a b]",
        );
        check(
            Task::Regression,
            Arc::new(Int64Array::from(vec![1, 2])),
            "[1.0, 2.0] []",
        );
    }

    #[test]
    fn balanced_classes_count_the_same() {
        let column: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a", "a"]));
        let rows = RecordBatch::try_from_iter(vec![("y", column)]).unwrap();
        let target = Target::of_train(Task::Binary, &rows, "y").unwrap();
        assert_eq!(
            target.row_weights(true),
            [2.0 / 3.0, 2.0, 2.0 / 3.0, 2.0 / 3.0]
        );
        assert_eq!(target.row_weights(false), [1.0; 4]);
    }

    #[test]
    fn what_cannot_be_learnt_is_said() {
        check(
            Task::Regression,
            Arc::new(Float64Array::from(vec![1.0, f64::NAN])),
            "target `y`: row 2 of the train part is NaN",
        );
        check(
            Task::Regression,
            Arc::new(Float64Array::from(vec![Some(1.0), None])),
            "target `y`: row 2 of the train part has no value",
        );
        check(
            Task::Regression,
            Arc::new(Float64Array::from(vec![3.0, 3.0])),
            "target `y`: all 2 rows are 3: there is nothing to learn",
        );
        check(
            Task::Regression,
            Arc::new(StringArray::from(vec!["1", "x"])),
            "target `y`: row 1 is `1`, a regression needs numbers",
        );
        check(
            Task::Binary,
            Arc::new(Int64Array::from(vec![1, 1])),
            "target `y`: the train rows hold one class only: `1`",
        );
        check(
            Task::Binary,
            Arc::new(Int64Array::from(vec![1, 2, 3])),
            "target `y`: a binary task has 2 classes, found 3; say `task: multiclass`",
        );
        check(
            Task::Regression,
            Arc::new(Int64Array::from(vec![1])),
            "target `y`: there are 1 rows to learn from, expected at least 2",
        );
    }
}
