//! `TopK` without its values: the places of the smallest elements of each row.

use crate::native::tensor::{Data, Problem, Shape, Tensor};

/// The places of the smallest `k` elements of each row, smallest first; of equal ones the first. NaN is greatest.
pub(super) fn smallest(tensor: &Tensor, k: &Tensor) -> Result<Tensor, Problem> {
    let Data::I64(k) = &k.data else {
        return Err("its k is no whole number".to_owned());
    };
    let n_columns = tensor.shape.n_columns;
    let k = match k.as_ref() {
        [k] => usize::try_from(*k).ok().filter(|k| *k <= n_columns),
        _ => None,
    };
    let (Some(k), 2) = (k, tensor.shape.rank) else {
        return Err(format!("its k does not suit shape {}", tensor.shape));
    };
    let shape = Shape::matrix(tensor.shape.n_rows, k)?;
    let places = match &tensor.data {
        Data::F32(values) => of_rows(values, n_columns, k),
        Data::F64(values) => of_rows(values, n_columns, k),
        other => return Err(format!("it is not supported for {}", other.type_name())),
    };
    Ok(Tensor::new(places, shape))
}

fn of_rows<T: Copy + PartialOrd>(values: &[T], n_columns: usize, k: usize) -> Vec<i64> {
    let mut places = Vec::with_capacity(values.len() / n_columns.max(1) * k);
    let mut best: Vec<(T, i64)> = Vec::with_capacity(k + 1);
    for row in values.chunks_exact(n_columns.max(1)) {
        best.clear();
        for (place, &value) in (0_i64..).zip(row) {
            let is_full = best.len() == k;
            if is_full && !best.last().is_some_and(|worst| is_before(value, worst.0)) {
                continue;
            }
            let at = best.partition_point(|(other, _)| !is_before(value, *other));
            best.insert(at, (value, place));
            best.truncate(k);
        }
        places.extend(best.iter().map(|(_, place)| *place));
    }
    places
}

/// Whether the first is smaller; any number is smaller than NaN.
#[expect(
    clippy::eq_op,
    reason = "a number that is not equal to itself is NaN, for any type"
)]
fn is_before<T: Copy + PartialOrd>(left: T, right: T) -> bool {
    left < right || (right != right && left == left)
}

/// The elements of each row at places that were found in it.
pub(super) fn at_places(tensor: &Tensor, places: &Tensor) -> Result<Tensor, Problem> {
    let Data::I64(found) = &places.data else {
        return Err("its places are no whole numbers".to_owned());
    };
    let (n_columns, k) = (tensor.shape.n_columns, places.shape.n_columns);
    let flat = (0_usize..).zip(found.iter());
    let flat = flat.map(|(at, &place)| at / k.max(1) * n_columns + place as usize);
    Ok(match &tensor.data {
        Data::F32(values) => {
            Tensor::new(flat.map(|at| values[at]).collect::<Vec<_>>(), places.shape)
        }
        Data::F64(values) => {
            Tensor::new(flat.map(|at| values[at]).collect::<Vec<_>>(), places.shape)
        }
        other => return Err(format!("it is not supported for {}", other.type_name())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[f64], k: i64, expected: &[i64]) {
        let shape = Shape::matrix(1, values.len()).unwrap();
        let row = Tensor::new(values.to_vec(), shape);
        let places = smallest(&row, &Tensor::new(vec![k], Shape::vector(1))).unwrap();
        let Data::I64(found) = &places.data else {
            panic!("{places:?}")
        };
        assert_eq!(found.to_vec(), expected);
        let picked: Vec<f64> = expected
            .iter()
            .map(|place| values[*place as usize])
            .collect();
        let Data::F64(found) = at_places(&row, &places).unwrap().data else {
            panic!("no doubles")
        };
        assert_eq!(format!("{:?}", found.to_vec()), format!("{picked:?}"));
    }

    #[test]
    fn the_first_of_equal_elements_is_taken() {
        check(&[3.0, 1.0, 2.0, 1.0], 3, &[1, 3, 2]);
        check(&[1.0, 1.0, 1.0], 2, &[0, 1]);
        check(&[f64::NAN, 5.0, f64::INFINITY], 3, &[1, 2, 0]);
        check(&[4.0], 1, &[0]);
    }

    #[test]
    fn more_than_there_are_is_refused() {
        let row = Tensor::new(vec![1.0, 2.0], Shape::matrix(1, 2).unwrap());
        for k in [3_i64, -1] {
            let problem = smallest(&row, &Tensor::new(vec![k], Shape::vector(1))).unwrap_err();
            assert_eq!(problem, "its k does not suit shape [1, 2]");
        }
    }
}
