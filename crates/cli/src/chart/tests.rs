use super::*;

fn chart(form: Form, values: &[(&str, &str)]) -> Chart {
    let values = values.iter();
    let values = values.map(|(x, y)| (Value::Text((*x).into()), Value::Text((*y).into())));
    Chart {
        title: "a <b> & \"c\"".into(),
        x_label: "x".into(),
        y_label: "]]>".into(),
        form,
        series: vec![
            Series {
                label: "HEAD</text>".into(),
                version: 0,
                field: 0,
                values: values.clone().collect(),
            },
            Series {
                label: "workspace".into(),
                version: 1,
                field: 1,
                values: values.take(1).collect(),
            },
        ],
    }
}

const FORMS: [Form; 6] = [
    Form::Line,
    Form::Smooth,
    Form::Points,
    Form::Bars { is_sorted: true },
    Form::Matrix {
        is_normalized: false,
    },
    Form::Matrix {
        is_normalized: true,
    },
];

/// Checks that tags are closed in order, and gives what the SVG has.
#[track_caller]
fn check(chart: &Chart) -> String {
    let svg = chart.svg();
    let mut open: Vec<&str> = Vec::new();
    for part in svg.split('<').skip(1) {
        let tag = part.split('>').next().unwrap();
        assert!(!tag.contains("NaN") && !tag.contains("inf"), "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{svg}");
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(svg.contains("a &lt;b&gt; &amp; &quot;c&quot;"), "{svg}");
    svg
}

#[test]
fn every_form_is_whole_for_all_values() {
    let tables: [&[(&str, &str)]; 6] = [
        &[("1", "0.5"), ("2", "0.25"), ("3", "1e-9")],
        &[("cat", "dog"), ("dog", "dog"), ("<", "&")],
        &[("nan", "inf"), ("1", "-inf"), ("", "")],
        &[("1e308", "-1e308"), ("-1e308", "1e308")],
        &[("0", "0")],
        &[],
    ];
    for form in FORMS {
        for values in tables {
            check(&chart(form, values));
        }
    }
}

#[test]
fn lines_have_axes_and_a_legend() {
    let svg = check(&chart(Form::Line, &[("0", "0"), ("10", "5")]));
    for expected in [
        ">HEAD&lt;/text&gt;</text>",
        ">workspace</text>",
        ">10</text>",
        "#0072B2",
        "#E69F00",
    ] {
        assert!(svg.contains(expected), "{expected}: {svg}");
    }
}

#[test]
fn names_stand_at_the_axis() {
    let svg = check(&chart(Form::Line, &[("mon", "1"), ("tue", "2")]));
    assert!(svg.contains(">mon</text>") && svg.contains(">tue</text>"));
}

#[test]
fn matrices_count() {
    let pairs = [("a", "a"), ("a", "a"), ("b", "a"), ("b", "b")];
    let counted = check(&chart(
        Form::Matrix {
            is_normalized: false,
        },
        &pairs,
    ));
    assert!(
        counted.contains("<title>a, a: 2</title>") && counted.contains("<title>b, a: 0</title>")
    );
    let shares = check(&chart(
        Form::Matrix {
            is_normalized: true,
        },
        &pairs,
    ));
    assert!(shares.contains("<title>a, a: 0.67</title>"), "{shares}");
}

#[test]
fn long_series_are_thinned_out() {
    let mut long = chart(Form::Smooth, &[]);
    let values = (0..50_000).map(|at| {
        (
            Value::Integer(at),
            Value::Number(f64::from(at as i32 % 100)),
        )
    });
    long.series[0].values = values.collect();
    assert!(check(&long).len() < 200_000);
}

#[test]
fn templates_have_forms() {
    assert_eq!(Form::of_template("linear"), Some(Form::Line));
    assert_eq!(Form::of_template("mine.json"), None);
}
