"""Golden numbers of scikit-learn for `nearest`, `naive_bayes`, `isolation_forest` and `kmeans`.

    python gen/simple.py > simple.json

Made with scikit-learn 1.9 and NumPy 2. Columns are scaled as Everloop scales them: to mean 0 and deviation 1 of the
train rows. Categories are those of the train rows.
"""

import json

import numpy as np
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, roc_auc_score, silhouette_score
from sklearn.naive_bayes import CategoricalNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

rng = np.random.default_rng(5)


def table(n):
    x = rng.normal(size=(n, 3)) * [1.0, 30.0, 0.01] + [0.0, 500.0, 2.0]
    color = rng.choice(["red", "green", "blue"], size=n, p=[0.5, 0.3, 0.2])
    flag = rng.random(n) < 0.4
    z = x[:, 0] + (x[:, 1] - 500) / 30 + 2 * (color == "red") + flag + 0.3 * rng.normal(size=n)
    level = np.where(z < 0, "low", np.where(z < 2, "mid", "top"))
    return {"x": x, "color": color, "flag": flag, "amount": z * 10, "level": level,
            "answer": np.where(z < 1, "no", "yes"), "weight": rng.integers(1, 4, size=n).astype(float)}


train, test = table(120), table(40)
scaler = StandardScaler().fit(train["x"])
scaled = {"train": scaler.transform(train["x"]), "test": scaler.transform(test["x"])}


def columns(rows):
    out = {f"x{i}": rows["x"][:, i].tolist() for i in range(3)}
    for name in ["color", "flag", "amount", "level", "answer", "weight"]:
        out[name] = rows[name].tolist()
    return out


nearest = []
for metric in ["euclidean", "manhattan", "cosine"]:
    for weights in ["uniform", "distance"]:
        for k in [1, 5, 12]:
            settings = {"n_neighbors": k, "weights": weights, "metric": metric}
            case = {"k": k, "weights": weights, "metric": metric}
            found = KNeighborsRegressor(**settings).fit(scaled["train"], train["amount"])
            case["amount"] = found.predict(scaled["test"]).tolist()
            for target in ["answer", "level"]:
                found = KNeighborsClassifier(**settings).fit(scaled["train"], train[target])
                case[target] = found.predict_proba(scaled["test"]).tolist()
            nearest.append(case)


def joint(target, smoothing, weights):
    """Log densities of numbers and of categories, the prior once."""
    numbers = GaussianNB().fit(scaled["train"], train[target], sample_weight=weights)
    encoder = OrdinalEncoder()
    texts = {name: np.column_stack([rows["color"], rows["flag"].astype(str)])
             for name, rows in [("train", train), ("test", test)]}
    categories = CategoricalNB(alpha=smoothing)
    categories.fit(encoder.fit_transform(texts["train"]).astype(int), train[target], sample_weight=weights)
    both = numbers.predict_joint_log_proba(scaled["test"])
    both += categories.predict_joint_log_proba(encoder.transform(texts["test"]).astype(int))
    both -= np.log(numbers.class_prior_)
    shares = np.exp(both - both.max(axis=1, keepdims=True))
    return (shares / shares.sum(axis=1, keepdims=True)).tolist()


naive_bayes = []
for smoothing in [1.0, 0.01]:
    for weighted in [False, True]:
        case = {"smoothing": smoothing, "weighted": weighted}
        for target in ["answer", "level"]:
            case[target] = joint(target, smoothing, train["weight"] if weighted else None)
        naive_bayes.append(case)

# A cloud with strangers; the last train rows are strangers, too.
inside = rng.normal(size=(600, 4)) * [1, 2, 0.5, 10]
strange = rng.uniform(-8, 8, size=(40, 4)) * [1, 2, 0.5, 10]
seen = np.vstack([inside[:400], strange[:20]])
fresh = np.vstack([inside[400:], strange[20:]])
truth = np.r_[np.zeros(200), np.ones(20)]
forests = [IsolationForest(n_estimators=100, random_state=seed, contamination=0.05).fit(seen) for seed in range(10)]
scores = np.array([-forest.score_samples(fresh) for forest in forests])
anomalies = {
    "train": seen.tolist(), "test": fresh.tolist(), "truth": truth.tolist(),
    "mean_score": scores.mean(axis=0).tolist(),
    "auc": [roc_auc_score(truth, own) for own in scores],
    "share_flagged": [float((forest.predict(fresh) == -1).mean()) for forest in forests],
}

groups = np.vstack([rng.normal(loc=place, size=(60, 3)) for place in [[0, 0, 0], [6, 0, 3], [0, 7, 0], [5, 6, -4]]])
scaled_groups = StandardScaler().fit_transform(groups)
found = KMeans(4, n_init=10, random_state=0).fit(scaled_groups)
clusters = {
    "rows": groups.tolist(), "labels": found.labels_.tolist(), "inertia": found.inertia_,
    "silhouette": silhouette_score(scaled_groups, found.labels_),
    "davies_bouldin": davies_bouldin_score(scaled_groups, found.labels_),
    "calinski_harabasz": calinski_harabasz_score(scaled_groups, found.labels_),
}

print(json.dumps({"train": columns(train), "test": columns(test), "nearest": nearest,
                  "naive_bayes": naive_bayes, "anomalies": anomalies, "clusters": clusters}))
