use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::dvc::{Flags, Surroundings, parse};

fn pipelines(text: &str) -> Vec<Pipeline> {
    let surroundings = Surroundings {
        file: "sub/dvc.yaml",
        flags: Flags::default(),
        read: &|_| Ok(None),
    };
    let parsed = parse(text, surroundings);
    vec![
        parsed
            .pipeline
            .unwrap_or_else(|| panic!("{:?}", parsed.diagnostics)),
    ]
}

/// The series of the only plot of a text, one a line: file, field, values.
#[track_caller]
fn check(text: &str, files: &[(&str, &str)], expected: &[&str]) {
    let plots = declared_plots(&pipelines(text));
    let [plot] = plots.as_slice() else {
        panic!("{plots:?}");
    };
    let read = |(path, text): &(&str, &str)| {
        let points = read_points(path, text, !plot.properties.has_no_header);
        ((*path).to_owned(), points.unwrap())
    };
    let data: BTreeMap<String, Vec<Point>> = files.iter().map(read).collect();
    let series = plot
        .series(&data)
        .unwrap_or_else(|problem| panic!("{problem}"));
    let found: Vec<String> = series
        .iter()
        .map(|series| {
            let values = series.values.iter();
            let values: Vec<String> = values
                .map(|(x, y)| format!("{}:{}", shown(x), shown(y)))
                .collect();
            format!("{} {} {}", series.file, series.field, values.join(" "))
        })
        .collect();
    assert_eq!(found, expected, "{text}");
}

const CSV: (&str, &str) = ("sub/p.csv", "epoch,loss,acc\n1,0.5,0.1\n2,0.25,0.2\n");

#[test]
fn fields_are_named_or_guessed() {
    check("plots: [p.csv]", &[CSV], &["sub/p.csv acc 0:0.1 1:0.2"]);
    check(
        "plots: [{p.csv: {x: epoch, y: loss}}]",
        &[CSV],
        &["sub/p.csv loss 1:0.5 2:0.25"],
    );
    check(
        "stages: {a: {cmd: x, plots: [{p.csv: {x: '0', header: false}}]}}",
        &[("sub/p.csv", "1,2\n3,4\n")],
        &["sub/p.csv 1 1:2 3:4"],
    );
}

#[test]
fn a_plot_may_have_fields_of_files() {
    let other = ("sub/d/q.tsv", "epoch\tloss\n1\t9\n2\t8\n");
    check(
        "plots: [{Loss: {x: epoch, y: {p.csv: [loss, acc], d/q.tsv: loss}}}]",
        &[CSV, other],
        &[
            "p.csv loss 1:0.5 2:0.25",
            "p.csv acc 1:0.1 2:0.2",
            "d/q.tsv loss 1:9 2:8",
        ],
    );
    check(
        "plots: [{Loss: {x: {d/q.tsv: loss}, y: {p.csv: acc}}}]",
        &[CSV, other],
        &["sub/p.csv acc 9:0.1 8:0.2"],
    );
}

#[test]
fn lists_are_found_in_json() {
    let file = r#"{"roc": [{"fpr": 0, "tpr": 0.5}, {"fpr": 1, "tpr": NaN}], "n": 2}"#;
    check(
        "plots: [{p.json: {x: fpr, y: tpr}}]",
        &[("sub/p.json", file)],
        &["sub/p.json tpr 0:0.5 1:nan"],
    );
}

#[test]
fn what_is_wrong_is_said() {
    let problem = |text: &str, files: &[(&str, &str)]| {
        let plot = declared_plots(&pipelines(text)).remove(0);
        let read = |(path, text): &(&str, &str)| {
            ((*path).to_owned(), read_points(path, text, true).unwrap())
        };
        plot.series(&files.iter().map(read).collect()).unwrap_err()
    };
    assert_eq!(
        problem("plots: [{p.csv: {y: los}}]", &[CSV]),
        "`sub/p.csv` has no field `los`; its fields are `epoch`, `loss`, `acc`"
    );
    let short = ("sub/q.csv", "x\n1\n");
    let text = "plots: [{a: {x: {q.csv: x}, y: {p.csv: acc}}}]";
    assert!(problem(text, &[CSV, short]).contains("`x` of `sub/q.csv` has 1 points"));
    assert!(read_points("p.json", "{\"a\": 1}", true).is_err());
    assert!(read_points("p.bin", "", true).is_err());
}

#[test]
fn sources_are_the_files_of_both_axes() {
    let text = "plots: [{a: {x: {x.csv: t}, y: {p.csv: l}}}, b.png, {dir/: {x: t}}]";
    let plots = declared_plots(&pipelines(text));
    let sources: Vec<Vec<String>> = plots.iter().map(Plot::sources).collect();
    assert_eq!(
        sources,
        [
            vec!["sub/p.csv", "sub/x.csv"],
            vec!["sub/b.png"],
            vec!["sub/dir"]
        ]
    );
    assert_eq!(plots[2].labels(&BTreeMap::new()), ("t".into(), "y".into()));
}

proptest! {
    #[test]
    fn no_table_makes_the_reader_panic(text in "[a,\"\n\r\té0.]{0,60}", has_header in any::<bool>()) {
        for path in ["p.csv", "p.tsv", "p.json", "p.yaml"] {
            if let Ok(points) = read_points(path, &text, has_header) {
                let plot = Plot::of_file(path);
                let _ = plot.series(&[(path.to_owned(), points)].into());
            }
        }
    }
}
