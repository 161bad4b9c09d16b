//! The model card (Mitchell et al. 2019): what a model is for, from what it was made, how good it is and for whom.
//!
//! It is written once, as blocks, and rendered as Markdown and as HTML. It holds no time and nothing of the machine but
//! what gates measured of it: the same inputs give the same card.

use maud::{Markup, html};

use super::Facts;
use super::chart::number;
use crate::Evaluation;

/// A piece of the card.
enum Block {
    Heading(&'static str),
    Paragraph(String),
    /// Names and what stands for them.
    Definitions(Vec<(String, String)>),
    Table {
        head: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    List(Vec<String>),
}

/// The card as Markdown.
pub(crate) fn markdown(facts: &Facts, evaluation: &Evaluation) -> String {
    let mut text = format!("# Model card: {}\n", escaped(&facts.project));
    for block in blocks(facts, evaluation) {
        text.push('\n');
        match block {
            Block::Heading(heading) => text.push_str(&format!("## {heading}\n")),
            Block::Paragraph(words) => text.push_str(&format!("{}\n", escaped(&words))),
            Block::Definitions(pairs) => {
                for (name, value) in pairs {
                    text.push_str(&format!("- **{}**: {}\n", escaped(&name), escaped(&value)));
                }
            }
            Block::Table { head, rows } => {
                let titles: Vec<String> = head.iter().map(|title| escaped(title)).collect();
                text.push_str(&row(&titles));
                text.push_str(&row(&vec!["---".to_owned(); head.len()]));
                for cells in rows {
                    let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
                    text.push_str(&row(&cells));
                }
            }
            Block::List(items) => {
                for item in items {
                    text.push_str(&format!("- {}\n", escaped(&item)));
                }
            }
        }
    }
    text
}

fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// A text that means nothing to Markdown.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => escaped.push(' '),
            '|' | '*' | '_' | '<' | '>' | '[' | ']' | '\\' | '#' | '`' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// The card as a page of its own.
pub(crate) fn page(facts: &Facts, evaluation: &Evaluation) -> String {
    let title = format!("Model card: {}", facts.project);
    let body = html! {
        header { h1 { (title) } p class="lead" { "Made by Everloop from what was measured and from what the project says." } }
        main { @for block in blocks(facts, evaluation) { (render(&block)) } }
    };
    super::document(&title, &body)
}

fn render(block: &Block) -> Markup {
    html! {
        @match block {
            Block::Heading(heading) => { h2 { (heading) } }
            Block::Paragraph(words) => { p { (words) } }
            Block::Definitions(pairs) => { dl { @for (name, value) in pairs { dt { (name) } dd { (value) } } } }
            Block::Table { head, rows } => {
                div class="scroll" { table {
                    thead { tr { @for cell in head { th { (cell) } } } }
                    tbody { @for cells in rows { tr { @for cell in cells { td { (cell) } } } } }
                } }
            }
            Block::List(items) => { ul { @for item in items { li { (item) } } } }
        }
    }
}

fn pair(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

fn blocks(facts: &Facts, evaluation: &Evaluation) -> Vec<Block> {
    let mut blocks = model(facts);
    blocks.extend(data(facts));
    blocks.extend(quality(facts, evaluation));
    blocks.extend(people(evaluation));
    blocks.extend(limits(facts, evaluation));
    blocks.push(Block::Heading("Gates"));
    blocks.push(if evaluation.gates.is_empty() {
        Block::Paragraph("No gates are set.".to_owned())
    } else {
        Block::Table {
            head: ["outcome", "gate", "numbers"].map(str::to_owned).into(),
            rows: evaluation
                .gates
                .iter()
                .map(|gate| {
                    let verdict = gate.verdict.as_str().to_owned();
                    vec![verdict, gate.text.clone(), gate.shown.clone()]
                })
                .collect(),
        }
    });
    blocks
}

fn model(facts: &Facts) -> Vec<Block> {
    let card = &facts.card;
    let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "not said".to_owned());
    let mut blocks = vec![
        Block::Heading("Model"),
        Block::Definitions(vec![
            pair("predicts", format!("{} ({})", facts.target, facts.task)),
            pair("learnt by", facts.trainer.clone()),
            pair("package", facts.package.clone()),
            pair("made with", format!("Everloop {}", facts.program)),
            pair("owner", said(&card.owner)),
            pair("contact", said(&card.contact)),
            pair("licence", said(&card.licence)),
        ]),
        Block::Heading("Intended use"),
        Block::Paragraph(card.intended_use.clone().unwrap_or_else(|| {
            "Not said: write `evaluate.card.intended_use` in everloop.yaml.".to_owned()
        })),
    ];
    if let Some(words) = &card.out_of_scope {
        blocks.push(Block::Paragraph(format!("Not to be used for: {words}")));
    }
    blocks
}

fn data(facts: &Facts) -> Vec<Block> {
    let parts = facts.parts.iter();
    let mut blocks = vec![
        Block::Heading("Data"),
        Block::Table {
            head: ["part", "rows", "digest"].map(str::to_owned).into(),
            rows: parts
                .map(|(name, n_rows, digest)| {
                    vec![(*name).to_owned(), n_rows.to_string(), digest.clone()]
                })
                .collect(),
        },
        Block::Paragraph(format!("Inputs: {}.", facts.inputs.join(", "))),
        Block::Heading("Training"),
    ];
    let mut settings = vec![pair("seed", facts.seed.to_string())];
    settings.extend(facts.parameters.clone());
    blocks.push(Block::Definitions(settings));
    if !facts.training_notes.is_empty() {
        blocks.push(Block::List(facts.training_notes.clone()));
    }
    blocks
}

fn quality(facts: &Facts, evaluation: &Evaluation) -> Vec<Block> {
    let rows = facts.metrics.iter().map(|name| {
        let value = evaluation.metrics.get(name);
        let interval = evaluation.intervals.get(name).map(|found| {
            let (low, high) = (number(found.interval.low), number(found.interval.high));
            format!("{low} to {high} ({})", found.method)
        });
        vec![
            name.clone(),
            value.map_or_else(|| "none".to_owned(), |value| number(*value)),
            interval.unwrap_or_default(),
        ]
    });
    let level = evaluation.intervals.values().next();
    let level = level.map_or_else(String::new, |it| {
        format!(" ({} %)", number(100.0 * it.interval.level))
    });
    let mut blocks = vec![
        Block::Heading("Quality on the test rows"),
        Block::Table {
            head: vec![
                "metric".to_owned(),
                "value".to_owned(),
                format!("interval{level}"),
            ],
            rows: rows.collect(),
        },
    ];
    if !evaluation.comparison.is_empty() {
        let rows = evaluation.comparison.iter().map(|it| {
            vec![
                it.metric.clone(),
                number(it.champion),
                number(it.candidate),
                format!("{:.4} ({})", it.p_value, it.test),
            ]
        });
        blocks.push(Block::Paragraph(
            "Against the champion before it, on the same rows:".to_owned(),
        ));
        blocks.push(Block::Table {
            head: ["metric", "champion", "this model", "p-value"]
                .map(str::to_owned)
                .into(),
            rows: rows.collect(),
        });
    }
    blocks
}

fn people(evaluation: &Evaluation) -> Vec<Block> {
    const SHOWN: [&str; 4] = [
        "selection_rate",
        "true_positive_rate",
        "false_positive_rate",
        "accuracy",
    ];
    let mut blocks = vec![Block::Heading("Fairness")];
    if evaluation.groups.is_empty() {
        blocks.push(Block::Paragraph(
            "No groups of people were compared: `evaluate.fairness.groups` names none.".to_owned(),
        ));
    }
    for comparison in &evaluation.groups {
        let mut head = vec![comparison.column.clone(), "rows".to_owned()];
        head.extend(SHOWN.map(|name| name.replace('_', " ")));
        let rows = comparison.groups.iter().map(|group| {
            let size = if group.is_small { " (few)" } else { "" };
            let mut cells = vec![group.group.clone(), format!("{}{size}", group.n_rows)];
            let rate = |name: &&str| group.rates.get(*name).map(|value| number(*value));
            cells.extend(SHOWN.iter().map(|name| rate(name).unwrap_or_default()));
            cells
        });
        blocks.push(Block::Table {
            head,
            rows: rows.collect(),
        });
        let apart = [
            "demographic_parity_difference",
            "equalized_odds_difference",
            "equal_opportunity_difference",
        ];
        let apart: Vec<String> = apart
            .iter()
            .filter_map(|name| {
                let value = comparison.comparisons.get(*name)?;
                Some(format!("{}: {}", name.replace('_', " "), number(*value)))
            })
            .collect();
        if !apart.is_empty() {
            blocks.push(Block::List(apart));
        }
    }
    blocks
}

fn limits(facts: &Facts, evaluation: &Evaluation) -> Vec<Block> {
    let mut blocks = vec![Block::Heading("Limits")];
    let words = facts.card.limits.clone();
    blocks.extend(words.map(Block::Paragraph));
    let mut items: Vec<String> = Vec::new();
    for decided in &evaluation.decided {
        let numbers = decided.before.iter().map(|(name, before)| {
            let after = decided.after.get(name).copied().unwrap_or(f64::NAN);
            format!(
                "{} {} to {}",
                name.replace('_', " "),
                number(*before),
                number(after)
            )
        });
        let numbers: Vec<String> = numbers.collect();
        items.push(format!(
            "Decided: {} ({}).",
            decided.goal,
            numbers.join(", ")
        ));
    }
    for slice in evaluation.weak_slices.iter().take(5) {
        let conditions: Vec<String> = slice
            .conditions
            .iter()
            .map(|(column, value)| format!("{column} = {value}"))
            .collect();
        items.push(format!(
            "Worse where {} ({} rows): mean loss {}, elsewhere {}.",
            conditions.join(" and "),
            slice.n_rows,
            number(slice.mean_loss),
            number(slice.mean_loss_elsewhere)
        ));
    }
    if let Some(robustness) = &evaluation.robustness {
        let worst = robustness.disturbances.iter().find(|it| it.score.is_some());
        if let Some((worst, score)) = worst.and_then(|it| Some((it, it.score?))) {
            let input = worst.column.as_deref().unwrap_or("all numbers");
            let how = match worst.kind.as_str() {
                "missing" => "is missing",
                "unit" => "comes in another unit",
                _ => "are noisy",
            };
            items.push(format!(
                "The metric {} goes from {} to {} when {input} {how}.",
                robustness.metric,
                number(robustness.undisturbed),
                number(score)
            ));
        }
    }
    items.extend(evaluation.notes.clone());
    if !items.is_empty() {
        blocks.push(Block::List(items));
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_people_mean_nothing_to_markdown() {
        assert_eq!(escaped("a|b <script>\n*"), "a\\|b \\<script\\> \\*");
    }
}
