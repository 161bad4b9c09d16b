//! Every metric, curve and score of lists, by the numbers of `gen/metrics.py`.

use std::collections::BTreeSet;

use everloop_domain::Task;
use everloop_measure::{
    Binning, LabelAverage, LabelMetric, Labels, Metric, Outcomes, RankedItems, RankingMetric,
    confusion_matrix, gains_curve, precision_recall_curve, reliability_curve, roc_curve, score,
    score_labels, score_ranking,
};
use serde_json::Value;

use crate::table::{all_close, close, file, json, numbers, optional};

#[test]
fn metrics_are_those_of_scikit_learn() {
    let golden = json(&file("metrics.json"));
    let mut seen = BTreeSet::new();
    for case in golden["cases"].as_array().unwrap() {
        let (truth, predicted) = (numbers(&case["truth"]), numbers(&case["predicted"]));
        let (probabilities, weights) =
            (optional(&case["probabilities"]), optional(&case["weights"]));
        let outcomes = Outcomes {
            task: case["task"].as_str().unwrap().parse::<Task>().unwrap(),
            truth: &truth,
            predicted: &predicted,
            probabilities: probabilities.as_deref(),
            n_classes: case["n_classes"].as_u64().unwrap() as usize,
            weights: weights.as_deref(),
        };
        for (name, expected) in case["expected"].as_object().unwrap() {
            let what = format!("{name} of {}", case["name"]);
            let metric = Metric::parse(name).unwrap_or_else(|| panic!("{what}"));
            let found = score(metric, &outcomes).unwrap_or_else(|error| panic!("{what}: {error}"));
            close(found, expected.as_f64().unwrap(), 1e-9, &what);
            seen.insert(metric.name());
        }
    }
    let unseen: Vec<Metric> = Metric::all()
        .filter(|metric| !seen.contains(metric.name()))
        .collect();
    // They need more classes than the cases have; they are `top_k_accuracy` with another k.
    assert_eq!(
        unseen
            .iter()
            .map(|metric| metric.name())
            .collect::<Vec<_>>(),
        ["top_10_accuracy", "top_20_accuracy"]
    );
}

#[test]
fn curves_are_those_of_scikit_learn() {
    for case in json(&file("curves.json"))["cases"].as_array().unwrap() {
        let (truth, scores) = (numbers(&case["truth"]), numbers(&case["score"]));
        let predicted: Vec<f64> = scores
            .iter()
            .map(|score| f64::from(u8::from(*score >= 0.5)))
            .collect();
        let weights = optional(&case["weights"]);
        let outcomes = Outcomes {
            task: Task::Binary,
            truth: &truth,
            predicted: &predicted,
            probabilities: Some(&scores),
            n_classes: 2,
            weights: weights.as_deref(),
        };
        let check = |name: &str, found: Vec<f64>| all_close(&found, &numbers(&case[name]), name);
        let roc = roc_curve(&outcomes).unwrap();
        check("fpr", roc.iter().map(|it| it.false_positive_rate).collect());
        check("tpr", roc.iter().map(|it| it.true_positive_rate).collect());
        let curve = precision_recall_curve(&outcomes).unwrap();
        check("precision", curve.iter().map(|it| it.precision).collect());
        check("recall", curve.iter().map(|it| it.recall).collect());
        check(
            "thresholds",
            curve.iter().filter_map(|it| it.threshold).collect(),
        );
        let gains = gains_curve(&outcomes).unwrap();
        check("row_share", gains.iter().map(|it| it.row_share).collect());
        check("gain", gains.iter().map(|it| it.gain).collect());
        check("lift", gains.iter().map(|it| it.lift).collect());
        let confusion = confusion_matrix(&outcomes).unwrap();
        for (row, expected) in confusion.iter().zip(case["confusion"].as_array().unwrap()) {
            all_close(row, &numbers(expected), "confusion");
        }
        for (name, binning) in [
            ("uniform", Binning::Uniform),
            ("quantile", Binning::Quantile),
        ] {
            if case[name].is_null() {
                continue;
            }
            let bins = reliability_curve(&outcomes, 6, binning).unwrap();
            let see = |key: &str| numbers(&case[name][key]);
            let shares: Vec<f64> = bins.iter().map(|bin| bin.positive_share).collect();
            let means: Vec<f64> = bins.iter().map(|bin| bin.mean_probability).collect();
            all_close(&shares, &see("positive_share"), name);
            all_close(&means, &see("mean_probability"), name);
        }
    }
}

#[test]
fn labels_and_ranked_lists_are_those_of_scikit_learn() {
    for case in json(&file("lists.json"))["cases"].as_array().unwrap() {
        let weights = optional(&case["weights"]);
        for (name, expected) in case["expected"].as_object().unwrap() {
            let found = match case["kind"].as_str().unwrap() {
                "labels" => of_labels(case, name, weights.as_deref()),
                _ => of_ranking(case, name, weights.as_deref()),
            };
            close(found, expected.as_f64().unwrap(), 1e-9, name);
        }
    }
}

fn of_labels(case: &Value, name: &str, weights: Option<&[f64]>) -> f64 {
    let flat = |key: &str| -> Vec<f64> {
        case[key]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(numbers)
            .collect()
    };
    let (truth, predicted) = (flat("truth"), flat("predicted"));
    let are = |values: &[f64]| {
        values
            .iter()
            .map(|value| *value == 1.0)
            .collect::<Vec<bool>>()
    };
    let average = match name.rsplit('_').next().unwrap() {
        "micro" => LabelAverage::Micro,
        "weighted" => LabelAverage::Weighted,
        "samples" => LabelAverage::Samples,
        _ => LabelAverage::Macro,
    };
    let metric = match name {
        "subset_accuracy" => LabelMetric::SubsetAccuracy,
        "hamming_loss" => LabelMetric::HammingLoss,
        name if name.starts_with("precision") => LabelMetric::Precision(average),
        name if name.starts_with("recall") => LabelMetric::Recall(average),
        name if name.starts_with("f1") => LabelMetric::F1(average),
        name if name.starts_with("jaccard") => LabelMetric::Jaccard(average),
        name if name.starts_with("roc_auc") => LabelMetric::RocAuc(average),
        _ => LabelMetric::AveragePrecision(average),
    };
    let labels = Labels {
        truth: &are(&truth),
        predicted: &are(&predicted),
        scores: Some(&flat("scores")),
        n_labels: case["truth"][0].as_array().unwrap().len(),
        weights,
    };
    score_labels(metric, &labels).unwrap()
}

fn of_ranking(case: &Value, name: &str, weights: Option<&[f64]>) -> f64 {
    let sizes: Vec<usize> = numbers(&case["sizes"])
        .iter()
        .map(|size| *size as usize)
        .collect();
    let metric = match name {
        "dcg" => RankingMetric::Dcg { k: None },
        "dcg_3" => RankingMetric::Dcg { k: Some(3) },
        "ndcg" => RankingMetric::Ndcg { k: None },
        "ndcg_3" => RankingMetric::Ndcg { k: Some(3) },
        "map" => RankingMetric::MeanAveragePrecision,
        "mrr" => RankingMetric::MeanReciprocalRank,
        "lrap" => RankingMetric::LabelRankingAveragePrecision,
        "ranking_loss" => RankingMetric::LabelRankingLoss,
        _ => RankingMetric::CoverageError,
    };
    let items = RankedItems {
        relevance: &numbers(&case["relevance"]),
        scores: &numbers(&case["scores"]),
        sizes: &sizes,
        weights,
    };
    score_ranking(metric, &items).unwrap()
}
