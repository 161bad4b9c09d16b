"""Optuna beside Everloop: `peers.py functions GOLDEN OURS N_SEEDS N_TRIALS`, or `peers.py adult PROJECT`."""

import glob
import json
import resource
import sys
import time
import warnings

import numpy
import optuna
from scipy.stats import mannwhitneyu

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def functions(golden, ours, n_seeds, n_trials):
    sys.path.insert(0, golden)
    from functions import FN, suggest

    for name, (values, milliseconds) in json.load(open(ours)).items():
        bests, start = [], time.time()
        for seed in range(int(n_seeds)):
            study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
            study.optimize(lambda trial: FN[name](suggest(name, trial)), n_trials=int(n_trials))
            bests.append(study.best_value)
        theirs = (time.time() - start) * 1000 / int(n_seeds) / int(n_trials)
        worse = mannwhitneyu(values, bests, alternative="greater").pvalue
        median, other = numpy.median(values), numpy.median(bests)
        print(
            f"  {name:<12} median {median:10.5f}, Optuna's TPE {other:10.5f}: {'ok' if median <= other else 'WORSE':<5} "
            f"(p of worse {worse:.3f}; {milliseconds:.2f} and {theirs:.2f} ms a trial)",
            flush=True,
        )


def adult(project):
    import lightgbm
    import pandas
    from sklearn.metrics import roc_auc_score

    [parts] = glob.glob(f"{project}/.everloop/cache/prepare/*/")
    tables = [pandas.read_parquet(f"{parts}{part}.parquet") for part in ("train", "validation")]
    texts = [name for name in tables[0].columns if not pandas.api.types.is_numeric_dtype(tables[0][name]) and name != "income"]
    kinds = {name: pandas.CategoricalDtype(sorted(tables[0][name].dropna().unique())) for name in texts}
    (x, y), (x_new, y_new) = [
        (table.drop(columns="income").astype(kinds), (table["income"] == ">50K").astype(int)) for table in tables
    ]

    def score(trial):
        model = lightgbm.LGBMClassifier(
            n_estimators=trial.suggest_int("n_estimators", 50, 400),
            learning_rate=trial.suggest_float("learning_rate", 0.01, 0.3, log=True),
            num_leaves=trial.suggest_int("num_leaves", 7, 127, log=True),
            min_child_samples=trial.suggest_int("min_child_samples", 5, 100, log=True),
            reg_lambda=trial.suggest_float("reg_lambda", 0.001, 10, log=True),
            subsample=trial.suggest_float("subsample", 0.5, 1.0),
            subsample_freq=1,
            colsample_bytree=trial.suggest_float("colsample_bytree", 0.5, 1.0),
            n_jobs=2,
            verbose=-1,
        )
        return roc_auc_score(y_new, model.fit(x, y).predict_proba(x_new)[:, 1])

    start = time.time()
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(score, n_trials=40)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"Optuna with LightGBM: {time.time() - start:.1f} s ({used.ru_utime + used.ru_stime:.1f} s of CPU), "
        f"best ROC AUC {study.best_value:.5f}"
    )


{"functions": functions, "adult": adult}[sys.argv[1]](*sys.argv[2:])
