//! How often pairs of values occur: a matrix for each series, beside each other.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::frame::picture;
use super::{Chart, Series, WIDTH, cut, escaped, words};

/// More values than this are not drawn.
const MAX_NAMES: usize = 60;
const LEFT: f64 = 96.0;
const TOP: f64 = 66.0;

pub(super) fn svg(chart: &Chart, is_normalized: bool) -> String {
    let across = names(
        chart
            .series
            .iter()
            .flat_map(|series| series.values.iter().map(|(x, _)| words(x))),
    );
    let down = names(
        chart
            .series
            .iter()
            .flat_map(|series| series.values.iter().map(|(_, y)| words(y))),
    );
    let n_cells = across.len().max(down.len()).max(1) as f64;
    let cell = (260.0 / n_cells).clamp(8.0, 52.0);
    let width = cell * across.len() as f64;
    let height = cell * down.len() as f64;
    let mut inner = String::new();
    let mut right = LEFT;
    for series in &chart.series {
        let _ = write!(
            inner,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
            right + width / 2.0,
            TOP - 10.0,
            escaped(&cut(&series.label, 30))
        );
        cells(
            &mut inner,
            series,
            (&across, &down),
            (right, cell),
            is_normalized,
        );
        for (index, name) in across.iter().enumerate().filter(|_| cell >= 14.0) {
            let (x, y) = (right + cell * (index as f64 + 0.5), TOP + height + 14.0);
            let _ = write!(
                inner,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\" transform=\"rotate(-40 {x:.1} {y:.1})\">{}</text>",
                escaped(&cut(name, 12))
            );
        }
        let _ = write!(
            inner,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
            right + width / 2.0,
            TOP + height + 78.0,
            escaped(&cut(&chart.x_label, 30))
        );
        right += width + 28.0;
    }
    for (index, name) in down.iter().enumerate().filter(|_| cell >= 10.0) {
        let y = TOP + cell * (index as f64 + 0.5) + 4.0;
        let _ = write!(
            inner,
            "<text x=\"{:.0}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            escaped(&cut(name, 10))
        );
    }
    let middle = TOP + height / 2.0;
    let _ = write!(
        inner,
        "<text x=\"16\" y=\"{middle:.0}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {middle:.0})\">{}</text>",
        escaped(&cut(&chart.y_label, 40))
    );
    picture(&chart.title, right.max(WIDTH), TOP + height + 94.0, &inner)
}

/// The values in order: numbers by size, all else by letters.
fn names(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = values
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    let size = |name: &String| name.parse::<f64>().ok().filter(|size| size.is_finite());
    if names.iter().all(|name| size(name).is_some()) {
        names.sort_by(|one, other| {
            size(one)
                .unwrap_or(0.0)
                .total_cmp(&size(other).unwrap_or(0.0))
        });
    }
    names.truncate(MAX_NAMES);
    names
}

fn cells(
    inner: &mut String,
    series: &Series,
    (across, down): (&[String], &[String]),
    (left, cell): (f64, f64),
    is_normalized: bool,
) {
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    for (x, y) in &series.values {
        *counts.entry((words(y), words(x))).or_default() += 1;
    }
    let count = |row: &String, column: &String| {
        let found = counts.get(&(row.clone(), column.clone()));
        f64::from(found.copied().unwrap_or(0))
    };
    let greatest = counts.values().copied().max().unwrap_or(1);
    for (at, row) in down.iter().enumerate() {
        let total: f64 = across.iter().map(|column| count(row, column)).sum();
        for (place, column) in across.iter().enumerate() {
            let found = count(row, column);
            let (share, text) = if is_normalized {
                let share = if total > 0.0 { found / total } else { 0.0 };
                (share, format!("{share:.2}"))
            } else {
                (found / f64::from(greatest), format!("{found}"))
            };
            let (x, y) = (left + cell * place as f64, TOP + cell * at as f64);
            let _ = write!(
                inner,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{cell:.1}\" height=\"{cell:.1}\" fill=\"{}\" fill-opacity=\"{:.3}\" \
                 class=\"grid\"><title>{}, {}: {text}</title></rect>",
                series.colour(),
                0.04 + 0.96 * share,
                escaped(row),
                escaped(column)
            );
            if cell >= 24.0 {
                let fill = if share > 0.5 {
                    " style=\"fill:#fff\""
                } else {
                    ""
                };
                let _ = write!(
                    inner,
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\"{fill}>{text}</text>",
                    x + cell / 2.0,
                    y + cell / 2.0 + 4.0
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_by_size_or_letters() {
        let check = |list: &[&str], expected: &[&str]| {
            assert_eq!(names(list.iter().map(|name| (*name).to_owned())), expected);
        };
        check(&["10", "9", "9"], &["9", "10"]);
        check(&["b", "10", "a"], &["10", "a", "b"]);
    }
}
