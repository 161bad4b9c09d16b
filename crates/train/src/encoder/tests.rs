use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};

use super::*;

fn rows(column: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(vec![("x", column, true)]).unwrap()
}

/// The names and numbers that a column becomes, or why it is left out.
#[track_caller]
fn check(style: Style, column: impl arrow::array::Array + 'static, expected: &str) {
    let column: ArrayRef = Arc::new(column);
    let other: ArrayRef = Arc::new(Int64Array::from_iter_values(0..column.len() as i64));
    let target: Vec<f64> = (0..column.len()).map(|row| row as f64).collect();
    let both =
        RecordBatch::try_from_iter_with_nullable(vec![("x", column, true), ("o", other, true)])
            .unwrap();
    let encoder = Encoder::fit(style, &both, &target).unwrap();
    let shown = if let Some(note) = encoder.notes.first() {
        note.clone()
    } else {
        let design = encoder.encode(&both).unwrap();
        let n_own = design.n_columns - 1;
        let lines = design.values.chunks(design.n_columns).map(|row| {
            let numbers: Vec<String> = row[..n_own]
                .iter()
                .map(|value| format!("{value:.2}"))
                .collect();
            numbers.join(" ")
        });
        format!(
            "{}: {}",
            encoder.names()[..n_own].join(", "),
            lines.collect::<Vec<_>>().join(" | ")
        )
    };
    assert_eq!(shown, expected);
}

#[test]
fn trees_see_numbers_as_they_are() {
    check(
        Style::Raw,
        Float64Array::from(vec![1.5, f64::NAN, 2.0]),
        "x: 1.50 | NaN | 2.00",
    );
    check(
        Style::Raw,
        Float64Array::from(vec![Some(1.5), None]),
        "x: 1.50 | NaN",
    );
    check(
        Style::Raw,
        BooleanArray::from(vec![true, false]),
        "x: 1.00 | 0.00",
    );
    check(Style::Raw, Int64Array::from(vec![3, -4]), "x: 3.00 | -4.00");
}

#[test]
fn linear_models_see_scaled_numbers_and_what_is_missing() {
    check(
        Style::Scaled,
        Int64Array::from(vec![1, 3]),
        "x: -1.00 | 1.00",
    );
    check(
        Style::Scaled,
        Float64Array::from(vec![1.0, f64::NAN, 3.0, 3.0]),
        "x, x is missing: -1.73 0.00 | 0.58 1.00 | 0.58 0.00 | 0.58 0.00",
    );
    check(
        Style::Scaled,
        Float64Array::from(vec![2.0, f64::NAN]),
        "x, x is missing: 0.00 0.00 | 0.00 1.00",
    );
}

#[test]
fn texts_are_one_hot_the_most_frequent_first() {
    check(
        Style::Raw,
        StringArray::from(vec![Some("a"), Some("b"), Some("b"), None, Some("")]),
        "x = b, x = a: 0.00 1.00 | 1.00 0.00 | 1.00 0.00 | 0.00 0.00 | 0.00 0.00",
    );
}

#[test]
fn unseen_categories_are_unknown() {
    let train = rows(Arc::new(StringArray::from(vec!["a", "b"])));
    let encoder = Encoder::fit(Style::Scaled, &train, &[0.0, 1.0]).unwrap();
    let fresh = rows(Arc::new(StringArray::from(vec!["c", "b"])));
    assert_eq!(encoder.encode(&fresh).unwrap().values, [0.0, 0.0, 0.0, 1.0]);
}

#[test]
fn many_categories_are_ordered_by_the_target() {
    // 70 categories of 5 rows each; the target falls as their number grows.
    let texts: StringArray = (0..350)
        .map(|row| Some(format!("c{:02}", row % 70)))
        .collect();
    let target: Vec<f64> = (0..350).map(|row| -f64::from(row % 70)).collect();
    let train = rows(Arc::new(texts));
    let encoder = Encoder::fit(Style::Raw, &train, &target).unwrap();
    assert_eq!(encoder.names(), ["x"]);
    let fresh = rows(Arc::new(StringArray::from(vec!["c00", "c69", "new"])));
    let values = encoder.encode(&fresh).unwrap().values;
    assert_eq!(values[..2], [69.0, 0.0]);
    assert!(values[2].is_nan());
    let linear = Encoder::fit(Style::Scaled, &train, &target).unwrap();
    assert_eq!(linear.n_columns(), 70);
}

#[test]
fn rare_categories_are_unknown_where_there_are_many() {
    let texts: StringArray = (0..200)
        .map(|row| {
            Some(if row < 100 {
                format!("c{}", row % 4)
            } else {
                format!("rare{row}")
            })
        })
        .collect();
    let encoder = Encoder::fit(Style::Raw, &rows(Arc::new(texts)), &[1.0; 200]).unwrap();
    assert_eq!(encoder.names(), ["x = c0", "x = c1", "x = c2", "x = c3"]);
    assert_eq!(
        encoder.notes,
        [
            "column `x` has 104 categories: the 4 most frequent are kept, the others count as unknown"
        ]
    );
}

#[test]
fn a_matrix_beyond_memory_is_refused_with_its_size() {
    assert!(check_size(1_000, 1_000).is_ok());
    let error = check_size(1_000_000, 10_000).unwrap_err().to_string();
    assert_eq!(
        error,
        "1000000 rows of 10000 encoded columns need 74 GiB, at most 8 GiB are used; exclude columns or rows"
    );
}

#[test]
fn neural_networks_see_the_place_of_a_text() {
    check(
        Style::Embedded,
        StringArray::from(vec![Some("a"), Some("b"), Some("b"), None, Some("")]),
        "x: 2.00 | 1.00 | 1.00 | 0.00 | 0.00",
    );
    check(
        Style::Embedded,
        Int64Array::from(vec![1, 3]),
        "x: -1.00 | 1.00",
    );
    let train = RecordBatch::try_from_iter(vec![
        (
            "t",
            Arc::new(StringArray::from(vec!["a", "b", "c"])) as ArrayRef,
        ),
        ("n", Arc::new(Int64Array::from(vec![1, 2, 3]))),
    ])
    .unwrap();
    let encoder = Encoder::fit(Style::Embedded, &train, &[1.0; 3]).unwrap();
    assert_eq!(encoder.n_categories(), [3, 0]);
    // Where there are many, rare ones have no place.
    let texts = (0..200).map(|row| match row {
        0..100 => format!("c{}", row % 4),
        _ => format!("rare{row}"),
    });
    let many = rows(Arc::new(texts.map(Some).collect::<StringArray>()));
    let encoder = Encoder::fit(Style::Embedded, &many, &[1.0; 200]).unwrap();
    assert_eq!((encoder.n_categories(), encoder.notes.len()), (vec![4], 1));
}

#[test]
fn rows_of_several_blocks_are_encoded_as_alone() {
    let n_rows = 2 * ENCODED_ROWS + 7;
    let number = |row: usize| (!row.is_multiple_of(5)).then_some((row % 97) as f64);
    let word = |row: usize| ["red", "", "blue"][row % 3];
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "x",
            Arc::new((0..n_rows).map(number).collect::<Float64Array>()),
        ),
        (
            "t",
            Arc::new(StringArray::from_iter_values((0..n_rows).map(word))),
        ),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let target = vec![0.0; n_rows];
    for style in [Style::Raw, Style::Scaled] {
        let encoder = Encoder::fit(style, &rows, &target).unwrap();
        let all = encoder.encode(&rows).unwrap();
        for row in [0, ENCODED_ROWS - 1, ENCODED_ROWS, n_rows - 1] {
            let alone = encoder.encode(&rows.slice(row, 1)).unwrap();
            let place = row * all.n_columns;
            let found = &all.values[place..place + all.n_columns];
            let mut pairs = found.iter().zip(&alone.values);
            assert!(
                pairs.all(|(found, alone)| found.to_bits() == alone.to_bits()),
                "{style:?} {row}"
            );
        }
    }
}
