//! The search as a page: history, importance, slices, parallel coordinates, front, and what was seen on the way.

mod frame;
mod parallel;

use std::fmt::Write as _;

use everloop_domain::ParameterValue;
use everloop_domain::search::Domain;

use super::study::Study;
use super::trial::{Trial, TrialState};
use frame::{Frame, Span, escaped, number};

const WIDE: (f64, f64) = (760.0, 300.0);
const SMALL: (f64, f64) = (370.0, 240.0);
/// Curves are drawn of so many trials, the latest.
const MAX_CURVES: usize = 200;
/// Rows of the table.
const MAX_ROWS: usize = 500;

const STYLE: &str = "body{font:15px system-ui,sans-serif;margin:2rem auto;max-width:50rem;padding:0 1rem;color:#1f2328;background:#fff}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}svg{max-width:100%;height:auto;font:12px system-ui,sans-serif}\
svg text{fill:currentColor}.grid{stroke:currentColor;stroke-opacity:.15;fill:none}.done{fill:#0072B2;fill-opacity:.7}\
.best{fill:#D55E00}.pruned{fill:#8A8A8A;fill-opacity:.5}.way{stroke:#D55E00;stroke-width:2;fill:none}\
.curve{stroke:#0072B2;stroke-opacity:.35;fill:none}.dead{stroke:#8A8A8A;stroke-opacity:.35;fill:none}.bar{fill:#0072B2}\
pre{background:#8881;padding:.6rem 1rem;border-radius:6px;overflow-x:auto}\
table{border-collapse:collapse;display:block;overflow-x:auto}td,th{border-bottom:1px solid #8884;padding:.2rem .7rem;text-align:left}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}}";

/// A page that needs nothing else: no scripts, no network.
#[must_use]
pub fn html(study: &Study, project: &str) -> String {
    let title = escaped(&format!("Search for parameters of {project}"));
    let trials: Vec<&Trial> = study.trials().collect();
    let mut body = summary(study, &trials);
    for objective in 0..study.search().objectives.len() {
        section(&mut body, "History", &history(study, &trials, objective));
        section(&mut body, "Importance", &importance(study, objective));
    }
    if study.search().objectives.len() > 1 {
        section(&mut body, "Pareto front", &front(study, &trials));
    }
    section(&mut body, "Slices", &slices(study, &trials));
    section(
        &mut body,
        "Parallel coordinates",
        &parallel::svg(study, &trials),
    );
    section(&mut body, "On the way", &curves(&trials));
    section(&mut body, "Trials", &table(study, &trials));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title><style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n{body}</body></html>\n"
    )
}

/// Adds a part of the page unless there is nothing to show.
fn section(body: &mut String, title: &str, content: &str) {
    if !content.is_empty() {
        let _ = writeln!(body, "<section><h2>{title}</h2>\n{content}</section>");
    }
}

fn summary(study: &Study, trials: &[&Trial]) -> String {
    let count = |state| trials.iter().filter(|trial| trial.state == state).count();
    let mut text = format!(
        "<p>{} trials: {} complete, {} ended early, {} failed.</p>\n",
        trials.len(),
        count(TrialState::Complete),
        count(TrialState::Pruned),
        count(TrialState::Failed)
    );
    if let Some(best) = study.best() {
        let _ = writeln!(
            text,
            "<p>Trial {} is the best: {}.</p>",
            best.number,
            escaped(&scores(study, best))
        );
        let lines: Vec<String> = best
            .parameters
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let _ = writeln!(
            text,
            "<pre>{}</pre>",
            lines
                .iter()
                .map(|line| escaped(line))
                .collect::<Vec<_>>()
                .join("\n")
        );
    }
    text
}

fn scores(study: &Study, trial: &Trial) -> String {
    let pairs = study.search().objectives.iter().zip(&trial.values);
    let texts: Vec<String> = pairs
        .map(|(objective, value)| format!("{} {}", objective.metric, number(*value)))
        .collect();
    texts.join(", ")
}

/// A trial in words, for who points at it.
fn words(study: &Study, trial: &Trial) -> String {
    let parameters: Vec<String> = trial
        .parameters
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    format!(
        "trial {}: {}; {}",
        trial.number,
        scores(study, trial),
        parameters.join(", ")
    )
}

/// The values of an objective that are worth looking at: very bad trials are drawn at the edge.
fn shown(study: &Study, trials: &[&Trial], objective: usize) -> Span {
    let mut values: Vec<f64> = trials
        .iter()
        .filter_map(|trial| trial.values.get(objective).copied())
        .collect();
    values.sort_by(f64::total_cmp);
    if study.search().objectives[objective].is_maximized {
        values.reverse();
    }
    if let (Some(best), Some(middle)) = (
        values.first().copied(),
        values.get(values.len() / 2).copied(),
    ) {
        values.retain(|value| (value - best).abs() <= 4.0 * (middle - best).abs().max(1e-12));
    }
    Span::around(values.into_iter(), false)
}

fn history(study: &Study, trials: &[&Trial], objective: usize) -> String {
    let wanted = &study.search().objectives[objective];
    let scored: Vec<(f64, f64, &Trial)> = trials
        .iter()
        .filter_map(|trial| Some((trial.number as f64, *trial.values.get(objective)?, *trial)))
        .collect();
    if scored.is_empty() {
        return String::new();
    }
    let x = Span::around([0.0, trials.len() as f64 - 1.0].into_iter(), false);
    let mut frame = Frame::new(
        WIDE,
        x,
        shown(study, trials, objective),
        ("trial", &wanted.metric),
    );
    let mut best: Option<f64> = None;
    let mut way = Vec::new();
    for (number, value, _) in &scored {
        let is_better = best.is_none_or(|best| {
            if wanted.is_maximized {
                *value > best
            } else {
                *value < best
            }
        });
        if is_better {
            way.extend(best.map(|best| (*number, best)));
            best = Some(*value);
        }
        way.extend(best.map(|best| (*number, best)));
    }
    frame.line(way.into_iter(), "way", "the best so far");
    let best = study.best().map(|best| best.number);
    for (number, value, trial) in scored {
        let class = if Some(trial.number) == best {
            "best"
        } else {
            "done"
        };
        frame.point((number, value), class, &words(study, trial));
    }
    frame.svg(&format!("{} by trial", wanted.metric))
}

fn importance(study: &Study, objective: usize) -> String {
    let importances = study.importances(objective);
    if importances.is_empty() {
        return String::new();
    }
    let mut body = String::new();
    for (place, one) in importances.iter().enumerate() {
        let top = place as f64 * 22.0;
        let _ = write!(
            body,
            "<text x=\"200\" y=\"{:.0}\" text-anchor=\"end\">{}</text><rect class=\"bar\" x=\"208\" y=\"{:.0}\" width=\"{:.1}\" height=\"14\"/>\
             <text x=\"{:.1}\" y=\"{:.0}\">{}</text>",
            top + 15.0,
            escaped(&one.dimension),
            top + 4.0,
            one.share * 470.0,
            one.share * 470.0 + 214.0,
            top + 15.0,
            number((one.share * 1000.0).round() / 1000.0)
        );
    }
    let metric = &study.search().objectives[objective].metric;
    let picture = frame::picture(
        (WIDE.0, importances.len() as f64 * 22.0 + 8.0),
        &format!("importance for {metric}"),
        &body,
    );
    format!(
        "<p>For {}, by PED-ANOVA (Watanabe et al. 2023).</p>\n{picture}",
        escaped(metric)
    )
}

fn front(study: &Study, trials: &[&Trial]) -> String {
    let objectives = &study.search().objectives;
    let on_front: Vec<usize> = study.front().iter().map(|trial| trial.number).collect();
    let labels = (objectives[0].metric.as_str(), objectives[1].metric.as_str());
    let mut frame = Frame::new(
        WIDE,
        shown(study, trials, 0),
        shown(study, trials, 1),
        labels,
    );
    for trial in trials.iter().filter(|trial| trial.is_complete()) {
        let class = if on_front.contains(&trial.number) {
            "best"
        } else {
            "done"
        };
        frame.point(
            (trial.values[0], trial.values[1]),
            class,
            &words(study, trial),
        );
    }
    let picture = frame.svg("the Pareto front");
    let rows: Vec<&Trial> = study.front();
    format!("{picture}\n{}", table(study, &rows))
}

/// A small picture for each dimension: its values against the first objective.
fn slices(study: &Study, trials: &[&Trial]) -> String {
    let (space, objective) = (&study.search().space, &study.search().objectives[0]);
    let y = shown(study, trials, 0);
    let mut pictures = String::new();
    for (place, dimension) in space.iter().enumerate() {
        let scored: Vec<(f64, &Trial)> = trials
            .iter()
            .filter(|trial| trial.is_complete())
            .filter_map(|trial| Some((trial.point[place]?, *trial)))
            .collect();
        if scored.is_empty() {
            continue;
        }
        let is_log = matches!(dimension.domain, Domain::Range { is_log: true, .. });
        let x = Span::around(scored.iter().map(|(value, _)| *value), is_log);
        let label = label(&dimension.id, &dimension.domain);
        let mut frame = Frame::new(SMALL, x, y, (&label, &objective.metric));
        for (value, trial) in scored {
            frame.point((value, trial.values[0]), "done", &words(study, trial));
        }
        pictures.push_str(&frame.svg(&format!("{} by {}", objective.metric, dimension.id)));
    }
    pictures
}

/// The name of a dimension, with what the places of choices mean.
fn label(id: &str, domain: &Domain) -> String {
    let Domain::Choices(choices) = domain else {
        return id.to_owned();
    };
    let choices: Vec<String> = choices
        .iter()
        .enumerate()
        .map(|(place, choice)| format!("{place} {choice}"))
        .collect();
    let text = format!("{id}: {}", choices.join(", "));
    match text.char_indices().nth(48) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn curves(trials: &[&Trial]) -> String {
    let latest = trials
        .iter()
        .rev()
        .filter(|trial| trial.curve.len() > 1)
        .take(MAX_CURVES);
    let seen: Vec<&Trial> = latest.copied().collect();
    let Some(name) = seen.first().and_then(|trial| trial.curve_name.as_deref()) else {
        return String::new();
    };
    let points = || seen.iter().flat_map(|trial| trial.curve.iter());
    let mut values: Vec<f64> = points().map(|(_, value)| *value).collect();
    values.sort_by(f64::total_cmp);
    // A few steps of a hundred may lie beyond the edge at each end.
    let cut = values.len() / 50;
    let y = Span::around(values[cut..values.len() - cut].iter().copied(), false);
    let x = Span::around(points().map(|(step, _)| *step as f64), false);
    let mut frame = Frame::new(WIDE, x, y, ("step", name));
    for trial in seen {
        let class = if trial.is_complete() { "curve" } else { "dead" };
        let points = trial
            .curve
            .iter()
            .map(|(step, value)| (*step as f64, *value));
        frame.line(points, class, &format!("trial {}", trial.number));
    }
    frame.svg("what was seen on the way")
}

fn table(study: &Study, trials: &[&Trial]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for dimension in &study.search().space {
        if !names.contains(&dimension.parameter.as_str()) {
            names.push(&dimension.parameter);
        }
    }
    let metrics = study
        .search()
        .objectives
        .iter()
        .map(|objective| objective.metric.as_str());
    let header: Vec<String> = ["trial", "state"]
        .into_iter()
        .chain(metrics)
        .chain(names.iter().copied())
        .chain(["s"])
        .map(|name| format!("<th>{}</th>", escaped(name)))
        .collect();
    let mut text = format!("<table><tr>{}</tr>\n", header.concat());
    for trial in trials.iter().take(MAX_ROWS) {
        let values = (0..study.search().objectives.len()).map(|place| {
            trial
                .values
                .get(place)
                .map_or("-".to_owned(), |value| number(*value))
        });
        let parameters = names.iter().map(|name| {
            trial
                .parameters
                .get(*name)
                .map_or("-".to_owned(), ParameterValue::to_string)
        });
        let state = match &trial.problem {
            Some(problem) => format!("failed: {problem}"),
            None => trial.state.as_str().to_owned(),
        };
        let cells = [trial.number.to_string(), state]
            .into_iter()
            .chain(values)
            .chain(parameters);
        let cells: Vec<String> = cells
            .chain([number(trial.seconds)])
            .map(|cell| format!("<td>{}</td>", escaped(&cell)))
            .collect();
        let _ = writeln!(text, "<tr>{}</tr>", cells.concat());
    }
    text.push_str("</table>\n");
    if trials.len() > MAX_ROWS {
        let _ = writeln!(text, "<p>The first {MAX_ROWS} of {}.</p>", trials.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use everloop_domain::search::{Objective, Pruner, Sampler, Search};

    use super::super::Outcome;
    use super::super::space::tests::{choices, range, when};
    use super::*;

    fn study(n_objectives: usize, is_failing: bool) -> Study {
        let objective = |place: usize| Objective {
            metric: format!("m{place}<b>"),
            is_maximized: place == 1,
        };
        let mut study = Study::new(Search {
            trials: 30,
            objectives: (0..n_objectives).map(objective).collect(),
            sampler: Sampler::Random,
            pruner: Pruner::None,
            space: vec![
                range("x", 1e-4, 1.0, true, false),
                choices("kind", &["<i>", "b"]),
                when(range("depth", 1.0, 9.0, false, true), 1, 1),
            ],
            cross_validation: None,
            parallel: 1,
            timeout: None,
            trial_timeout: None,
            seed: 0,
        })
        .unwrap();
        while let Some(asked) = study.ask() {
            let number = asked.number as f64;
            let is_failed = is_failing || asked.number % 7 == 0;
            let outcome = Outcome {
                values: if is_failed || asked.number % 5 == 0 {
                    Vec::new()
                } else {
                    vec![number.sin(); n_objectives]
                },
                curve: vec![(1, 2.0), (2, number)],
                curve_name: Some("log_loss".to_owned()),
                is_curve_maximized: false,
                problem: is_failed.then(|| "<script>".to_owned()),
                seconds: 0.5,
            };
            study.tell(asked.number, outcome);
        }
        study
    }

    #[test]
    fn all_is_drawn_and_nothing_is_a_tag() {
        for n_objectives in [1, 2] {
            let page = html(&study(n_objectives, false), "<p>");
            for part in [
                "History",
                "Importance",
                "Slices",
                "Parallel coordinates",
                "On the way",
                "Trials",
                "Trial ",
            ] {
                assert!(page.contains(part), "{part}");
            }
            assert_eq!(page.contains("Pareto front"), n_objectives == 2);
            for wrong in [
                "<script", "<i>", "<b>", "NaN", "inf\"", "http://", "https://",
            ] {
                assert!(!page.contains(wrong), "{wrong}");
            }
            assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
        }
    }

    #[test]
    fn a_search_that_found_nothing_is_a_page() {
        let page = html(&study(1, true), "p");
        assert!(page.contains("0 complete") && page.contains("30 failed"));
    }
}
