//! Weak slices, by the numbers of `gen/slices.py`.

use everloop_measure::{SliceColumn, SliceSearch, SliceValues, weak_slices};

use crate::table::{close, file, json, number, numbers, texts};

#[test]
fn weak_slices_are_found_and_tested_as_by_scipy() {
    for case in json(&file("slices.json"))["cases"].as_array().unwrap() {
        let ages = case["age"].as_array().unwrap().iter();
        let ages: Vec<f64> = ages.map(|age| age.as_f64().unwrap_or(f64::NAN)).collect();
        let (region, channel) = (texts(&case["region"]), texts(&case["channel"]));
        let columns = [
            ("region", SliceValues::Texts(&region)),
            ("age", SliceValues::Numbers(&ages)),
            ("channel", SliceValues::Texts(&channel)),
        ]
        .map(|(name, values)| SliceColumn { name, values });
        let search = SliceSearch {
            min_rows: case["min_rows"].as_u64().unwrap() as usize,
            ..SliceSearch::default()
        };
        let found = weak_slices(&numbers(&case["loss"]), &columns, &search).unwrap();
        let told = case["told"].as_array().unwrap();
        assert_eq!(found.len(), told.len());
        for (found, expected) in found.iter().zip(told) {
            let columns: Vec<&str> = found
                .conditions
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            assert_eq!(columns, texts(&expected["columns"]));
            assert_eq!(found.n_rows as u64, expected["n_rows"].as_u64().unwrap());
            close(found.mean_loss, number(&expected["mean"]), 1e-9, "mean");
            close(
                found.mean_loss_elsewhere,
                number(&expected["elsewhere"]),
                1e-9,
                "elsewhere",
            );
            close(found.effect, number(&expected["effect"]), 1e-9, "effect");
            let p_value = number(&expected["p_value"]);
            assert!(
                (found.p_value - p_value).abs() <= 1e-9 * p_value,
                "{found:?}"
            );
            close(found.q_value, number(&expected["q_value"]), 1e-9, "q_value");
        }
    }
}

#[test]
fn noise_has_no_weak_slices() {
    // Losses that have nothing to do with the columns.
    let losses: Vec<f64> = (0..2000)
        .map(|row| f64::from((row * 7919) % 1009))
        .collect();
    let texts: Vec<String> = (0..2000)
        .map(|row| format!("{}", (row * 31) % 17))
        .collect();
    let values: Vec<f64> = (0..2000).map(|row| f64::from((row * 101) % 499)).collect();
    let columns = [
        ("text", SliceValues::Texts(&texts)),
        ("number", SliceValues::Numbers(&values)),
    ]
    .map(|(name, values)| SliceColumn { name, values });
    let found = weak_slices(&losses, &columns, &SliceSearch::default()).unwrap();
    assert_eq!(found, []);
}

#[test]
fn what_cannot_be_searched_is_said() {
    let say = |losses: &[f64], search: SliceSearch| {
        let column = SliceColumn {
            name: "c",
            values: SliceValues::Numbers(&[1.0, 2.0]),
        };
        weak_slices(losses, &[column], &search)
            .unwrap_err()
            .to_string()
    };
    let usual = SliceSearch::default();
    assert_eq!(
        say(&[], usual),
        "a search of slices needs rows, there are none"
    );
    assert_eq!(
        say(&[1.0], usual),
        "rows and values of a column differ in length: 1 and 2"
    );
    let search = SliceSearch { n_bins: 1, ..usual };
    assert_eq!(
        say(&[1.0, 2.0], search),
        "the number of bins is 1, expected at least 2"
    );
}
