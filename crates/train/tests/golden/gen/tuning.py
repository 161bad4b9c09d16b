"""Golden numbers of Optuna 5 for `tests/suite/tuning.rs`: python gen/tuning.py > tuning.json (numpy, optuna==5.0.0)."""

import json
import math
import warnings

import numpy
import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)

N_TRIALS, N_SEEDS = 50, 40


def branin(trial):
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    b, c, t = 5.1 / (4 * math.pi**2), 5 / math.pi, 1 / (8 * math.pi)
    return (y - b * x * x + c * x - 6) ** 2 + 10 * (1 - t) * math.cos(x) + 10


def ackley5(trial):
    x = [trial.suggest_float(f"x{at}", -10, 15) for at in range(5)]
    square = sum(value * value for value in x) / 5
    waves = sum(math.cos(2 * math.pi * value) for value in x) / 5
    return -20 * math.exp(-0.2 * math.sqrt(square)) - math.exp(waves) + 20 + math.e


def mixed(trial):
    rate = math.log10(trial.suggest_float("lr", 1e-6, 1, log=True))
    match trial.suggest_categorical("algo", ["a", "b", "c"]):
        case "a":
            width = trial.suggest_int("width", 8, 512, log=True)
            return 0.5 + (rate + 2) ** 2 * 0.3 + (width - 64) ** 2 / 4096
        case "b":
            return (rate + 3) ** 2 * 0.3 + ((trial.suggest_int("depth", 1, 20) - 7) / 5) ** 2
    return 1 + 0.05 * abs(rate + 1) + (0.2 if trial.suggest_categorical("flag", [True, False]) else 0)


def bests(function, sampler):
    found = []
    for seed in range(N_SEEDS):
        study = optuna.create_study(sampler=sampler(seed=seed))
        study.optimize(function, n_trials=N_TRIALS)
        found.append(round(study.best_value, 6))
    return found


def curves():
    """Errors by step, as of training: each falls at its own speed to its own end, with noise."""
    chance = numpy.random.default_rng(5)
    steps = numpy.arange(1, 28)
    rows = []
    for _ in range(60):
        end, fall, speed = chance.uniform(0.05, 0.5), chance.uniform(0.1, 0.9), 10 ** chance.uniform(-1.5, 0)
        row = end + fall * numpy.exp(-speed * steps) + chance.normal(0, 0.01, len(steps))
        rows.append([round(float(value), 4) for value in row])
    return rows


def steps_used(rows, pruner, direction):
    study = optuna.create_study(pruner=pruner, direction=direction, sampler=optuna.samplers.RandomSampler(seed=0))
    used = []
    sign = 1 if direction == "minimize" else -1
    for row in rows:
        trial = study.ask()
        for step, value in enumerate(row, start=1):
            trial.report(sign * value, step)
            if trial.should_prune():
                used.append(step)
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            used.append(len(row))
            study.tell(trial, sign * row[-1])
    return used


def main():
    rows = curves()
    pruners = optuna.pruners
    table = {
        "median": pruners.MedianPruner(),
        "median_after_5_steps": pruners.MedianPruner(n_startup_trials=8, n_warmup_steps=5),
        "halving_1_3": pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
        "halving_2_4": pruners.SuccessiveHalvingPruner(min_resource=2, reduction_factor=4),
    }
    functions = {"branin": branin, "ackley5": ackley5, "mixed": mixed}
    samplers = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}
    golden = {
        "optuna": optuna.__version__,
        "n_trials": N_TRIALS,
        "bests": {
            name: {sampler: bests(function, make) for sampler, make in samplers.items()} for name, function in functions.items()
        },
        "curves": rows,
        "steps_used": {name: steps_used(rows, pruner, "minimize") for name, pruner in table.items()},
        "steps_used_upwards": {name: steps_used(rows, pruner, "maximize") for name, pruner in table.items()},
    }
    print(json.dumps(golden))


if __name__ == "__main__":
    main()
