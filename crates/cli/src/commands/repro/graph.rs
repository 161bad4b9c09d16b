//! `everloop repro --graph`: the stages as text, Mermaid, SVG, DOT or JSON.

use everloop_engine::pipelines::{Drawing, Error, Project, Request, ThingKind};
use serde_json::json;

mod layout;
mod svg;
mod tree;

/// The form of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// Trees for people.
    Text,
    /// A flowchart of Mermaid, which GitHub and others draw.
    Mermaid,
    /// A picture.
    Svg,
    /// The language of Graphviz.
    Dot,
    /// Nodes and edges for programs.
    Json,
}

/// Draws the stages that a request names, with the paths that they read and make, if wanted.
pub(super) fn draw(
    project: &Project<'_>,
    request: &Request,
    form: Form,
    has_paths: bool,
) -> Result<String, Error> {
    let drawing = project.drawing(request, has_paths)?;
    Ok(match form {
        Form::Text => tree::draw(&drawing),
        Form::Mermaid => mermaid(&drawing),
        Form::Svg => svg::draw(&drawing),
        Form::Dot => dot(&drawing),
        Form::Json => json(&drawing),
    })
}

fn mermaid(drawing: &Drawing) -> String {
    let mut text = "flowchart TD\n".to_owned();
    for (at, thing) in drawing.things.iter().enumerate() {
        let name = escape(&thing.name);
        let node = match thing.kind {
            ThingKind::Stage => format!("[\"{name}\"]"),
            ThingKind::Frozen => format!("{{{{\"{name}\"}}}}"),
            ThingKind::Data => format!("[(\"{name}\")]"),
            ThingKind::Path => format!("([\"{name}\"])"),
        };
        text.push_str(&format!("  n{at}{node}\n"));
    }
    for (from, to) in &drawing.arrows {
        text.push_str(&format!("  n{from} --> n{to}\n"));
    }
    text
}

/// A text for XML, which Mermaid reads in labels, too.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            char if char.is_control() => escaped.push('\u{fffd}'),
            char => escaped.push(char),
        }
    }
    escaped
}

fn dot(drawing: &Drawing) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut text = "digraph stages {\n  rankdir=TB;\n  node [shape=box];\n".to_owned();
    for (at, thing) in drawing.things.iter().enumerate() {
        let shape = match thing.kind {
            ThingKind::Stage => "box",
            ThingKind::Frozen => "hexagon",
            ThingKind::Data => "cylinder",
            ThingKind::Path => "note",
        };
        let label = quoted(&thing.name);
        text.push_str(&format!("  n{at} [label={label}, shape={shape}];\n"));
    }
    for (from, to) in &drawing.arrows {
        text.push_str(&format!("  n{from} -> n{to};\n"));
    }
    text.push_str("}\n");
    text
}

fn json(drawing: &Drawing) -> String {
    let name = |at: &usize| &drawing.things[*at].name;
    let nodes: Vec<_> = drawing
        .things
        .iter()
        .map(|thing| json!({"name": thing.name, "kind": kind(thing.kind), "action": thing.action}))
        .collect();
    let edges: Vec<_> = drawing
        .arrows
        .iter()
        .map(|(from, to)| json!({"from": name(from), "to": name(to)}))
        .collect();
    format!("{:#}\n", json!({"nodes": nodes, "edges": edges}))
}

fn kind(kind: ThingKind) -> &'static str {
    match kind {
        ThingKind::Stage => "stage",
        ThingKind::Frozen => "frozen stage",
        ThingKind::Data => "data",
        ThingKind::Path => "path",
    }
}

/// A drawing written as `a b>c`: names, and arrows between them.
#[cfg(test)]
fn drawing(text: &str) -> Drawing {
    use everloop_engine::pipelines::Thing;

    let mut drawing = Drawing::default();
    let mut place = |name: &str| {
        let known = drawing.things.iter().position(|thing| thing.name == name);
        known.unwrap_or_else(|| {
            drawing.things.push(Thing {
                name: name.to_owned(),
                kind: ThingKind::Stage,
                action: String::new(),
            });
            drawing.things.len() - 1
        })
    };
    let mut arrows = Vec::new();
    for word in text.split(' ') {
        let places: Vec<usize> = word.split('>').map(&mut place).collect();
        arrows.extend(places.windows(2).map(|pair| (pair[0], pair[1])));
    }
    drawing.arrows = arrows;
    drawing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_get_what_they_can_read() {
        let mut drawing = drawing("a\"<>b");
        drawing.things[1].kind = ThingKind::Path;
        assert_eq!(
            mermaid(&drawing),
            "flowchart TD\n  n0[\"a&quot;&lt;\"]\n  n1([\"b\"])\n  n0 --> n1\n"
        );
        assert_eq!(
            dot(&drawing),
            "digraph stages {\n  rankdir=TB;\n  node [shape=box];\n  n0 [label=\"a\\\"<\", shape=box];\n  n1 [label=\"b\", shape=note];\n  n0 -> n1;\n}\n"
        );
        assert!(json(&drawing).contains("\"to\": \"b\""));
    }
}
