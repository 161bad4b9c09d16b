//! Differences between groups of people, by name: those of Fairlearn.

/// Rates of a group by which groups are compared.
pub(crate) const RATES: [&str; 9] = [
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "true_negative_rate",
    "false_negative_rate",
    "accuracy",
    "balanced_accuracy",
    "precision",
    "f1",
];

/// How many comparisons of groups have a name.
pub(crate) const N_COMPARISONS: usize = 43;

/// The comparisons of groups: a difference, ratio, smallest or greatest value of a rate, and what puts several rates together.
pub(crate) const COMPARISONS: [(&str, &str); N_COMPARISONS] = [
    (
        "demographic_parity_difference",
        "The greatest difference between groups in the share of positive predictions.",
    ),
    (
        "demographic_parity_ratio",
        "The smallest ratio between groups of the share of positive predictions.",
    ),
    (
        "equalized_odds_difference",
        "The greatest difference between groups in the rate of true or of false positives.",
    ),
    (
        "equalized_odds_ratio",
        "The smallest ratio between groups of the rate of true or of false positives.",
    ),
    (
        "equal_opportunity_difference",
        "The greatest difference between groups in the rate of true positives.",
    ),
    (
        "equal_opportunity_ratio",
        "The smallest ratio between groups of the rate of true positives.",
    ),
    (
        "mean_odds_difference",
        "The mean of the greatest differences in the rates of true and of false positives.",
    ),
    (
        "selection_rate_difference",
        "The greatest difference of selection rates.",
    ),
    (
        "selection_rate_ratio",
        "The smallest ratio of selection rates.",
    ),
    (
        "selection_rate_group_min",
        "The lowest selection rate of a group.",
    ),
    (
        "selection_rate_group_max",
        "The highest selection rate of a group.",
    ),
    (
        "true_positive_rate_difference",
        "The greatest difference of true positive rates.",
    ),
    (
        "true_positive_rate_ratio",
        "The smallest ratio of true positive rates.",
    ),
    (
        "true_positive_rate_group_min",
        "The lowest true positive rate of a group.",
    ),
    (
        "true_positive_rate_group_max",
        "The highest true positive rate of a group.",
    ),
    (
        "false_positive_rate_difference",
        "The greatest difference of false positive rates.",
    ),
    (
        "false_positive_rate_ratio",
        "The smallest ratio of false positive rates.",
    ),
    (
        "false_positive_rate_group_min",
        "The lowest false positive rate of a group.",
    ),
    (
        "false_positive_rate_group_max",
        "The highest false positive rate of a group.",
    ),
    (
        "true_negative_rate_difference",
        "The greatest difference of true negative rates.",
    ),
    (
        "true_negative_rate_ratio",
        "The smallest ratio of true negative rates.",
    ),
    (
        "true_negative_rate_group_min",
        "The lowest true negative rate of a group.",
    ),
    (
        "true_negative_rate_group_max",
        "The highest true negative rate of a group.",
    ),
    (
        "false_negative_rate_difference",
        "The greatest difference of false negative rates.",
    ),
    (
        "false_negative_rate_ratio",
        "The smallest ratio of false negative rates.",
    ),
    (
        "false_negative_rate_group_min",
        "The lowest false negative rate of a group.",
    ),
    (
        "false_negative_rate_group_max",
        "The highest false negative rate of a group.",
    ),
    (
        "accuracy_difference",
        "The greatest difference of accuracies.",
    ),
    ("accuracy_ratio", "The smallest ratio of accuracies."),
    ("accuracy_group_min", "The lowest accuracy of a group."),
    ("accuracy_group_max", "The highest accuracy of a group."),
    (
        "balanced_accuracy_difference",
        "The greatest difference of balanced accuracies.",
    ),
    (
        "balanced_accuracy_ratio",
        "The smallest ratio of balanced accuracies.",
    ),
    (
        "balanced_accuracy_group_min",
        "The lowest balanced accuracy of a group.",
    ),
    (
        "balanced_accuracy_group_max",
        "The highest balanced accuracy of a group.",
    ),
    (
        "precision_difference",
        "The greatest difference of precisions.",
    ),
    ("precision_ratio", "The smallest ratio of precisions."),
    ("precision_group_min", "The lowest precision of a group."),
    ("precision_group_max", "The highest precision of a group."),
    ("f1_difference", "The greatest difference of F1 scores."),
    ("f1_ratio", "The smallest ratio of F1 scores."),
    ("f1_group_min", "The lowest F1 score of a group."),
    ("f1_group_max", "The highest F1 score of a group."),
];

/// Whether the word is a comparison of groups.
pub(crate) fn is_comparison(word: &str) -> bool {
    COMPARISONS.iter().any(|(name, _)| *name == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rate_is_compared_in_four_ways() {
        for rate in RATES {
            for way in ["difference", "ratio", "group_min", "group_max"] {
                assert!(is_comparison(&format!("{rate}_{way}")), "{rate} {way}");
            }
        }
    }
}
