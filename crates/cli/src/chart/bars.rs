//! Bars to the right, a group of them for each name.

use std::fmt::Write as _;

use super::frame::{AREA, Area, with_axes, x_ticks};
use super::scale::Scale;
use super::{Chart, cut, escaped, number, words};

/// More names than this are not drawn.
const MAX_NAMES: usize = 200;

pub(super) fn svg(chart: &Chart, is_sorted: bool) -> String {
    // Bars lie: the value is horizontal, the name vertical.
    let mut names: Vec<(String, f64)> = Vec::new();
    let pairs = || chart.series.iter().flat_map(|series| &series.values);
    for (value, name) in pairs() {
        let (name, value) = (words(name), number(value).unwrap_or(0.0));
        let known = names.iter().position(|(known, _)| *known == name);
        if let Some(at) = known {
            names[at].1 = names[at].1.max(value);
        } else if names.len() < MAX_NAMES {
            names.push((name, value));
        }
    }
    if is_sorted {
        names.sort_by(|one, other| other.1.total_cmp(&one.1));
    } else {
        names.sort_by(|one, other| one.0.cmp(&other.0));
    }
    let n_series = chart.series.len().max(1) as f64;
    let group = (n_series * 12.0 + 8.0).min(60.0);
    let area = Area {
        left: 150.0,
        bottom: AREA.top + (group * names.len() as f64).max(40.0),
        ..AREA
    };
    let values = pairs().filter_map(|(value, _)| number(value)).chain([0.0]);
    let scale = Scale::around(values, area.left, area.right);
    let mut inner = x_ticks(&scale.ticks(), scale, area);
    for (index, (name, _)) in names.iter().enumerate() {
        let top = area.top + group * index as f64;
        let _ = write!(
            inner,
            "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            area.left - 6.0,
            top + group / 2.0 + 4.0,
            escaped(&cut(name, 16))
        );
        let height = (group - 8.0) / n_series;
        for (place, series) in chart.series.iter().enumerate() {
            let mut found = series.values.iter();
            let found = found.find(|(_, known)| words(known) == *name);
            let Some(value) = found.and_then(|(value, _)| number(value)) else {
                continue;
            };
            let (zero, end) = (scale.at(0.0), scale.at(value));
            let _ = write!(
                inner,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"{}\"><title>{}: {}, {value}</title></rect>",
                zero.min(end),
                top + 4.0 + height * place as f64,
                (end - zero).abs().max(1.0),
                series.colour(),
                escaped(&series.label),
                escaped(name)
            );
        }
    }
    with_axes(chart, area, &inner)
}
