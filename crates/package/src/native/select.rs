//! Operators that pick elements.

use arrow::array::StringArray;

use crate::native::elementwise::{Index, places};
use crate::native::tensor::{Data, Problem, Shape, Tensor};

/// The second tensor where the condition holds, the third elsewhere.
pub(super) fn choose(condition: &Tensor, yes: &Tensor, no: &Tensor) -> Result<Tensor, Problem> {
    let Data::Bool(holds) = &condition.data else {
        return Err(format!(
            "its condition is {} instead of bool",
            condition.data.type_name()
        ));
    };
    let shape = condition.shape.broadcast(yes.shape)?.broadcast(no.shape)?;
    let chooser = Chooser {
        shape,
        holds,
        indices: [condition.shape, yes.shape, no.shape].map(Index::new),
    };
    Ok(match (&yes.data, &no.data) {
        (Data::F64(yes), Data::F64(no)) => Tensor::new(chooser.pick(yes, no), shape),
        (Data::F32(yes), Data::F32(no)) => Tensor::new(chooser.pick(yes, no), shape),
        (Data::I64(yes), Data::I64(no)) => Tensor::new(chooser.pick(yes, no), shape),
        (Data::Text(yes), Data::Text(no)) => {
            let [at_condition, at_yes, at_no] = chooser.indices;
            let picked = places(shape).map(|(row, column)| {
                let holds = holds[at_condition.of(row, column)] != 0;
                Some(if holds {
                    yes.value(at_yes.of(row, column))
                } else {
                    no.value(at_no.of(row, column))
                })
            });
            Tensor::from_text(picked.collect::<StringArray>(), shape)
        }
        (yes, no) => {
            return Err(format!(
                "it is not supported for {} and {}",
                yes.type_name(),
                no.type_name()
            ));
        }
    })
}

struct Chooser<'a> {
    shape: Shape,
    holds: &'a [u8],
    indices: [Index; 3],
}

impl Chooser<'_> {
    fn pick<T: Copy>(&self, yes: &[T], no: &[T]) -> Vec<T> {
        let [at_condition, at_yes, at_no] = self.indices;
        places(self.shape)
            .map(|(row, column)| {
                let holds = self.holds[at_condition.of(row, column)] != 0;
                if holds {
                    yes[at_yes.of(row, column)]
                } else {
                    no[at_no.of(row, column)]
                }
            })
            .collect()
    }
}

/// Elements of a vector by index, columns of a matrix, or its rows.
pub(super) fn gather(table: &Tensor, indices: &Tensor, axis: i64) -> Result<Tensor, Problem> {
    let Data::I64(positions) = &indices.data else {
        return Err(format!(
            "its indices are {} instead of int64",
            indices.data.type_name()
        ));
    };
    let (n_rows, n) = (table.shape.n_rows, table.shape.n_columns);
    let of_rows = table.shape.rank == 2 && matches!(axis, 0 | -2);
    let positions: Vec<usize> = positions
        .iter()
        .map(|&position| resolve(position, if of_rows { n_rows } else { n }))
        .collect::<Result<_, _>>()?;
    match (table.shape.rank, axis) {
        (1, 0 | -1) => Ok(take(&table.data, &positions, indices.shape)),
        (2, 1 | -1) if indices.shape.rank == 0 => {
            let column: Vec<usize> = positions
                .iter()
                .flat_map(|column| (0..table.shape.n_rows).map(move |row| row * n + column))
                .collect();
            Ok(take(
                &table.data,
                &column,
                Shape::vector(table.shape.n_rows),
            ))
        }
        (2, 1 | -1) if indices.shape.rank == 1 => {
            let shape = Shape::matrix(n_rows, positions.len())?;
            let places =
                (0..n_rows).flat_map(|row| positions.iter().map(move |column| row * n + column));
            Ok(take(&table.data, &places.collect::<Vec<_>>(), shape))
        }
        (2, 0 | -2) if indices.shape.rank == 1 => {
            let shape = Shape::matrix(positions.len(), n)?;
            if let Data::F64(values) = &table.data {
                let rows = positions.iter().map(|row| &values[row * n..(row + 1) * n]);
                return Ok(Tensor::new(rows.collect::<Vec<_>>().concat(), shape));
            }
            let places = positions
                .iter()
                .flat_map(|row| (0..n).map(move |column| row * n + column));
            Ok(take(&table.data, &places.collect::<Vec<_>>(), shape))
        }
        _ => Err(format!(
            "it is not supported for shapes {} and {} along axis {axis}",
            table.shape, indices.shape
        )),
    }
}

/// A position counted from the end if it is negative.
fn resolve(position: i64, n: usize) -> Result<usize, Problem> {
    let resolved = if position < 0 {
        position.saturating_add(n as i64)
    } else {
        position
    };
    usize::try_from(resolved)
        .ok()
        .filter(|&index| index < n)
        .ok_or_else(|| format!("index {position} is outside of {n} elements"))
}

/// The elements at positions that are inside.
fn take(data: &Data, positions: &[usize], shape: Shape) -> Tensor {
    match data {
        Data::F64(values) => Tensor::new(
            positions.iter().map(|&at| values[at]).collect::<Vec<_>>(),
            shape,
        ),
        Data::F32(values) => Tensor::new(
            positions.iter().map(|&at| values[at]).collect::<Vec<_>>(),
            shape,
        ),
        Data::I64(values) => Tensor::new(
            positions.iter().map(|&at| values[at]).collect::<Vec<_>>(),
            shape,
        ),
        Data::I32(values) => {
            let taken: Vec<i32> = positions.iter().map(|&at| values[at]).collect();
            Tensor::new(Data::I32(taken.into()), shape)
        }
        Data::U8(values) => {
            let taken: Vec<u8> = positions.iter().map(|&at| values[at]).collect();
            Tensor::new(Data::U8(taken.into()), shape)
        }
        Data::Bool(values) => Tensor::new(
            positions.iter().map(|&at| values[at]).collect::<Vec<_>>(),
            shape,
        ),
        Data::Text(values) => {
            let texts = positions.iter().map(|&at| Some(values.value(at)));
            Tensor::from_text(texts.collect::<StringArray>(), shape)
        }
    }
}

/// The position of the largest element of each row; the first of equal ones.
pub(super) fn arg_max(tensor: &Tensor) -> Result<Tensor, Problem> {
    let Data::F64(values) = &tensor.data else {
        return Err(format!(
            "it is not supported for {}",
            tensor.data.type_name()
        ));
    };
    if tensor.shape.rank != 2 || tensor.shape.n_columns == 0 {
        return Err(format!("it is not supported for shape {}", tensor.shape));
    }
    let rows = values.chunks_exact(tensor.shape.n_columns);
    let positions: Vec<i64> = rows
        .map(|row| {
            let mut best = 0;
            for (at, value) in row.iter().enumerate() {
                if *value > row[best] {
                    best = at;
                }
            }
            best as i64
        })
        .collect();
    Ok(Tensor::new(positions, Shape::vector(tensor.shape.n_rows)))
}
