//! Train, validation and test: which row goes where.
//!
//! The order of the rows is kept within each part. Chance is a digest of the seed and of the row's own content (or of its
//! group's name), so a split is the same on every machine, equal rows never part, and a row keeps its part when others
//! arrive, but for the few beside a boundary. That keeps a champion's training rows out of its challenger's test rows.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimestampMillisecondType};
use arrow::row::{RowConverter, SortField};
use arrow::util::display::array_value_to_string;
use everloop_domain::dataset::{Dataset, Part, Split, SplitBy};
use everloop_domain::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Error, Session, write_parquet};

const DAY_MS: i64 = 86_400_000;

/// Hides the rows that were not known at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// The column that holds each row's moment.
    pub column: String,
    /// Rows at or after it are hidden.
    pub before: Timestamp,
}

/// A part that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartReport {
    /// Rows.
    pub n_rows: u64,
    /// The digest of the file.
    pub digest: Digest,
}

/// The parts that were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitReport {
    /// The rows to learn from.
    pub train: PartReport,
    /// The rows to check on.
    pub validation: PartReport,
    /// The rows to score on.
    pub test: PartReport,
}

impl Session {
    /// Splits the dataset's table and writes `train.parquet`, `validation.parquet` and `test.parquet`.
    ///
    /// Rows without a target cannot be learnt from and are left out.
    ///
    /// # Errors
    ///
    /// [`Error::Split`] if a column is absent or a part would be empty.
    pub async fn split(
        &self,
        dataset: &Dataset,
        split: &Split,
        as_of: Option<&AsOf>,
        dir: &Path,
    ) -> Result<SplitReport, Error> {
        let rows = known_rows(&self.rows(&dataset.table).await?, dataset, as_of)?;
        let parts = assign(&rows, dataset, split)?;
        let write = |part: Part| -> Result<PartReport, Error> {
            let picked = (0..parts.len())
                .filter(|row| parts[*row] == part)
                .map(|row| row as u32);
            let rows =
                arrow::compute::take_record_batch(&rows, &UInt32Array::from_iter_values(picked))?;
            let written = write_parquet(&dir.join(format!("{}.parquet", part.as_str())), &rows)?;
            Ok(PartReport {
                n_rows: written.n_rows,
                digest: written.digest,
            })
        };
        Ok(SplitReport {
            train: write(Part::Train)?,
            validation: write(Part::Validation)?,
            test: write(Part::Test)?,
        })
    }
}

fn refuse(dataset: &Dataset, problem: impl Into<String>) -> Error {
    Error::Split {
        table: dataset.table.clone(),
        problem: problem.into(),
    }
}

fn column<'a>(rows: &'a RecordBatch, dataset: &Dataset, name: &str) -> Result<&'a ArrayRef, Error> {
    rows.column_by_name(name).ok_or_else(|| {
        let schema = rows.schema();
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        refuse(
            dataset,
            format!(
                "there is no column `{name}`; there are {}",
                names.join(", ")
            ),
        )
    })
}

/// The rows that have a target and were known.
fn known_rows(
    rows: &RecordBatch,
    dataset: &Dataset,
    as_of: Option<&AsOf>,
) -> Result<RecordBatch, Error> {
    let target = match dataset.target.as_str() {
        "" => None,
        target => Some(column(rows, dataset, target)?),
    };
    let moments = match as_of {
        Some(as_of) => Some((
            millis(
                column(rows, dataset, &as_of.column)?,
                dataset,
                &as_of.column,
            )?,
            as_of.before,
        )),
        None => None,
    };
    let is_known = |row: usize| match &moments {
        Some((moments, before)) => moments[row].is_some_and(|moment| moment < before.as_millis()),
        None => true,
    };
    let keep: BooleanArray = (0..rows.num_rows())
        .map(|row| Some(target.is_none_or(|target| !target.is_null(row)) && is_known(row)))
        .collect();
    let kept = arrow::compute::filter_record_batch(rows, &keep)?;
    if kept.num_rows() == 0 {
        let n_rows = rows.num_rows();
        let before = as_of
            .map(|as_of| format!(" before {}", as_of.before))
            .unwrap_or_default();
        return Err(refuse(
            dataset,
            format!(
                "none of its {n_rows} rows has a value of `{}`{before}",
                dataset.target
            ),
        ));
    }
    Ok(kept)
}

/// Moments of a time column: days, timestamps, numbers that grow, or ISO texts.
fn millis(column: &ArrayRef, dataset: &Dataset, name: &str) -> Result<Vec<Option<i64>>, Error> {
    (0..column.len())
        .map(|row| {
            if column.is_null(row) {
                return Ok(None);
            }
            match column.data_type() {
                DataType::Date32 => Ok(Some(
                    i64::from(column.as_primitive::<Date32Type>().value(row)) * DAY_MS,
                )),
                DataType::Timestamp(..) => Ok(Some(
                    column.as_primitive::<TimestampMillisecondType>().value(row),
                )),
                DataType::Int64 => Ok(Some(column.as_primitive::<Int64Type>().value(row))),
                DataType::Float64 => {
                    Ok(Some(column.as_primitive::<Float64Type>().value(row) as i64))
                }
                DataType::Utf8 => {
                    let text = column.as_string::<i32>().value(row);
                    let moment: Result<Timestamp, String> = text.parse();
                    moment
                        .map(|moment| Some(moment.as_millis()))
                        .map_err(|problem| {
                            refuse(
                                dataset,
                                format!("time column `{name}`, row {}: {problem}", row + 1),
                            )
                        })
                }
                other => Err(refuse(
                    dataset,
                    format!("column `{name}` is {other} and cannot order rows in time"),
                )),
            }
        })
        .collect()
}

/// The part of each row.
fn assign(rows: &RecordBatch, dataset: &Dataset, split: &Split) -> Result<Vec<Part>, Error> {
    let parts = match &split.by {
        SplitBy::Time => by_time(rows, dataset, split)?,
        SplitBy::Random => {
            let one_stratum = vec![0; rows.num_rows()];
            by_lot(&row_lots(rows, split.seed)?, &one_stratum, split)
        }
        SplitBy::Stratified => {
            let strata = codes(column(rows, dataset, &dataset.target)?);
            by_lot(&row_lots(rows, split.seed)?, &strata, split)
        }
        SplitBy::Group(name) => {
            let groups = column(rows, dataset, name)?;
            if groups.null_count() > 0 {
                let (n_missing, n_rows) = (groups.null_count(), rows.num_rows());
                let problem =
                    format!("group column `{name}` is missing in {n_missing} of {n_rows} rows");
                return Err(refuse(dataset, problem));
            }
            by_group(groups, split)
        }
        SplitBy::Column(name) => by_column(column(rows, dataset, name)?, dataset, name)?,
    };
    let share = |part: Part| match part {
        Part::Train => split.train,
        Part::Validation => split.validation,
        Part::Test => split.test,
    };
    for part in Part::ALL {
        let is_wanted = part != Part::Validation
            || (share(part) > 0.0 && !matches!(split.by, SplitBy::Column(_)));
        if is_wanted && !parts.contains(&part) {
            let (name, n_rows) = (part.as_str(), rows.num_rows());
            return Err(refuse(
                dataset,
                format!("the {name} part of {n_rows} rows would be empty"),
            ));
        }
    }
    Ok(parts)
}

fn by_time(rows: &RecordBatch, dataset: &Dataset, split: &Split) -> Result<Vec<Part>, Error> {
    let Some(name) = &dataset.time else {
        return Err(refuse(dataset, "`by: time` needs `dataset.time`"));
    };
    let moments = millis(column(rows, dataset, name)?, dataset, name)?;
    if let Some(row) = moments.iter().position(Option::is_none) {
        return Err(refuse(
            dataset,
            format!("time column `{name}`, row {}: missing", row + 1),
        ));
    }
    let moments: Vec<i64> = moments.into_iter().flatten().collect();
    let boundaries = Boundaries::of(moments.clone(), split);
    Ok(moments
        .into_iter()
        .map(|moment| boundaries.part(moment))
        .collect())
}

/// The rows of each stratum in the order of their lots: the first share is train's, the next validation's.
fn by_lot(lots: &[u64], strata: &[usize], split: &Split) -> Vec<Part> {
    let mut lots_by_stratum: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for (lot, stratum) in lots.iter().zip(strata) {
        lots_by_stratum.entry(*stratum).or_default().push(*lot);
    }
    let boundaries_by_stratum: BTreeMap<usize, Boundaries<u64>> = lots_by_stratum
        .into_iter()
        .map(|(stratum, lots)| (stratum, Boundaries::of(lots, split)))
        .collect();
    lots.iter()
        .zip(strata)
        .map(|(lot, stratum)| boundaries_by_stratum[stratum].part(*lot))
        .collect()
}

/// Every group draws one lot; the shares are shares of groups.
fn by_group(groups: &ArrayRef, split: &Split) -> Vec<Part> {
    let lots: Vec<u64> = texts(groups)
        .iter()
        .map(|name| lot(split.seed, name.as_bytes()))
        .collect();
    let mut drawn = lots.clone();
    drawn.sort_unstable();
    drawn.dedup();
    let boundaries = Boundaries::of(drawn, split);
    lots.into_iter().map(|lot| boundaries.part(lot)).collect()
}

/// The lot of each row, drawn from all its values.
fn row_lots(rows: &RecordBatch, seed: u64) -> Result<Vec<u64>, Error> {
    let fields = rows
        .schema()
        .fields()
        .iter()
        .map(|field| field.data_type().clone())
        .map(SortField::new)
        .collect();
    let bytes = RowConverter::new(fields)?.convert_columns(rows.columns())?;
    Ok(bytes.iter().map(|row| lot(seed, row.as_ref())).collect())
}

fn lot(seed: u64, content: &[u8]) -> u64 {
    let mut drawn = [0; 8];
    let digest = Digest::of([&seed.to_le_bytes(), content].concat());
    drawn.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_be_bytes(drawn)
}

/// Where validation and test begin on an ordered scale; equal places stay together.
struct Boundaries<T> {
    validation: Option<T>,
    test: Option<T>,
}

impl<T: Ord + Copy> Boundaries<T> {
    fn of(mut places: Vec<T>, split: &Split) -> Self {
        places.sort_unstable();
        let at = |share: f64| {
            places
                .get((share * places.len() as f64).round() as usize)
                .copied()
        };
        Self {
            validation: at(split.train),
            test: at(split.train + split.validation),
        }
    }

    fn part(&self, place: T) -> Part {
        let reached = |boundary: Option<T>| boundary.is_some_and(|boundary| place >= boundary);
        match () {
            () if reached(self.test) => Part::Test,
            () if reached(self.validation) => Part::Validation,
            () => Part::Train,
        }
    }
}

fn by_column(column: &ArrayRef, dataset: &Dataset, name: &str) -> Result<Vec<Part>, Error> {
    (0..column.len())
        .map(|row| {
            let text = array_value_to_string(column, row)?;
            Part::ALL
                .into_iter()
                .find(|part| part.as_str() == text)
                .ok_or_else(|| {
                    let expected = "expected `train`, `validation` or `test`";
                    refuse(
                        dataset,
                        format!("column `{name}`, row {}: `{text}`; {expected}", row + 1),
                    )
                })
        })
        .collect()
}

/// A number for each distinct value, in the order of their texts.
fn codes(column: &ArrayRef) -> Vec<usize> {
    let texts = texts(column);
    let mut codes: BTreeMap<&str, usize> = texts.iter().map(|text| (text.as_str(), 0)).collect();
    for (number, code) in codes.values_mut().enumerate() {
        *code = number;
    }
    texts.iter().map(|text| codes[text.as_str()]).collect()
}

fn texts(column: &ArrayRef) -> Vec<String> {
    (0..column.len())
        .map(|row| array_value_to_string(column, row).unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests;
