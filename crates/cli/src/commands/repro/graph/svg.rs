//! A drawing as a picture that needs nothing else.

use everloop_engine::pipelines::{Drawing, ThingKind};

use super::escape;
use super::layout::{Layout, Slot};

/// Sizes in pixels.
const CHAR: f64 = 7.8;
const PADDING: f64 = 12.0;
const HEIGHT: f64 = 32.0;
const GAP: f64 = 24.0;
const PASSAGE: f64 = 10.0;
const LAYER: f64 = 76.0;
const MARGIN: f64 = 16.0;

const STYLE: &str = "\
text{font:13px ui-monospace,monospace;fill:#1f2328;text-anchor:middle;dominant-baseline:central}
rect{fill:#fff;stroke:#57606a}.frozen{stroke-dasharray:4 3}.data{fill:#ddf4ff}.path{fill:#f6f8fa;stroke:#afb8c1}
path{fill:none;stroke:#8c959f}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#161b22;stroke:#8b949e}.data{fill:#0c2d6b}.path{fill:#21262d;stroke:#484f58}}";

/// Where a slot is: the middle of its top, and its width.
#[derive(Clone, Copy, Default)]
struct Place {
    x: f64,
    y: f64,
    width: f64,
}

/// Draws a picture.
pub(super) fn draw(drawing: &Drawing) -> String {
    let layout = Layout::of(drawing);
    let (places, width, height) = places(drawing, &layout);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n<title>Stages</title>\n<style>{STYLE}</style>\n<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" style=\"fill:#8c959f;stroke:none\"/></marker></defs>\n"
    );
    for way in &layout.ways {
        svg.push_str(&arrow(
            &way.iter().map(|slot| places[*slot]).collect::<Vec<_>>(),
        ));
    }
    for (thing, place) in drawing.things.iter().zip(&places) {
        let (class, radius) = match thing.kind {
            ThingKind::Stage => ("stage", 4),
            ThingKind::Frozen => ("frozen", 4),
            ThingKind::Data => ("data", 12),
            ThingKind::Path => ("path", 16),
        };
        let Place { x, y, width } = *place;
        svg.push_str(&format!(
            "<g><title>{}</title><rect class=\"{class}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" rx=\"{radius}\"/><text x=\"{x:.1}\" y=\"{:.1}\">{}</text></g>\n",
            escape(&thing.action.replace('\n', " ")),
            x - width / 2.0,
            y + HEIGHT / 2.0,
            escape(&thing.name)
        ));
    }
    svg.push_str("</svg>\n");
    svg
}

/// Puts the layers below each other, each in the middle. Gives the size of all, too.
fn places(drawing: &Drawing, layout: &Layout) -> (Vec<Place>, f64, f64) {
    let mut places = vec![Place::default(); layout.slots.len()];
    let width_of = |slot: usize| match layout.slots[slot] {
        Slot::Thing(at) => drawing.things[at].name.chars().count() as f64 * CHAR + 2.0 * PADDING,
        Slot::Passage => PASSAGE,
    };
    let width_of_layer = |layer: &Vec<usize>| {
        let widths: f64 = layer.iter().map(|slot| width_of(*slot)).sum();
        widths + GAP * layer.len().saturating_sub(1) as f64
    };
    let widest = layout.layers.iter().map(width_of_layer).fold(0.0, f64::max);
    for (depth, layer) in layout.layers.iter().enumerate() {
        let mut left = MARGIN + (widest - width_of_layer(layer)) / 2.0;
        for slot in layer {
            let width = width_of(*slot);
            places[*slot] = Place {
                x: left + width / 2.0,
                y: MARGIN + depth as f64 * LAYER,
                width,
            };
            left += width + GAP;
        }
    }
    let depth = layout.layers.len().saturating_sub(1) as f64;
    let height = 2.0 * MARGIN + depth * LAYER + HEIGHT;
    (places, widest + 2.0 * MARGIN, height)
}

/// A line from below the first place to the top of the last, bent between the layers.
fn arrow(way: &[Place]) -> String {
    let mut path = String::new();
    for pair in way.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let top = from.y + HEIGHT;
        if path.is_empty() {
            path.push_str(&format!("M{:.1} {top:.1}", from.x));
        } else {
            path.push_str(&format!("V{top:.1}"));
        }
        let middle = f64::midpoint(top, to.y);
        path.push_str(&format!(
            "C{:.1} {middle:.1} {:.1} {middle:.1} {:.1} {:.1}",
            from.x, to.x, to.x, to.y
        ));
    }
    format!("<path d=\"{path}\" marker-end=\"url(#tip)\"/>\n")
}

#[cfg(test)]
mod tests {
    use super::super::drawing;
    use super::*;

    #[test]
    fn boxes_of_a_layer_do_not_lie_on_each_other() {
        let drawing = drawing("a>b a>long-name a>d b>e long-name>e d>e a>e");
        let layout = Layout::of(&drawing);
        let (places, width, _) = places(&drawing, &layout);
        for layer in &layout.layers {
            for pair in layer.windows(2) {
                let (left, right) = (places[pair[0]], places[pair[1]]);
                assert!(left.x + left.width / 2.0 < right.x - right.width / 2.0);
            }
        }
        assert!(
            places
                .iter()
                .all(|place| place.x + place.width / 2.0 < width)
        );
    }

    #[test]
    fn names_cannot_break_out() {
        let svg = draw(&drawing("</text><script>"));
        assert!(!svg.contains("<script"), "{svg}");
        assert!(draw(&Drawing::default()).ends_with("</svg>\n"));
    }
}
