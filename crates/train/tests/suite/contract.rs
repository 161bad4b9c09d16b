//! What every trainer keeps, for every task that it suits.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, Float64Array, RecordBatch, StringArray};
use everloop_domain::{Task, Value};
use everloop_package::native::NativeModel;
use everloop_package::{NewPackage, Scorer as _};
use everloop_train::{Error, Fitted};

use crate::rows::{Case, all_cases, made_up, numbers, texts, with_column};

/// What is wrong, or nothing.
type Check = fn(&Case) -> Result<(), String>;

#[track_caller]
fn for_all(check: Check) {
    let failures: Vec<String> = all_cases()
        .iter()
        .filter_map(|case| {
            let failure = check(case).err()?;
            Some(format!("{} ({}): {failure}", case.trainer, case.task))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn fitted(case: &Case) -> Result<Fitted, String> {
    case.fit(&made_up(400, 1), &made_up(80, 2))
        .map_err(|error| chain(&error))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn refusal(case: &Case, train: &RecordBatch) -> Result<Error, String> {
    match case.fit(train, &made_up(80, 2)) {
        Ok(_) => Err("it was fitted".to_owned()),
        Err(error) => Ok(error),
    }
}

fn expect(error: &Error, needle: &str) -> Result<(), String> {
    let text = error.to_string();
    if text.contains(needle) {
        Ok(())
    } else {
        Err(format!("`{text}` lacks `{needle}`"))
    }
}

/// Rows that training never saw, with missing values and new categories.
fn fresh() -> RecordBatch {
    let rows = made_up(300, 3);
    let colors: StringArray = texts(&rows, "color")
        .into_iter()
        .enumerate()
        .map(|(row, text)| Some(if row % 7 == 0 { "new".to_owned() } else { text }))
        .collect();
    with_column(&rows, "color", Arc::new(colors))
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    for_all(|case| {
        let bytes =
            |n_threads| Ok::<_, String>(fitted(&case.clone().threads(n_threads))?.graph.to_bytes());
        let one = bytes(1)?;
        if one != bytes(1)? {
            return Err("a second fit differs".to_owned());
        }
        if one != bytes(2)? || one != bytes(3)? {
            return Err("the number of threads matters".to_owned());
        }
        Ok(())
    });
}

#[test]
fn the_graph_repeats_the_trainer() {
    for_all(|case| {
        let fitted = fitted(case)?;
        let rows = fresh();
        let model = NativeModel::new(&fitted.graph).map_err(|error| chain(&error))?;
        let inputs = model
            .signature()
            .conform(&rows)
            .map_err(|error| chain(&error))?;
        let from_graph = model.score(&inputs).map_err(|error| chain(&error))?;
        let own = fitted.predict(&rows).map_err(|error| chain(&error))?;
        if from_graph.schema().fields().len() != own.schema().fields().len() {
            return Err("other columns".to_owned());
        }
        for (field, column) in own.schema().fields().iter().zip(own.columns()) {
            let name = field.name();
            let same = if column.data_type().is_floating() {
                let (left, right) = (numbers(&own, name), numbers(&from_graph, name));
                left.iter()
                    .zip(&right)
                    .all(|(left, right)| (left - right).abs() <= 1e-6 * left.abs().max(1.0))
            } else {
                texts(&own, name) == texts(&from_graph, name)
            };
            if !same {
                return Err(format!("column `{name}` differs"));
            }
        }
        Ok(())
    });
}

#[test]
fn a_package_is_written_with_parity() {
    for_all(|case| {
        let fitted = fitted(case)?;
        let rows = fresh();
        let inputs = fitted
            .graph
            .signature()
            .conform(&rows)
            .map_err(|error| chain(&error))?;
        let expected = fitted.predict(&rows).map_err(|error| chain(&error))?;
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let new = NewPackage {
            graph: &fitted.graph,
            task: case.task,
            classes: &fitted.classes,
            name: "test",
            input_example: &inputs.slice(0, 3),
            metadata: std::collections::BTreeMap::new(),
        };
        let written = everloop_package::write(&dir.path().join("model"), &new, &inputs, &expected)
            .map_err(|error| chain(&error))?;
        if written.parity.n_rows == 300 && written.parity.max_difference <= 1e-6 {
            Ok(())
        } else {
            Err(format!("{:?}", written.parity))
        }
    });
}

#[test]
fn it_learns() {
    for_all(|case| {
        // The bar itself, and what has no truth to learn.
        if case.trainer == "baseline" || !case.task.is_supervised() {
            return Ok(());
        }
        let fitted = case
            .fit(&made_up(2000, 1), &made_up(80, 2))
            .map_err(|error| chain(&error))?;
        let rows = made_up(500, 9);
        let own = fitted.predict(&rows).map_err(|error| chain(&error))?;
        if case.task == Task::Regression {
            let truth = numbers(&rows, "amount");
            let mean = truth.iter().sum::<f64>() / 500.0;
            let square = |values: &[f64]| -> f64 {
                let pairs = values.iter().zip(&truth);
                pairs.map(|(value, truth)| (value - truth).powi(2)).sum()
            };
            let r2 = 1.0 - square(&numbers(&own, "prediction")) / square(&[mean; 500]);
            return if r2 > 0.8 {
                Ok(())
            } else {
                Err(format!("r2 {r2}"))
            };
        }
        let truth = texts(&rows, &case.target);
        let predicted = texts(&own, "prediction");
        let hits = truth
            .iter()
            .zip(&predicted)
            .filter(|(truth, own)| truth == own)
            .count();
        // `size` and what is computed from it are not independent of each other.
        let least = if case.trainer == "naive_bayes" {
            400
        } else {
            420
        };
        if hits > least {
            Ok(())
        } else {
            Err(format!("{hits} of 500"))
        }
    });
}

#[test]
fn a_missing_target_is_refused_by_row() {
    for_all(|case| {
        if !case.task.is_supervised() {
            return Ok(());
        }
        let rows = made_up(400, 1);
        let column: ArrayRef = if case.task == Task::Regression {
            let mut values = numbers(&rows, &case.target);
            values[6] = f64::NAN;
            Arc::new(Float64Array::from(values))
        } else {
            let values = texts(&rows, &case.target).into_iter().enumerate();
            Arc::new(
                values
                    .map(|(row, text)| (row != 6).then_some(text))
                    .collect::<StringArray>(),
            )
        };
        let error = refusal(case, &with_column(&rows, &case.target, column))?;
        expect(&error, "row 7")
    });
}

#[test]
fn a_target_without_difference_is_refused() {
    for_all(|case| {
        if !case.task.is_supervised() {
            return Ok(());
        }
        let rows = made_up(50, 1);
        let (column, needle): (ArrayRef, _) = if case.task == Task::Regression {
            (
                Arc::new(Float64Array::from(vec![3.0; 50])),
                "nothing to learn",
            )
        } else {
            (
                Arc::new(StringArray::from(vec!["a"; 50])),
                "one class only: `a`",
            )
        };
        let error = refusal(case, &with_column(&rows, &case.target, column))?;
        expect(&error, needle)
    });
}

#[test]
fn a_bad_parameter_is_named() {
    for_all(|case| {
        let error = refusal(&case.clone().with("tree", 3), &made_up(50, 1))?;
        expect(&error, "`tree`")?;
        let info = everloop_train::trainers()
            .find(|info| info.name == case.trainer)
            .ok_or("unknown")?;
        for parameter in info.parameters {
            let mut wrong = case.clone();
            wrong.parameters.insert(
                parameter.name.to_owned(),
                Value::Text("?".to_owned()).into(),
            );
            let error = refusal(&wrong, &made_up(50, 1))?;
            expect(&error, &format!("`{}`", parameter.name))?;
        }
        Ok(())
    });
}

#[test]
fn progress_is_told_and_can_cancel() {
    for_all(|case| {
        let (train, validation) = (made_up(400, 1), made_up(80, 2));
        let mut told = Vec::new();
        case.fit_watched(&train, &validation, &mut |progress| {
            told.push(progress.step);
            ControlFlow::Continue(())
        })
        .map_err(|error| chain(&error))?;
        if told.is_empty() || !told.is_sorted() {
            return Err(format!("told {told:?}"));
        }
        match case.fit_watched(&train, &validation, &mut |_| ControlFlow::Break(())) {
            Err(Error::Cancelled { .. }) => Ok(()),
            other => Err(format!(
                "not cancelled: {:?}",
                other.map(|fitted| fitted.notes)
            )),
        }
    });
}

#[test]
fn importances_are_shares_of_the_encoded_columns() {
    for_all(|case| {
        let importances = fitted(case)?.importances;
        let sum: f64 = importances.iter().map(|(_, share)| share).sum();
        let is_sorted = importances.is_sorted_by(|left, right| left.1 >= right.1);
        // Without a target any column may matter.
        let is_size = importances[0].0.starts_with("size") || !case.task.is_supervised();
        if (sum - 1.0).abs() < 1e-9 && is_sorted && is_size {
            Ok(())
        } else {
            Err(format!("{importances:?}"))
        }
    });
}

/// A column that cannot be learnt from is left out with a note, whoever learns.
#[test]
fn columns_without_content_are_left_out_with_a_note() {
    for_all(|case| {
        let rows = made_up(60, 1);
        let columns: [(&str, ArrayRef, &str); 3] = [
            (
                "constant",
                Arc::new(Float64Array::from(vec![2.5; 60])),
                "all its values are 2.5",
            ),
            (
                "empty",
                Arc::new(Float64Array::from(vec![None; 60])),
                "all its values are missing",
            ),
            (
                "blank",
                Arc::new(StringArray::from(vec![None::<&str>; 60])),
                "all its values are missing",
            ),
        ];
        for (name, column, why) in columns {
            let rows = with_column(&rows, name, column);
            let mut own = case.clone();
            own.columns.push(name.to_owned());
            let fitted = own
                .fit(&rows, &rows.slice(0, 5))
                .map_err(|error| chain(&error))?;
            let note = format!("column `{name}` is left out: {why}");
            if !fitted.notes.contains(&note) {
                return Err(format!("{:?} lacks `{note}`", fitted.notes));
            }
        }
        Ok(())
    });
}

#[test]
fn a_single_validation_row_is_enough() {
    for_all(|case| {
        let rows = made_up(60, 1);
        let fitted = case
            .fit(&rows, &rows.slice(7, 1))
            .map_err(|error| chain(&error))?;
        let own = fitted
            .predict(&rows.slice(7, 1))
            .map_err(|error| chain(&error))?;
        if own.num_rows() == 1 {
            Ok(())
        } else {
            Err(format!("{} rows", own.num_rows()))
        }
    });
}

#[test]
fn a_single_train_row_is_refused() {
    for_all(|case| expect(&refusal(case, &made_up(1, 1))?, "1 rows to learn from"));
}

#[test]
fn an_infinite_target_is_refused_by_row() {
    for_all(|case| {
        if case.task != Task::Regression {
            return Ok(());
        }
        let rows = made_up(50, 1);
        let mut values = numbers(&rows, &case.target);
        values[3] = f64::INFINITY;
        let column: ArrayRef = Arc::new(Float64Array::from(values));
        let error = refusal(case, &with_column(&rows, &case.target, column))?;
        expect(&error, "row 4 of the train part is inf")
    });
}

#[test]
fn a_column_that_is_named_twice_is_refused() {
    for_all(|case| {
        let mut twice = case.clone();
        twice.columns.push("size".to_owned());
        expect(
            &refusal(&twice, &made_up(50, 1))?,
            "two inputs are named `size`",
        )
    });
}

#[test]
fn thousands_of_categories_are_cut_with_a_note() {
    for_all(|case| {
        let texts: StringArray = (0..2000_u32)
            .map(|row| Some(format!("c{}", if row % 2 == 0 { row % 20 } else { row })))
            .collect();
        let rows = with_column(&made_up(2000, 1), "extra", Arc::new(texts));
        let mut own = case.clone();
        own.columns.push("extra".to_owned());
        let fitted = own
            .fit(&rows, &rows.slice(0, 5))
            .map_err(|error| chain(&error))?;
        if fitted
            .notes
            .iter()
            .any(|note| note.contains("1010 categories"))
        {
            Ok(())
        } else {
            Err(format!("{:?}", fitted.notes))
        }
    });
}

#[test]
fn more_memory_than_allowed_is_refused_before_it_is_used() {
    for_all(|case| {
        let mut small = case.clone();
        small.memory_bytes = 1000;
        let error = refusal(&small, &made_up(50, 1))?;
        expect(&error, "at most 1 MiB may be used")
    });
}
