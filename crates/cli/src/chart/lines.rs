//! Lines and marks over two axes.

use std::fmt::Write as _;

use everloop_lifecycle::dvc::Value;

use super::frame::{AREA, with_axes, x_ticks, y_ticks};
use super::scale::Scale;
use super::{Chart, Form, Series, escaped, number, words};

/// More points than this are thinned out: of each stretch the least and the greatest stay.
const MAX_POINTS: usize = 2000;

/// Series of no more points have a mark with words for each.
const MAX_MARKS: usize = 200;

/// The share of the points that a place of a smooth line is made of.
const BANDWIDTH: f64 = 0.3;

type Points = Vec<(f64, f64)>;

pub(super) fn svg(chart: &Chart) -> String {
    let names = names(&chart.series);
    let all: Vec<Points> = chart
        .series
        .iter()
        .map(|series| points(series, &names, chart.form))
        .collect();
    let values = || all.iter().flatten();
    let x = Scale::around(values().map(|(x, _)| *x), AREA.left, AREA.right);
    let y = Scale::around(values().map(|(_, y)| *y), AREA.bottom, AREA.top);
    let ticks = if names.is_empty() {
        x.ticks()
    } else {
        let every = names.len().div_ceil(8);
        let named = names.iter().enumerate().step_by(every);
        named.map(|(at, name)| (at as f64, name.clone())).collect()
    };
    let mut inner = x_ticks(&ticks, x, AREA) + &y_ticks(&y.ticks(), y, AREA);
    for (series, points) in chart.series.iter().zip(&all) {
        let colour = series.colour();
        match chart.form {
            Form::Points => marks(&mut inner, series, points, (x, y), 3.5),
            Form::Smooth => {
                line(&mut inner, series, points, (x, y), " stroke-opacity=\".3\"");
                line(&mut inner, series, &smooth(points), (x, y), "");
            }
            _ => {
                line(&mut inner, series, points, (x, y), "");
                if points.len() <= MAX_MARKS {
                    marks(&mut inner, series, points, (x, y), 2.5);
                }
            }
        }
        // The last point tells the value that counts most often.
        if let (Some((last_x, last_y)), true) = (points.last(), chart.form == Form::Smooth) {
            let (x, y) = (x.at(*last_x), y.at(*last_y));
            let _ = write!(
                inner,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
            );
        }
    }
    with_axes(chart, AREA, &inner)
}

/// The values of the horizontal axis by name, if some are no numbers.
fn names(series: &[Series]) -> Vec<String> {
    let values = || series.iter().flat_map(|series| &series.values);
    if values().all(|(x, _)| number(x).is_some() || *x == Value::Null) {
        return Vec::new();
    }
    let mut names = Vec::new();
    let mut known = std::collections::HashSet::new();
    for (x, _) in values() {
        let name = words(x);
        if known.insert(name.clone()) {
            names.push(name);
        }
    }
    names
}

/// The points that have two numbers, in the order in which a line goes through them.
fn points(series: &Series, names: &[String], form: Form) -> Points {
    let places: std::collections::HashMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(at, name)| (name.as_str(), at))
        .collect();
    let place = |x: &Value| -> Option<f64> {
        if names.is_empty() {
            return number(x);
        }
        places.get(words(x).as_str()).map(|at| *at as f64)
    };
    let pairs = series.values.iter();
    let mut points: Points = pairs
        .filter_map(|(x, y)| Some((place(x)?, number(y)?)))
        .collect();
    if form != Form::Points {
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
    }
    thinned(points)
}

fn thinned(points: Points) -> Points {
    if points.len() <= MAX_POINTS {
        return points;
    }
    let stretch = points.len().div_ceil(MAX_POINTS / 2);
    let mut kept = Vec::new();
    for part in points.chunks(stretch) {
        let least = part.iter().min_by(|one, other| one.1.total_cmp(&other.1));
        let greatest = part.iter().max_by(|one, other| one.1.total_cmp(&other.1));
        let mut pair: Points = least.into_iter().chain(greatest).copied().collect();
        pair.sort_by(|one, other| one.0.total_cmp(&other.0));
        kept.extend(pair);
    }
    kept
}

fn line(
    inner: &mut String,
    series: &Series,
    points: &[(f64, f64)],
    scales: (Scale, Scale),
    more: &str,
) {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let verb = if index == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{verb}{:.1} {:.1}", scales.0.at(*x), scales.1.at(*y));
    }
    if path.is_empty() {
        return;
    }
    let _ = write!(
        inner,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-dasharray=\"{}\"{more}/>",
        series.colour(),
        series.dash()
    );
}

/// A mark for each point, round or square by field, with words for who points at it.
fn marks(
    inner: &mut String,
    series: &Series,
    points: &[(f64, f64)],
    scales: (Scale, Scale),
    size: f64,
) {
    let colour = series.colour();
    let label = escaped(&series.label);
    for (x, y) in points {
        let title = format!("<title>{label}: {x}, {y}</title>");
        let (x, y) = (scales.0.at(*x), scales.1.at(*y));
        let _ = if series.field.is_multiple_of(2) {
            write!(
                inner,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{size}\" fill=\"{colour}\" fill-opacity=\".8\">{title}</circle>"
            )
        } else {
            write!(
                inner,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{w}\" height=\"{w}\" fill=\"{colour}\" fill-opacity=\".8\">{title}</rect>",
                x - size,
                y - size,
                w = size * 2.0
            )
        };
    }
}

/// A line that goes among the points: at each a straight line is fitted to those around it, the nearer
/// the heavier (local regression).
fn smooth(points: &[(f64, f64)]) -> Points {
    let n_near = ((points.len() as f64 * BANDWIDTH).ceil() as usize).max(3);
    if points.len() <= n_near {
        return points.to_vec();
    }
    let mut start = 0;
    let fitted = points.iter().map(|(x, y)| {
        while start + n_near < points.len() && points[start + n_near].0 - x < x - points[start].0 {
            start += 1;
        }
        let near = &points[start..start + n_near];
        (*x, fit(near, *x).unwrap_or(*y))
    });
    fitted.collect()
}

fn fit(near: &[(f64, f64)], at: f64) -> Option<f64> {
    let reach = near.iter().map(|(x, _)| (x - at).abs()).fold(0.0, f64::max);
    let (mut total, mut x_sum, mut y_sum, mut xx_sum, mut xy_sum) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (x, y) in near {
        let x = x - at;
        let distance = if reach > 0.0 { x.abs() / reach } else { 0.0 };
        let weight = (1.0 - distance.powi(3)).powi(3).max(1e-9);
        total += weight;
        x_sum += weight * x;
        y_sum += weight * y;
        xx_sum += weight * x * x;
        xy_sum += weight * x * y;
    }
    let spread = total * xx_sum - x_sum * x_sum;
    let fitted = if spread.abs() > 1e-12 * total * xx_sum {
        (y_sum * xx_sum - x_sum * xy_sum) / spread
    } else {
        y_sum / total
    };
    fitted.is_finite().then_some(fitted)
}
