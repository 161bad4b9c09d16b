//! The table of all metrics.

use super::{Compute, Entry, Suits};
use crate::averages::Average::{Macro, Micro, Usual, Weighted};
use crate::averages::Rate::{F, Jaccard, Precision, Recall, Specificity};
use crate::averages::{Average, Rate};
use crate::classification::Distance;
use crate::ranks::ClassAverage;
use crate::{Error, Outcomes};
use crate::{calibration, classification, deviance, probabilistic, quantile, ranks, regression};

pub(super) static TABLES: [&[Entry]; 5] = [
    &OF_CLASSES,
    &RATES,
    &OF_PROBABILITIES,
    &OF_NUMBERS,
    &OF_DISTRIBUTIONS,
];

type Number = fn(&Outcomes<'_>) -> Result<f64, Error>;

const fn of(suits: Suits, name: &'static str, compute: Number) -> Entry {
    Entry {
        name,
        suits,
        is_loss: false,
        needs_probabilities: false,
        takes_weights: true,
        compute: Compute::Of(compute),
    }
}

const fn classes(name: &'static str, compute: Number) -> Entry {
    of(Suits::Classes, name, compute)
}

const fn binary(name: &'static str, compute: Number) -> Entry {
    of(Suits::Binary, name, compute)
}

const fn multiclass(name: &'static str, compute: Number) -> Entry {
    of(Suits::Multiclass, name, compute)
}

const fn numbers(name: &'static str, compute: Number) -> Entry {
    of(Suits::Numbers, name, compute)
}

const fn rate(name: &'static str, rate: Rate, average: Average) -> Entry {
    Entry {
        name,
        suits: Suits::Classes,
        is_loss: false,
        needs_probabilities: false,
        takes_weights: true,
        compute: Compute::Rate(rate, average),
    }
}

impl Entry {
    const fn loss(self) -> Self {
        Self {
            is_loss: true,
            ..self
        }
    }

    const fn ranked(self) -> Self {
        Self {
            needs_probabilities: true,
            ..self
        }
    }

    const fn unweighted(self) -> Self {
        Self {
            takes_weights: false,
            ..self
        }
    }
}

static OF_CLASSES: [Entry; 13] = [
    classes("accuracy", |it| Ok(classification::accuracy(it))),
    classes("balanced_accuracy", |it| {
        Ok(classification::balanced_accuracy(it))
    }),
    classes("zero_one_loss", |it| Ok(1.0 - classification::accuracy(it))).loss(),
    classes("hamming_loss", |it| Ok(1.0 - classification::accuracy(it))).loss(),
    classes("mcc", |it| Ok(classification::matthews(it))),
    classes("cohen_kappa", |it| {
        classification::cohen_kappa(it, Distance::Same)
    }),
    classes("cohen_kappa_linear", |it| {
        classification::cohen_kappa(it, Distance::Linear)
    }),
    classes("cohen_kappa_quadratic", |it| {
        classification::cohen_kappa(it, Distance::Quadratic)
    }),
    binary("false_positive_rate", |it| {
        Ok(classification::false_positive_rate(it))
    })
    .loss(),
    binary("false_negative_rate", |it| {
        Ok(classification::false_negative_rate(it))
    })
    .loss(),
    binary("negative_predictive_value", |it| {
        Ok(classification::negative_predictive_value(it))
    }),
    binary(
        "positive_likelihood_ratio",
        classification::positive_likelihood_ratio,
    ),
    binary(
        "negative_likelihood_ratio",
        classification::negative_likelihood_ratio,
    )
    .loss(),
];

static RATES: [Entry; 28] = [
    rate("precision", Precision, Usual),
    rate("precision_macro", Precision, Macro),
    rate("precision_micro", Precision, Micro),
    rate("precision_weighted", Precision, Weighted),
    rate("recall", Recall, Usual),
    rate("recall_macro", Recall, Macro),
    rate("recall_micro", Recall, Micro),
    rate("recall_weighted", Recall, Weighted),
    rate("f1", F(1.0), Usual),
    rate("f1_macro", F(1.0), Macro),
    rate("f1_micro", F(1.0), Micro),
    rate("f1_weighted", F(1.0), Weighted),
    rate("f2", F(2.0), Usual),
    rate("f2_macro", F(2.0), Macro),
    rate("f2_micro", F(2.0), Micro),
    rate("f2_weighted", F(2.0), Weighted),
    rate("f0_5", F(0.5), Usual),
    rate("f0_5_macro", F(0.5), Macro),
    rate("f0_5_micro", F(0.5), Micro),
    rate("f0_5_weighted", F(0.5), Weighted),
    rate("jaccard", Jaccard, Usual),
    rate("jaccard_macro", Jaccard, Macro),
    rate("jaccard_micro", Jaccard, Micro),
    rate("jaccard_weighted", Jaccard, Weighted),
    rate("specificity", Specificity, Usual),
    rate("specificity_macro", Specificity, Macro),
    rate("specificity_micro", Specificity, Micro),
    rate("specificity_weighted", Specificity, Weighted),
];

static OF_PROBABILITIES: [Entry; 23] = [
    classes("roc_auc", |it| ranks::roc_auc(it, ClassAverage::Macro)).ranked(),
    multiclass("roc_auc_ovr", |it| ranks::roc_auc(it, ClassAverage::Macro)).ranked(),
    multiclass("roc_auc_ovr_weighted", |it| {
        ranks::roc_auc(it, ClassAverage::Weighted)
    })
    .ranked(),
    multiclass("roc_auc_ovr_micro", |it| {
        ranks::roc_auc(it, ClassAverage::Micro)
    })
    .ranked(),
    multiclass("roc_auc_ovo", |it| ranks::roc_auc_of_pairs(it, false))
        .ranked()
        .unweighted(),
    multiclass("roc_auc_ovo_weighted", |it| {
        ranks::roc_auc_of_pairs(it, true)
    })
    .ranked()
    .unweighted(),
    binary("gini", |it| {
        Ok(2.0 * ranks::roc_auc(it, ClassAverage::Macro)? - 1.0)
    })
    .ranked(),
    binary("ks", ranks::ks).ranked(),
    classes("average_precision", |it| {
        ranks::average_precision(it, ClassAverage::Macro)
    })
    .ranked(),
    multiclass("average_precision_weighted", |it| {
        ranks::average_precision(it, ClassAverage::Weighted)
    })
    .ranked(),
    multiclass("average_precision_micro", |it| {
        ranks::average_precision(it, ClassAverage::Micro)
    })
    .ranked(),
    classes("pr_auc", ranks::pr_auc).ranked(),
    classes("log_loss", probabilistic::log_loss).ranked().loss(),
    classes("brier", probabilistic::brier).ranked().loss(),
    classes("d2_log_loss", probabilistic::d2_log_loss).ranked(),
    classes("d2_brier", probabilistic::d2_brier).ranked(),
    classes("expected_calibration_error", calibration::expected_error)
        .ranked()
        .loss(),
    classes("max_calibration_error", calibration::max_error)
        .ranked()
        .loss(),
    multiclass("top_2_accuracy", |it| probabilistic::top_k_accuracy(it, 2)).ranked(),
    multiclass("top_3_accuracy", |it| probabilistic::top_k_accuracy(it, 3)).ranked(),
    multiclass("top_5_accuracy", |it| probabilistic::top_k_accuracy(it, 5)).ranked(),
    multiclass("top_10_accuracy", |it| {
        probabilistic::top_k_accuracy(it, 10)
    })
    .ranked(),
    multiclass("top_20_accuracy", |it| {
        probabilistic::top_k_accuracy(it, 20)
    })
    .ranked(),
];

static OF_NUMBERS: [Entry; 12] = [
    numbers("rmse", |it| Ok(regression::mse(it).sqrt())).loss(),
    numbers("mae", |it| Ok(regression::mae(it))).loss(),
    numbers("r2", |it| Ok(regression::r2(it))),
    numbers("mse", |it| Ok(regression::mse(it))).loss(),
    numbers("median_ae", |it| Ok(quantile::median_absolute_error(it))).loss(),
    numbers("max_error", |it| Ok(regression::max_error(it)))
        .loss()
        .unweighted(),
    numbers("mape", |it| Ok(regression::mape(it))).loss(),
    numbers("smape", |it| Ok(regression::smape(it))).loss(),
    numbers("wape", regression::wape).loss(),
    numbers("msle", regression::msle).loss(),
    numbers("rmsle", |it| Ok(regression::msle(it)?.sqrt())).loss(),
    numbers("explained_variance", |it| {
        Ok(regression::explained_variance(it))
    }),
];

static OF_DISTRIBUTIONS: [Entry; 18] = [
    numbers("quantile_loss_1", |it| Ok(quantile::pinball(it, 0.01))).loss(),
    numbers("quantile_loss_5", |it| Ok(quantile::pinball(it, 0.05))).loss(),
    numbers("quantile_loss_10", |it| Ok(quantile::pinball(it, 0.1))).loss(),
    numbers("quantile_loss_25", |it| Ok(quantile::pinball(it, 0.25))).loss(),
    numbers("quantile_loss_50", |it| Ok(quantile::pinball(it, 0.5))).loss(),
    numbers("quantile_loss_75", |it| Ok(quantile::pinball(it, 0.75))).loss(),
    numbers("quantile_loss_90", |it| Ok(quantile::pinball(it, 0.9))).loss(),
    numbers("quantile_loss_95", |it| Ok(quantile::pinball(it, 0.95))).loss(),
    numbers("quantile_loss_99", |it| Ok(quantile::pinball(it, 0.99))).loss(),
    numbers("poisson_deviance", |it| deviance::tweedie(it, 1.0)).loss(),
    numbers("gamma_deviance", |it| deviance::tweedie(it, 2.0)).loss(),
    numbers("tweedie_deviance_1_5", |it| deviance::tweedie(it, 1.5)).loss(),
    numbers("d2_absolute_error", |it| Ok(quantile::d2(it, 0.5))),
    numbers("d2_quantile_loss_10", |it| Ok(quantile::d2(it, 0.1))),
    numbers("d2_quantile_loss_90", |it| Ok(quantile::d2(it, 0.9))),
    numbers("d2_poisson_deviance", |it| deviance::d2(it, 1.0)),
    numbers("d2_gamma_deviance", |it| deviance::d2(it, 2.0)),
    numbers("d2_tweedie_deviance_1_5", |it| deviance::d2(it, 1.5)),
];
