//! Where a column is cut into bins: at quantiles of its train values.

/// Values that quantiles are taken from.
const MAX_SAMPLE: usize = 200_000;

/// Cuts between at most `max_bins` bins, growing. Few values get a bin each.
pub(super) fn cuts(values: &[f32], max_bins: usize) -> Vec<f32> {
    let sorted = sample(values);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let between = |left: f32, right: f32| {
        let middle = left + (right - left) / 2.0;
        if middle > left { middle } else { right }
    };
    let mut cuts = Vec::with_capacity(max_bins);
    if distinct.len() <= max_bins {
        cuts.extend(distinct.windows(2).map(|pair| between(pair[0], pair[1])));
    } else {
        let mut last = None;
        for bin in 1..max_bins {
            // Equal values stay together: the cut is below those that the quantile is one of, and above them if they fill a
            // bin.
            let right = sorted[bin * sorted.len() / max_bins];
            let place = distinct.partition_point(|value| *value < right);
            let place = place + usize::from(last == Some(right));
            if let [left, right] = distinct[place.saturating_sub(1)..distinct.len().min(place + 1)]
            {
                cuts.push(between(left, right));
            }
            last = Some(right);
        }
        if distinct.last() == Some(&f32::INFINITY) {
            cuts.truncate(max_bins - 2);
            cuts.push(f32::INFINITY);
        }
    }
    cuts.dedup();
    cuts
}

/// The bin of a value: 0 if it is missing.
pub(super) fn code(cuts: &[f32], value: f32) -> u8 {
    if value.is_nan() {
        0
    } else {
        cuts.partition_point(|cut| *cut <= value) as u8 + 1
    }
}

/// Values that are there, sorted; of many rows some, evenly spread.
fn sample(values: &[f32]) -> Vec<f32> {
    let step = values.len().div_ceil(MAX_SAMPLE).max(1);
    let present = values.iter().step_by(step).filter(|value| !value.is_nan());
    // Integers sort faster. Adding zero makes one zero of both.
    let mut keys: Vec<u32> = present.map(|value| key(value + 0.0)).collect();
    keys.sort_unstable();
    keys.into_iter().map(value).collect()
}

/// An integer that is ordered like the float.
fn key(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 {
        !bits
    } else {
        bits | 1 << 31
    }
}

fn value(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 {
        key & !(1 << 31)
    } else {
        !key
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_get_a_bin_each() {
        assert_eq!(cuts(&[1.0, 3.0, f32::NAN, 1.0], 255), [2.0]);
        assert_eq!(cuts(&[-0.0, 0.0, 1.0], 255), [0.5]);
        assert!(cuts(&[f32::NAN], 255).is_empty());
    }

    #[test]
    fn a_value_on_a_cut_lies_right_of_it() {
        assert_eq!((code(&[2.0], 1.9), code(&[2.0], 2.0)), (1, 2));
        assert_eq!(code(&[2.0], f32::NAN), 0);
    }

    #[test]
    fn many_values_share_bins() {
        let values: Vec<f32> = (0..10_000).map(|value| value as f32).collect();
        for max_bins in [2, 16, 255] {
            let cuts = cuts(&values, max_bins);
            let mut counts = vec![0; 256];
            for value in &values {
                counts[usize::from(code(&cuts, *value))] += 1;
            }
            assert_eq!(cuts.len(), max_bins - 1);
            assert!(
                counts
                    .iter()
                    .all(|count| *count <= 10_000_usize.div_ceil(max_bins))
            );
        }
    }

    #[test]
    fn repeated_values_are_cut_too() {
        // A thousand values, each of them 37 times.
        let values: Vec<f32> = (0..37_000).map(|row| (row % 1000) as f32).collect();
        assert!(cuts(&values, 255).len() > 250);
        // Half of the rows are the same.
        let values: Vec<f32> = (0..4000).map(|row| (row - 2000).max(0) as f32).collect();
        let cuts = cuts(&values, 255);
        assert!(
            cuts[0] > 0.0 && cuts[0] < 1.0 && cuts.len() > 120,
            "{cuts:?}"
        );
    }

    #[test]
    fn keys_are_ordered_like_floats() {
        let values = [
            f32::NEG_INFINITY,
            -2.0,
            -1e-30,
            0.0,
            1e-30,
            3.0,
            f32::INFINITY,
        ];
        assert!(values.map(key).is_sorted());
        assert_eq!(values.map(|one| value(key(one))), values);
    }

    #[test]
    fn infinity_has_a_bin_of_its_own() {
        let mut values: Vec<f32> = (0..1000).map(|value| value as f32).collect();
        values.push(f32::INFINITY);
        let cuts = cuts(&values, 255);
        assert_eq!(cuts.last(), Some(&f32::INFINITY));
        assert!(code(&cuts, values[1000]) > code(&cuts, values[999]));
    }
}
