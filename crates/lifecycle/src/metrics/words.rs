//! The metrics by name, with what they are. The first ones of each table are measured when a file names none.

/// Of classes.
pub(super) const OF_CLASSES: [(&str, &str); 45] = [
    ("accuracy", "the share of right predictions"),
    (
        "precision",
        "the share of predicted positives that are positive",
    ),
    ("recall", "the share of positives that are found"),
    ("f1", "the harmonic mean of precision and recall"),
    ("roc_auc", "the area under the ROC curve"),
    ("log_loss", "the negative log-likelihood of the truth"),
    ("balanced_accuracy", "the mean recall of the classes"),
    ("average_precision", "the mean precision down the ranking"),
    (
        "pr_auc",
        "the area under the precision-recall curve by trapezoids",
    ),
    ("brier", "the mean squared error of the probabilities"),
    (
        "expected_calibration_error",
        "how far probabilities lie from what comes true",
    ),
    (
        "max_calibration_error",
        "the same, in the worst of ten bins",
    ),
    ("mcc", "Matthews' correlation of truth and prediction"),
    ("cohen_kappa", "the agreement beyond chance"),
    (
        "cohen_kappa_linear",
        "the same for ordered classes, by their distance",
    ),
    (
        "cohen_kappa_quadratic",
        "the same for ordered classes, by the square of their distance",
    ),
    ("zero_one_loss", "the share of wrong predictions"),
    ("hamming_loss", "the share of wrong labels"),
    (
        "d2_log_loss",
        "how much of the log loss of the shares of the classes is saved",
    ),
    (
        "d2_brier",
        "how much of the Brier score of the shares of the classes is saved",
    ),
    (
        "precision_macro",
        "the share of predicted positives that are positive, the mean over the classes",
    ),
    (
        "precision_micro",
        "the share of predicted positives that are positive, from the counts of all classes together",
    ),
    (
        "precision_weighted",
        "the share of predicted positives that are positive, the mean over the classes by how often they occur",
    ),
    (
        "recall_macro",
        "the share of positives that are found, the mean over the classes",
    ),
    (
        "recall_micro",
        "the share of positives that are found, from the counts of all classes together",
    ),
    (
        "recall_weighted",
        "the share of positives that are found, the mean over the classes by how often they occur",
    ),
    (
        "f1_macro",
        "the harmonic mean of precision and recall, the mean over the classes",
    ),
    (
        "f1_micro",
        "the harmonic mean of precision and recall, from the counts of all classes together",
    ),
    (
        "f1_weighted",
        "the harmonic mean of precision and recall, the mean over the classes by how often they occur",
    ),
    (
        "f2",
        "the F score that gives recall twice the weight of precision",
    ),
    (
        "f2_macro",
        "the F score that gives recall twice the weight of precision, the mean over the classes",
    ),
    (
        "f2_micro",
        "the F score that gives recall twice the weight of precision, from the counts of all classes together",
    ),
    (
        "f2_weighted",
        "the F score that gives recall twice the weight of precision, the mean over the classes by how often they occur",
    ),
    (
        "f0_5",
        "the F score that gives recall half the weight of precision",
    ),
    (
        "f0_5_macro",
        "the F score that gives recall half the weight of precision, the mean over the classes",
    ),
    (
        "f0_5_micro",
        "the F score that gives recall half the weight of precision, from the counts of all classes together",
    ),
    (
        "f0_5_weighted",
        "the F score that gives recall half the weight of precision, the mean over the classes by how often they occur",
    ),
    (
        "jaccard",
        "the share of right ones among predicted and true positives",
    ),
    (
        "jaccard_macro",
        "the share of right ones among predicted and true positives, the mean over the classes",
    ),
    (
        "jaccard_micro",
        "the share of right ones among predicted and true positives, from the counts of all classes together",
    ),
    (
        "jaccard_weighted",
        "the share of right ones among predicted and true positives, the mean over the classes by how often they occur",
    ),
    ("specificity", "the share of negatives that are left alone"),
    (
        "specificity_macro",
        "the share of negatives that are left alone, the mean over the classes",
    ),
    (
        "specificity_micro",
        "the share of negatives that are left alone, from the counts of all classes together",
    ),
    (
        "specificity_weighted",
        "the share of negatives that are left alone, the mean over the classes by how often they occur",
    ),
];

/// Of two classes only.
pub(super) const OF_TWO_CLASSES: [(&str, &str); 7] = [
    ("gini", "twice the area under the ROC curve, less 1"),
    (
        "ks",
        "the greatest distance of the scores of positives and negatives",
    ),
    (
        "false_positive_rate",
        "the share of negatives that are predicted positive",
    ),
    (
        "false_negative_rate",
        "the share of positives that are missed",
    ),
    (
        "negative_predictive_value",
        "the share of predicted negatives that are negative",
    ),
    (
        "positive_likelihood_ratio",
        "how much a positive prediction raises the odds",
    ),
    (
        "negative_likelihood_ratio",
        "how much a negative prediction lowers the odds",
    ),
];

/// Of three or more classes only.
pub(super) const OF_MANY_CLASSES: [(&str, &str); 12] = [
    (
        "top_2_accuracy",
        "the share of rows whose class is among the 2 most probable",
    ),
    (
        "top_3_accuracy",
        "the share of rows whose class is among the 3 most probable",
    ),
    (
        "top_5_accuracy",
        "the share of rows whose class is among the 5 most probable",
    ),
    (
        "top_10_accuracy",
        "the share of rows whose class is among the 10 most probable",
    ),
    (
        "top_20_accuracy",
        "the share of rows whose class is among the 20 most probable",
    ),
    (
        "roc_auc_ovr",
        "the area under the ROC curve of each class against the rest",
    ),
    (
        "roc_auc_ovr_weighted",
        "the same, by how often classes occur",
    ),
    (
        "roc_auc_ovr_micro",
        "the same, of all pairs of row and class",
    ),
    (
        "roc_auc_ovo",
        "the area under the ROC curve of each pair of classes",
    ),
    ("roc_auc_ovo_weighted", "the same, by how often pairs occur"),
    (
        "average_precision_weighted",
        "the mean precision down the ranking, by how often classes occur",
    ),
    (
        "average_precision_micro",
        "the same, of all pairs of row and class",
    ),
];

/// Of numbers.
pub(super) const OF_NUMBERS: [(&str, &str); 30] = [
    ("rmse", "the root of the mean squared error"),
    ("mae", "the mean absolute error"),
    ("r2", "the share of the variance that is explained"),
    ("mse", "the mean squared error"),
    ("median_ae", "the median of the absolute errors"),
    ("max_error", "the greatest absolute error"),
    ("mape", "the mean error as a share of the truth"),
    ("smape", "the mean error as a share of truth and prediction"),
    (
        "wape",
        "the sum of the errors as a share of the sum of the truth",
    ),
    ("msle", "the mean squared error of the logarithms"),
    ("rmsle", "its root"),
    (
        "explained_variance",
        "as r2, but a constant error is forgiven",
    ),
    ("quantile_loss_1", "the pinball loss of the 1st percentile"),
    ("quantile_loss_5", "the pinball loss of the 5th percentile"),
    (
        "quantile_loss_10",
        "the pinball loss of the 10th percentile",
    ),
    (
        "quantile_loss_25",
        "the pinball loss of the 25th percentile",
    ),
    (
        "quantile_loss_50",
        "the pinball loss of the 50th percentile",
    ),
    (
        "quantile_loss_75",
        "the pinball loss of the 75th percentile",
    ),
    (
        "quantile_loss_90",
        "the pinball loss of the 90th percentile",
    ),
    (
        "quantile_loss_95",
        "the pinball loss of the 95th percentile",
    ),
    (
        "quantile_loss_99",
        "the pinball loss of the 99th percentile",
    ),
    ("poisson_deviance", "the deviance of counts"),
    ("gamma_deviance", "the deviance of positive numbers"),
    (
        "tweedie_deviance_1_5",
        "the deviance between both, of power 1.5",
    ),
    (
        "d2_absolute_error",
        "how much of the absolute error of the median is saved",
    ),
    (
        "d2_quantile_loss_10",
        "how much of the pinball loss of the 10th percentile is saved",
    ),
    (
        "d2_quantile_loss_90",
        "how much of the pinball loss of the 90th percentile is saved",
    ),
    (
        "d2_poisson_deviance",
        "how much of the Poisson deviance of the mean is saved",
    ),
    (
        "d2_gamma_deviance",
        "how much of the gamma deviance of the mean is saved",
    ),
    (
        "d2_tweedie_deviance_1_5",
        "how much of the Tweedie deviance of the mean is saved",
    ),
];

/// Of anomalies, whatever is known of them.
pub(super) const OF_ANOMALIES: [(&str, &str); 1] =
    [("flagged_share", "the share of rows that count as anomalies")];

/// Of anomalies where the truth is known; they are metrics of two classes.
pub(super) const OF_KNOWN_ANOMALIES: [(&str, &str); 5] = [
    ("roc_auc", "the area under the ROC curve"),
    ("average_precision", "the mean precision down the ranking"),
    (
        "precision",
        "the share of predicted positives that are positive",
    ),
    ("recall", "the share of positives that are found"),
    ("f1", "the harmonic mean of precision and recall"),
];

/// Of groups.
pub(super) const OF_CLUSTERS: [(&str, &str); 4] = [
    (
        "silhouette",
        "how much nearer rows are to their own group than to the next, -1 to 1",
    ),
    (
        "davies_bouldin",
        "how wide groups are for their distance, 0 at best",
    ),
    (
        "calinski_harabasz",
        "the spread between groups over that within them",
    ),
    (
        "inertia",
        "the sum of the squared distances of rows to their centres",
    ),
];
