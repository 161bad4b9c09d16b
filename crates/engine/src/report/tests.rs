//! The report and the card hold what they should, and nothing from outside breaks them.

use serde_json::json;

use super::*;

const HOSTILE: &str = "<script>alert(1)</script>";

fn facts() -> Facts {
    Facts {
        project: HOSTILE.to_owned(),
        task: Task::Binary,
        target: "y".to_owned(),
        trainer: "logistic".to_owned(),
        parameters: vec![("l2".to_owned(), "1".to_owned())],
        seed: 7,
        parts: vec![("train", 10, "sha256:00".to_owned())],
        package: "sha256:11".to_owned(),
        inputs: vec![HOSTILE.to_owned()],
        metrics: vec!["roc_auc".to_owned(), "recall".to_owned()],
        importances: vec![(HOSTILE.to_owned(), 1.0)],
        training_notes: Vec::new(),
        threshold: Some(0.5),
        card: Card::default(),
        program: "0",
    }
}

fn evaluation() -> Evaluation {
    let rates = json!({"selection_rate": 0.25, "accuracy": 1.0});
    let interval = json!({"estimate": 0.9, "low": 0.8, "high": 0.95, "level": 0.95});
    let found = json!({
        "metrics": {"roc_auc": 0.9, "n_rows": 20.0},
        "missing": {"recall": "no row is positive"},
        "intervals": {"roc_auc": {"interval": interval, "method": "DeLong"}},
        "champion": {"roc_auc": 0.85},
        "champion_problem": null,
        "comparison": [{
            "metric": "roc_auc", "champion": 0.0, "candidate": 0.9,
            "difference": interval, "p_value": 0.00001, "test": "DeLong",
        }],
        "slices": [],
        "fairness": [],
        "groups": [{
            "column": HOSTILE,
            "groups": [
                {"group": HOSTILE, "n_rows": 40, "is_small": false, "rates": rates},
                {"group": "few", "n_rows": 2, "is_small": true, "rates": {}},
            ],
            "comparisons": {},
            "problem": "1 of 2 groups have 30 rows or more: there is nothing to compare",
        }],
        "curves": {
            "classes": ["no", HOSTILE], "confusion": [[1.0, 0.0], [0.0, 0.0]], "roc": [], "precision_recall": [],
            "gains": [], "reliability": [], "points": [], "residuals": [], "residual_width": 0.0,
        },
        "weak_slices": [],
        "robustness": null,
        "explanation": {"shap": {
            "n_rows": 2, "is_log_odds": true, "base": 0.0, "importances": [[HOSTILE, 0.5]],
            "drawn": [{"input": HOSTILE, "points": [[0.5, 1.0], [-0.5, null]]}],
        }, "partial_dependence": [{
            "input": "x", "values": ["1"], "numbers": [1.0], "mean": [0.5], "individual": [[0.5]],
        }], "of": "probability of 1"},
        "decided": [],
        "gates": [{"text": "roc_auc > 1", "passed": true, "verdict": "warn", "shown": "roc_auc = 0.9 > 1"}],
        "notes": ["a note"],
    });
    serde_json::from_value(found).unwrap()
}

#[track_caller]
fn check(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "`{part}` is not in {page}");
    }
    for part in ["<script", "NaN", "http"] {
        assert!(!page.contains(part), "`{part}` is in {page}");
    }
}

#[test]
fn names_from_outside_are_words_and_nothing_breaks_a_picture() {
    let parts = [
        "badge warn",
        "few rows",
        "no row is positive",
        "0.8 to 0.95",
        "&lt; 0.0001",
        "SHAP values",
        "a note",
        "role=\"img\"",
    ];
    check(&page(&facts(), &evaluation()), &parts);
    check(
        &card_page(&facts(), &evaluation()),
        &["&lt;script&gt;", "sha256:11"],
    );
}

#[test]
fn the_roc_curve_marks_a_threshold_that_holds_for_all_rows() {
    let point = |threshold: Option<f64>, rate: f64| everloop_measure::RocPoint {
        threshold,
        false_positive_rate: rate / 2.0,
        true_positive_rate: rate,
    };
    let mut evaluation = evaluation();
    evaluation.curves.roc = vec![
        point(None, 0.0),
        point(Some(0.7), 0.6),
        point(Some(0.1), 1.0),
    ];
    let shown = |threshold| {
        let facts = Facts {
            threshold,
            ..facts()
        };
        page(&facts, &evaluation)
    };
    check(
        &shown(Some(0.5)),
        &["class=\"dot\"", "it finds 60.0 % of the positives"],
    );
    let without = shown(None);
    check(&without, &["No one threshold holds for all rows"]);
    assert!(!without.contains("class=\"dot\""));
}

#[test]
fn the_card_is_markdown() {
    let card = card_markdown(&facts(), &evaluation());
    assert!(
        card.contains("| roc\\_auc | 0.9 | 0.8 to 0.95 (DeLong) |"),
        "{card}"
    );
    assert!(card.contains("- **seed**: 7\n- **l2**: 1\n"), "{card}");
    assert!(!card.contains(" <script"), "{card}");
}
