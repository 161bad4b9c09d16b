//! What stands around the points: title, axes, grid, legend.

use std::fmt::Write as _;

use super::scale::Scale;
use super::{Chart, STYLE, Series, WIDTH, cut, escaped};

/// The place of the points, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

/// The place of the points in a chart of the usual height.
pub(super) const AREA: Area = Area {
    left: 72.0,
    right: WIDTH - 20.0,
    top: 44.0,
    bottom: 324.0,
};

/// The height of a row of the legend.
const ROW: f64 = 20.0;

/// A whole picture of a size around what is drawn.
pub(super) fn picture(title: &str, width: f64, height: f64, inner: &str) -> String {
    format!(
        "<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\" aria-label=\"{label}\"><style>{STYLE}</style><rect class=\"paper\" width=\"100%\" \
         height=\"100%\"/><text class=\"title\" x=\"{middle:.0}\" y=\"26\" text-anchor=\"middle\">{shown}</text>{inner}</svg>\n",
        label = escaped(title),
        middle = width / 2.0,
        shown = escaped(&cut(title, 70)),
    )
}

/// A picture with labelled axes and a legend below.
pub(super) fn with_axes(chart: &Chart, area: Area, inner: &str) -> String {
    let mut all = String::from(inner);
    let middle = f64::midpoint(area.left, area.right);
    let below = area.bottom + 40.0;
    label(&mut all, middle, below, &chart.x_label, "");
    let height = f64::midpoint(area.top, area.bottom);
    let turned = format!(" transform=\"rotate(-90 16 {height:.0})\"");
    label(&mut all, 16.0, height, &chart.y_label, &turned);
    let (legend, bottom) = legend(&chart.series, area.left, below + 12.0);
    all.push_str(&legend);
    picture(&chart.title, WIDTH, bottom + 10.0, &all)
}

fn label(all: &mut String, x: f64, y: f64, text: &str, more: &str) {
    let text = escaped(&cut(text, 60));
    let _ = write!(
        all,
        "<text x=\"{x:.0}\" y=\"{y:.0}\" text-anchor=\"middle\"{more}>{text}</text>"
    );
}

/// The series by colour and dash, in two columns, and where it ends.
fn legend(series: &[Series], left: f64, top: f64) -> (String, f64) {
    let mut drawn = String::new();
    let half = (WIDTH - left - 20.0) / 2.0;
    for (index, one) in series.iter().enumerate() {
        let x = left + half * f64::from(u8::from(index % 2 == 1));
        let y = top + ROW * (index / 2) as f64 + 10.0;
        let _ = write!(
            drawn,
            "<path d=\"M{x:.0} {y:.0}h26\" stroke=\"{}\" stroke-width=\"3\" stroke-dasharray=\"{}\"/>\
             <text x=\"{:.0}\" y=\"{:.0}\">{}</text>",
            one.colour(),
            one.dash(),
            x + 32.0,
            y + 4.0,
            escaped(&cut(&one.label, 38))
        );
    }
    (drawn, top + ROW * series.len().div_ceil(2) as f64)
}

/// The ticks of the horizontal axis.
pub(super) fn x_ticks(ticks: &[(f64, String)], scale: Scale, area: Area) -> String {
    let mut drawn = String::new();
    for (value, text) in ticks {
        let x = scale.at(*value);
        let _ = write!(
            drawn,
            "<path class=\"grid\" d=\"M{x:.1} {:.0}V{:.0}\"/><text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
            area.top,
            area.bottom,
            area.bottom + 18.0,
            escaped(&cut(text, 14))
        );
    }
    drawn
}

/// The ticks of the vertical axis.
pub(super) fn y_ticks(ticks: &[(f64, String)], scale: Scale, area: Area) -> String {
    let mut drawn = String::new();
    for (value, text) in ticks {
        let y = scale.at(*value);
        let _ = write!(
            drawn,
            "<path class=\"grid\" d=\"M{:.0} {y:.1}H{:.0}\"/><text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            area.left,
            area.right,
            area.left - 6.0,
            y + 4.0,
            escaped(text)
        );
    }
    drawn
}
